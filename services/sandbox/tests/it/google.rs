//! Single people and batches.

use reqwest::Method;
use serde_json::json;

use crate::support::{Bench, id_of};

#[tokio::test]
async fn a_created_contact_has_the_documented_shape() {
    let bench = Bench::with(0).await;
    let body = json!({
        "names": [{"givenName": "Daniele", "familyName": "Buono", "displayName": "ignored"}],
        "phoneNumbers": [{"value": "+49 30 2312 5000", "type": "workFax"}],
        "clientData": [{"key": "com.example.sync/id", "value": "7"}],
    });
    let (status, person) = bench.post("/v1/people:createContact", body).await;
    assert_eq!(status, 200);
    let number: u64 = id_of(&person)[1..].parse().unwrap();
    let source = &person["metadata"]["sources"][0];
    assert_eq!(source["id"], format!("{number:x}"));
    assert!(source["etag"].as_str().unwrap().starts_with('#'));
    assert_eq!(source["updateTime"], "2026-03-01T10:00:00.000000Z");
    assert_eq!(person["names"][0]["displayName"], "Daniele Buono");
    assert_eq!(person["names"][0]["displayNameLastFirst"], "Buono, Daniele");
    assert_eq!(person["names"][0]["metadata"]["primary"], true);
    assert_eq!(person["phoneNumbers"][0]["canonicalForm"], "+493023125000");
    assert_eq!(person["phoneNumbers"][0]["formattedType"], "Work Fax");
    assert_eq!(
        person["memberships"][0]["contactGroupMembership"]["contactGroupId"],
        "myContacts"
    );
    assert_eq!(person["clientData"][0]["value"], "7");
}

#[tokio::test]
async fn the_etag_differs_by_mask_and_guards_updates() {
    let bench = Bench::with(0).await;
    let id = id_of(&bench.create("Ada").await).to_owned();
    let few = bench
        .ok(&format!("/v1/people/{id}?personFields=names"))
        .await;
    let many = bench
        .ok(&format!("/v1/people/{id}?personFields=names,metadata"))
        .await;
    assert_ne!(few["etag"], many["etag"]);
    let path = format!("/v1/people/{id}:updateContact?updatePersonFields=names");
    let body = |etag: &serde_json::Value, given: &str| json!({"etag": etag, "names": [{"givenName": given}]});

    let (status, updated) = bench
        .call(Method::PATCH, &path, Some(body(&few["etag"], "Eva")))
        .await;
    assert_eq!(
        (status, &updated["names"][0]["givenName"]),
        (200, &json!("Eva"))
    );
    let (status, error) = bench
        .call(Method::PATCH, &path, Some(body(&many["etag"], "Ida")))
        .await;
    assert_eq!(
        (status, error["error"]["status"].as_str()),
        (400, Some("FAILED_PRECONDITION"))
    );
    assert_eq!(
        error["error"]["message"],
        "Request person.etag is different than the current person.etag. Clear local cache and get the latest person."
    );
    let (status, error) = bench
        .call(Method::PATCH, &path, Some(json!({"names": []})))
        .await;
    assert_eq!(status, 400);
    assert!(
        error["error"]["message"]
            .as_str()
            .unwrap()
            .starts_with("Request must set person.etag")
    );
    let source = &updated["metadata"]["sources"][0];
    let cleared = json!({"metadata": {"sources": [{"type": "CONTACT", "id": source["id"], "etag": source["etag"]}]}});
    let (status, person) = bench.call(Method::PATCH, &path, Some(cleared)).await;
    assert_eq!((status, person.get("names")), (200, None));
}

#[tokio::test]
async fn refusals_are_worded_as_documented() {
    let bench = Bench::with(0).await;
    let id = id_of(&bench.create("Ada").await).to_owned();
    let check = async |method: Method, path: String, body, status: u16, words: &str| {
        let (got, answer) = bench.call(method, &path, body).await;
        let message = answer["error"]["message"].as_str().unwrap_or("").to_owned();
        assert_eq!(
            (got, message.contains(words)),
            (status, true),
            "{path}: {answer}"
        );
    };
    let two = json!({"names": [{"givenName": "A"}, {"givenName": "B"}]});
    check(
        Method::GET,
        format!("/v1/people/{id}"),
        None,
        400,
        "personFields mask is required.",
    )
    .await;
    check(
        Method::GET,
        format!("/v1/people/{id}?personFields=shoes"),
        None,
        400,
        "Invalid personFields mask path: \"shoes\".",
    )
    .await;
    check(
        Method::GET,
        "/v1/people/c1?personFields=names".into(),
        None,
        404,
        "Requested entity was not found.",
    )
    .await;
    check(
        Method::POST,
        "/v1/people:createContact".into(),
        Some(two),
        400,
        "Cannot have more than one person.names per source.",
    )
    .await;
    check(
        Method::POST,
        "/v1/people:createContact".into(),
        Some(json!({"names": {}})),
        400,
        "person.names",
    )
    .await;
    check(
        Method::PATCH,
        format!("/v1/people/{id}:updateContact?updatePersonFields=photos"),
        Some(json!({})),
        400,
        "updatePersonFields",
    )
    .await;
    check(
        Method::DELETE,
        "/v1/people/c1:deleteContact".into(),
        None,
        404,
        "Requested entity was not found.",
    )
    .await;
    check(
        Method::GET,
        "/v1/people/me/connections?personFields=names&pageSize=1001".into(),
        None,
        400,
        "Page size",
    )
    .await;
}

#[tokio::test]
async fn sign_in_and_scopes() {
    let bench = Bench::with(0).await;
    let send = async |token: Option<&str>| {
        let request = bench
            .http
            .post(bench.url("/v1/people:createContact"))
            .json(&json!({}));
        let request = match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        let response = request.send().await.unwrap();
        let challenge = response
            .headers()
            .get("www-authenticate")
            .map(|v| v.to_str().unwrap().to_owned());
        (response.status().as_u16(), challenge.unwrap_or_default())
    };
    assert_eq!(send(None).await.0, 401);
    assert_eq!(send(Some("bogus")).await.0, 401);
    let scopes = ["https://www.googleapis.com/auth/contacts.readonly".to_owned()];
    let token = bench
        .sandbox
        .state()
        .core
        .oauth
        .issue("google", &bench.account, &scopes)
        .unwrap()
        .access_token;
    let (status, challenge) = send(Some(&token)).await;
    assert_eq!(status, 403);
    assert!(challenge.contains("insufficient_scope"), "{challenge}");
    bench.advance(3_601);
    assert_eq!(send(Some(&bench.token)).await.0, 401);
}

#[tokio::test]
async fn batches_apply_all_or_nothing() {
    let bench = Bench::with(0).await;
    let contact = |given: &str| json!({"contactPerson": {"names": [{"givenName": given}]}});
    let (status, made) = bench
        .post(
            "/v1/people:batchCreateContacts",
            json!({"contacts": [contact("A"), contact("B")], "readMask": "names"}),
        )
        .await;
    assert_eq!(
        (status, made["createdPeople"].as_array().map(Vec::len)),
        (200, Some(2))
    );
    let person = |n: usize| &made["createdPeople"][n]["person"];
    let (a, b) = (id_of(person(0)), id_of(person(1)));
    let update = |etag_b: &str| {
        json!({
            "contacts": {
                format!("people/{a}"): {"etag": person(0)["etag"], "names": [{"givenName": "A2"}]},
                format!("people/{b}"): {"etag": etag_b, "names": [{"givenName": "B2"}]},
            },
            "updateMask": "names", "readMask": "names",
        })
    };
    let (status, refused) = bench
        .post("/v1/people:batchUpdateContacts", update("%bogus"))
        .await;
    assert_eq!(status, 400);
    assert_eq!(
        refused["error"]["details"][0]["contactErrors"][format!("people/{b}")]["code"],
        9
    );
    assert_eq!(
        bench
            .ok(&format!("/v1/people/{a}?personFields=names"))
            .await["names"][0]["givenName"],
        "A"
    );
    let (status, done) = bench
        .post(
            "/v1/people:batchUpdateContacts",
            update(person(1)["etag"].as_str().unwrap()),
        )
        .await;
    assert_eq!(
        (
            status,
            &done["updateResult"][format!("people/{b}")]["person"]["names"][0]["givenName"]
        ),
        (200, &json!("B2"))
    );

    let names = [format!("people/{a}"), format!("people/{b}")];
    let got = bench
        .ok(&format!(
            "/v1/people:batchGet?personFields=names&resourceNames={}&resourceNames=people/c1",
            names[0]
        ))
        .await;
    assert_eq!(got["responses"][1]["status"]["code"], 5);
    // As the Python client sends a long GET.
    let form = format!(
        "personFields=names&resourceNames={}",
        names[1].replace('/', "%2F")
    );
    let response = bench
        .http
        .post(bench.url("/v1/people:batchGet"))
        .bearer_auth(&bench.token)
        .header("X-HTTP-Method-Override", "GET")
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body(form)
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(
        bench
            .post(
                "/v1/people:batchDeleteContacts",
                json!({"resourceNames": [names[0], "people/c1"]})
            )
            .await
            .0,
        404
    );
    assert_eq!(
        bench
            .post(
                "/v1/people:batchDeleteContacts",
                json!({"resourceNames": names})
            )
            .await
            .0,
        200
    );
    assert_eq!(
        bench
            .get(&format!("/v1/people/{a}?personFields=names"))
            .await
            .0,
        404
    );
}

#[tokio::test]
async fn a_multipart_batch_answers_every_part() {
    let bench = Bench::with(1).await;
    let part = |n: u8, path: &str| {
        format!(
            "--==b==\nContent-Type: application/http\nMIME-Version: 1.0\nContent-ID: <x + {n}>\n\nGET {path} HTTP/1.1\nHost: h\n\n"
        )
    };
    let body = format!(
        "{}{}--==b==--\n",
        part(1, "/v1/people/me?personFields=names&alt=json"),
        part(2, "/v1/people/c1?personFields=names")
    );
    let response = bench
        .http
        .post(bench.url("/batch"))
        .bearer_auth(&bench.token)
        .header("Content-Type", "multipart/mixed; boundary=\"==b==\"")
        .body(body)
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    let text = response.text().await.unwrap();
    assert!(
        text.contains("Content-ID: <response-x + 1>\r\n\r\nHTTP/1.1 200 OK\r\n"),
        "{text}"
    );
    assert!(
        text.contains("Content-ID: <response-x + 2>\r\n\r\nHTTP/1.1 404 Not Found\r\n"),
        "{text}"
    );
}

#[tokio::test]
async fn search_needs_a_warm_up() {
    let bench = Bench::with(0).await;
    bench.create("Foobar").await;
    let search = async |query: &str| {
        let found = bench
            .ok(&format!(
                "/v1/people:searchContacts?readMask=names&query={query}"
            ))
            .await;
        found["results"].as_array().map_or(0, Vec::len)
    };
    assert_eq!(search("foo").await, 0);
    assert_eq!(search("").await, 0);
    assert_eq!((search("foo").await, search("oob").await), (1, 0));
}

#[tokio::test]
async fn quotas_bind_when_set() {
    let bench = Bench::with(0).await;
    bench
        .post(&bench.admin("/quota"), json!({"critical_reads": 1}))
        .await;
    assert_eq!(bench.get("/v1/people/me?personFields=names").await.0, 200);
    let (status, error) = bench.get("/v1/people/me?personFields=names").await;
    assert_eq!(
        (status, error["error"]["status"].as_str()),
        (429, Some("RESOURCE_EXHAUSTED"))
    );
    assert_eq!(
        error["error"]["details"][0]["metadata"]["quota_limit"],
        "CriticalReadsPerMinutePerProjectPerUser"
    );
    bench.advance(60);
    assert_eq!(bench.get("/v1/people/me?personFields=names").await.0, 200);
    assert_eq!(
        bench
            .post(&bench.admin("/quota"), json!({"critical_raeds": 1}))
            .await
            .0,
        400
    );
}
