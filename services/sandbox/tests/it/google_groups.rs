//! Groups and their members.

use reqwest::Method;
use serde_json::json;

use crate::support::{Bench, id_of};

#[tokio::test]
async fn groups_are_made_renamed_and_deleted() {
    let bench = Bench::with(0).await;
    let (status, group) = bench
        .post(
            "/v1/contactGroups",
            json!({"contactGroup": {"name": "Friends of mine"}}),
        )
        .await;
    assert_eq!(
        (status, group["groupType"].as_str()),
        (200, Some("USER_CONTACT_GROUP"))
    );
    let name = group["resourceName"].as_str().unwrap();
    let (status, error) = bench
        .post(
            "/v1/contactGroups",
            json!({"contactGroup": {"name": "Friends of mine"}}),
        )
        .await;
    assert_eq!(
        (status, error["error"]["status"].as_str()),
        (409, Some("ALREADY_EXISTS"))
    );
    let all = bench.ok("/v1/contactGroups").await;
    let count = all["contactGroups"].as_array().unwrap().len();
    assert_eq!(all["contactGroups"][count - 1]["name"], "Friends of mine");
    let (status, renamed) = bench
        .call(
            Method::PUT,
            &format!("/v1/{name}"),
            Some(json!({"contactGroup": {"name": "Pals"}})),
        )
        .await;
    assert_eq!((status, renamed["name"].as_str()), (200, Some("Pals")));
    let sync = all["nextSyncToken"].as_str().unwrap();
    let changed = bench
        .ok(&format!("/v1/contactGroups?syncToken={sync}"))
        .await;
    assert_eq!(changed["contactGroups"].as_array().map(Vec::len), Some(1));
    assert_eq!(
        bench
            .call(Method::DELETE, &format!("/v1/{name}"), None)
            .await
            .0,
        200
    );
    let changed = bench
        .ok(&format!("/v1/contactGroups?syncToken={sync}"))
        .await;
    assert_eq!(changed["contactGroups"][0]["metadata"]["deleted"], true);
    assert_eq!(bench.get(&format!("/v1/{name}")).await.0, 404);
}

#[tokio::test]
async fn members_come_and_go() {
    let bench = Bench::with(0).await;
    let person = bench.create("Ada").await;
    let who = person["resourceName"].as_str().unwrap();
    let (_, group) = bench
        .post(
            "/v1/contactGroups",
            json!({"contactGroup": {"name": "Label"}}),
        )
        .await;
    let name = group["resourceName"].as_str().unwrap();
    let modify = async |group: &str, add: &[&str], remove: &[&str]| {
        bench
            .post(
                &format!("/v1/{group}/members:modify"),
                json!({"resourceNamesToAdd": add, "resourceNamesToRemove": remove}),
            )
            .await
    };
    assert_eq!(
        modify(name, &[who, "people/c1"], &[]).await,
        (200, json!({"notFoundResourceNames": ["people/c1"]}))
    );
    let shown = bench.ok(&format!("/v1/{name}?maxMembers=10")).await;
    assert_eq!(
        (&shown["memberResourceNames"], &shown["memberCount"]),
        (&json!([who]), &json!(1))
    );
    let now = bench
        .ok(&format!(
            "/v1/people/{}?personFields=memberships",
            id_of(&person)
        ))
        .await;
    assert_eq!(now["memberships"].as_array().map(Vec::len), Some(2));
    assert_eq!(
        modify("contactGroups/myContacts", &[], &[who]).await,
        (200, json!({}))
    );
    let last = json!({"canNotRemoveLastContactGroupResourceNames": [who]});
    assert_eq!(modify(name, &[], &[who]).await, (200, last));
    assert_eq!(modify("contactGroups/friends", &[who], &[]).await.0, 400);
}

#[tokio::test]
async fn other_contacts_are_copied() {
    let bench = Bench::with(0).await;
    let body =
        json!({"names": [{"givenName": "Saved"}], "emailAddresses": [{"value": "s@mail.example"}]});
    let (status, _) = bench
        .post(&bench.admin("/actions/other-contact"), body)
        .await;
    assert_eq!(status, 200);
    let listed = bench
        .ok("/v1/otherContacts?readMask=names,emailAddresses")
        .await;
    let name = listed["otherContacts"][0]["resourceName"].as_str().unwrap();
    let copy = json!({"copyMask": "names,emailAddresses"});
    let (status, person) = bench
        .post(
            &format!("/v1/{name}:copyOtherContactToMyContactsGroup"),
            copy,
        )
        .await;
    assert_eq!(
        (status, person["emailAddresses"][0]["value"].as_str()),
        (200, Some("s@mail.example"))
    );
    assert!(id_of(&person).starts_with('c'));
    assert_eq!(
        bench.ok("/v1/otherContacts?readMask=names").await,
        json!({})
    );
}
