//! Contact groups: what Google's pages call labels. Listing and making them, putting people in and taking them out.

use serde_json::json;
use syncline_connector::{Error, Kind, MadeCollection, Request, Session};
use syncline_model::{Collection, RemoteId, UNSUBSCRIBED};

use super::map::{Labels, MY_CONTACTS};
use super::read::{path_of, send};
use super::refuse::About;
use super::wire::{Group, Groups, Modified};

/// The group that marks records as trash.
const TRASH: &str = "Syncline Trash";
/// Pages of groups that are read; each has up to 1,000.
const PAGES: usize = 20;

/// The collection of all contacts.
pub(super) const ALL: &str = "all";

/// A collection's group; `None` for all contacts.
pub(super) fn group_of<'a>(
    session: &Session,
    collection: &'a str,
) -> Result<Option<&'a str>, Error> {
    if collection == ALL {
        return Ok(None);
    }
    collection
        .strip_prefix("group:")
        .filter(|group| group.starts_with("contactGroups/"))
        .map(Some)
        .ok_or_else(|| session.error(Kind::NotFound, "Google Contacts has no such collection"))
}

async fn list(session: &Session) -> Result<Vec<Group>, Error> {
    let mut all = Vec::new();
    let mut page = None;
    for _ in 0..PAGES {
        let mut request = Request::get("/v1/contactGroups")
            .route("/v1/contactGroups")
            .query("pageSize", "1000")
            .query("groupFields", "groupType,metadata,name")
            .take("group_read", 1);
        if let Some(token) = page {
            request = request.query("pageToken", token);
        }
        let groups: Groups = send(session, request, About::Plain).await?.json()?;
        all.extend(groups.contact_groups.into_iter().filter(is_own));
        page = groups.next_page_token.filter(|token| !token.is_empty());
        if page.is_none() {
            return Ok(all);
        }
    }
    Err(session.error(Kind::Malformed, "Google's list of groups does not end"))
}

fn is_own(group: &Group) -> bool {
    group.kind == "USER_CONTACT_GROUP" && !group.metadata.deleted
}

/// The user's own groups. The one that marks trash is ours: nobody is put into it or taken out of it by a field.
pub(super) async fn labels(session: &Session) -> Result<Labels, Error> {
    let groups = list(session).await?.into_iter();
    Ok(Labels(
        groups
            .filter(|group| group.name != TRASH)
            .map(|group| (group.resource_name, group.name))
            .collect(),
    ))
}

/// The user's own groups, with the one for people who have opted out, which is made if need be.
pub(super) async fn labels_with_unsubscribed(session: &Session) -> Result<Labels, Error> {
    let mut labels = labels(session).await?;
    if labels.0.values().all(|name| name != UNSUBSCRIBED) {
        let (made, _) = make(session, UNSUBSCRIBED).await?;
        labels.0.insert(made.resource_name, UNSUBSCRIBED.to_owned());
    }
    Ok(labels)
}

async fn named(session: &Session, name: &str) -> Result<Option<Group>, Error> {
    let mut groups = list(session).await?.into_iter();
    Ok(groups.find(|group| group.name == name))
}

/// Makes a group. One that is there already is the answer, and not new.
async fn make(session: &Session, name: &str) -> Result<(Group, bool), Error> {
    let request = Request::post("/v1/contactGroups", json!({"contactGroup": {"name": name}}))
        .route("/v1/contactGroups")
        .take("group_write", 1);
    let response = session.send(request).await?;
    if response.status == 409 {
        // Made by someone else meanwhile, or by a call of ours whose answer was lost.
        let found = named(session, name).await?.map(|group| (group, false));
        return found
            .ok_or_else(|| session.error(Kind::Rejected, "Google refuses a group of that name"));
    }
    if !response.is_success() {
        return Err(super::refuse::refusal(&response, About::Plain));
    }
    Ok((response.json()?, true))
}

/// Makes a group, unless the user has one of that name.
pub(super) async fn create(session: &Session, name: &str) -> Result<MadeCollection, Error> {
    let (group, is_new) = match named(session, name).await? {
        Some(group) => (group, false),
        None => make(session, name).await?,
    };
    Ok(MadeCollection {
        collection: collection(group),
        is_new,
    })
}

fn collection(group: Group) -> Collection {
    Collection {
        id: format!("group:{}", group.resource_name),
        name: group.name,
        default: false,
        membership_writable: true,
    }
}

/// The collections: all contacts, and each group of the user's own.
pub(super) async fn collections(session: &Session) -> Result<Vec<Collection>, Error> {
    let mut all = vec![Collection {
        id: ALL.to_owned(),
        name: "My contacts".to_owned(),
        default: true,
        membership_writable: false,
    }];
    all.extend(list(session).await?.into_iter().map(collection));
    Ok(all)
}

/// That a group is still there: without it, everyone would seem to have left.
pub(super) async fn must_exist(session: &Session, group: &str) -> Result<(), Error> {
    let request = Request::get(format!(
        "/v1/{}",
        path_of(session, group, "contactGroups/")?
    ))
    .route("/v1/contactGroups/{id}")
    .query("maxMembers", "0")
    .query("groupFields", "groupType,metadata,name")
    .take("group_read", 1);
    let found: Group = send(session, request, About::Plain).await?.json()?;
    if found.metadata.deleted {
        return Err(session.error(
            Kind::NotFound,
            "the group that is synced was deleted at Google",
        ));
    }
    Ok(())
}

async fn modify(
    session: &Session,
    group: &str,
    body: serde_json::Value,
) -> Result<Modified, Error> {
    // Adding who is in and removing who is out change nothing: it can be repeated.
    let request = Request::post(
        format!(
            "/v1/{}/members:modify",
            path_of(session, group, "contactGroups/")?
        ),
        body,
    )
    .route("/v1/contactGroups/{id}/members:modify")
    .take("group_write", 1)
    .repeatable();
    send(session, request, About::Plain).await?.json()
}

/// Puts people into the trash group, which is made if need be.
pub(super) async fn mark(
    session: &Session,
    ids: &[RemoteId],
) -> Result<Vec<Result<(), Error>>, Error> {
    let group = match named(session, TRASH).await? {
        Some(group) => group,
        None => make(session, TRASH).await?.0,
    };
    add(session, &group.resource_name, ids).await
}

/// Puts people into a group; one that is in it already has joined.
pub(super) async fn join(
    session: &Session,
    collection: &str,
    ids: &[RemoteId],
) -> Result<Vec<Result<(), Error>>, Error> {
    let Some(group) = group_of(session, collection)? else {
        return Err(session.error(
            Kind::Unsupported,
            "all contacts are synced: there is no group to put the contact into",
        ));
    };
    add(session, group, ids).await
}

async fn add(
    session: &Session,
    group: &str,
    ids: &[RemoteId],
) -> Result<Vec<Result<(), Error>>, Error> {
    let done = modify(session, group, json!({"resourceNamesToAdd": ids})).await?;
    let unknown = |id: &RemoteId| {
        let names = &done.not_found_resource_names;
        names.iter().any(|name| name == id.as_str())
    };
    Ok(ids
        .iter()
        .map(|id| {
            if unknown(id) {
                Err(session.error(Kind::NotFound, "Google has no such contact"))
            } else {
                Ok(())
            }
        })
        .collect())
}

/// Takes people out of a group; one that is gone has left it too. A contact must be in some group, so one whose last
/// group this is goes to "My contacts" first.
pub(super) async fn leave(
    session: &Session,
    collection: &str,
    ids: &[RemoteId],
) -> Result<Vec<Result<(), Error>>, Error> {
    let Some(group) = group_of(session, collection)? else {
        return Err(session.error(
            Kind::Unsupported,
            "all contacts are synced: there is no group to take the contact out of",
        ));
    };
    let done = modify(session, group, json!({"resourceNamesToRemove": ids})).await?;
    let mut last = done.can_not_remove_last_contact_group_resource_names;
    if !last.is_empty() {
        modify(session, MY_CONTACTS, json!({"resourceNamesToAdd": last})).await?;
        let again = modify(session, group, json!({"resourceNamesToRemove": last})).await?;
        last = again.can_not_remove_last_contact_group_resource_names;
    }
    Ok(ids
        .iter()
        .map(|id| {
            if last.iter().any(|name| name == id.as_str()) {
                Err(session.error(
                    Kind::Rejected,
                    "Google does not let the contact leave its last group",
                ))
            } else {
                Ok(())
            }
        })
        .collect())
}
