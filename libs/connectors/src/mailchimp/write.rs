//! Writing. Contacts are made many in one call, and changed one by one.
//!
//! Consent comes first. Whoever is there already is left as they are by a creation, and named, to be matched; who says nothing
//! of it is made as somebody who gets no mail; an opt-out is written before anything else, an opt-in after all of it; and
//! whoever left is subscribed by nobody's accident, since Mailchimp refuses it and we pass that on.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};
use syncline_connector::{Create, Error, Kind, Request, Session, Update, Written};
use syncline_model::RemoteId;

use super::fields::Shapes;
use super::map::{self, Payload};
use super::read::{encoded, is_double_optin, list_of, member, send, shapes_of, with_all_tags};
use super::refuse::of_item;
use super::wire::{Batch, BatchAnswer, BatchError, Member};

/// What a contact is refused with that is there already.
const EXISTS: &str = "ERROR_CONTACT_EXISTS";
/// The tag that marks a contact as trash.
const TRASH: &str = "Syncline Trash";

type Outcome = Result<Written, Error>;

fn all<T>(count: usize, error: &Error) -> Vec<Result<T, Error>> {
    (0..count).map(|_| Err(error.clone())).collect()
}

fn rejected(session: &Session, message: impl Into<String>) -> Error {
    session.error(Kind::Rejected, message)
}

fn written(list: &str, member: &Member, shapes: &Shapes) -> Written {
    let record = map::record(list, member, shapes);
    Written {
        id: record.id,
        version: Some(record.version),
        modified_at: record.modified_at,
        fields: Some(record.fields),
    }
}

// ---- create

/// A contact to make, as it is sent.
struct New {
    index: usize,
    key: String,
    body: Json,
}

/// Makes contacts. Who has such an address already is refused, and named.
pub(super) async fn create(session: &Session, collection: &str, items: &[Create]) -> Vec<Outcome> {
    if items.is_empty() {
        return Vec::new();
    }
    let prepared = async {
        let list = list_of(session, collection)?;
        let double = is_double_optin(session, list).await?;
        Ok::<_, Error>((list, double, shapes_of(session, list).await?))
    };
    let (list, double, shapes) = match prepared.await {
        Ok(prepared) => prepared,
        Err(error) => return all(items.len(), &error),
    };
    let mut outcomes: BTreeMap<usize, Outcome> = BTreeMap::new();
    let (mut fresh, mut keys) = (Vec::new(), BTreeSet::new());
    for (index, item) in items.iter().enumerate() {
        match new(session, index, item, double, &shapes) {
            Ok(one) if keys.insert(one.key.clone()) => fresh.push(one),
            Ok(_) => {
                let twice = "another contact with this e-mail address is made at the same time";
                outcomes.insert(index, Err(rejected(session, twice)));
            }
            Err(error) => {
                outcomes.insert(index, Err(error));
            }
        }
    }
    let several = fresh.len() > 1;
    match send_new(session, list, &fresh, &shapes).await {
        Ok(done) => outcomes.extend(done),
        Err(error) if several && error.kind == Kind::Rejected => {
            for one in fresh.chunks(1) {
                match send_new(session, list, one, &shapes).await {
                    Ok(done) => outcomes.extend(done),
                    Err(error) => fail(&mut outcomes, one, &error),
                }
            }
        }
        Err(error) => fail(&mut outcomes, &fresh, &error),
    }
    let silent = || {
        let mut error = session.error(Kind::Malformed, "Mailchimp's answer left the contact out");
        error.maybe_applied = true;
        Err(error)
    };
    (0..items.len())
        .map(|index| outcomes.remove(&index).unwrap_or_else(silent))
        .collect()
}

fn fail(outcomes: &mut BTreeMap<usize, Outcome>, items: &[New], error: &Error) {
    outcomes.extend(items.iter().map(|one| (one.index, Err(error.clone()))));
}

fn new(
    session: &Session,
    index: usize,
    item: &Create,
    double: bool,
    shapes: &Shapes,
) -> Result<New, Error> {
    let payload = Payload::of(&item.fields, shapes).map_err(|unfit| rejected(session, unfit))?;
    let email = payload.email.clone().unwrap_or_default();
    if email.is_empty() {
        return Err(rejected(
            session,
            "a contact at Mailchimp needs an e-mail address",
        ));
    }
    let status = match (payload.opt_out, double) {
        (Some(true), _) => "unsubscribed",
        (Some(false), true) => "pending",
        (Some(false), false) => "subscribed",
        // Nobody has said that they want mail.
        (None, _) => "transactional",
    };
    let mut body = payload.body().unwrap_or_default();
    body.insert("status".into(), status.into());
    if let Some(tags) = &payload.tags {
        body.insert("tags".into(), json!(tags));
    }
    Ok(New {
        index,
        key: email.to_lowercase(),
        body: body.into(),
    })
}

async fn send_new(
    session: &Session,
    list: &str,
    items: &[New],
    shapes: &Shapes,
) -> Result<Vec<(usize, Outcome)>, Error> {
    if items.is_empty() {
        return Ok(Vec::new());
    }
    let batch = Batch {
        members: items.iter().map(|one| one.body.clone()).collect(),
        update_existing: false,
        sync_tags: false,
    };
    let request = Request::post(format!("/lists/{list}"), json!(batch)).route("POST /lists/{id}");
    let answer: BatchAnswer = send(session, request).await?.json()?;
    let made = answer.new_members.into_iter();
    let mut made: BTreeMap<String, Member> = made
        .map(|member| (member.email_address.to_lowercase(), member))
        .collect();
    let mut outcomes = Vec::with_capacity(items.len());
    for one in items {
        let mut errors = answer.errors.iter();
        let refused = errors.find(|error| error.email_address.to_lowercase() == one.key);
        if let Some(member) = made.remove(&one.key) {
            let whole = with_all_tags(session, list, member).await;
            let outcome = whole.map(|member| written(list, &member, shapes));
            outcomes.push((one.index, outcome));
        } else if let Some(error) = refused {
            let refusal = refused_new(session, list, &one.key, error).await?;
            outcomes.push((one.index, Err(refusal)));
        }
    }
    Ok(outcomes)
}

/// Why a contact was not made. One that is there already is named, unless it is in the archive.
async fn refused_new(
    session: &Session,
    list: &str,
    email: &str,
    error: &BatchError,
) -> Result<Error, Error> {
    let mut refusal = of_item(session, error);
    if error.error_code == EXISTS {
        if let Some(member) = member(session, list, &encoded(email)).await? {
            refusal.existing = Some(map::id(list, &member.contact_id));
        } else {
            let message = "the contact is archived in the audience: whether it may get mail again is for a person to say at Mailchimp";
            refusal = rejected(session, message);
        }
    }
    Ok(refusal)
}

// ---- update

/// Changes contacts, one by one.
pub(super) async fn update(session: &Session, items: &[Update]) -> Vec<Outcome> {
    let mut known: BTreeMap<&str, Shapes> = BTreeMap::new();
    let mut outcomes = Vec::with_capacity(items.len());
    for item in items {
        outcomes.push(update_one(session, item, &mut known).await);
    }
    outcomes
}

async fn update_one<'a>(
    session: &Session,
    item: &'a Update,
    known: &mut BTreeMap<&'a str, Shapes>,
) -> Outcome {
    let gone = || session.error(Kind::NotFound, "Mailchimp has no such contact");
    let (list, contact) = map::parts(&item.id).ok_or_else(gone)?;
    if !known.contains_key(list) {
        known.insert(list, shapes_of(session, list).await?);
    }
    let shapes = known.get(list).ok_or_else(gone)?;
    let mut member = member(session, list, contact).await?.ok_or_else(gone)?;
    let current = map::version(&member);
    if item
        .version
        .as_ref()
        .is_some_and(|version| *version != current)
    {
        let message = "the contact was changed at Mailchimp meanwhile";
        return Err(session.error(Kind::VersionMismatch, message));
    }
    let payload = Payload::of(&item.changes, shapes).map_err(|unfit| rejected(session, unfit))?;
    if payload.email.as_deref() == Some("") {
        return Err(rejected(
            session,
            "a contact at Mailchimp needs an e-mail address",
        ));
    }
    let body = payload.body();
    if body.is_none()
        && payload.tags.is_none()
        && payload.opt_out.is_none()
        && let Some(unfit) = payload.left_out.first()
    {
        return Err(rejected(session, unfit));
    }
    if payload.opt_out == Some(true)
        && let Some(status) = status(session, list, &member, payload.opt_out).await?
    {
        member = set_status(session, list, &member, status).await?;
    }
    if let Some(body) = body {
        member = patch(session, list, &member.id, body.into()).await?;
    }
    if let Some(tags) = &payload.tags {
        member = set_tags(session, list, member, tags).await?;
    }
    if payload.opt_out == Some(false)
        && let Some(status) = status(session, list, &member, payload.opt_out).await?
    {
        member = set_status(session, list, &member, status).await?;
    }
    Ok(written(list, &member, shapes))
}

/// The status that a member must get, if it is another one.
async fn status(
    session: &Session,
    list: &str,
    member: &Member,
    opt_out: Option<bool>,
) -> Result<Option<&'static str>, Error> {
    let is_out = map::is_out(&member.status);
    match opt_out {
        Some(true) if !is_out => Ok(Some("unsubscribed")),
        Some(false) if member.status == "cleaned" => {
            let message = "mail to the address bounced: Mailchimp keeps it from being subscribed";
            Err(rejected(session, message))
        }
        Some(false) if is_out && is_double_optin(session, list).await? => Ok(Some("pending")),
        Some(false) if is_out => Ok(Some("subscribed")),
        _ => Ok(None),
    }
}

async fn patch(session: &Session, list: &str, hash: &str, body: Json) -> Result<Member, Error> {
    let request = Request::patch(format!("/lists/{list}/members/{hash}"), body)
        .route("PATCH /lists/{id}/members/{id}")
        .query("exclude_fields", "_links")
        .repeatable();
    let member = send(session, request).await?.json()?;
    with_all_tags(session, list, member).await
}

async fn set_status(
    session: &Session,
    list: &str,
    member: &Member,
    status: &str,
) -> Result<Member, Error> {
    patch(session, list, &member.id, json!({ "status": status })).await
}

/// Leaves a member with exactly these tags, and starts nothing that waits for one.
async fn set_tags(
    session: &Session,
    list: &str,
    found: Member,
    tags: &BTreeSet<String>,
) -> Result<Member, Error> {
    // Names that differ by their case alone are one to Mailchimp.
    let lower = |names: &BTreeSet<String>| -> BTreeSet<String> {
        names.iter().map(|name| name.to_lowercase()).collect()
    };
    let has: BTreeSet<String> = found.tags.iter().map(|tag| tag.name.clone()).collect();
    let (had, wanted) = (lower(&has), lower(tags));
    let say = |name: &String, status: &str| json!({"name": name, "status": status});
    let new = tags
        .iter()
        .filter(|name| !had.contains(&name.to_lowercase()));
    let gone = has
        .iter()
        .filter(|name| !wanted.contains(&name.to_lowercase()));
    let mut said: Vec<Json> = new.map(|name| say(name, "active")).collect();
    said.extend(gone.map(|name| say(name, "inactive")));
    if said.is_empty() {
        return Ok(found);
    }
    let body = json!({"tags": said, "is_syncing": true});
    let request = Request::post(format!("/lists/{list}/members/{}/tags", found.id), body)
        .route("POST /lists/{id}/members/{id}/tags")
        .repeatable();
    send(session, request).await?;
    let gone = || session.error(Kind::NotFound, "Mailchimp has no such contact");
    member(session, list, &found.contact_id)
        .await?
        .ok_or_else(gone)
}

// ---- delete, mark

/// Archives contacts; what is not there or archived counts as deleted.
pub(super) async fn delete(session: &Session, ids: &[RemoteId]) -> Vec<Result<(), Error>> {
    let mut outcomes = Vec::with_capacity(ids.len());
    for id in ids {
        outcomes.push(delete_one(session, id).await);
    }
    outcomes
}

async fn delete_one(session: &Session, id: &RemoteId) -> Result<(), Error> {
    let Some((list, contact)) = map::parts(id) else {
        return Ok(());
    };
    let Some(member) = member(session, list, contact).await? else {
        return Ok(());
    };
    let request = Request::delete(format!("/lists/{list}/members/{}", member.id))
        .route("DELETE /lists/{id}/members/{id}");
    let response = send(session, request).await;
    match response {
        // 204: nothing else is an answer of Mailchimp's to this.
        Ok(response) if response.body.is_empty() => Ok(()),
        Ok(response) => {
            let mut error = response.error(
                Kind::Malformed,
                "the answer is not what Mailchimp documents",
            );
            error.maybe_applied = true;
            Err(error)
        }
        Err(error) if error.kind == Kind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Gives contacts the tag "Syncline Trash".
pub(super) async fn mark(session: &Session, ids: &[RemoteId]) -> Vec<Result<(), Error>> {
    let mut outcomes = Vec::with_capacity(ids.len());
    for id in ids {
        outcomes.push(mark_one(session, id).await);
    }
    outcomes
}

async fn mark_one(session: &Session, id: &RemoteId) -> Result<(), Error> {
    let gone = || session.error(Kind::NotFound, "Mailchimp has no such contact");
    let (list, contact) = map::parts(id).ok_or_else(gone)?;
    let member = member(session, list, contact).await?.ok_or_else(gone)?;
    let mut tags: BTreeSet<String> = member.tags.iter().map(|tag| tag.name.clone()).collect();
    tags.insert(TRASH.to_owned());
    set_tags(session, list, member, &tags).await.map(drop)
}
