//! Private tags, which are the collections of an account, who has them, and whose account it is.
//!
//! Creatio has no call that says who we are. A row says who made it: a tag is made, and taken away again.

use serde_json::json;
use syncline_connector::{Error, Kind, MadeCollection, Session};
use syncline_model::{Collection, Identity, RemoteId};

use super::call::{batch, list, of_part, post, remove, row};
use super::change::{NO_ID, object, part};
use super::cursor::{ALL, TAG};
use super::map::{guid, is_guid, text};
use super::read::{TOGETHER, any_of};
use super::wire::{Named, Part, Row, Tag};

/// The type of private tags. Those of other types are never synced.
const PRIVATE: &str = "8d7f6d6c-4ca5-4b43-bdd9-a5e01a582260";
/// The tag by which we find out who we are.
const PROBE: &str = "Syncline: who am I?";
/// Most private tags of one user.
const MOST: &str = "1000";
/// Ids that are tried for a new tag: those of earlier ones may be taken, if they were renamed or given another type since.
const IDS: u32 = 10;

/// A collection's tag; `None` for all contacts.
pub(super) fn tag_of<'a>(session: &Session, collection: &'a str) -> Result<Option<&'a str>, Error> {
    if collection == ALL {
        return Ok(None);
    }
    let tag = collection.strip_prefix(TAG).filter(|tag| is_guid(tag));
    tag.map(Some)
        .ok_or_else(|| session.error(Kind::NotFound, "Creatio has no such collection"))
}

/// The contact of the user that we speak for.
async fn me(session: &Session) -> Result<String, Error> {
    let probe = json!({"Name": PROBE, "TypeId": PRIVATE});
    let made: Tag = post(session, "ContactTag", probe).await?;
    let mut me = made.created_by_id;
    if !is_somebody(&me) {
        // The answer to an insert leaves it out.
        let query = [("$select", "Id,CreatedById")];
        let read: Result<Option<Tag>, _> = row(session, "ContactTag", &made.id, &query).await;
        me = read.ok().flatten().unwrap_or_default().created_by_id;
    }
    forget(session, &[made.id]).await?;
    if is_somebody(&me) {
        return Ok(me);
    }
    let message = "Creatio does not say whose account it is: its user needs a contact of their own";
    Err(session.error(Kind::Malformed, message))
}

/// Whether an id is that of anybody.
fn is_somebody(id: &str) -> bool {
    is_guid(id) && id != NO_ID
}

/// Takes probes away.
async fn forget(session: &Session, tags: &[String]) -> Result<(), Error> {
    for tag in tags {
        remove(session, "ContactTag", tag).await?;
    }
    Ok(())
}

/// Who the account is. Sites are copies of one another, with the same users: the address tells them apart.
pub(super) async fn identity(session: &Session) -> Result<Identity, Error> {
    let server = session.server().await?;
    let me = me(session).await?;
    let query = [("$select", "Id,Name")];
    let found: Option<Named> = row(session, "Contact", &me, &query).await?;
    let name = found.map_or_else(|| "User".to_owned(), |found| found.name);
    Ok(Identity {
        subject: format!("{}#{me}", server.as_str().trim_end_matches('/')),
        label: format!("{name} ({})", server.host_str().unwrap_or_default()),
    })
}

/// The user's private tags.
async fn own(session: &Session, me: &str) -> Result<Vec<Row>, Error> {
    let filter = format!("Type/Id eq {PRIVATE} and CreatedBy/Id eq {me}");
    let query = [
        ("$filter", &*filter),
        ("$select", "Id,Name"),
        ("$orderby", "Name"),
        ("$top", MOST),
    ];
    let (_, rows) = list(session, "ContactTag", &query).await?;
    Ok(rows.value)
}

fn collection(id: &str, name: &str) -> Collection {
    Collection {
        id: format!("{TAG}{id}"),
        name: name.to_owned(),
        default: false,
        membership_writable: true,
    }
}

/// All contacts, and each private tag of the user's own.
pub(super) async fn collections(session: &Session) -> Result<Vec<Collection>, Error> {
    let tags = own(session, &me(session).await?).await?;
    let is_probe = |row: &&Row| text(row, "Name") == PROBE;
    let left: Vec<String> = tags
        .iter()
        .filter(is_probe)
        .map(|row| text(row, "Id").to_owned())
        .collect();
    if !left.is_empty() {
        forget(session, &left).await?;
    }
    let mut all = vec![Collection {
        id: ALL.to_owned(),
        name: "All contacts".to_owned(),
        default: true,
        membership_writable: false,
    }];
    let tags = tags.iter().filter(|row| !is_probe(row));
    all.extend(tags.map(|row| collection(text(row, "Id"), text(row, "Name"))));
    Ok(all)
}

/// Makes a private tag, unless the user has one of that name. Its id is of our own making, so that two calls at a time
/// make one.
pub(super) async fn create(session: &Session, name: &str) -> Result<MadeCollection, Error> {
    if name == PROBE {
        let message = "Syncline uses a tag of this name itself: choose another name";
        return Err(session.error(Kind::Rejected, message));
    }
    let me = me(session).await?;
    let there = async || {
        let tags = own(session, &me).await?;
        let found = tags.iter().find(|row| text(row, "Name").trim() == name);
        Ok::<_, Error>(found.map(|row| MadeCollection {
            collection: collection(text(row, "Id"), text(row, "Name")),
            is_new: false,
        }))
    };
    if let Some(found) = there().await? {
        return Ok(found);
    }
    for turn in 1..=IDS {
        let id = guid(&format!("tag {turn} of {me}: {name}"));
        let body = json!({"Id": id, "Name": name, "TypeId": PRIVATE});
        let error = match post::<Tag>(session, "ContactTag", body).await {
            Ok(made) => {
                return Ok(MadeCollection {
                    collection: collection(&made.id, name),
                    is_new: true,
                });
            }
            Err(error) => error,
        };
        // It may have been made all the same, by this call or by one like it.
        if let Some(found) = there().await? {
            return Ok(found);
        }
        let query = [("$select", "Id")];
        let taken: Option<Named> = row(session, "ContactTag", &id, &query).await?;
        if taken.is_none() {
            return Err(error);
        }
    }
    let message = "Creatio has too many tags that had this name once: choose another name";
    Err(session.error(Kind::Rejected, message))
}

/// That a tag is there and private still: without it, everyone would seem to have left.
pub(super) async fn must_be_private(session: &Session, tag: &str) -> Result<(), Error> {
    let query = [("$select", "Id,TypeId")];
    let found: Option<Tag> = row(session, "ContactTag", tag, &query).await?;
    let Some(found) = found else {
        let message = "the tag that is synced was deleted in Creatio";
        return Err(session.error(Kind::NotFound, message));
    };
    if found.type_id != PRIVATE {
        let message = "the tag that is synced is not private any more: only contacts with private tags are synced";
        return Err(session.error(Kind::NotFound, message));
    }
    Ok(())
}

/// Those of some contacts that have a tag, each with the row that says so.
pub(super) async fn members(
    session: &Session,
    tag: &str,
    ids: &[&str],
) -> Result<Vec<(String, String)>, Error> {
    let ids: Vec<&str> = ids.iter().copied().filter(|id| is_guid(id)).collect();
    let mut found = Vec::new();
    for ids in ids.chunks(TOGETHER) {
        let filter = format!("Tag/Id eq {tag} and ({})", any_of("Entity/Id", ids));
        // Somebody may have the tag twice.
        let top = (ids.len() * 2).to_string();
        let query = [
            ("$filter", &*filter),
            ("$select", "Id,EntityId"),
            ("$top", &*top),
        ];
        let (_, rows) = list(session, "ContactInTag", &query).await?;
        let pairs = rows.value.iter();
        found.extend(
            pairs.map(|row| (text(row, "EntityId").to_owned(), text(row, "Id").to_owned())),
        );
    }
    Ok(found)
}

/// The call that gives a contact a tag. Its row has an id of our own, so that nobody gets the tag twice.
pub(super) fn tagging(tag: &str, contact: &str) -> Part {
    let id = guid(&format!("{tag} {contact}"));
    let body = json!({"Id": id, "TagId": tag, "EntityId": contact});
    part("POST", "ContactInTag", Some(object(body)))
}

/// Gives contacts a tag; one that has it already has joined.
pub(super) async fn join(
    session: &Session,
    collection: &str,
    ids: &[RemoteId],
) -> Vec<Result<(), Error>> {
    let outcome = async {
        let Some(tag) = tag_of(session, collection)? else {
            return Err(session.error(
                Kind::Unsupported,
                "all contacts are synced: there is no tag to give the contact",
            ));
        };
        let asked: Vec<&str> = ids.iter().map(RemoteId::as_str).collect();
        let there = members(session, tag, &asked).await?;
        let lack = asked
            .iter()
            .filter(|id| there.iter().all(|(has, _)| has != *id));
        let lack: Vec<&str> = lack.copied().collect();
        let parts: Vec<Part> = lack.iter().map(|id| tagging(tag, id)).collect();
        let answered = batch(session, &parts).await?;
        let mut failed = Vec::new();
        for (id, answer) in lack.iter().zip(&answered) {
            failed.extend(of_part(session, answer).map(|error| (*id, error)));
        }
        // Somebody else may have given it meanwhile, or there is no such contact.
        let doubtful: Vec<&str> = failed.iter().map(|(id, _)| *id).collect();
        let now = members(session, tag, &doubtful).await?;
        failed.retain(|(id, _)| now.iter().all(|(has, _)| has != id));
        Ok(failed
            .into_iter()
            .map(|(id, error)| (id.to_owned(), error))
            .collect())
    };
    each(ids, &outcome.await)
}

/// Takes a tag away from contacts; one that is gone has lost it too.
pub(super) async fn leave(
    session: &Session,
    collection: &str,
    ids: &[RemoteId],
) -> Vec<Result<(), Error>> {
    let outcome = async {
        let Some(tag) = tag_of(session, collection)? else {
            return Err(session.error(
                Kind::Unsupported,
                "all contacts are synced: there is no tag to take away",
            ));
        };
        let asked: Vec<&str> = ids.iter().map(RemoteId::as_str).collect();
        let there = members(session, tag, &asked).await?;
        let url = |row: &str| format!("ContactInTag({row})");
        let parts: Vec<Part> = there
            .iter()
            .map(|(_, row)| part("DELETE", url(row), None))
            .collect();
        let answered = batch(session, &parts).await?;
        let failed = there
            .into_iter()
            .zip(&answered)
            .filter_map(|((id, _), answer)| {
                let error =
                    of_part(session, answer).filter(|error| error.kind != Kind::NotFound)?;
                Some((id, error))
            });
        Ok(failed.collect())
    };
    each(ids, &outcome.await)
}

/// The outcome of each, from those that failed.
fn each(ids: &[RemoteId], outcome: &Result<Vec<(String, Error)>, Error>) -> Vec<Result<(), Error>> {
    let one = |id: &RemoteId| match outcome {
        Err(error) => Err(error.clone()),
        Ok(failed) => {
            let mine = failed.iter().find(|(failed, _)| failed == id.as_str());
            mine.map_or(Ok(()), |(_, error)| Err(error.clone()))
        }
    };
    ids.iter().map(one).collect()
}
