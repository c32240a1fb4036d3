//! The Creatio connector against the sandbox: what makes a row missing, and who made one.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};
use syncline_connector::{Connector, Kind};
use syncline_model::RemoteId;
use syncline_sandbox::core::faults::Fault;

use super::creatio_support::Creatio;

/// An answer of another making.
fn page(status: u16, body: Json) -> Fault {
    Fault::Status {
        status,
        body: Some(body),
        headers: BTreeMap::new(),
    }
}

/// What stands before a site, or at another address, says 404 as well.
#[tokio::test]
async fn only_creatio_itself_makes_a_contact_missing() {
    let creatio = Creatio::start().await;
    let [ann, gone] = ["Ann", "Gone"].map(|name| creatio.make(&json!({ "Name": name })));
    creatio.drop_contact(&gone);
    let (list, one) = ("GET /0/odata/Contact", "GET /0/odata/Contact({id})");
    let get = async |id: &RemoteId| {
        let ids = std::slice::from_ref(id);
        let read = creatio.connector.get(&creatio.session, ids, &[]).await;
        read.map(|mut found| found.remove(0).is_some())
            .map_err(|error| error.kind)
    };
    assert_eq!((get(&ann).await, get(&gone).await), (Ok(true), Ok(false)));
    // Nothing but a 404, whatever is asked for.
    for body in [json!("<html>"), json!({"error": "no such page"})] {
        for id in [&ann, &gone] {
            creatio.fault(list, page(404, body.clone()));
            assert_eq!(get(id).await, Err(Kind::Unavailable));
        }
        creatio.fault(list, page(404, body));
        assert_eq!(creatio.pull(None).await.err(), Some(Kind::Unavailable));
    }
    // A list that is one of something else.
    creatio.fault(list, page(200, json!({"value": [], "@odata.count": 0})));
    assert_eq!(get(&ann).await, Err(Kind::Malformed));
    // A 404 for somebody whom the list has: half of the first list is lost.
    let bob = creatio.make(&json!({"Name": "Bob"}));
    let both = [ann, bob];
    creatio.fault(list, Fault::TruncateListing);
    creatio.fault(one, page(404, json!("<html>")));
    let read = creatio.connector.get(&creatio.session, &both, &[]).await;
    assert_eq!(read.expect_err("no answer").kind, Kind::Unavailable);
    let read = creatio.connector.get(&creatio.session, &both, &[]).await;
    assert!(read.expect("an answer").iter().all(Option::is_some));
}

/// Not all builds say in the answer to an insert who made it.
#[tokio::test]
async fn who_we_are_is_asked_for_where_an_insert_does_not_say_it() {
    let creatio = Creatio::start().await;
    let identity = async || {
        let found = creatio.connector.identity(&creatio.session).await;
        found.expect("an identity").subject
    };
    let told = identity().await;
    creatio.knobs(&json!({"inserts_tell_who": false}));
    assert_eq!(identity().await, told);
    assert!(
        told.ends_with("#410006e1-ca4e-4502-a9ec-e54d922d2c00"),
        "{told}"
    );
    let tags = creatio.connector.collections(&creatio.session).await;
    assert_eq!(tags.expect("collections").len(), 1, "no probe is left");
    // Nor who made a row at all: then it is nobody's account.
    let nobody = json!({"Id": "x", "CreatedById": "00000000-0000-0000-0000-000000000000"});
    creatio.fault("GET /0/odata/ContactTag({id})", page(200, nobody));
    let refused = creatio.connector.identity(&creatio.session).await;
    assert_eq!(refused.expect_err("a refusal").kind, Kind::Malformed);
}
