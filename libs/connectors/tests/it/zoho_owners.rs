//! The Zoho CRM connector against the sandbox: who owns a contact, and its tags; what can be chosen and what is written.

use serde_json::json;
use syncline_connector::{Connector, Kind, Update};
use syncline_model::{FieldName, Fields, RemoteId, Value, Version};

use super::bench::kinds;
use super::zoho_support::{Zoho, create, fields, names, text};

fn update(id: &RemoteId, version: Option<&Version>, pairs: &[(&str, &str)]) -> Update {
    Update {
        id: id.clone(),
        version: version.cloned(),
        changes: fields(pairs),
    }
}

/// Name, address and id of each user that can own a contact, as the fields list them.
async fn active_users(zoho: &Zoho) -> Vec<(String, String, String)> {
    let described = zoho.connector.fields(&zoho.session).await.expect("fields");
    let values = |name: &str| -> Vec<String> {
        let field = described.iter().find(|field| field.name.as_str() == name);
        let field = field.expect("a field of the owner");
        assert!(
            field.writable && field.kind == syncline_model::Kind::Choice,
            "{name}"
        );
        let choices = field.choices.iter();
        choices.map(|choice| choice.value.clone()).collect()
    };
    let (names, emails, ids) = (values("Owner"), values("Owner.email"), values("Owner.id"));
    let users = names.into_iter().zip(emails).zip(ids);
    users.map(|((name, email), id)| (name, email, id)).collect()
}

#[tokio::test]
async fn fields_list_users_tags_and_choices() {
    let zoho = Zoho::start().await;
    zoho.add(&json!({"Last_Name": "Ann", "Tag": [{"name": "VIP"}, {"name": "Partner"}]}));
    let users = active_users(&zoho).await;
    let names: Vec<&str> = users.iter().map(|(name, ..)| name.as_str()).collect();
    assert_eq!(
        names,
        ["Kim Lee", "Patricia Boyle", "Ravi Menon"],
        "who has left owns nothing new"
    );
    let described = zoho.connector.fields(&zoho.session).await.expect("fields");
    let choices = |name: &str| -> Vec<(&str, &str)> {
        let field = described.iter().find(|field| field.name.as_str() == name);
        let choices = field.expect("the field").choices.iter();
        choices
            .map(|choice| (choice.value.as_str(), choice.label.as_str()))
            .collect()
    };
    let patricia = (
        "patricia@zylker.example",
        "Patricia Boyle <patricia@zylker.example>",
    );
    assert!(choices("Owner.email").contains(&patricia));
    assert_eq!(choices("Tag"), [("VIP", "VIP"), ("Partner", "Partner")]);
    assert!(choices("Lead_Source").contains(&("Trade Show", "Trade Show")));
    let memberships: Vec<(&str, &str)> = described
        .iter()
        .filter_map(|field| Some((field.name.as_str(), field.membership.as_deref()?)))
        .collect();
    assert_eq!(memberships, [("Tag", "tag")]);
}

#[tokio::test]
async fn who_may_not_see_users_and_tags_sees_fields_without_choices() {
    let scopes = ["ZohoCRM.modules.ALL", "ZohoCRM.settings.fields.READ"];
    let zoho = Zoho::with_scopes(scopes.map(str::to_owned).into()).await;
    assert_eq!(active_users(&zoho).await, []);
    let ann = zoho.add(&json!({"Last_Name": "Ann"}));
    let items = [
        update(&ann, None, &[("Owner", "Ravi Menon"), ("Title", "CEO")]),
        update(&ann, None, &[("Title", "CTO")]),
    ];
    let results = zoho.connector.update(&zoho.session, &items).await;
    assert_eq!(kinds(&results), [Some(Kind::Rejected), None]);
}

#[tokio::test]
async fn an_owner_is_set_by_name_address_or_id_and_must_be_active() {
    let zoho = Zoho::start().await;
    let users = active_users(&zoho).await;
    let (ravi, patricia) = (&users[2], &users[1]);
    let left = zoho.action(
        "add_user",
        &json!({"first_name": "Lea", "last_name": "Ek", "email": "lea@zylker.example"}),
    );
    zoho.action("change_user", &json!({"id": left["id"], "active": false}));
    let left = left["id"].as_str().expect("an id");
    let ids: Vec<RemoteId> = (0..7)
        .map(|n| zoho.add(&json!({"Last_Name": format!("Person {n}")})))
        .collect();
    let owners = [
        ("Owner", ravi.0.as_str()),
        ("Owner.email", patricia.1.as_str()),
        ("Owner.id", ravi.2.as_str()),
        ("Owner.email", "nobody@zylker.example"),
        ("Owner.id", left),
        ("Owner.id", ""),
    ];
    let seen = zoho.pull(None).await;
    let version = |id: &RemoteId| {
        let record = seen.present.iter().find(|record| record.id == *id);
        record.map(|record| record.version.clone())
    };
    let items: Vec<Update> = ids
        .iter()
        .zip(owners)
        .map(|(id, owner)| update(id, version(id).as_ref(), &[owner, ("Title", "CEO")]))
        .chain([update(&ids[6], None, &[("Title", "CEO")])])
        .collect();
    zoho.calls();
    let results = zoho.connector.update(&zoho.session, &items).await;
    let calls = zoho.calls();
    assert_eq!(
        calls,
        ["GET users 200", "GET Contacts 200", "PUT Contacts 200"]
    );
    let rejected = Some(Kind::Rejected);
    assert_eq!(
        kinds(&results),
        [
            None,
            None,
            None,
            rejected.clone(),
            rejected.clone(),
            rejected,
            None
        ]
    );
    let refused = results[4]
        .as_ref()
        .err()
        .map(|error| error.message.as_str());
    assert_eq!(
        refused,
        Some("the owner in `Owner.id` is not an active user of Zoho CRM")
    );
    let owner = |n: usize| zoho.native(&ids[n])["Owner"]["name"].clone();
    assert_eq!(
        (owner(0), owner(1), owner(2)),
        (json!(ravi.0), json!(patricia.0), json!(ravi.0))
    );
    assert_eq!(owner(4), json!("Patricia Boyle"), "as the person left it");
    assert_eq!(
        zoho.native(&ids[4])["Title"],
        json!(null),
        "nothing of it is done"
    );

    let items = [
        create(1, &[("Last_Name", "New"), ("Owner.email", &patricia.1)]),
        create(2, &[("Last_Name", "Lost"), ("Owner.id", left)]),
        create(3, &[("Last_Name", "Plain"), ("Owner.id", "")]),
    ];
    let results = zoho
        .connector
        .create(&zoho.session, "view:all", &items)
        .await;
    assert_eq!(kinds(&results), [None, Some(Kind::Rejected), None]);
    let made = results[0].as_ref().expect("made");
    assert_eq!(zoho.native(&made.id)["Owner"]["id"], json!(patricia.2));
    let read = zoho
        .connector
        .get(
            &zoho.session,
            std::slice::from_ref(&made.id),
            &names(&["Owner.email"]),
        )
        .await
        .expect("the contact");
    let read = read[0].as_ref().expect("the contact");
    assert_eq!(text(read, "Owner.email"), patricia.1);
}

#[tokio::test]
async fn tags_are_set_exactly_and_too_many_stop_nobody_else() {
    let zoho = Zoho::start().await;
    let tagged = json!({"Last_Name": "Ann", "Tag": [{"name": "Old"}, {"name": "VIP"}]});
    let ids: Vec<RemoteId> = (0..3).map(|_| zoho.add(&tagged)).collect();
    let tags = |names: &[String]| -> Fields {
        let names = names
            .iter()
            .map(|name| Value::text(name.as_str()))
            .collect();
        [(FieldName::new("Tag"), Value::List(names))].into()
    };
    let update = |id: &RemoteId, changes: Fields| Update {
        id: id.clone(),
        version: None,
        changes,
    };
    let many: Vec<String> = (0..11).map(|n| format!("T{n}")).collect();
    let items = [
        update(&ids[0], tags(&["VIP".into(), "New".into()])),
        update(&ids[1], tags(&many)),
        update(&ids[2], [(FieldName::new("Tag"), Value::Empty)].into()),
    ];
    let results = zoho.connector.update(&zoho.session, &items).await;
    assert_eq!(kinds(&results), [None, Some(Kind::Rejected), None]);
    let of = |n: usize| -> Vec<String> {
        let native = zoho.native(&ids[n]);
        let tags = native["Tag"].as_array().into_iter().flatten();
        tags.filter_map(|tag| Some(tag["name"].as_str()?.to_owned()))
            .collect()
    };
    assert_eq!(
        (of(0), of(2)),
        (vec!["VIP".to_owned(), "New".into()], Vec::new())
    );
    assert_eq!(of(1), ["Old", "VIP"]);
}
