//! The CardDAV connector against servers that are large to install: the step `dav` of `./test` does, and runs these.
//! Radicale and Xandikos are tried in `carddav.rs`.

use syncline_connector::conformance::Probe as _;
use syncline_connector::{Connector as _, Kind};

use super::carddav::{Dav, books_from, conforms, quiet_pull, session};
use super::dav_server::Software;

#[tokio::test]
#[ignore = "needs a Cyrus: ./test dav"]
async fn carddav_conforms_at_cyrus() {
    conforms(Software::Cyrus).await;
}

#[tokio::test]
#[ignore = "needs a DAViCal: ./test dav"]
async fn carddav_conforms_at_davical() {
    conforms(Software::Davical).await;
}

#[tokio::test]
#[ignore = "needs a SOGo: ./test dav"]
async fn carddav_conforms_at_sogo() {
    conforms(Software::Sogo).await;
}

/// Others answer a token that they have forgotten with a listing of everything, as `read.rs` says: only this one refuses it.
#[tokio::test]
#[ignore = "needs a Cyrus: ./test dav"]
async fn a_quiet_pull_is_one_request_at_cyrus_and_a_forgotten_token_is_told() {
    let dav = Dav::start(Software::Cyrus).await;
    let mut cursor = quiet_pull(&dav).await.cursor;
    cursor.0 = cursor.0.replace("data:,", "data:,9");
    let error = dav.pull(Some(cursor)).await.expect_err("forgotten");
    assert_eq!(error.kind, Kind::CursorExpired);
}

#[tokio::test]
#[ignore = "needs a DAViCal: ./test dav"]
async fn a_quiet_pull_is_one_request_at_davical() {
    quiet_pull(&Dav::start(Software::Davical).await).await;
}

#[tokio::test]
#[ignore = "needs a SOGo: ./test dav"]
async fn a_quiet_pull_is_one_request_at_sogo() {
    quiet_pull(&Dav::start(Software::Sogo).await).await;
}

/// Its token is the second of the last change: whoever asks with it hears nothing of what else happens in that second.
#[tokio::test]
#[ignore = "needs a SOGo: ./test dav"]
async fn what_changes_in_the_second_of_a_pull_is_not_lost_at_sogo() {
    let dav = Dav::start(Software::Sogo).await;
    dav.add(1).await;
    let mut pulled = dav.pull(None).await.expect("a pull");
    for number in 2..30 {
        let id = dav.add(number).await;
        pulled = dav.pull(Some(pulled.cursor)).await.expect("a pull");
        let told = pulled.present.iter().any(|record| record.id == id);
        assert!(told, "number {number} is not told");
    }
    dav.settle().await;
    let last = dav.pull(Some(pulled.cursor)).await.expect("a pull");
    let quiet = dav.pull(Some(last.cursor)).await.expect("a pull");
    assert!(quiet.present.is_empty() && quiet.gone.is_empty());
}

#[tokio::test]
#[ignore = "needs servers: ./test dav"]
async fn address_books_are_found_at_large_servers() {
    for (software, addresses) in [
        (
            Software::Cyrus,
            ["/", "/dav", "/dav/addressbooks/user/alice/"],
        ),
        (
            Software::Davical,
            ["/", "/caldav.php/alice", "/caldav.php/"],
        ),
        (
            Software::Sogo,
            ["/SOGo/dav/", "/SOGo/dav/alice", "/SOGo/dav/alice/Contacts/"],
        ),
    ] {
        let dav = Dav::start(software).await;
        let own = dav.collection();
        for address in addresses {
            let ids = books_from(&dav, address).await;
            assert!(ids.contains(&own), "{software:?} {address}: {ids:?}");
        }
        assert_eq!(books_from(&dav, &dav.server.book).await, [own]);
    }
    // Its door shows a page for people, and it has no other way to say where address books are.
    let dav = Dav::start(Software::Sogo).await;
    let door = session(&format!("http://{}/", dav.server.proxy), &["127.0.0.0/8"]);
    let error = dav.connector.identity(&door).await.expect_err("a page");
    assert_eq!(error.kind, Kind::Malformed, "{}", error.message);
}
