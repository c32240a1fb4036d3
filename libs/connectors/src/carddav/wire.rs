//! WebDAV's XML: the questions that we ask, and the answers taken apart. No meaning.
//!
//! Elements are known by their local names: servers get namespaces wrong. Document types, and with them entities, are
//! refused.

use roxmltree::{Document, Node, ParsingOptions};
use syncline_connector::{Error, Kind, Response};

/// Elements of one answer at most.
const NODES: u32 = 4_000_000;

pub(super) const XML: &str = "application/xml; charset=utf-8";
pub(super) const CARD: &str = "text/vcard; charset=utf-8";

const NAMESPACES: &str = r#"xmlns="DAV:" xmlns:A="urn:ietf:params:xml:ns:carddav" xmlns:S="http://calendarserver.org/ns/""#;

/// Asks for properties.
pub(super) fn propfind(properties: &str) -> String {
    format!(
        r#"<?xml version="1.0" encoding="utf-8"?><propfind {NAMESPACES}><prop>{properties}</prop></propfind>"#
    )
}

/// Asks for an address book to be made.
pub(super) fn mkcol(name: &str) -> String {
    format!(
        r#"<?xml version="1.0" encoding="utf-8"?><mkcol {NAMESPACES}><set><prop><resourcetype><collection/><A:addressbook/></resourcetype><displayname>{}</displayname></prop></set></mkcol>"#,
        plain(name)
    )
}

/// Asks for an address book to be called something.
pub(super) fn rename(name: &str) -> String {
    format!(
        r#"<?xml version="1.0" encoding="utf-8"?><propertyupdate {NAMESPACES}><set><prop><displayname>{}</displayname></prop></set></propertyupdate>"#,
        plain(name)
    )
}

/// Asks what changed since a token; since the empty one, everything did.
pub(super) fn sync_collection(token: &str) -> String {
    format!(
        r#"<?xml version="1.0" encoding="utf-8"?><sync-collection {NAMESPACES}><sync-token>{}</sync-token><sync-level>1</sync-level><prop><getetag/></prop></sync-collection>"#,
        plain(token)
    )
}

/// Asks for cards by their addresses. Version 3 is the one that every server has.
pub(super) fn multiget<'a>(hrefs: impl IntoIterator<Item = &'a str>) -> String {
    let hrefs: Vec<String> = hrefs.into_iter().map(plain).collect();
    let hrefs = format!("<href>{}</href>", hrefs.join("</href><href>"));
    format!(
        r#"<?xml version="1.0" encoding="utf-8"?><A:addressbook-multiget {NAMESPACES}><prop><getetag/><getlastmodified/><A:address-data content-type="text/vcard" version="3.0"/></prop>{hrefs}</A:addressbook-multiget>"#
    )
}

/// A text as XML holds it.
fn plain(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// What a server says of several resources.
#[derive(Debug, Default)]
pub(super) struct MultiStatus {
    pub resources: Vec<Resource>,
    pub sync_token: Option<String>,
}

/// What it says of one.
#[derive(Debug, Default)]
pub(super) struct Resource {
    pub href: String,
    /// Of the whole resource, if anything but its properties is told.
    pub status: Option<u16>,
    pub etag: Option<String>,
    pub modified: Option<String>,
    pub card: Option<String>,
    pub name: Option<String>,
    pub ctag: Option<String>,
    pub sync_token: Option<String>,
    pub is_book: bool,
    pub is_collection: bool,
    pub syncs: bool,
    pub principal: Option<String>,
    pub homes: Vec<String>,
}

/// Takes an answer of several resources apart.
pub(super) fn multi_status(response: &Response) -> Result<MultiStatus, Error> {
    let malformed = || response.error(Kind::Malformed, "the answer is not what WebDAV prescribes");
    let text = std::str::from_utf8(&response.body).map_err(|_| malformed())?;
    let options = ParsingOptions {
        allow_dtd: false,
        nodes_limit: NODES,
        ..ParsingOptions::default()
    };
    let document = Document::parse_with_options(text, options).map_err(|_| malformed())?;
    let root = document.root_element();
    if response.status != 207 || root.tag_name().name() != "multistatus" {
        return Err(malformed());
    }
    let mut all = MultiStatus::default();
    for node in root.children().filter(Node::is_element) {
        match node.tag_name().name() {
            "response" => all.resources.extend(resource(node)),
            "sync-token" => all.sync_token = text_of(node),
            _ => {}
        }
    }
    Ok(all)
}

fn resource(node: Node<'_, '_>) -> Option<Resource> {
    let mut resource = Resource {
        href: child(node, "href").and_then(text_of)?,
        status: child(node, "status").and_then(status),
        ..Resource::default()
    };
    for found in children(node, "propstat") {
        // A property that is not there stands in a group with a status of its own.
        if child(found, "status")
            .and_then(status)
            .is_none_or(|code| code == 200)
        {
            let properties = children(found, "prop").flat_map(|prop| prop.children());
            for property in properties.filter(Node::is_element) {
                take(&mut resource, property);
            }
        }
    }
    Some(resource)
}

fn take(resource: &mut Resource, property: Node<'_, '_>) {
    match property.tag_name().name() {
        "getetag" => resource.etag = text_of(property).as_deref().map(strong),
        "getlastmodified" => resource.modified = text_of(property),
        "address-data" => resource.card = property.text().map(str::to_owned),
        "displayname" => resource.name = text_of(property).map(|name| once(&name)),
        "getctag" => resource.ctag = text_of(property),
        "sync-token" => resource.sync_token = text_of(property),
        "resourcetype" => {
            resource.is_book = child(property, "addressbook").is_some();
            resource.is_collection = child(property, "collection").is_some();
        }
        "supported-report-set" => {
            let mut reports = property.descendants();
            resource.syncs = reports.any(|node| node.tag_name().name() == "sync-collection");
        }
        "current-user-principal" => {
            resource.principal = child(property, "href").and_then(text_of);
        }
        "addressbook-home-set" => {
            resource.homes = children(property, "href").filter_map(text_of).collect();
        }
        _ => {}
    }
}

/// Whether an answer that refuses names a condition (`valid-sync-token`), whatever its namespace.
pub(super) fn names(response: &Response, condition: &str) -> bool {
    let Ok(text) = std::str::from_utf8(&response.body) else {
        return false;
    };
    Document::parse(text).is_ok_and(|document| {
        let mut all = document.descendants();
        all.any(|node| node.is_element() && node.tag_name().name() == condition)
    })
}

fn children<'a, 'i: 'a>(
    node: Node<'a, 'i>,
    name: &'static str,
) -> impl Iterator<Item = Node<'a, 'i>> {
    node.children()
        .filter(move |child| child.is_element() && child.tag_name().name() == name)
}

fn child<'a, 'i: 'a>(node: Node<'a, 'i>, name: &'static str) -> Option<Node<'a, 'i>> {
    children(node, name).next()
}

fn text_of(node: Node<'_, '_>) -> Option<String> {
    let text = node.text().unwrap_or_default().trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// A name as it was given: DAViCal escapes it once more than XML does.
fn once(name: &str) -> String {
    let name = name.replace("&lt;", "<").replace("&gt;", ">");
    name.replace("&quot;", "\"").replace("&amp;", "&")
}

/// A version by its strong name: whoever compresses an answer on the way calls it a weak one, and only there.
pub(super) fn strong(etag: &str) -> String {
    etag.strip_prefix("W/").unwrap_or(etag).to_owned()
}

/// The number in `HTTP/1.1 404 Not Found`.
fn status(node: Node<'_, '_>) -> Option<u16> {
    node.text()?.split_whitespace().nth(1)?.parse().ok()
}
