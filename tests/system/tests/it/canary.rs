//! S-19: what no log may hold is put into every input, everything is written down that can be, and then looked through.

use anyhow::Context;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use system_tests::http::{client, text};
use system_tests::world::{GOOGLE_LOGIN, ZOHO_LOGIN};
use system_tests::{GOOGLE, World, ZOHO};

/// The customer's password, as `Customer` has it.
const PASSWORD: &str = "correct horse battery staple 7";
/// What tokens and codes of the two providers begin with.
const TOKENS: [&str; 4] = ["ya29.a0", "1//0", "4/0A", "Zoho-oauthtoken"];

/// Somebody, every value of whom is a canary.
struct Canary(&'static str);

impl Canary {
    fn word(&self, of: &str) -> String {
        format!("Canary{}{of}", self.0)
    }

    fn mail(&self) -> String {
        format!("{}@people.example", self.word("mail").to_lowercase())
    }

    /// The same person in the CRM.
    fn crm(&self) -> Value {
        json!({
            "First_Name": self.word("given"), "Last_Name": self.word("family"), "Email": self.mail(),
            "Title": self.word("title"), "Department": self.word("department"), "Description": self.word("notes"),
            "Mobile": "+44 20 7946 0958", "Mailing_Street": self.word("street"), "Mailing_City": self.word("city"),
        })
    }

    /// The same person at Google.
    fn book(&self) -> Value {
        json!({
            "names": [{"givenName": self.word("given"), "familyName": self.word("family")}],
            "emailAddresses": [{"value": self.mail(), "type": "work"}],
            "organizations": [{"title": self.word("title"), "department": self.word("department")}],
            "biographies": [{"value": self.word("notes")}],
            "phoneNumbers": [{"value": "+44 20 7946 0959", "type": "mobile"}],
        })
    }
}

/// Things that go wrong at the providers, with a canary in every answer.
async fn trouble(world: &World) -> anyhow::Result<()> {
    let words = "Canaryanswer is not a valid value for Canaryanswer";
    let refused = json!({"data": [{"code": "INVALID_DATA", "details": {"api_name": "Email"}, "message": words, "status": "error"}]});
    let error = json!({"error": {"code": 400, "status": "INVALID_ARGUMENT", "message": words}});
    for (provider, route, status, body) in [
        (ZOHO, "PUT /crm/v8/Contacts*", 400, &refused),
        (ZOHO, "GET /crm/v8/Contacts*", 500, &refused),
        (GOOGLE, "*pdateContact*", 400, &error),
        (GOOGLE, "GET /v1/people*", 503, &error),
    ] {
        let fault = json!({"kind": "status", "status": status, "body": body});
        let rule = json!({"provider": provider, "route": route, "times": 1, "fault": fault});
        world.sandbox.fault(rule).await?;
    }
    for provider in [ZOHO, GOOGLE] {
        let rule = json!({"provider": provider, "method": "GET", "times": 1, "after": 1, "fault": {"kind": "html_body"}});
        world.sandbox.fault(rule).await?;
    }
    Ok(())
}

/// Requests that are not what they should be, each with a canary. Gives what was answered.
async fn mistakes(world: &World, connection: &str) -> anyhow::Result<Vec<String>> {
    let (client, base) = (client()?, &world.api.base);
    let at = |method: Method, path: &str| client.request(method, format!("{base}{path}"));
    let signed_in = |request: RequestBuilder| request.bearer_auth(world.api.token());
    let connections = "/v1/connections";
    let password = |word: &str| json!({"organisation": "Canaryorganisation", "email": "canary", "password": word});
    let requests = [
        at(Method::POST, "/v1/sessions").json(&json!({"email": "owner@test.example", "password": "Canarysecret1"})),
        at(Method::POST, "/v1/sessions").body("{\"password\": \"Canarysecret2\""),
        at(Method::POST, "/v1/tenants").json(&password("Canarysecret3")),
        at(Method::POST, "/v1/tenants").json(&password("Canarysecret4").to_string()),
        at(Method::POST, "/v1/tenants").json(&json!({"password": {"Canarysecret5": 1}})),
        at(Method::POST, "/v1/sessions/refresh").json(&json!({"refresh_token": "rt_Canarysecret6"})),
        at(Method::GET, connections).bearer_auth("sk_Canarysecret7"),
        at(Method::GET, connections).header("authorization", "Basic Canarysecret8"),
        at(Method::GET, connections).header("cookie", "session=Canarysecret9").header("user-agent", "Canaryagent"),
        at(Method::GET, "/v1/oauth/callback?state=Canarysecret10&code=Canarysecret11"),
        at(Method::GET, "/v1/oauth/callback?state=Canarysecret12&error=Canaryerror"),
        at(Method::POST, "/v1/oauth/callback").body("state=Canarysecret13&code=Canarysecret14"),
        signed_in(at(Method::GET, "/v1/connections?after=Canaryafter&limit=Canarylimit")),
        signed_in(at(Method::GET, "/v1/connections/Canaryid")),
        signed_in(at(Method::GET, "/v1/Canarypath?token=Canarysecret15")),
        signed_in(at(Method::POST, connections)).json(&json!({"name": "Canaryname", "secret": "Canarysecret16"})),
        signed_in(at(Method::POST, connections)).header("idempotency-key", "Canarykey").json(&json!({"name": 5})),
        signed_in(at(Method::PATCH, &format!("{connections}/{connection}")))
            .header("if-match", "\"1\"")
            .json(&json!({"rules": [{"from": "a", "if": [{"field": "Canaryfield", "is": "Canaryvalue"}]}]})),
    ];
    let mut answers = Vec::new();
    for request in requests {
        let answer = request.send().await?;
        let status = answer.status().as_u16();
        assert!(
            (400..500).contains(&status),
            "{status}: {}",
            answer.text().await?
        );
        answers.push(answer.text().await?);
    }
    Ok(answers)
}

#[tokio::test]
async fn nothing_that_is_nobodys_business_is_written_down() -> anyhow::Result<()> {
    let mut world = World::start(0).await?;
    world.set("SYNCLINE__LOG__LEVEL", "trace");
    world.crash().await?;
    let (ada, bob) = (Canary("ada"), Canary("bob"));
    world.sandbox.create(ZOHO, ada.crm()).await?;
    world.sandbox.create(GOOGLE, bob.book()).await?;
    let connection = world.connected(json!({})).await?;
    // Both edit one field, differently, and one edits another: a conflict, updates, and whatever goes wrong.
    world.sandbox.pass(900).await?;
    let (here, there) = (
        world.sandbox.get(ZOHO, &ada.mail()).await?,
        world.sandbox.get(GOOGLE, &ada.mail()).await?,
    );
    let edit = json!({"Title": "Canarycrm", "Mobile": "+44 20 7946 0957"});
    world.sandbox.edit(ZOHO, &here.id, edit).await?;
    let edit = json!({"organizations": [{"title": "Canarygoogle"}], "biographies": [{"value": "Canaryedit"}]});
    world.sandbox.edit(GOOGLE, &there.id, edit).await?;
    trouble(&world).await?;
    let run = world.api.begin(&connection).await?;
    world.api.ended(&run).await?;
    world.sandbox.mend().await?;
    world.api.sync(&connection).await?;
    let conflicts = format!("/v1/connections/{connection}/conflicts");
    assert!(
        !world.api.list(&conflicts).await?.is_empty(),
        "nothing clashed"
    );

    let begun = json!({"provider": "google_contacts"});
    let begun = world
        .api
        .call(Method::POST, "/v1/accounts", Some(&begun))
        .await?;
    let cookie = begun.cookie.clone().context("no cookie")?;
    let (_, cookie) = cookie.split_once('=').context("no value")?;
    let back = reqwest::Url::parse(&world.api.allow(begun, GOOGLE_LOGIN).await?)?;
    let page = client()?.get(back.clone()).send().await?;
    assert_eq!(
        page.status().as_u16(),
        200,
        "it is asked whether this is meant"
    );
    let mut secrets: Vec<String> = back
        .query_pairs()
        .map(|(_, value)| value.into_owned())
        .collect();
    secrets.retain(|value| value.len() > 20);
    assert!(secrets.len() >= 2, "a state and a code: {back}");

    let sign_in = json!({"email": "owner@test.example", "password": PASSWORD});
    let session = world.api.post("/v1/sessions", sign_in).await?;
    let key = json!({"name": "robot", "scopes": ["read"]});
    let key = world.api.post("/v1/api-keys", key).await?;
    let bearer = client()?.get(format!("{}/v1/connections", world.api.base));
    bearer
        .bearer_auth(text(&key, "/secret")?)
        .send()
        .await?
        .error_for_status()?;
    let answers = mistakes(&world, &connection).await?;
    let metrics = client()?
        .get(format!("{}/metrics", world.api.base))
        .send()
        .await?
        .text()
        .await?;
    assert!(metrics.contains("syncline_"), "{metrics}");

    secrets.extend([
        cookie.to_owned(),
        PASSWORD.to_owned(),
        world.api.token().to_owned(),
        text(&session, "/access_token")?,
        text(&session, "/refresh_token")?,
        text(&key, "/secret")?,
        "sandbox-google-secret".to_owned(),
        "sandbox-zoho-secret".to_owned(),
    ]);
    secrets.extend(TOKENS.map(str::to_owned));
    let log = world.stop().await?;
    assert!(
        log.contains("TRACE"),
        "the log holds all that can be logged"
    );
    for told in answers {
        hold(&told, &secrets);
        hold(&told, &["Canarysecret".to_owned()]);
    }
    let everything = [log, metrics];
    let people = [
        ZOHO_LOGIN,
        GOOGLE_LOGIN,
        "owner@test.example",
        "7946 09",
        "20794609",
    ];
    secrets.extend(people.map(str::to_owned));
    for told in everything {
        hold(&told, &secrets);
        hold(&told.to_lowercase(), &["canary".to_owned()]);
        assert!(!holds_zoho_token(&told), "a token of Zoho's");
    }
    Ok(())
}

/// Nothing of it is told.
#[track_caller]
fn hold(told: &str, secrets: &[String]) {
    for secret in secrets {
        let line = told.lines().find(|line| line.contains(secret.as_str()));
        assert!(
            line.is_none(),
            "`{secret}` is told: {}",
            line.unwrap_or_default()
        );
    }
}

/// Whether a text has a token of Zoho's: the client's id, which is no secret, begins alike.
fn holds_zoho_token(told: &str) -> bool {
    let mut after = told.split("1000.").skip(1);
    after.any(|rest| {
        rest.chars()
            .take(16)
            .filter(char::is_ascii_hexdigit)
            .count()
            == 16
    })
}
