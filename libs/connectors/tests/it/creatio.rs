//! The Creatio connector against the sandbox: what only this provider does.

use serde_json::json;
use syncline_connector::{Change, Connector, Kind, Pull, Update};
use syncline_model::{FieldName, Kind as Holds, RemoteId, Value};
use syncline_sandbox::core::faults::Fault;
use syncline_sandbox::core::provider::NewAccount;

use super::bench::{Bench, kinds};
use super::creatio_support::{BATCH, Creatio, EMAIL, address, create, fields, text};

fn ids(records: &[syncline_model::Record]) -> Vec<RemoteId> {
    let mut ids: Vec<_> = records.iter().map(|record| record.id.clone()).collect();
    ids.sort();
    ids
}

fn sorted(mut ids: Vec<RemoteId>) -> Vec<RemoteId> {
    ids.sort();
    ids
}

#[tokio::test]
async fn private_tags_of_the_users_own_are_the_collections() {
    let creatio = Creatio::start().await;
    let mine = creatio.tag("Google synchronization");
    for other in [
        json!({"name": "Theirs", "colleague": true}),
        json!({"name": "Public", "type": "Public"}),
        json!({"name": "Corporate", "type": "Corporate"}),
    ] {
        creatio.action("tag", &other);
    }
    let found = creatio.connector.collections(&creatio.session).await;
    let found: Vec<_> = found
        .expect("collections")
        .into_iter()
        .map(|one| (one.id, one.name))
        .collect();
    let want = [
        ("all".to_owned(), "All contacts".to_owned()),
        (format!("tag:{mine}"), "Google synchronization".to_owned()),
    ];
    assert_eq!(found, want);
}

#[tokio::test]
async fn sites_that_are_copies_are_different_accounts() {
    let creatio = Creatio::start().await;
    let new = NewAccount {
        email: "other@site.example".into(),
        ..NewAccount::default()
    };
    let one = creatio
        .connector
        .identity(&creatio.session)
        .await
        .expect("an identity");
    assert!(one.label.starts_with("Kim Lee ("), "{}", one.label);
    let other = Bench::open(
        Bench::sandbox().await,
        "creatio",
        &new,
        &creatio.connector,
        Vec::new(),
    );
    let other = creatio
        .connector
        .identity(&other.session)
        .await
        .expect("an identity");
    assert_ne!(one.subject, other.subject);
}

#[tokio::test]
async fn a_build_on_net_is_typed_with_its_service() {
    let creatio = Creatio::start().await;
    let new = NewAccount {
        email: "core@site.example".into(),
        edition: Some("netcore".into()),
        ..NewAccount::default()
    };
    let core = Bench::open(
        Bench::sandbox().await,
        "creatio",
        &new,
        &creatio.connector,
        Vec::new(),
    );
    let refused = creatio
        .connector
        .identity(&core.session)
        .await
        .expect_err("a refusal");
    assert!(refused.message.contains("/odata"), "{refused}");
    let typed = core.at_server(&creatio.connector, "/odata");
    creatio
        .connector
        .identity(&typed)
        .await
        .expect("an identity");
}

#[tokio::test]
async fn what_its_contact_does_not_tell_is_found_all_the_same() {
    let creatio = Creatio::start().await;
    let ann = creatio.make(&json!({"Name": "Ann Lee", "Email": "ann@x.example"}));
    let second = creatio.communication(&ann, EMAIL, "second@x.example");
    let home = json!({"ContactId": ann.as_str(), "Address": "Street 1", "Primary": true});
    let home = creatio.row("ContactAddress", &home);
    creatio.advance(600);
    let mut last = creatio.pull(None).await.expect("a pull");
    assert!(last.complete);
    for (entity, id, row, field) in [
        (
            "ContactCommunication",
            &second,
            json!({"Number": "new@x.example"}),
            "email.home",
        ),
        (
            "ContactAddress",
            &home,
            json!({"Address": "Street 2"}),
            "address",
        ),
        (
            "Contact",
            &ann.to_string(),
            json!({"JobTitle": "Boss"}),
            "JobTitle",
        ),
    ] {
        creatio.advance(600);
        creatio.action("row", &json!({"entity": entity, "id": id, "row": row}));
        creatio.advance(600);
        let news = creatio.pull(Some(&last.cursor)).await.expect("a pull");
        assert_eq!(ids(&news.present), std::slice::from_ref(&ann), "{entity}");
        let before = last.present.iter().find(|record| record.id == ann);
        let (before, after) = (before.expect("Ann"), &news.present[0]);
        assert_ne!(before.version, after.version, "{entity}");
        let name = FieldName::new(field);
        assert_ne!(before.value(&name), after.value(&name), "{entity}");
        last.cursor = news.cursor;
    }
}

#[tokio::test]
async fn who_loses_the_tag_or_is_deleted_is_missing_in_a_complete_listing() {
    let mut creatio = Creatio::start().await;
    let tag = creatio.tag("Sales");
    creatio.collection = format!("tag:{tag}");
    let people = ["Ann", "Bob", "Eve", "Out"].map(|name| creatio.make(&json!({ "Name": name })));
    let [ann, bob, eve, outside] = &people;
    for id in [ann, bob, eve] {
        creatio.give(&tag, id);
    }
    creatio.advance(600);
    let all = creatio.pull(None).await.expect("a pull");
    assert_eq!(
        ids(&all.present),
        sorted(vec![ann.clone(), bob.clone(), eve.clone()])
    );
    creatio.advance(600);
    creatio.change(outside, &json!({"JobTitle": "Nobody"}));
    creatio.change(bob, &json!({"JobTitle": "Boss"}));
    let news = creatio.pull(Some(&all.cursor)).await.expect("a pull");
    assert_eq!(
        (ids(&news.present), news.complete),
        (vec![bob.clone()], false)
    );
    creatio.take(&tag, ann);
    creatio.drop_contact(eve);
    creatio.advance(600);
    let news = creatio.pull(Some(&news.cursor)).await.expect("a pull");
    assert_eq!(
        (ids(&news.present), news.complete),
        (vec![bob.clone()], true)
    );
    assert!(creatio.get(ann).await.is_some());
    assert!(creatio.get(eve).await.is_none());
    // Who comes is news alone.
    creatio.advance(600);
    creatio.give(&tag, outside);
    let news = creatio.pull(Some(&news.cursor)).await.expect("a pull");
    assert_eq!(
        (ids(&news.present), news.complete),
        (vec![outside.clone()], false)
    );
    creatio.take(&tag, outside);
    // One goes and one comes: as many as before, and yet others.
    creatio.advance(600);
    creatio.take(&tag, bob);
    creatio.give(&tag, ann);
    let news = creatio.pull(Some(&news.cursor)).await.expect("a pull");
    assert_eq!(
        (ids(&news.present), news.complete),
        (vec![ann.clone()], true)
    );
    creatio.action("delete-tag", &json!({ "tag": tag }));
    assert_eq!(
        creatio.pull(Some(&news.cursor)).await.err(),
        Some(Kind::NotFound)
    );
}

#[tokio::test]
async fn a_tag_that_is_public_is_not_synced() {
    let mut creatio = Creatio::start().await;
    let made = creatio.action("tag", &json!({"name": "All of us", "type": "Public"}));
    creatio.collection = format!("tag:{}", made["id"].as_str().expect("an id"));
    assert_eq!(creatio.pull(None).await.err(), Some(Kind::NotFound));
}

#[tokio::test]
async fn a_deletion_is_seen_once_a_day_where_all_contacts_are_synced() {
    let creatio = Creatio::start().await;
    let ann = creatio.make(&json!({"Name": "Ann"}));
    creatio.advance(600);
    let all = creatio.pull(None).await.expect("a pull");
    creatio.drop_contact(&ann);
    let soon = creatio.pull(Some(&all.cursor)).await.expect("a pull");
    assert!(!soon.complete);
    creatio.advance(86_400);
    let later = creatio.pull(Some(&soon.cursor)).await.expect("a pull");
    assert!(later.complete && !ids(&later.present).contains(&ann));
    creatio.advance(600);
    assert!(
        !creatio
            .pull(Some(&later.cursor))
            .await
            .expect("a pull")
            .complete
    );
}

#[tokio::test]
async fn what_is_cut_off_comes_with_the_next_page() {
    let creatio = Creatio::start().await;
    for number in 0..7 {
        creatio.make(&json!({"Name": format!("P{number}")}));
    }
    creatio.fault("GET /0/odata/Contact", Fault::TruncateListing);
    let all = creatio.pull(None).await.expect("a pull");
    let mut found = ids(&all.present);
    found.dedup();
    assert_eq!((found.len(), all.complete), (creatio.live(), true));
    // So are those that are read for a tag.
    let tag = creatio.tag("Sales");
    for id in &found {
        creatio.give(&tag, id);
    }
    let mut creatio = creatio;
    creatio.collection = format!("tag:{tag}");
    creatio.fault("GET /0/odata/Contact", Fault::TruncateListing);
    let tagged = creatio.pull(None).await.expect("a pull");
    assert_eq!((ids(&tagged.present), tagged.complete), (found, true));
}

#[tokio::test]
async fn a_read_that_was_cut_off_or_met_a_service_being_built_makes_nobody_look_deleted() {
    let creatio = Creatio::start().await;
    let people = ["Ann", "Bob"].map(|name| creatio.make(&json!({ "Name": name })));
    creatio.fault("GET /0/odata/Contact", Fault::TruncateListing);
    let found = creatio.connector.get(&creatio.session, &people, &[]).await;
    assert!(found.expect("an answer").iter().all(Option::is_some));
    let other = RemoteId::new("no guid");
    assert_eq!(creatio.get(&other).await, None);
    creatio.knobs(&json!({"rebuilding": true}));
    let found = creatio.connector.get(&creatio.session, &people, &[]).await;
    assert_eq!(found.expect_err("no answer").kind, Kind::Unavailable);
    assert_eq!(creatio.pull(None).await.err(), Some(Kind::Unavailable));
}

#[tokio::test]
async fn a_creation_that_is_called_failed_is_done_once() {
    let mut creatio = Creatio::start().await;
    let tag = creatio.tag("Sales");
    creatio.collection = format!("tag:{tag}");
    let before = creatio.live();
    creatio.knobs(&json!({"failing_inserts": 1}));
    let items = [
        create(
            1,
            fields(&[("Surname", "Ann"), ("email.work", "ann@x.example")]),
        ),
        create(2, fields(&[("Surname", "Bob")])),
        create(3, fields(&[("no such field", "x")])),
    ];
    for _ in 0..2 {
        let made = creatio
            .connector
            .create(&creatio.session, &creatio.collection, &items)
            .await;
        assert_eq!(kinds(&made), [None, None, Some(Kind::Rejected)]);
        assert_eq!(
            (creatio.live(), creatio.tagged(&tag).len()),
            (before + 2, 2)
        );
    }
    creatio.fault(BATCH, Fault::LostAnswer { status: None });
    let items = [create(
        4,
        fields(&[("Surname", "Eve"), ("phone.work", "1")]),
    )];
    let lost = creatio
        .connector
        .create(&creatio.session, &creatio.collection, &items)
        .await;
    assert!(lost[0].as_ref().is_err_and(|error| error.maybe_applied));
    let found = creatio
        .connector
        .find_created(&creatio.session, &creatio.collection, &items, &[])
        .await;
    let eve = found.expect("an answer").pop().flatten().expect("Eve");
    assert_eq!(text(&eve, "phone.work"), "1");
}

#[tokio::test]
async fn places_that_the_site_does_not_have_are_left_out_and_said_so() {
    let creatio = Creatio::start().await;
    let mut item = create(1, fields(&[("Surname", "Ann")]));
    item.fields
        .insert("address".into(), address("Street 1", "Atlantis"));
    let made = creatio
        .connector
        .create(&creatio.session, "all", &[item])
        .await;
    let made = made.into_iter().next().expect("an outcome").expect("made");
    let shown = made.fields.expect("what became of it");
    assert_eq!(
        shown.get(&FieldName::new("address")),
        Some(&address("Street 1", ""))
    );
    let known = Update {
        id: made.id.clone(),
        version: made.version,
        changes: [(FieldName::new("address"), address("Street 1", "l'aquila"))].into(),
    };
    let done = creatio.connector.update(&creatio.session, &[known]).await;
    assert_eq!(kinds(&done), [None]);
    let ann = creatio.get(&made.id).await.expect("Ann");
    assert_eq!(
        ann.value(&FieldName::new("address")),
        &address("Street 1", "L'Aquila")
    );
}

#[tokio::test]
async fn the_second_address_stays_the_second_one() {
    let creatio = Creatio::start().await;
    let home = [create(
        1,
        fields(&[("Surname", "Ann"), ("email.home", "home@x.example")]),
    )];
    let made = creatio
        .connector
        .create(&creatio.session, "all", &home)
        .await;
    let id = made
        .into_iter()
        .next()
        .expect("an outcome")
        .expect("made")
        .id;
    let check = async |work: &str, home: &str| {
        let ann = creatio.get(&id).await.expect("Ann");
        assert_eq!(
            (text(&ann, "email.work"), text(&ann, "email.home")),
            (work, home)
        );
    };
    check("", "home@x.example").await;
    let change = async |changes: &[(&str, &str)]| {
        let item = Update {
            id: id.clone(),
            version: None,
            changes: fields(changes),
        };
        let done = creatio.connector.update(&creatio.session, &[item]).await;
        assert_eq!(kinds(&done), [None]);
    };
    change(&[("email.work", "work@x.example")]).await;
    check("work@x.example", "home@x.example").await;
    change(&[("email.work", "")]).await;
    check("", "home@x.example").await;
    // They change places, one moves up, and the second one is another: nobody's address is lost by it.
    change(&[("email.work", "a@x.example"), ("email.home", "b@x.example")]).await;
    change(&[("email.work", "b@x.example"), ("email.home", "a@x.example")]).await;
    check("b@x.example", "a@x.example").await;
    change(&[("email.work", "a@x.example"), ("email.home", "c@x.example")]).await;
    check("a@x.example", "c@x.example").await;
    change(&[("email.work", "c@x.example"), ("email.home", "")]).await;
    check("c@x.example", "").await;
    change(&[("email.work", "")]).await;
    check("", "").await;
    assert_eq!(creatio.rows("ContactCommunication", &id).len(), 0);
}

/// Whoever has no name goes by a number: nobody is called that.
#[tokio::test]
async fn a_stand_in_is_no_name() {
    let creatio = Creatio::start().await;
    let items = [create(1, fields(&[("phone.mobile", "+47 22 000 001")]))];
    let made = creatio.connector.create(&creatio.session, "all", &items);
    let made = made.await.into_iter().next().expect("an outcome");
    let id = made.expect("made").id;
    let names = async || {
        let found = creatio.get(&id).await.expect("somebody");
        ["GivenName", "MiddleName", "Surname", "Name"].map(|part| text(&found, part).to_owned())
    };
    assert_eq!(names().await, ["", "", "", ""]);
    let item = Update {
        id: id.clone(),
        version: None,
        changes: fields(&[("Surname", "King")]),
    };
    let done = creatio.connector.update(&creatio.session, &[item]).await;
    assert_eq!(kinds(&done), [None]);
    assert_eq!(names().await, ["", "", "King", "King"]);
}

#[tokio::test]
async fn tags_are_given_once_and_taken_away() {
    let creatio = Creatio::start().await;
    let tag = creatio.tag("Sales");
    let collection = format!("tag:{tag}");
    let ann = creatio.make(&json!({"Name": "Ann"}));
    let gone = creatio.make(&json!({"Name": "Gone"}));
    creatio.drop_contact(&gone);
    let both = [ann.clone(), gone];
    for _ in 0..2 {
        let joined = creatio
            .connector
            .join(&creatio.session, &collection, &both)
            .await;
        assert_eq!(kinds(&joined), [None, Some(Kind::Rejected)]);
        assert_eq!(creatio.tagged(&tag), [ann.to_string()]);
    }
    for _ in 0..2 {
        let left = creatio
            .connector
            .leave(&creatio.session, &collection, &both)
            .await;
        assert_eq!(kinds(&left), [None, None]);
        assert!(creatio.tagged(&tag).is_empty());
    }
    assert!(creatio.get(&ann).await.is_some());
    let deleted = creatio.connector.delete(&creatio.session, &both).await;
    assert!(
        kinds(&deleted)
            .iter()
            .all(|kind| *kind == Some(Kind::Unsupported))
    );
}

#[tokio::test]
async fn a_company_is_read_and_never_written() {
    let creatio = Creatio::start().await;
    let ours = json!({"Name": "Ann", "AccountId": "e308b781-3c5b-4ecb-89ef-5c1ed4da488e"});
    let ann = creatio.make(&ours);
    let record = creatio.get(&ann).await.expect("Ann");
    assert_eq!(
        record.value(&FieldName::new("Account")),
        &Value::text("Our company")
    );
    let item = Update {
        id: ann,
        version: None,
        changes: fields(&[("Account", "Another")]),
    };
    let done = creatio.connector.update(&creatio.session, &[item]).await;
    assert_eq!(kinds(&done), [Some(Kind::Rejected)]);
}

/// Whatever became of the answer, and whatever people do with the tag, a name has one tag of its own.
#[tokio::test]
async fn a_tag_is_made_once() {
    let creatio = Creatio::start().await;
    let make = async |name: &str| {
        let made = creatio.connector.create_collection(&creatio.session, name);
        made.await.map(|made| (made.collection.id, made.is_new))
    };
    // The first insert is that by which we find out who we are.
    let lost = Fault::LostAnswer { status: None };
    creatio.fault_after("POST /0/odata/ContactTag", 1, lost);
    let (first, _) = make("O'Brien's").await.expect("a tag");
    assert_eq!(make("O'Brien's").await.ok(), Some((first.clone(), false)));
    let id = first.strip_prefix("tag:").expect("a tag").to_owned();
    let renamed = json!({"entity": "ContactTag", "id": id, "row": {"Name": "Others"}});
    creatio.action("row", &renamed);
    let (second, is_new) = make("O'Brien's").await.expect("a tag");
    assert!(is_new && second != first);
    assert_eq!(make("Others").await.ok(), Some((first, false)));
    // A tag of the colleague's or of everybody is another one.
    creatio.action("tag", &json!({"name": "Public", "type": "Public"}));
    assert!(make("Public").await.is_ok_and(|(_, is_new)| is_new));
    let refused = make("Syncline: who am I?").await.expect_err("a refusal");
    assert_eq!(refused.kind, Kind::Rejected);
}

#[tokio::test]
async fn the_sites_own_columns_are_fields() {
    let creatio = Creatio::start().await;
    let found = creatio.connector.fields(&creatio.session).await;
    let found = found.expect("fields");
    let own = found.iter().filter(|field| field.custom);
    let own: Vec<_> = own
        .map(|field| (field.name.as_str(), field.kind, field.writable))
        .collect();
    let want = [
        ("text.UsrBadge", Holds::Text, true),
        ("text.UsrCode", Holds::Text, true),
        ("number.UsrScore", Holds::Number, true),
        ("flag.UsrVip", Holds::Bool, true),
        ("time.UsrSince", Holds::DateTime, true),
        ("number.UsrTotal", Holds::Number, false),
        ("choice.UsrCategory.UsrTier", Holds::Choice, true),
    ];
    assert_eq!(own, want);
    let get = async |id: &RemoteId, name: &str| {
        let ids = std::slice::from_ref(id);
        let asked = [FieldName::new(name)];
        let read = creatio.connector.get(&creatio.session, ids, &asked);
        let found = read.await.expect("an answer").pop().flatten();
        found.expect("Ann").value(&FieldName::new(name)).clone()
    };
    let native = json!({"Name": "Ann", "UsrCode": "A-1", "UsrScore": -12.25});
    let ann = creatio.make(&native);
    assert_eq!(get(&ann, "text.UsrCode").await, Value::text("A-1"));
    let score = Value::Number("-12.25".into());
    assert_eq!(get(&ann, "number.UsrScore").await, score);
    assert_eq!(get(&ann, "time.UsrSince").await, Value::Empty);
    // What holds something else now is another field.
    creatio.column("UsrScore", "text");
    let found = creatio.connector.fields(&creatio.session).await;
    let names: Vec<_> = found
        .expect("fields")
        .into_iter()
        .map(|one| one.name)
        .collect();
    assert!(names.contains(&FieldName::new("text.UsrScore")));
    assert!(!names.contains(&FieldName::new("number.UsrScore")));
    // Nobody writes what the site computes, nor what is no number.
    for (field, value) in [("number.UsrTotal", "1"), ("number.UsrScore", "many")] {
        let item = Update {
            id: ann.clone(),
            version: None,
            changes: [(FieldName::new(field), Value::Number(value.into()))].into(),
        };
        let done = creatio.connector.update(&creatio.session, &[item]).await;
        assert_eq!(kinds(&done), [Some(Kind::Rejected)], "{field}");
    }
}

/// A column that is gone takes nothing else with it: neither a pull nor anybody's other values.
#[tokio::test]
async fn a_column_that_is_gone_reads_as_nothing() {
    let creatio = Creatio::start().await;
    let ann = creatio.make(&json!({"Name": "Ann Lee", "UsrCode": "A-1", "UsrScore": 3}));
    creatio.action("delete-column", &json!({"name": "UsrCode"}));
    let asked = ["text.UsrCode", "number.UsrScore"].map(FieldName::new);
    let pull = Pull {
        collection: "all".into(),
        cursor: None,
        page: None,
        fields: asked.to_vec(),
    };
    let page = creatio.connector.pull(&creatio.session, &pull).await;
    let changes = page.expect("a page").changes;
    let score = Value::Number("3".into());
    let has = |change: &Change| matches!(change, Change::Present { record, .. } if record.value(&asked[1]) == &score);
    assert!(changes.iter().any(has), "{changes:?}");
    let ids = std::slice::from_ref(&ann);
    let read = creatio.connector.get(&creatio.session, ids, &asked).await;
    let ann = read.expect("an answer").pop().flatten().expect("Ann");
    assert_eq!(text(&ann, "Surname"), "Lee");
    assert!(ann.value(&asked[0]).is_empty() && ann.value(&asked[1]) == &score);
}
