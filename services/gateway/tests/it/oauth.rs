//! S-11: `/v1/oauth/callback`. Whose account is joined to whose tenant is not for a stranger to say.

use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{Answer, Client, World};

/// Ann begins to open an account.
async fn begun(client: &Client<'_>, provider: &str) -> (Answer, String) {
    let body = json!({ "provider": provider });
    let answer = client.post("/v1/accounts", &body).await;
    let made: Value = serde_json::from_str(&answer.text).unwrap();
    let id = made["account"]["id"].as_str().unwrap().to_owned();
    (answer, id)
}

async fn status(client: &Client<'_>, account: &str) -> Value {
    let account = client.get(&format!("/v1/accounts/{account}")).await.ok(200);
    account["status"]["is"].clone()
}

/// A browser comes back, with a cookie or without.
async fn visit(world: &World, back: &str, cookie: Option<&str>) -> Answer {
    let mut request = world.http.get(back);
    if let Some(cookie) = cookie {
        request = request.header("cookie", cookie);
    }
    world.send(request).await
}

#[actix_web::test]
async fn the_cookie_is_for_the_callback_alone() {
    let world = World::new().await;
    let ann = world.sign_up("ann@example.com").await;
    let (answer, _) = begun(&ann, "google_contacts").await;
    let set = answer.header("set-cookie").unwrap();
    for part in [
        "Path=/v1/oauth/callback",
        "Max-Age=600",
        "HttpOnly",
        "SameSite=Lax",
    ] {
        assert!(set.contains(part), "{set}");
    }
    let page = ann.consent(&answer, "allow").await;
    assert!(page.text.contains("Account connected"), "{}", page.text);
    let gone = page.header("set-cookie").unwrap();
    assert!(gone.starts_with(set.split('=').next().unwrap()), "{gone}");
    assert!(gone.contains("Max-Age=0"), "{gone}");
}

/// A stranger begins in their own tenant and lures somebody to the consent page: whoever comes back is told who asks.
#[actix_web::test]
async fn a_lured_browser_gives_nothing_away() {
    let world = World::new().await;
    let eve = world.sign_up("eve@example.com").await;
    let (answer, account) = begun(&eve, "google_contacts").await;
    let back = eve.decide(&answer, "allow").await;
    let other = begun(&eve, "google_contacts").await.0;
    for cookie in [None, Some("syncline_0=x"), Some(other.cookie())] {
        let page = visit(&world, &back, cookie).await;
        assert_eq!(page.status, 200);
        for words in [
            "eve@example.com of Acme",
            "Google Contacts",
            "close this window",
        ] {
            assert!(page.text.contains(words), "{words}: {}", page.text);
        }
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        assert_eq!(status(&eve, &account).await, "pending");
    }
    // A page of somebody else's presses the button: refused, whatever it says of itself.
    let form = back.split_once('?').unwrap().1;
    let press = async |origin: Option<&str>| {
        let mut request = world.request(Method::POST, "/v1/oauth/callback");
        request = request.header("content-type", "application/x-www-form-urlencoded");
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        world.send(request.body(form.to_owned())).await
    };
    let longer = format!("{}0", world.base);
    let shorter = &world.base[..world.base.len() - 1];
    for origin in [
        None,
        Some("null"),
        Some("https://evil.example"),
        Some(&*longer),
        Some(shorter),
        Some("http:"),
        Some(""),
    ] {
        assert_eq!(press(origin).await.status, 400, "{origin:?}");
        assert_eq!(status(&eve, &account).await, "pending");
    }
    // The person at the browser wants it: nothing was spent by asking.
    let page = press(Some(&world.base)).await;
    assert!(page.text.contains("Account connected"), "{}", page.text);
    assert_eq!(status(&eve, &account).await, "active");
    assert_eq!(press(Some(&world.base)).await.status, 400, "once only");
}

/// A stranger's code is carried to somebody who is in the middle of an authorisation of their own: it does not fit their
/// state, and the stranger's state does not fit their browser.
#[actix_web::test]
async fn a_strangers_way_back_joins_nothing_to_my_tenant() {
    let world = World::new().await;
    let (ann, eve) = (
        world.sign_up("ann@example.com").await,
        world.sign_up("eve@example.com").await,
    );
    let (mine, my_account) = begun(&ann, "google_contacts").await;
    let (theirs, their_account) = begun(&eve, "google_contacts").await;
    let my_back = ann.decide(&mine, "allow").await;
    let their_back = eve.decide(&theirs, "allow").await;
    let page = visit(&world, &their_back, Some(mine.cookie())).await;
    assert!(
        page.text.contains("eve@example.com of Acme"),
        "{}",
        page.text
    );
    let swapped = with_code_of(&my_back, &their_back);
    let page = visit(&world, &swapped, Some(mine.cookie())).await;
    assert_eq!(page.status, 400, "PKCE: {}", page.text);
    assert_eq!(status(&ann, &my_account).await, "pending");
    assert_eq!(status(&eve, &their_account).await, "pending");
}

/// One provider's code is brought to the other provider's authorisation.
#[actix_web::test]
async fn a_code_is_good_at_its_own_provider_only() {
    let world = World::new().await;
    let ann = world.sign_up("ann@example.com").await;
    let (google, account) = begun(&ann, "google_contacts").await;
    let (zoho, _) = begun(&ann, "zoho_crm").await;
    let (here, there) = (
        ann.decide(&google, "allow").await,
        ann.decide(&zoho, "allow").await,
    );
    let page = visit(&world, &with_code_of(&here, &there), Some(google.cookie())).await;
    assert_eq!(page.status, 400, "{}", page.text);
    assert_eq!(status(&ann, &account).await, "pending");
}

/// A way back that was used, and a code that was used with a fresh state.
#[actix_web::test]
async fn nothing_is_good_twice() {
    let world = World::new().await;
    let ann = world.sign_up("ann@example.com").await;
    let (first, account) = begun(&ann, "google_contacts").await;
    let used = ann.decide(&first, "allow").await;
    assert_eq!(visit(&world, &used, Some(first.cookie())).await.status, 200);
    assert_eq!(visit(&world, &used, Some(first.cookie())).await.status, 400);
    let path = format!("/v1/accounts/{account}/authorize");
    let again = ann.post(&path, &json!({})).await;
    let fresh = ann.decide(&again, "allow").await;
    let replayed = with_code_of(&fresh, &used);
    assert_eq!(
        visit(&world, &replayed, Some(again.cookie())).await.status,
        400
    );
    assert_eq!(status(&ann, &account).await, "active");
}

/// An address with the state of one way back and the code of another.
fn with_code_of(state: &str, code: &str) -> String {
    let find = |url: &str, name: &str| -> String {
        let url = reqwest::Url::parse(url).unwrap();
        let mut pairs = url.query_pairs();
        pairs.find(|(key, _)| key == name).unwrap().1.into_owned()
    };
    let mut url = reqwest::Url::parse(state).unwrap();
    let (state, code) = (find(state, "state"), find(code, "code"));
    url.query_pairs_mut()
        .clear()
        .extend_pairs([("state", state), ("code", code)]);
    url.into()
}
