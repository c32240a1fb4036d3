//! The Odoo connector against a real one. It is large to install: the step `odoo` of `./test` does, and runs these.

use serde_json::json;
use syncline_connector::conformance::{Probe, Subject, prove};
use syncline_connector::{Connector, Create, GoneWhy, Kind, Pull};
use syncline_model::{FieldName, Value};

use super::odoo_probe::{Subjected, address, fields, local, remote, session};

async fn conforms(odoo: Subjected, skips: &[&str]) {
    let subject = Subject {
        connector: &odoo.connector,
        session: &odoo.session,
        probe: &odoo,
    };
    let report = prove(subject).await;
    let report = report.map_err(|failure| format!("{failure} {failure:?}"));
    let report = report.expect("conformance");
    let skipped: Vec<_> = report.skipped.iter().map(|(check, _)| *check).collect();
    assert_eq!(skipped, skips);
}

#[tokio::test]
#[ignore = "needs an Odoo: ./test odoo"]
async fn odoo_conforms() {
    let odoo = Subjected::start().await;
    conforms(
        odoo,
        &[
            "pages",
            "edits while pages are read",
            "tombstones",
            "read-only fields",
            "expired cursors",
        ],
    )
    .await;
}

#[tokio::test]
#[ignore = "needs an Odoo: ./test odoo"]
async fn a_tag_of_odoos_conforms() {
    let odoo = Subjected::tagged().await;
    conforms(odoo, &["tombstones", "read-only fields", "expired cursors"]).await;
}

#[tokio::test]
#[ignore = "needs an Odoo: ./test odoo"]
async fn a_quiet_pull_is_two_calls_and_edits_of_one_second_are_told() {
    let odoo = Subjected::start().await;
    let id = odoo.person(json!({"name": "Quick"})).await;
    let mut cursor = odoo.pull(None).await.cursor;
    odoo.server.calls();
    let quiet = odoo.pull(Some(&cursor)).await;
    assert!(quiet.present.is_empty() && quiet.gone.is_empty() && !quiet.complete);
    let calls = odoo.server.calls();
    let want = [
        "res.partner/formatted_read_group",
        "res.partner/web_search_read",
    ];
    assert_eq!(calls, want);
    for edit in 0..5 {
        let title = json!({"function": format!("Edit {edit}")});
        odoo.server.write(id, title).await;
        let news = odoo.pull(Some(&cursor)).await;
        assert!(news.has(id) && news.present.len() == 1, "edit {edit}");
        cursor = news.cursor;
    }
}

async fn who_goes_is_told(odoo: Subjected) {
    let person = async |name: &str| odoo.person(json!({ "name": name })).await;
    let (kept, deleted) = (person("Kept").await, person("Deleted").await);
    let (archived, company) = (person("Archived").await, person("Company").await);
    let before = odoo.pull(None).await;
    assert!([kept, deleted, archived, company].map(|id| before.has(id)) == [true; 4]);
    odoo.remove(&remote(deleted)).await;
    odoo.server.write(archived, json!({"active": false})).await;
    let becomes = json!({"is_company": true});
    odoo.server.write(company, becomes).await;
    let after = odoo.pull(Some(&before.cursor)).await;
    assert!(after.complete && after.has(kept));
    assert!(![deleted, archived, company].iter().any(|id| after.has(*id)));
    for id in [archived, company] {
        assert!(after.gone.contains(&(remote(id), GoneWhy::Left)));
    }
    // Absence is all that there is of the other, and is confirmed by a read.
    assert!(!after.gone.iter().any(|(id, _)| *id == remote(deleted)));
    assert!(odoo.get(deleted).await.is_none() && odoo.get(archived).await.is_some());
    let quiet = odoo.pull(Some(&after.cursor)).await;
    assert!(quiet.present.is_empty() && quiet.gone.is_empty() && !quiet.complete);
    odoo.server.write(archived, json!({"active": true})).await;
    assert!(odoo.pull(Some(&quiet.cursor)).await.has(archived));
}

#[tokio::test]
#[ignore = "needs an Odoo: ./test odoo"]
async fn who_is_deleted_is_missed_and_who_is_archived_has_left() {
    who_goes_is_told(Subjected::start().await).await;
    who_goes_is_told(Subjected::tagged().await).await;
}

#[tokio::test]
#[ignore = "needs an Odoo: ./test odoo"]
async fn a_tag_that_is_given_or_taken_on_its_own_page_is_noticed() {
    let odoo = Subjected::tagged().await;
    let tag = odoo.tag.expect("a tag");
    let (first, second) = (
        odoo.person(json!({"name": "First"})).await,
        odoo.server
            .make("res.partner", json!({"name": "Second"}))
            .await,
    );
    let cursor = odoo.pull(None).await.cursor;
    let partners = json!([[3, first], [4, second]]);
    let swap = json!({"ids": [tag], "vals": {"partner_ids": partners}});
    odoo.server.call("res.partner.category/write", swap).await;
    let news = odoo.pull(Some(&cursor)).await;
    assert!(news.complete && news.has(second) && !news.has(first));
    let gone = json!({"ids": [tag]});
    odoo.server.call("res.partner.category/unlink", gone).await;
    let mut pull = Pull {
        collection: odoo.collection(),
        cursor: Some(news.cursor),
        page: None,
        fields: Vec::new(),
    };
    for _ in 0..2 {
        let error = odoo.connector.pull(&odoo.session, &pull).await;
        assert_eq!(error.expect_err("no tag").kind, Kind::NotFound);
        pull.cursor = None;
    }
}

#[tokio::test]
#[ignore = "needs an Odoo: ./test odoo"]
async fn what_is_a_companys_is_not_written_at_its_people() {
    let odoo = Subjected::start().await;
    let company = json!({"name": "Acme", "is_company": true, "street": "Head Office 1"});
    let company = odoo.server.make("res.partner", company).await;
    let child = odoo
        .person(json!({"name": "Child", "parent_id": company}))
        .await;
    let record = odoo.get(child).await.expect("a record");
    assert_eq!(
        record.value(&FieldName::new("company_name")),
        &Value::text("Acme")
    );
    for change in [
        fields([("company_name", "Other".into())]),
        fields([("address", address("Elsewhere 2", "", "Norway"))]),
        fields([("address", Value::Empty), ("function", "Diver".into())]),
    ] {
        let error = odoo.update(child, change).await.expect_err("refused");
        assert_eq!(error.kind, Kind::Rejected);
        assert!(error.message.contains("company"), "{}", error.message);
    }
    let done = odoo
        .update(child, fields([("function", "Diver".into())]))
        .await;
    let done = done.expect("written").fields.expect("fields");
    assert_eq!(done[&FieldName::new("company_name")], Value::text("Acme"));
    let now = odoo.server.read(company, &["name", "street"]).await;
    assert_eq!(now["street"], "Head Office 1");
    // A company that gets another name or address changes its people.
    let cursor = odoo.pull(None).await.cursor;
    odoo.server.write(company, json!({"name": "Apex"})).await;
    let news = odoo.pull(Some(&cursor)).await;
    assert!(news.has(child) && !news.has(company));
}

#[tokio::test]
#[ignore = "needs an Odoo: ./test odoo"]
async fn what_odoo_does_not_know_is_left_out_or_refused() {
    let odoo = Subjected::start().await;
    let id = odoo.person(json!({"name": "Traveller"})).await;
    let place =
        |region: &str, country: &str| fields([("address", address("Way 1", region, country))]);
    for (change, region, country) in [
        (place("tx", "us"), "Texas", "United States"),
        (place("Nowhere", "Norway"), "", "Norway"),
        (place("Texas", "Wonderland"), "", ""),
    ] {
        let written = odoo.update(id, change).await.expect("written");
        let shown = &written.fields.expect("fields")[&FieldName::new("address")];
        assert_eq!(shown, &address("Way 1", region, country));
    }
    for change in [
        fields([("user_id", "nobody@x.example".into())]),
        fields([("vat", "NO1".into())]),
        fields([("lang", "xx_YY".into())]),
    ] {
        let refused = odoo.update(id, change.clone()).await;
        assert_eq!(
            refused.expect_err("refused").kind,
            Kind::Rejected,
            "{change:?}"
        );
    }
    let owned = odoo.update(id, fields([("user_id", "ADMIN".into())])).await;
    let owned = owned.expect("written").fields.expect("fields");
    assert_eq!(owned[&FieldName::new("user_id")], Value::text("admin"));
    // Whose contact it is that logs in, nobody deletes: Odoo says so by a server error.
    let me = odoo
        .server
        .call(
            "res.users/search_read",
            json!({"domain": [["login", "=", "admin"]], "fields": ["partner_id"]}),
        )
        .await;
    let me = me[0]["partner_id"][0].as_i64().expect("an id");
    let ids = [remote(id), remote(me)];
    let outcomes = odoo.connector.delete(&odoo.session, &ids).await;
    let kinds: Vec<_> = outcomes
        .into_iter()
        .map(|one| one.map_err(|error| error.kind))
        .collect();
    assert_eq!(kinds, [Ok(()), Err(Kind::Rejected)]);
    assert!(odoo.get(id).await.is_none() && odoo.get(me).await.is_some());
}

#[tokio::test]
#[ignore = "needs an Odoo: ./test odoo"]
async fn the_customers_own_fields_are_read_and_written() {
    let odoo = Subjected::start().await;
    let model = json!({"domain": [["model", "=", "res.partner"]]});
    let model = odoo.server.call("ir.model/search", model).await[0].clone();
    let own = [
        ("x_shoe", "integer", "[]"),
        ("x_height", "float", "[]"),
        ("x_born", "date", "[]"),
        ("x_met", "datetime", "[]"),
        ("x_likes", "char", "[]"),
        ("x_vip", "boolean", "[]"),
        ("x_size", "selection", "[('s', 'Small'), ('l', 'Large')]"),
        ("x_bio", "html", "[]"),
    ];
    for (name, kind, selection) in own {
        let mut field =
            json!({"model_id": model, "name": name, "field_description": name, "ttype": kind});
        if kind == "selection" {
            field["selection"] = json!(selection);
        }
        let there = json!({"domain": [["model", "=", "res.partner"], ["name", "=", name]]});
        if odoo
            .server
            .call("ir.model.fields/search_count", there)
            .await
            == json!(0)
        {
            odoo.server.make("ir.model.fields", field).await;
        }
    }
    let described = odoo.connector.fields(&odoo.session).await.expect("fields");
    let custom: Vec<_> = described.iter().filter(|field| field.custom).collect();
    assert_eq!(custom.len(), own.len());
    let size = custom.iter().find(|field| field.name.as_str() == "x_size");
    assert_eq!(size.expect("a field").choices[1].label, "Large");
    let values = fields([
        ("name", "Own Fields".into()),
        ("x_shoe", Value::Number("43".into())),
        ("x_height", Value::Number("1.75".into())),
        ("x_born", Value::Date("1980-02-03".parse().expect("a day"))),
        (
            "x_met",
            Value::Time("2020-01-02T03:04:05Z".parse().expect("a time")),
        ),
        ("x_likes", "Rain".into()),
        ("x_vip", Value::Bool(true)),
        ("x_size", "l".into()),
        ("x_bio", "Once\nupon".into()),
    ]);
    let names: Vec<FieldName> = values.keys().cloned().collect();
    let item = Create {
        operation: odoo.operation(1),
        intended_at: odoo.now(),
        fields: values.clone(),
    };
    let made = odoo
        .connector
        .create(&odoo.session, "contacts", &[item])
        .await;
    let made = made.into_iter().next().expect("one").expect("made");
    let read = odoo
        .connector
        .get(&odoo.session, std::slice::from_ref(&made.id), &names)
        .await;
    let read = read.expect("read").remove(0).expect("a record");
    assert!(
        values.iter().all(|(name, value)| read.value(name) == value),
        "{read:?}"
    );
    let other = fields([
        ("x_shoe", Value::Number("44".into())),
        ("x_bio", Value::Empty),
    ]);
    let other = odoo
        .update(local(&made.id), other)
        .await
        .expect("written")
        .fields
        .expect("fields");
    assert_eq!(other[&FieldName::new("x_shoe")], Value::Number("44".into()));
    assert!(!other.contains_key(&FieldName::new("x_bio")));
    // A field that is gone is no reason to read nothing.
    let gone = [FieldName::new("x_gone")];
    assert!(
        odoo.connector
            .get(&odoo.session, &[made.id], &gone)
            .await
            .expect("read")[0]
            .is_some()
    );
}

#[tokio::test]
#[ignore = "needs an Odoo: ./test odoo"]
async fn a_key_or_a_database_that_is_not_good_is_told_as_such() {
    let odoo = Subjected::start().await;
    let address = format!("http://{}/", odoo.server.proxy);
    let (database, key) = (&odoo.server.database, &odoo.server.key);
    for (database, key, kind) in [
        (database.as_str(), "0123456789", Kind::Unauthorized),
        ("no_such_database", key.as_str(), Kind::Forbidden),
    ] {
        let session = session(&address, database, key);
        let error = odoo
            .connector
            .identity(&session)
            .await
            .expect_err("refused");
        assert_eq!(error.kind, kind, "{}", error.message);
    }
    let identity = odoo.connector.identity(&odoo.session).await;
    assert_eq!(identity.expect("an identity").label, "admin (My Company)");
    let may = odoo.connector.permissions(&odoo.session).await;
    assert!(may.expect("permissions").missing.is_empty());
}
