//! The CardDAV connector against real servers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use syncline_connector::conformance::{Probe, Subject, Trouble, prove};
use syncline_connector::{
    Access, AccessToken, Change, Connector, Cursor, Endpoints, Error, GoneWhy, HttpClient,
    HttpLimits, Kind, Next, OpenGate, Pull, Session, Update,
};
use syncline_connectors::carddav::CardDav;
use syncline_model::{
    AccountId, Address, FieldName, Fields, OperationId, PartialDate, Record, RemoteId, Value,
};

use super::dav_server::{BASIC, DavServer, Software};

/// A login, which nothing renews.
struct Typed(String);

#[async_trait]
impl Access for Typed {
    async fn token(&self) -> Result<AccessToken, Error> {
        Ok(AccessToken {
            secret: BASIC.into(),
            api_base: Some(self.0.clone()),
            generation: 1,
        })
    }

    async fn renew(&self, _: &AccessToken) -> Result<AccessToken, Error> {
        let message = "the password is not taken";
        Err(Error::new("carddav", Kind::Unauthorized, message))
    }
}

/// A server, and our way to it.
pub struct Dav {
    pub server: DavServer,
    pub connector: CardDav,
    pub session: Session,
    edits: AtomicU32,
}

impl Dav {
    pub async fn start(software: Software) -> Self {
        let server = DavServer::start(software).await;
        // Without another server before it, that one shows a page for people to whoever comes to its door.
        let path = if software == Software::Sogo {
            "/SOGo/dav/"
        } else {
            "/"
        };
        let session = session(&format!("http://{}{path}", server.proxy), &["127.0.0.0/8"]);
        Self {
            server,
            connector: CardDav::new().expect("a connector"),
            session,
            edits: AtomicU32::new(0),
        }
    }

    pub fn collection(&self) -> String {
        format!("book:{}", self.server.book)
    }

    pub async fn pull(&self, cursor: Option<Cursor>) -> Result<Pulled, Error> {
        let mut pull = Pull {
            collection: self.collection(),
            cursor,
            page: None,
            fields: Vec::new(),
        };
        let (mut present, mut gone) = (Vec::new(), Vec::new());
        loop {
            let page = self.connector.pull(&self.session, &pull).await?;
            for change in page.changes {
                match change {
                    Change::Present { record, .. } => present.push(record),
                    Change::Gone { id, why, .. } => gone.push((id, why)),
                }
            }
            match page.next {
                Next::Page(page) => pull.page = Some(page),
                Next::End {
                    cursor,
                    complete_listing,
                } => {
                    return Ok(Pulled {
                        present,
                        gone,
                        cursor,
                        complete_listing,
                    });
                }
            }
        }
    }

    pub async fn update(&self, record: &Record, changes: Fields) -> Result<(), Error> {
        let update = Update {
            id: record.id.clone(),
            version: Some(record.version.clone()),
            changes,
        };
        self.connector
            .update(&self.session, &[update])
            .await
            .remove(0)
            .map(drop)
    }
}

#[derive(Debug)]
pub struct Pulled {
    pub present: Vec<Record>,
    pub gone: Vec<(RemoteId, GoneWhy)>,
    pub cursor: Cursor,
    pub complete_listing: bool,
}

pub fn session(server: &str, opened: &[&str]) -> Session {
    let most = HttpLimits::default().body;
    session_reading(server, opened, most)
}

/// A session that reads answers of at most so many bytes.
fn session_reading(server: &str, opened: &[&str], body: usize) -> Session {
    let connector = CardDav::new().expect("a connector");
    let limits = HttpLimits {
        backoff: Duration::from_millis(1),
        body,
        private_networks: opened
            .iter()
            .map(|one| one.parse().expect("a network"))
            .collect(),
        ..HttpLimits::default()
    };
    let endpoints = Endpoints {
        api_base: String::new(),
        api_path: String::new(),
        authorize_url: String::new(),
        token_url: String::new(),
        revoke_url: None,
        api_base_pinned: false,
    };
    Session::new(
        AccountId::from_uuid(uuid::Uuid::from_u128(1)),
        connector.definition(),
        endpoints,
        HttpClient::new(limits, Arc::new(|| 0.5)).expect("a client"),
        Arc::new(Typed(server.to_owned())),
        Arc::new(OpenGate),
    )
}

pub fn fields<const N: usize>(fields: [(&str, Value); N]) -> Fields {
    let fields = fields.into_iter();
    fields
        .map(|(name, value)| (FieldName::new(name), value))
        .collect()
}

pub fn card(uid: &str, lines: &str) -> String {
    format!(
        "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{uid}\r\nFN:Person {uid}\r\nN:{uid};Person;;;\r\n{lines}END:VCARD\r\n"
    )
}

#[async_trait]
impl Probe for Dav {
    fn collection(&self) -> String {
        Self::collection(self)
    }

    fn sample(&self, number: u32) -> Fields {
        let text = |word: &str| Value::text(format!("{word}{number}"));
        let address = |city: &str| {
            Value::Address(Address {
                street: format!("{number} Main Street\nBack yard"),
                city: city.into(),
                region: "R".into(),
                postal_code: format!("{number:05}"),
                country: "Norway".into(),
            })
        };
        let day = PartialDate::new(Some(1980), 2, 1 + (number % 28) as u8).expect("a day");
        fields([
            ("n.given", text("Given")),
            ("n.family", text("Family")),
            ("n.additional", text("Middle")),
            ("nickname", text("Nick")),
            ("email.work", Value::text(format!("w{number}@mail.example"))),
            ("email.home", Value::text(format!("o{number}@mail.example"))),
            ("tel.cell", Value::text(format!("+47 22 {number:06}"))),
            ("tel.fax", Value::text(format!("+47 23 {number:06}"))),
            ("adr.work", address("Oslo")),
            ("adr.other", address("Bergen")),
            ("org.name", text("Company; Sons, ")),
            ("title", text("Title")),
            ("bday", Value::Date(day)),
            ("note", text("Line\nLine ")),
            ("url", Value::text(format!("https://www{number}.example"))),
        ])
    }

    fn operation(&self, number: u32) -> OperationId {
        OperationId::from_uuid(uuid::Uuid::from_u128(number.into()))
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the servers' clock is the machine's"
    )]
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }

    async fn settle(&self) {
        // This one counts changes by the second, and a second is trusted once it is over.
        if self.server.software == Software::Sogo {
            tokio::time::sleep(Duration::from_millis(3_100)).await;
        }
    }

    async fn add(&self, number: u32) -> RemoteId {
        let path = format!("{}person-{number}.vcf", self.server.book);
        self.server
            .put(&path, &card(&format!("person-{number}"), ""))
            .await;
        RemoteId::new(path)
    }

    async fn edit(&self, id: &RemoteId) {
        let edit = self.edits.fetch_add(1, Ordering::SeqCst);
        let before = self.server.card(id.as_str()).await;
        let end = format!("NICKNAME:Edit {edit}\r\nEND:VCARD");
        let lines = before.lines().filter(|line| !line.starts_with("NICKNAME"));
        let lines: Vec<&str> = lines.collect();
        let after = lines.join("\r\n").replace("END:VCARD", &end);
        self.server.put(id.as_str(), &format!("{after}\r\n")).await;
    }

    async fn remove(&self, id: &RemoteId) {
        let gone = self.server.call("DELETE", id.as_str(), &[], "").await;
        assert!(matches!(gone.status, 200 | 204), "{gone:?}");
    }

    async fn everything(&self) -> Option<Vec<RemoteId>> {
        let paths = self.server.paths().await.into_iter();
        Some(paths.map(RemoteId::new).collect())
    }

    fn page_size(&self) -> Option<usize> {
        Some(500)
    }

    fn refused(&self) -> Option<Fields> {
        Some(fields([("bday", "soon".into())]))
    }

    async fn add_rich(&self, number: u32) -> RemoteId {
        let path = format!("{}rich-{number}.vcf", self.server.book);
        self.server
            .put(&path, &card(&format!("rich-{number}"), RICH))
            .await;
        RemoteId::new(path)
    }

    async fn rest(&self, id: &RemoteId) -> String {
        let card = self.server.card(id.as_str()).await;
        let unfolded = card.replace("\r\n ", "").replace("\n ", "");
        let lines = unfolded.lines().filter(|line| {
            let line = line.to_ascii_uppercase();
            ["PHOTO", "X-", "ITEM", "IMPP", "CATEGORIES", "GEO", "UID"]
                .iter()
                .any(|name| line.starts_with(name))
        });
        // This one writes a line's parameters in another order each time, whoever changes the card.
        let is_shuffled = self.server.software == Software::Sogo;
        let lines = lines.map(|line| {
            if is_shuffled {
                ordered(line)
            } else {
                line.into()
            }
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    async fn strike(&self, trouble: Trouble) -> bool {
        if matches!(trouble, Trouble::OldCursors | Trouble::CutListing) {
            return false;
        }
        self.server.way(|way| way.trouble = Some(trouble));
        true
    }

    async fn calm(&self) {
        self.server.way(|way| way.trouble = None);
    }
}

/// A line with its parameters in order.
fn ordered(line: &str) -> String {
    let (head, value) = line.split_once(':').expect("a line");
    let (name, parameters) = head.split_once(';').unwrap_or((head, ""));
    let mut parameters: Vec<&str> = parameters.split(';').collect();
    parameters.sort_unstable();
    format!("{name};{}:{value}", parameters.join(";"))
}

/// What no field of ours is about.
const RICH: &str = "PHOTO;ENCODING=b;TYPE=JPEG:CzBVep/E6Q4zWH2ix+wRNluApcrvFDleg6jN8hc8\r\n\
\x20YYar0PUaP2SJrtP4HUJnjLHW+yBFao+02f4jSG2St9wBJktwlbrfBClOc5i9\r\n\
IMPP;X-SERVICE-TYPE=Jabber:xmpp:rich@people.example\r\nCATEGORIES:Friends,Family\r\n\
item1.X-ABRELATEDNAMES:Bob\r\nitem1.X-ABLabel:Spouse\r\n\
X-CUSTOM;X-P=v:keep me\\, too\r\n";

pub async fn conforms(software: Software) {
    let dav = Dav::start(software).await;
    let subject = Subject {
        connector: &dav.connector,
        session: &dav.session,
        probe: &dav,
    };
    let report = prove(subject).await;
    let report = report.map_err(|failure| format!("{software:?}: {failure} {failure:?}"));
    let report = report.expect("conformance");
    let skipped: Vec<_> = report.skipped.iter().map(|(check, _)| *check).collect();
    let expected = ["cut listings", "expired cursors"];
    assert_eq!(skipped, expected);
}

#[tokio::test]
async fn carddav_conforms_at_radicale() {
    conforms(Software::Radicale).await;
}

#[tokio::test]
async fn carddav_conforms_at_xandikos() {
    conforms(Software::Xandikos).await;
}

/// The address books that are found from an address.
pub async fn books_from(dav: &Dav, address: &str) -> Vec<String> {
    let server = format!("http://{}{address}", dav.server.proxy);
    let session = session(&server, &["127.0.0.0/8"]);
    let found = dav.connector.collections(&session).await;
    let identity = dav.connector.identity(&session).await.expect("an identity");
    assert!(
        identity.label.ends_with("(127.0.0.1)"),
        "{}",
        identity.label
    );
    let found = found.expect("address books").into_iter();
    found.map(|one| one.id).collect()
}

#[tokio::test]
async fn address_books_are_found_from_any_address() {
    for (software, addresses) in [
        (Software::Radicale, ["/", "/alice", "/alice/contacts/"]),
        (
            Software::Xandikos,
            ["", "/alice/contacts/", "/alice/contacts/addressbook"],
        ),
    ] {
        let dav = Dav::start(software).await;
        for address in addresses {
            let ids = books_from(&dav, address).await;
            assert_eq!(ids, [dav.collection()], "{software:?} {address}");
        }
        let nowhere = session(
            &format!("http://{}/nowhere/at/all/", dav.server.proxy),
            &["127.0.0.0/8"],
        );
        // The server tells by itself where its person is.
        assert!(
            dav.connector.collections(&nowhere).await.is_ok(),
            "{software:?}"
        );
    }
}

#[tokio::test]
async fn the_password_goes_to_no_other_server() {
    let dav = Dav::start(Software::Xandikos).await;
    let other = DavServer::start(Software::Xandikos).await;
    let moved = format!(
        "HTTP/1.1 301 Moved\r\nlocation: http://{}/\r\n\r\n",
        other.proxy
    );
    dav.server.way(|way| way.answer = Some(("PROPFIND", moved)));
    let error = dav
        .connector
        .identity(&dav.session)
        .await
        .expect_err("it goes elsewhere");
    assert_eq!(error.kind, Kind::Forbidden);
    assert!(error.message.contains(&other.proxy), "{}", error.message);
    assert_eq!(other.calls(), [""; 0]);
    // Nor where an address book says that it is kept elsewhere.
    let elsewhere = "<d:multistatus xmlns:d='DAV:'><d:response><d:href>/</d:href><d:propstat><d:prop><h:addressbook-home-set xmlns:h='urn:ietf:params:xml:ns:carddav'><d:href>http://HOST/alice/</d:href></h:addressbook-home-set></d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response></d:multistatus>";
    let answer = format!(
        "HTTP/1.1 207 Multi-Status\r\n\r\n{}",
        elsewhere.replace("HOST", &other.proxy)
    );
    dav.server
        .way(|way| way.answer = Some(("PROPFIND", answer)));
    let error = dav
        .connector
        .collections(&dav.session)
        .await
        .expect_err("it goes elsewhere");
    assert_eq!(error.kind, Kind::Forbidden);
    assert!(error.message.contains(&other.proxy), "{}", error.message);
    assert_eq!(other.calls(), [""; 0]);
}

#[tokio::test]
async fn nothing_is_sent_into_private_networks() {
    let server = DavServer::start(Software::Xandikos).await;
    let connector = CardDav::new().expect("a connector");
    let port = server.proxy.rsplit(':').next().expect("a port");
    for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0.0.0.0"] {
        let session = session(&format!("http://{host}:{port}/"), &["10.0.0.0/8"]);
        let error = connector
            .identity(&session)
            .await
            .expect_err("it is private");
        assert_eq!(error.kind, Kind::Forbidden, "{host}: {}", error.message);
        assert!(
            error.message.contains("private network"),
            "{}",
            error.message
        );
    }
    assert_eq!(server.calls(), [""; 0]);
}

#[tokio::test]
async fn answers_that_grow_when_they_are_read_are_refused() {
    let dav = Dav::start(Software::Xandikos).await;
    let bomb = r#"<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><multistatus xmlns="DAV:"><response><href>&b;</href></response></multistatus>"#;
    let answer = format!("HTTP/1.1 207 Multi-Status\r\n\r\n{bomb}");
    dav.server
        .way(|way| way.answer = Some(("PROPFIND", answer)));
    let error = dav.pull(None).await.expect_err("a bomb");
    assert_eq!(error.kind, Kind::Malformed);
}

/// Nothing new is one request, and who is deleted is told. Gives the pull before that.
pub async fn quiet_pull(dav: &Dav) -> Pulled {
    let software = dav.server.software;
    let id = dav.add(1).await;
    dav.settle().await;
    let first = dav.pull(None).await.expect("a pull");
    assert!(first.complete_listing && first.present.len() == 1 && first.gone.is_empty());
    dav.server.calls();
    let quiet = dav.pull(Some(first.cursor.clone())).await.expect("a pull");
    assert_eq!((quiet.present.len(), quiet.complete_listing), (0, false));
    assert_eq!(dav.server.calls(), ["PROPFIND book"], "{software:?}");
    dav.remove(&id).await;
    let gone = dav.pull(Some(first.cursor.clone())).await.expect("a pull");
    assert_eq!(gone.gone, [(id, GoneWhy::Deleted)], "{software:?}");
    first
}

#[tokio::test]
async fn a_quiet_pull_is_one_request_and_a_forgotten_token_reads_everything() {
    for software in [Software::Radicale, Software::Xandikos] {
        let dav = Dav::start(software).await;
        let first = quiet_pull(&dav).await;
        let text = &first.cursor.0;
        let token = text
            .split("\"token\":\"")
            .nth(1)
            .and_then(|rest| rest.split('"').next());
        let made_up = text.replace(token.expect("a token"), "http://radicale.org/ns/sync/0000");
        let error = dav
            .pull(Some(Cursor(made_up)))
            .await
            .expect_err("forgotten");
        assert_eq!(error.kind, Kind::CursorExpired, "{software:?}");
    }
}

/// Some servers forget tokens in silence: what was deleted meanwhile shows in a listing, once a day.
#[tokio::test]
async fn once_a_day_everything_is_listed() {
    let dav = Dav::start(Software::Radicale).await;
    dav.add(1).await;
    let first = dav.pull(None).await.expect("a pull");
    let listed = first.cursor.0.split("\"listed\":").nth(1).expect("when");
    let listed: i64 = listed
        .split('}')
        .next()
        .and_then(|text| text.split(',').next()?.parse().ok())
        .expect("seconds");
    let at = |seconds: i64| {
        Cursor(
            first
                .cursor
                .0
                .replace(&listed.to_string(), &(listed - seconds).to_string()),
        )
    };
    assert!(
        !dav.pull(Some(at(86_000)))
            .await
            .expect("a pull")
            .complete_listing
    );
    let again = dav.pull(Some(at(86_500))).await.expect("a pull");
    assert!(again.complete_listing && again.present.len() == 1);
}

#[tokio::test]
async fn without_sync_tokens_the_change_count_says_whether_to_look() {
    let dav = Dav::start(Software::Xandikos).await;
    dav.server.way(|way| {
        way.hidden = vec![
            ("sync-token", "none-token"),
            ("sync-collection", "none-collection"),
        ];
    });
    let (one, _) = (dav.add(1).await, dav.add(2).await);
    let first = dav.pull(None).await.expect("a pull");
    assert!(first.complete_listing && first.present.len() == 2);
    dav.server.calls();
    let quiet = dav.pull(Some(first.cursor.clone())).await.expect("a pull");
    assert!(quiet.present.is_empty() && !quiet.complete_listing);
    assert_eq!(dav.server.calls(), ["PROPFIND book"]);
    dav.remove(&one).await;
    let listing = dav.pull(Some(first.cursor)).await.expect("a pull");
    assert!(listing.complete_listing && listing.present.len() == 1 && listing.gone.is_empty());
    let got = dav
        .connector
        .get(&dav.session, &[one], &[])
        .await
        .expect("an answer");
    assert_eq!(got, [None]);
}

#[tokio::test]
async fn what_is_not_changed_is_on_the_server_as_before_to_the_byte() {
    let dav = Dav::start(Software::Xandikos).await;
    let path = format!("{}keeps.vcf", dav.server.book);
    let version_4 = card("keeps", RICH)
        .replace("VERSION:3.0", "VERSION:4.0")
        .replace(
            "PHOTO;ENCODING=b;TYPE=JPEG:",
            "PHOTO:data:image/jpeg;base64\\,",
        );
    for before in [card("keeps", RICH), version_4] {
        dav.server.put(&path, &before).await;
        assert_eq!(dav.server.card(&path).await, before);
        let found = dav
            .connector
            .get(&dav.session, &[RemoteId::new(path.clone())], &[])
            .await;
        let record = found.expect("an answer").remove(0).expect("a record");
        dav.update(
            &record,
            fields([("title", "Diver".into()), ("n.given", "Rich".into())]),
        )
        .await
        .expect("written");
        let changed = before
            .replace("N:keeps;Person;;;", "N:keeps;Rich;;;")
            .replace("FN:Person keeps", "FN:Rich keeps")
            .replace("END:VCARD", "TITLE:Diver\r\nEND:VCARD");
        assert_eq!(dav.server.card(&path).await, changed);
        let stale = dav
            .update(&record, fields([("title", "Cook".into())]))
            .await;
        assert_eq!(stale.expect_err("stale").kind, Kind::VersionMismatch);
    }
}

#[tokio::test]
async fn cards_that_are_too_large_together_are_read_in_parts() {
    let mut dav = Dav::start(Software::Xandikos).await;
    let photo = format!("PHOTO;ENCODING=b;TYPE=JPEG:{}\r\n", "/9j/".repeat(5_000));
    for number in 0..12 {
        let path = format!("{}large-{number}.vcf", dav.server.book);
        dav.server
            .put(&path, &card(&format!("large-{number}"), &photo))
            .await;
    }
    let server = format!("http://{}/", dav.server.proxy);
    dav.session = session_reading(&server, &["127.0.0.0/8"], 70_000);
    assert_eq!(dav.pull(None).await.expect("a pull").present.len(), 12);
    // One alone that is too large is an error, and no deletion.
    dav.session = session_reading(&server, &["127.0.0.0/8"], 15_000);
    assert_eq!(
        dav.pull(None).await.expect_err("too large").kind,
        Kind::Malformed
    );
}

#[tokio::test]
async fn an_address_book_that_is_not_found_says_nothing_of_its_contacts() {
    let dav = Dav::start(Software::Xandikos).await;
    let id = dav.add(1).await;
    let first = dav.pull(None).await.expect("a pull");
    let answer = "HTTP/1.1 404 Not Found\r\n\r\n".to_owned();
    dav.server
        .way(|way| way.answer = Some((" HTTP/1.1", answer)));
    let error = dav
        .connector
        .get(&dav.session, &[id], &[])
        .await
        .expect_err("nothing is known");
    assert_eq!(error.kind, Kind::NotFound);
    assert!(dav.pull(Some(first.cursor)).await.is_err());
    assert!(dav.pull(None).await.is_err());
}

/// Whatever became of the answer, and whatever people do with the book, a name has one book of its own.
#[tokio::test]
async fn an_address_book_is_made_once() {
    for software in [Software::Radicale, Software::Xandikos] {
        let dav = Dav::start(software).await;
        let make = async |name: &str| {
            let made = dav.connector.create_collection(&dav.session, name).await;
            made.map(|made| (made.collection.id, made.is_new))
        };
        let (first, is_new) = make("Friends & <Family>/1").await.expect("a book");
        assert!(is_new, "{software:?}");
        let again = make("Friends & <Family>/1").await;
        assert_eq!(again.ok(), Some((first.clone(), false)), "{software:?}");
        let path = first.strip_prefix("book:").expect("a book");
        let renamed = r#"<propertyupdate xmlns="DAV:"><set><prop><displayname>Others</displayname></prop></set></propertyupdate>"#;
        let kind = ["content-type: application/xml"];
        let done = dav.server.call("PROPPATCH", path, &kind, renamed).await;
        assert_eq!(done.status, 207, "{software:?} {done:?}");
        let (second, is_new) = make("Friends & <Family>/1").await.expect("a book");
        assert!(is_new && second != first, "{software:?} {second}");
        assert_eq!(make("Others").await.ok(), Some((first, false)));
        // A name is no path: it leads nowhere else.
        let (up, _) = make("../..").await.expect("a book");
        let there = dav.collection();
        assert_eq!(place_of(&up), place_of(&there), "{software:?} {up}");
        // Whoever typed the address of one book has that book.
        let typed = format!("http://{}{}", dav.server.proxy, dav.server.book);
        let alone = session(&typed, &["127.0.0.0/8"]);
        let refused = dav.connector.create_collection(&alone, "Friends").await;
        let refused = refused.expect_err("a refusal");
        assert_eq!(refused.kind, Kind::Rejected, "{refused}");
    }
}

/// Where a book is kept.
fn place_of(book: &str) -> &str {
    let (home, _) = book.trim_end_matches('/').rsplit_once('/').expect("a path");
    home
}

#[tokio::test]
async fn a_server_that_makes_no_books_says_so() {
    let dav = Dav::start(Software::Radicale).await;
    let answer = "HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    dav.server
        .way(|way| way.answer = Some(("MKCOL", answer.to_owned())));
    let refused = dav
        .connector
        .create_collection(&dav.session, "Friends")
        .await;
    let refused = refused.expect_err("a refusal");
    assert_eq!(refused.kind, Kind::Rejected);
    assert!(refused.message.contains("of this name"), "{refused}");
}
