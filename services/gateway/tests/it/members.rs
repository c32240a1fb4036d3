//! `/v1/members` and `/v1/invitations`: roles and what they allow.

use chrono::TimeDelta;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use syncline_model::{Actor, InvitationId, Role};
use syncline_platform::{Clock as _, SystemClock};
use syncline_store::NewInvitation;

use crate::world::{Client, World};

const PASSWORD: &str = "correct horse battery";

async fn invite(by: &Client<'_>, email: &str, role: &str) -> Value {
    let body = json!({"email": email, "role": role});
    by.post("/v1/invitations", &body).await.ok(201)
}

/// Somebody of Ann's organisation with a role, and their id.
async fn member<'a>(ann: &Client<'a>, name: &str, role: &str) -> (Client<'a>, String) {
    let invited = invite(ann, &format!("{name}@example.com"), role).await;
    let accept = json!({"token": invited["token"], "password": PASSWORD});
    let path = "/v1/invitations/accept";
    let session = ann.world.post(path, &accept).await.ok(201);
    assert_eq!(session["member"]["role"], role);
    let id = session["member"]["id"].as_str().unwrap().to_owned();
    let token = session["access_token"].as_str().unwrap().to_owned();
    let world = ann.world;
    (Client { world, token }, id)
}

/// The permission table of docs/roles.md: for each role, what it may do of each kind.
#[actix_web::test]
async fn each_role_may_do_what_the_table_says() {
    let world = World::new().await;
    let ann = world.sign_up("ann@example.com").await;
    let google = ann.account("google_contacts").await;
    let collections = format!("/v1/accounts/{google}/collections");
    let table = [
        ("owner", [true, true, true, true]),
        ("admin", [true, true, true, false]),
        ("editor", [true, true, false, false]),
        ("viewer", [true, false, false, false]),
    ];
    for (role, [looks, changes, manages, makes_owners]) in table {
        let (client, _) = member(&ann, role, role).await;
        let expect = |may: bool, status: u16| if may { status } else { 403 };
        let looked = client.get("/v1/connections").await;
        assert_eq!(looked.status, expect(looks, 200), "{role}");
        let account = json!({"provider": "zoho_crm"});
        let changed = client.post("/v1/accounts", &account).await;
        assert_eq!(changed.status, expect(changes, 201), "{role}");
        let group = client.post(&collections, &json!({"name": role})).await;
        assert_eq!(group.status, expect(changes, 201), "{role}");
        for path in ["/v1/api-keys", "/v1/invitations"] {
            let managed = client.get(path).await;
            assert_eq!(managed.status, expect(manages, 200), "{role} {path}");
        }
        let email = format!("by-{role}@example.com");
        let body = json!({"email": email, "role": "owner"});
        let owner = client.post("/v1/invitations", &body).await;
        assert_eq!(owner.status, expect(makes_owners, 201), "{role}");
        if !changes {
            let why = changed.problem(403, "forbidden")["detail"].to_string();
            assert!(why.contains("`viewer`"), "{why}");
        }
    }
    let members = ann.get("/v1/members").await.ok(200);
    assert_eq!(members["data"].as_array().unwrap().len(), 5);
}

/// Another role, and being removed, hold from the next request on.
#[actix_web::test]
async fn a_role_is_changed_and_a_member_removed_at_once() {
    let world = World::new().await;
    let ann = world.sign_up("ann@example.com").await;
    let (bob, id) = member(&ann, "bob", "viewer").await;
    let path = format!("/v1/members/{id}");
    let account = json!({"provider": "zoho_crm"});
    bob.post("/v1/accounts", &account)
        .await
        .problem(403, "forbidden");
    ann.patch(&path, "*", &json!({"role": "editor"}))
        .await
        .ok(200);
    bob.post("/v1/accounts", &account).await.ok(201);
    bob.patch(&path, "*", &json!({"role": "owner"}))
        .await
        .problem(403, "forbidden");
    let unknown = ann.patch(&path, "*", &json!({"role": "king"})).await;
    unknown.problem(422, "validation_failed");
    assert_eq!(ann.delete(&path).await.status, 204);
    bob.get("/v1/connections")
        .await
        .problem(401, "unauthenticated");
    ann.delete(&path).await.problem(404, "not_found");
}

#[actix_web::test]
async fn there_is_always_an_owner_and_owners_are_made_by_owners_alone() {
    let world = World::new().await;
    let ann = world.sign_up("ann@example.com").await;
    let members = ann.get("/v1/members").await.ok(200);
    let me = members["data"][0]["id"].as_str().unwrap();
    let me = format!("/v1/members/{me}");
    let viewer = json!({"role": "viewer"});
    ann.patch(&me, "*", &viewer)
        .await
        .problem(409, "last_owner");
    ann.delete(&me).await.problem(409, "last_owner");
    ann.get("/v1/api-keys").await.ok(200);
    let (admin, _) = member(&ann, "admin", "admin").await;
    admin
        .patch(&me, "*", &viewer)
        .await
        .problem(403, "forbidden");
    admin.delete(&me).await.problem(403, "forbidden");
    let (owner, _) = member(&ann, "second", "owner").await;
    owner.patch(&me, "*", &viewer).await.ok(200);
    ann.get("/v1/api-keys").await.problem(403, "forbidden");
}

#[actix_web::test]
async fn an_invitation_is_good_once_for_seven_days_until_it_is_taken_back() {
    let world = World::new().await;
    let ann = world.sign_up("ann@example.com").await;
    let accept = async |invited: &Value| {
        let body = json!({"token": invited["token"], "password": PASSWORD});
        world.post("/v1/invitations/accept", &body).await
    };
    let taken = json!({"email": "Ann@Example.com", "role": "viewer"});
    let answer = ann.post("/v1/invitations", &taken).await;
    answer.problem(409, "email_taken");
    let none = json!({"email": "nobody", "role": "viewer"});
    let answer = ann.post("/v1/invitations", &none).await;
    answer.problem(422, "validation_failed");

    let first = invite(&ann, "bob@example.com", "admin").await;
    let second = invite(&ann, "bob@example.com", "viewer").await;
    let listed = ann.get("/v1/invitations").await;
    assert!(!listed.text.contains(second["token"].as_str().unwrap()));
    assert_eq!(listed.ok(200)["data"], json!([second["invitation"]]));
    accept(&first).await.problem(401, "unauthenticated");
    let short = json!({"token": second["token"], "password": "short"});
    let answer = world.post("/v1/invitations/accept", &short).await;
    answer.problem(422, "validation_failed");
    accept(&second).await.ok(201);
    accept(&second).await.problem(401, "unauthenticated");
    assert_eq!(ann.get("/v1/invitations").await.ok(200)["data"], json!([]));
}

/// A key gives nobody more than it has: else its holder would invite themselves.
#[actix_web::test]
async fn a_key_invites_nobody_to_more_than_it_may() {
    let world = World::new().await;
    let ann = world.sign_up("ann@example.com").await;
    let (_, id) = member(&ann, "bob", "viewer").await;
    let key = json!({"name": "robot", "scopes": ["admin", "read"]});
    let key = ann.post("/v1/api-keys", &key).await.ok(201);
    let robot = Client {
        world: &world,
        token: key["secret"].as_str().unwrap().to_owned(),
    };
    for (role, status) in [("viewer", 201), ("editor", 403), ("admin", 403)] {
        let body = json!({"email": format!("{role}@example.com"), "role": role});
        let answer = robot.post("/v1/invitations", &body).await;
        assert_eq!(answer.status, status, "{role}");
    }
    let path = format!("/v1/members/{id}");
    let more = robot.patch(&path, "*", &json!({"role": "admin"})).await;
    more.problem(403, "forbidden");
}

#[actix_web::test]
async fn an_expired_invitation_is_refused() {
    let world = World::new().await;
    world.sign_up("ann@example.com").await;
    let sign_in = json!({"email": "ann@example.com", "password": "correct horse"});
    let session = world.post("/v1/sessions", &sign_in).await.ok(201);
    let tenant = session["tenant"]["id"].as_str().unwrap().parse().unwrap();
    let rows = world.store.scope(tenant).await.unwrap();
    let me = session["member"]["id"].as_str().unwrap().parse().unwrap();
    let now = SystemClock.now();
    for (days_ago, status) in [(8, 401), (6, 201)] {
        let token = format!("it_{}", "A".repeat(43));
        let created_at = now - TimeDelta::days(days_ago);
        let invitation = NewInvitation {
            id: InvitationId::from_uuid(uuid::Uuid::from_u128(7)),
            email: "late@example.com".into(),
            role: Role::Viewer,
            token_hash: Sha256::digest(&token).to_vec(),
            invited_by: Actor::Member(me),
            created_at,
            expires_at: created_at + TimeDelta::days(7),
        };
        let put = rows.invitation_put(&invitation, |_, _| true, 1);
        put.await.unwrap();
        let body = json!({"token": token, "password": PASSWORD});
        let answer = world.post("/v1/invitations/accept", &body).await;
        assert_eq!(answer.status, status, "{days_ago}");
    }
}

#[actix_web::test]
async fn an_invitation_that_is_taken_back_is_refused() {
    let world = World::new().await;
    let ann = world.sign_up("ann@example.com").await;
    let invited = invite(&ann, "bob@example.com", "viewer").await;
    let id = invited["invitation"]["id"].as_str().unwrap();
    let path = format!("/v1/invitations/{id}");
    assert_eq!(ann.delete(&path).await.status, 204);
    ann.delete(&path).await.problem(404, "not_found");
    let body = json!({"token": invited["token"], "password": PASSWORD});
    let answer = world.post("/v1/invitations/accept", &body).await;
    answer.problem(401, "unauthenticated");
}

/// Who is gone, or may invite nobody any more, leaves no door open behind them.
#[actix_web::test]
async fn an_invitation_ends_with_whoever_made_it() {
    let world = World::new().await;
    let ann = world.sign_up("ann@example.com").await;
    let accept = async |invited: &Value| {
        let body = json!({"token": invited["token"], "password": PASSWORD});
        world.post("/v1/invitations/accept", &body).await
    };
    let (bob, bob_id) = member(&ann, "bob", "admin").await;
    let (cem, cem_id) = member(&ann, "cem", "admin").await;
    let key = json!({"name": "robot", "scopes": ["admin", "read"]});
    let key = ann.post("/v1/api-keys", &key).await.ok(201);
    let robot = Client {
        world: &world,
        token: key["secret"].as_str().unwrap().to_owned(),
    };
    let by_bob = invite(&bob, "one@example.com", "admin").await;
    let by_cem = invite(&cem, "two@example.com", "viewer").await;
    let by_robot = invite(&robot, "three@example.com", "viewer").await;
    assert_eq!(by_bob["invitation"]["invited_by"], bob_id.as_str());
    assert_eq!(by_robot["invitation"]["invited_by"], key["api_key"]["id"]);
    let path = format!("/v1/members/{bob_id}");
    assert_eq!(ann.delete(&path).await.status, 204);
    let path = format!("/v1/members/{cem_id}");
    ann.patch(&path, "*", &json!({"role": "editor"}))
        .await
        .ok(200);
    let path = format!("/v1/api-keys/{}", key["api_key"]["id"].as_str().unwrap());
    assert_eq!(ann.delete(&path).await.status, 204);
    for invited in [by_bob, by_cem, by_robot] {
        accept(&invited).await.problem(401, "unauthenticated");
    }
    assert_eq!(ann.get("/v1/invitations").await.ok(200)["data"], json!([]));
}

#[actix_web::test]
async fn an_invitation_is_refused_once_its_maker_may_not_give_the_role() {
    let world = World::new().await;
    let ann = world.sign_up("ann@example.com").await;
    let (bob, bob_id) = member(&ann, "bob", "owner").await;
    let invited = invite(&bob, "eve@example.com", "owner").await;
    let path = format!("/v1/members/{bob_id}");
    ann.patch(&path, "*", &json!({"role": "admin"}))
        .await
        .ok(200);
    let body = json!({"token": invited["token"], "password": PASSWORD});
    let answer = world.post("/v1/invitations/accept", &body).await;
    let why = answer.problem(403, "forbidden")["detail"].to_string();
    assert!(why.contains("ask an owner of the organisation"), "{why}");
    let entries = ann.get("/v1/audit").await.ok(200);
    let newest = &entries["data"][0];
    assert_eq!(newest["action"], "accept_invitation");
    assert_eq!(newest["status"], 403);
    assert_eq!(newest["subject"], invited["invitation"]["id"]);
    assert_eq!(newest["actor"], Value::Null);
}

#[actix_web::test]
async fn an_invitation_to_own_is_left_to_owners() {
    let world = World::new().await;
    let ann = world.sign_up("ann@example.com").await;
    let (admin, _) = member(&ann, "admin", "admin").await;
    let invited = invite(&ann, "bob@example.com", "owner").await;
    let path = format!(
        "/v1/invitations/{}",
        invited["invitation"]["id"].as_str().unwrap()
    );
    admin.delete(&path).await.problem(403, "forbidden");
    let less = json!({"email": "bob@example.com", "role": "viewer"});
    let answer = admin.post("/v1/invitations", &less).await;
    answer.problem(403, "forbidden");
    let listed = ann.get("/v1/invitations").await.ok(200);
    assert_eq!(listed["data"], json!([invited["invitation"]]));
    assert_eq!(ann.delete(&path).await.status, 204);
}

/// Who asks learns nothing about who has a login where they may not look.
#[actix_web::test]
async fn inviting_does_not_tell_who_signs_in_elsewhere() {
    let world = World::new().await;
    let ann = world.sign_up("ann@example.com").await;
    world.sign_up("eve@example.com").await;
    let shape = async |email: &str| {
        let body = json!({"email": email, "role": "viewer"});
        let answer = ann.post("/v1/invitations", &body).await;
        let headers: Vec<String> = answer.headers.keys().map(ToString::to_string).collect();
        let mut body = answer.ok(201);
        body["token"] = json!("");
        body["invitation"]["id"] = json!("");
        body["invitation"]["email"] = json!("");
        body["invitation"]["created_at"] = json!("");
        body["invitation"]["expires_at"] = json!("");
        (headers, body)
    };
    assert_eq!(
        shape("eve@example.com").await,
        shape("nobody@example.com").await
    );
    let again = invite(&ann, "eve@example.com", "viewer").await;
    let body = json!({"token": again["token"], "password": PASSWORD});
    let answer = world.post("/v1/invitations/accept", &body).await;
    answer.problem(409, "email_taken");
}

#[actix_web::test]
async fn at_most_a_hundred_invitations_are_open() {
    let world = World::new().await;
    let ann = world.sign_up("ann@example.com").await;
    for n in 0..100 {
        invite(&ann, &format!("guest{n}@example.com"), "viewer").await;
    }
    let one_more = json!({"email": "late@example.com", "role": "viewer"});
    let answer = ann.post("/v1/invitations", &one_more).await;
    let full = answer.problem(409, "too_many_invitations");
    assert!(
        full["detail"].to_string().contains("take some back"),
        "{full}"
    );
    let again = invite(&ann, "guest7@example.com", "viewer").await;
    let path = format!(
        "/v1/invitations/{}",
        again["invitation"]["id"].as_str().unwrap()
    );
    assert_eq!(ann.delete(&path).await.status, 204);
    ann.post("/v1/invitations", &one_more).await.ok(201);
}
