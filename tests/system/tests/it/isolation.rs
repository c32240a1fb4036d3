//! Two tenants on one server: what one has does not exist for the other.

use reqwest::Method;
use serde_json::{Value, json};
use system_tests::http::text;
use system_tests::{Customer, GOOGLE, World, ZOHO};

use crate::people::{crm, email, title};

/// S-01: every row of one tenant answers 404 to another, with the body of a row that never was.
#[tokio::test]
async fn rows_of_another_tenant_do_not_exist() -> anyhow::Result<()> {
    // Invented contacts bring problems: birthdays without a year have no room in the CRM.
    let world = World::start(30).await?;
    world.sandbox.create(ZOHO, crm("Ada", json!({}))).await?;
    let connection = world.connected(json!({"conflict": "ask"})).await?;
    let ids = [ZOHO, GOOGLE];
    for side in ids {
        let ada = world.sandbox.get(side, &email("Ada")).await?;
        let edit = if side == ZOHO {
            json!({"Title": "One"})
        } else {
            title("Other")
        };
        world.sandbox.edit(side, &ada.id, edit).await?;
    }
    let run = world.api.sync(&connection).await?;
    let at = |rest: &str| format!("/v1/connections/{connection}/{rest}");
    let first = async |path: String| -> anyhow::Result<Value> {
        let rows = world.api.list(&path).await?;
        rows.into_iter()
            .next()
            .ok_or_else(|| anyhow::anyhow!("no rows in {path}"))
    };
    let problem = text(&first(at("problems")).await?, "/id")?;
    let conflict = text(&first(at("conflicts?status=open")).await?, "/id")?;
    let link = text(&first(at("links")).await?, "/id")?;
    let run = text(&run, "/id")?;
    let reads = [
        format!("/v1/connections/{connection}"),
        at("links"),
        at("problems"),
        at("conflicts"),
        at("runs"),
        at("health"),
        at("default-mapping"),
        format!("/v1/accounts/{}", world.a),
        format!("/v1/accounts/{}/fields", world.a),
        format!("/v1/accounts/{}/collections", world.b),
        format!("/v1/runs/{run}"),
        format!("/v1/runs/{run}/changes"),
        format!("/v1/runs/{run}/events"),
        format!("/v1/records/{link}/history"),
    ];
    let writes = [
        (Method::POST, at("runs"), Value::Null),
        (Method::POST, at("pause"), Value::Null),
        (Method::POST, at("resume"), Value::Null),
        (
            Method::POST,
            format!("/v1/problems/{problem}/close"),
            Value::Null,
        ),
        (
            Method::POST,
            format!("/v1/conflicts/{conflict}/resolve"),
            json!({"winner": "a"}),
        ),
        (Method::POST, format!("/v1/runs/{run}/approve"), Value::Null),
        (Method::POST, format!("/v1/runs/{run}/cancel"), Value::Null),
        (
            Method::POST,
            format!("/v1/accounts/{}/authorize", world.a),
            Value::Null,
        ),
        (
            Method::DELETE,
            format!("/v1/accounts/{}", world.a),
            Value::Null,
        ),
        (
            Method::DELETE,
            format!("/v1/connections/{connection}"),
            Value::Null,
        ),
    ];
    let stranger = Customer::sign_up(&world.api.base, "stranger@other.example").await?;
    for path in &reads {
        let mine = world.api.call(Method::GET, path, None);
        // A stream of events ends with its run, which is over.
        assert_eq!(mine.await?.status, 200, "{path}");
        let theirs = stranger.call(Method::GET, path, None).await?;
        assert_eq!(theirs.status, 404, "{path}: {}", theirs.body);
    }
    for (method, path, body) in &writes {
        let body = Some(body).filter(|body| !body.is_null());
        let theirs = stranger.call(method.clone(), path, body).await?;
        assert_eq!(theirs.status, 404, "{method} {path}: {}", theirs.body);
    }
    for list in ["/v1/accounts", "/v1/connections"] {
        assert!(stranger.list(list).await?.is_empty(), "{list}");
    }
    // Nor can another's accounts be connected.
    let steal = json!({"name": "Mine", "a": {"account": world.a}, "b": {"account": world.b}});
    let stolen = stranger
        .call(Method::POST, "/v1/connections", Some(&steal))
        .await?;
    assert!((400..500).contains(&stolen.status), "{}", stolen.body);
    // After all that the owner finds everything as it was.
    let open = first(at("conflicts?status=open")).await?;
    assert_eq!(text(&open, "/id")?, conflict);
    assert_eq!(text(&first(at("problems")).await?, "/status")?, "open");
    world.quiet(&connection).await?;
    Ok(())
}
