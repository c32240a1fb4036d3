//! Reading contacts at the Zoho imitation: pages, views, search, COQL, counts, and a hundred thousand of them.

use serde_json::{Value, json};
use syncline_sandbox::core::people::Seed;

use crate::zoho_support::{Zoho, ids};

fn seed(zoho: &Zoho, contacts: u64) {
    let seed = Seed {
        contacts,
        seed: 3,
        ..Seed::default()
    };
    assert_eq!(zoho.admin().seed(&zoho.account, &seed).unwrap(), contacts);
}

async fn all(zoho: &Zoho, query: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut path = format!("Contacts?{query}");
    loop {
        let answer = zoho.get(&path).await;
        assert_eq!(answer.0, 200, "{}", answer.1);
        found.extend(ids(&answer));
        match answer.1["info"]["next_page_token"].as_str() {
            Some(token) => path = format!("Contacts?{query}&page_token={token}"),
            None => return found,
        }
    }
}

#[tokio::test]
async fn page_tokens_lead_through_the_whole_list() {
    let zoho = Zoho::start().await;
    assert_eq!(
        zoho.get("Contacts?fields=Last_Name").await,
        (204, Value::Null)
    );
    seed(&zoho, 2_450);
    let found = all(
        &zoho,
        "fields=Last_Name&sort_by=Modified_Time&sort_order=asc",
    )
    .await;
    assert_eq!(found.len(), 2_450);
    assert!(found.is_sorted());
    let tenth = zoho.get("Contacts?fields=Last_Name&page=10").await;
    assert_eq!(
        (ids(&tenth).len(), &tenth.1["info"]["more_records"]),
        (200, &json!(true))
    );
    let eleventh = zoho.get("Contacts?fields=Last_Name&page=11").await;
    assert_eq!(eleventh.1["code"], "DISCRETE_PAGINATION_LIMIT_EXCEEDED");
    let record = &zoho
        .get("Contacts?fields=Last_Name,Nope&per_page=1")
        .await
        .1["data"][0];
    assert_eq!(record.as_object().unwrap().len(), 2, "{record}");
}

#[tokio::test]
async fn page_tokens_expire() {
    let zoho = Zoho::start().await;
    seed(&zoho, 3);
    let first = zoho.get("Contacts?fields=id&per_page=2").await;
    let token = first.1["info"]["next_page_token"]
        .as_str()
        .unwrap()
        .to_owned();
    let next = format!("Contacts?fields=id&per_page=2&page_token={token}");
    assert_eq!(zoho.get(&next).await.0, 200);
    zoho.admin().expire_sync_tokens(&zoho.account).unwrap();
    assert_eq!(zoho.get(&next).await.1["code"], "EXPIRED_VALUE");
}

#[tokio::test]
async fn only_what_changed_since_is_told() {
    let zoho = Zoho::start().await;
    seed(&zoho, 50);
    let since = "2026-03-01T00:00:00+00:00";
    assert_eq!(
        zoho.get_since("Contacts?fields=id", since).await,
        (304, Value::Null)
    );
    zoho.advance(1);
    let some = ids(&zoho
        .get("Contacts?fields=id&per_page=1&sort_order=asc")
        .await);
    zoho.admin()
        .patch_contact(&zoho.account, &some[0], &json!({"Title": "New"}))
        .unwrap();
    assert_eq!(
        ids(&zoho.get_since("Contacts?fields=id", since).await),
        some
    );
}

#[tokio::test]
async fn views_select_contacts() {
    let zoho = Zoho::start().await;
    let fair = zoho
        .add(json!({"Last_Name": "A", "Lead_Source": "Trade Show", "Email": "a@x.example"}))
        .await;
    let out = zoho
        .add(json!({"Last_Name": "B", "Email_Opt_Out": true, "Tag": [{"name": "VIP"}]}))
        .await;
    let views = zoho.get("settings/custom_views?module=Contacts").await.1["custom_views"].clone();
    let id = |name: &str| {
        let view = views
            .as_array()
            .unwrap()
            .iter()
            .find(|view| view["name"] == name);
        view.unwrap()["id"].as_str().unwrap().to_owned()
    };
    let check = async |view: &str, expect: &[&String]| {
        let found = ids(&zoho
            .get(&format!("Contacts?fields=id&cvid={view}&sort_order=asc"))
            .await);
        assert_eq!(found.iter().collect::<Vec<_>>(), expect, "{view}");
    };
    check(&id("All Contacts"), &[&fair, &out]).await;
    check(&id("My Contacts"), &[&fair, &out]).await;
    check(&id("Unsubscribed Contacts"), &[&out]).await;
    check(&id("Trade Show Contacts"), &[&fair]).await;
    check(&id("Newsletter"), &[&fair]).await;
    let criteria =
        json!({"comparator": "include_any", "field": {"api_name": "Tag"}, "value": ["VIP"]});
    let made = zoho.action("add_view", json!({"name": "VIPs", "criteria": criteria}));
    let made = made["id"].as_str().unwrap();
    check(made, &[&out]).await;
    let shown = zoho
        .get(&format!("settings/custom_views/{made}?module=Contacts"))
        .await;
    assert_eq!(shown.1["custom_views"][0]["criteria"], criteria);
    assert_eq!(
        zoho.get("settings/custom_views/5?module=Contacts").await,
        (204, Value::Null)
    );
    zoho.action("remove_view", json!({"id": made}));
    assert_eq!(
        zoho.get(&format!("Contacts?fields=id&cvid={made}")).await.1["code"],
        "INVALID_DATA"
    );
}

#[tokio::test]
async fn search_lags_and_coql_does_not() {
    let zoho = Zoho::start().await;
    zoho.knobs(json!({"search_delay_ms": 60_000}));
    let id = zoho
        .add(json!({"Last_Name": "Burns", "Email": "m.burns@x.example"}))
        .await;
    let search = "Contacts/search?criteria=((Last_Name:equals:Burns)and(Email:starts_with:m))";
    let query = "select Last_Name, Owner.last_name from Contacts where Email = 'M.BURNS@x.example'";
    assert_eq!(zoho.get(search).await, (204, Value::Null));
    let rows = zoho.coql(query).await;
    assert_eq!(ids(&rows), std::slice::from_ref(&id));
    assert_eq!(rows.1["data"][0]["Owner.last_name"], "Lee");
    zoho.advance(60);
    assert_eq!(ids(&zoho.get(search).await), [id]);
    assert_eq!(
        zoho.get("Contacts/actions/count?word=burns").await,
        (200, json!({"count": 1}))
    );
    assert_eq!(
        zoho.coql("select id from Contacts").await.1["code"],
        "SYNTAX_ERROR"
    );
    assert_eq!(
        zoho.coql("select id from Contacts where Email is null")
            .await,
        (204, Value::Null)
    );
}

#[tokio::test]
async fn a_hundred_thousand_contacts_stay_quick() {
    let zoho = Zoho::start().await;
    seed(&zoho, 100_000);
    assert_eq!(zoho.get("Contacts/actions/count").await.1["count"], 100_000);
    let dump = zoho.admin().contacts(&zoho.account, None, 1000).unwrap();
    let emails = dump
        .contacts
        .iter()
        .filter_map(|contact| contact.native["Email"].as_str());
    let sample: Vec<String> = emails.take(100).map(str::to_owned).collect();
    let started = std::time::Instant::now();
    for email in &sample {
        let rows = zoho
            .coql(&format!("select id from Contacts where Email = '{email}'"))
            .await;
        assert_eq!(rows.0, 200);
    }
    let since = "2026-02-28T23:58:00Z";
    let changed = zoho.get_since("Contacts?fields=id", since).await;
    assert_eq!(ids(&changed).len(), 120);
    let first = zoho
        .get("Contacts?fields=Last_Name,Email,Phone&sort_by=Modified_Time&sort_order=asc")
        .await;
    assert_eq!(ids(&first).len(), 200);
    // A scan of the whole table for each of them would take minutes in a debug build.
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
}
