//! What only Mailchimp does: consent, the archive, and what was deleted for good.

use serde_json::{Value as Json, json};
use syncline_connector::conformance::Probe;
use syncline_connector::{Change, Connector, Create, Cursor, Kind, Next, Pull, Update};
use syncline_model::{Fields, OperationId, RemoteId, Value};

use super::bench::kinds;
use super::mailchimp_support::Audience;

/// Creates a contact of that address and name, or is told why not.
async fn create(audience: &Audience, email: &str, more: Fields) -> Result<RemoteId, Kind> {
    let mut fields = more;
    fields.insert("email_address".into(), email.into());
    let item = Create {
        operation: OperationId::from_uuid(uuid::Uuid::from_u128(1)),
        intended_at: audience.now(),
        fields,
    };
    let made = audience
        .connector
        .create(&audience.session, &audience.collection(), &[item])
        .await;
    let made = made.into_iter().next().expect("an outcome");
    made.map(|written| written.id).map_err(|error| error.kind)
}

async fn set_opt_out(audience: &Audience, id: &RemoteId, value: Value) -> Option<Kind> {
    let item = Update {
        id: id.clone(),
        version: None,
        changes: [("email_opt_out".into(), value)].into(),
    };
    let done = audience.connector.update(&audience.session, &[item]).await;
    kinds(&done).into_iter().next().flatten()
}

fn status(audience: &Audience, id: &RemoteId) -> Json {
    audience.native(id)["status"].clone()
}

async fn pull(audience: &Audience, cursor: Option<&Cursor>) -> (Vec<Change>, Cursor, bool) {
    let mut request = Pull {
        collection: audience.collection(),
        cursor: cursor.cloned(),
        page: None,
        fields: vec!["FNAME".into()],
    };
    let mut changes = Vec::new();
    loop {
        let page = audience.connector.pull(&audience.session, &request).await;
        let page = page.expect("a page");
        changes.extend(page.changes);
        match page.next {
            Next::Page(next) => request.page = Some(next),
            Next::End {
                cursor,
                complete_listing,
            } => return (changes, cursor, complete_listing),
        }
    }
}

/// Whoever is there already stays as they are, and is named.
#[tokio::test]
async fn a_creation_changes_nobody_who_is_there() {
    let audience = Audience::start().await;
    for (name, status_of) in [
        ("unsubscribe", "unsubscribed"),
        ("clean", "cleaned"),
        ("resubscribe", "subscribed"),
    ] {
        let email = format!("{status_of}@mail.example");
        let id = audience.person(&email);
        audience.act(name, &id);
        let before = audience.native(&id);
        let mut fields = Fields::from([("FNAME".into(), "Ada".into())]);
        fields.insert("email_address".into(), email.to_uppercase().into());
        let item = Create {
            operation: OperationId::from_uuid(uuid::Uuid::from_u128(1)),
            intended_at: audience.now(),
            fields,
        };
        let (connector, session) = (&audience.connector, &audience.session);
        let (collection, items) = (audience.collection(), [item]);
        let made = connector.create(session, &collection, &items).await;
        let error = made.into_iter().next().expect("an outcome");
        let error = error.expect_err("a refusal");
        assert_eq!(
            (error.kind, error.existing),
            (Kind::Rejected, Some(id.clone()))
        );
        assert_eq!(audience.native(&id), before);
    }
}

#[tokio::test]
async fn who_opted_out_elsewhere_is_made_unsubscribed_and_kept_so() {
    let audience = Audience::start().await;
    let out = || Fields::from([("email_opt_out".into(), Value::Bool(true))]);
    let new = create(&audience, "new@mail.example", out()).await;
    assert_eq!(status(&audience, &new.expect("made")), "unsubscribed");
    let plain = create(&audience, "plain@mail.example", Fields::new()).await;
    assert_eq!(status(&audience, &plain.expect("made")), "transactional");
    let wants = Fields::from([("email_opt_out".into(), Value::Bool(false))]);
    let wants = create(&audience, "wants@mail.example", wants).await;
    assert_eq!(status(&audience, &wants.expect("made")), "subscribed");
}

#[tokio::test]
async fn an_opt_out_is_written_and_never_taken_back_against_the_person() {
    let audience = Audience::start().await;
    let id = audience.person("ada@mail.example");
    assert_eq!(set_opt_out(&audience, &id, Value::Bool(true)).await, None);
    assert_eq!(status(&audience, &id), "unsubscribed");
    for no in [Value::Bool(false), Value::Empty] {
        assert_eq!(set_opt_out(&audience, &id, no).await, Some(Kind::Rejected));
        assert_eq!(status(&audience, &id), "unsubscribed");
    }
    audience.act("clean", &id);
    assert_eq!(set_opt_out(&audience, &id, Value::Bool(true)).await, None);
    let back = set_opt_out(&audience, &id, Value::Bool(false)).await;
    assert_eq!(back, Some(Kind::Rejected));
    assert_eq!(status(&audience, &id), "cleaned");
}

#[tokio::test]
async fn who_is_archived_or_forgotten_is_not_brought_back() {
    let audience = Audience::start().await;
    let archived = audience.person("archived@mail.example");
    audience.remove(&archived).await;
    let again = create(&audience, "archived@mail.example", Fields::new()).await;
    assert_eq!(again, Err(Kind::Rejected));
    assert_eq!(status(&audience, &archived), "archived");
    let forgotten = audience.person("forgotten@mail.example");
    audience.act("forget", &forgotten);
    let again = create(&audience, "forgotten@mail.example", Fields::new()).await;
    assert_eq!(again, Err(Kind::Rejected));
}

#[tokio::test]
async fn what_is_deleted_for_good_is_missed_in_the_next_full_listing() {
    let audience = Audience::start().await;
    let id = audience.person("gone@mail.example");
    audience.settle().await;
    let (listed, cursor, complete) = pull(&audience, None).await;
    assert!(complete && listed.len() == 2, "{listed:?}");
    audience.act("forget", &id);
    let (changes, cursor, complete) = pull(&audience, Some(&cursor)).await;
    assert!(changes.is_empty() && !complete);
    audience.advance(86_401);
    let request = Pull {
        collection: audience.collection(),
        cursor: Some(cursor),
        page: None,
        fields: Vec::new(),
    };
    let due = audience.connector.pull(&audience.session, &request).await;
    assert_eq!(due.expect_err("old").kind, Kind::CursorExpired);
    let (listed, _, complete) = pull(&audience, None).await;
    assert!(complete && listed.len() == 1, "{listed:?}");
}

#[tokio::test]
async fn a_contact_stays_the_same_when_its_address_changes() {
    let audience = Audience::start().await;
    let id = audience.person("old@mail.example");
    audience.settle().await;
    let (_, cursor, _) = pull(&audience, None).await;
    audience.settle().await;
    audience.change(&id, &json!({"email_address": "new@mail.example"}));
    audience.settle().await;
    let (changes, ..) = pull(&audience, Some(&cursor)).await;
    let [Change::Present { record, .. }] = changes.as_slice() else {
        panic!("{changes:?}");
    };
    assert_eq!(record.id, id);
    assert_eq!(
        *record.value(&"email_address".into()),
        Value::text("new@mail.example")
    );
}
