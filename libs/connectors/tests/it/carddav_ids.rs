//! The id that is on a card: it is handed on to a new one, and never changed.

use syncline_connector::{Connector as _, Create, Kind};
use syncline_model::{Fields, OperationId, RemoteId};

use super::carddav::{Dav, fields};
use super::dav_server::Software;

async fn create(dav: &Dav, number: u128, values: Fields) -> RemoteId {
    let item = Create {
        operation: OperationId::from_uuid(uuid::Uuid::from_u128(number)),
        intended_at: "2026-03-01T00:00:00Z".parse().expect("a time"),
        fields: values,
    };
    let (connector, collection) = (&dav.connector, dav.collection());
    let made = connector.create(&dav.session, &collection, &[item]).await;
    let made = made.into_iter().next().expect("an outcome");
    made.expect("made").id
}

async fn uid(dav: &Dav, id: &RemoteId) -> String {
    let card = dav.server.card(id.as_str()).await;
    let mut lines = card.lines();
    let uid = lines.find_map(|line| line.strip_prefix("UID:"));
    uid.expect("an id").to_owned()
}

async fn ids_are_kept(software: Software) {
    let dav = Dav::start(software).await;
    let named = |id: &str| fields([("n.given", "Ada".into()), ("uid", id.into())]);
    let first = create(&dav, 1, named("urn:uuid:a-b")).await;
    assert_eq!(uid(&dav, &first).await, "urn:uuid:a-b");
    // Again, since the answer was lost: the same card.
    assert_eq!(create(&dav, 1, named("urn:uuid:a-b")).await, first);
    // What is no id is none.
    for (number, odd) in (2..).zip(["", " ", "two\nlines", &"x".repeat(300)]) {
        let id = create(&dav, number, named(odd)).await;
        let own = OperationId::from_uuid(uuid::Uuid::from_u128(number));
        assert_eq!(uid(&dav, &id).await, own.to_string());
    }
    // Another one of the same id, whether the server minds or not.
    let twin = create(&dav, 9, named("urn:uuid:a-b")).await;
    assert_ne!(twin, first);
    let pulled = dav.pull(None).await.expect("a pull");
    assert_eq!(pulled.present.len(), 6);
    let record = pulled.present.iter().find(|record| record.id == first);
    let record = record.expect("the first");
    assert_eq!(record.value(&"uid".into()).as_text(), Some("urn:uuid:a-b"));
    let changed = dav.update(record, fields([("uid", "other".into())])).await;
    assert_eq!(changed.expect_err("a refusal").kind, Kind::Rejected);
    assert_eq!(uid(&dav, &first).await, "urn:uuid:a-b");
}

#[tokio::test]
async fn ids_are_kept_at_radicale() {
    ids_are_kept(Software::Radicale).await;
}

#[tokio::test]
async fn ids_are_kept_at_xandikos() {
    ids_are_kept(Software::Xandikos).await;
}
