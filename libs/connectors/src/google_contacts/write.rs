//! Writing: creations, updates and deletions, in batches where that is sound, and one by one where a batch was refused
//! because of some item in it.
//!
//! Google replaces whole members. Every update therefore starts from a fresh read, whose etag makes it conditional.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json, json};
use syncline_connector::{Create, Error, Kind, Request, Response, Session, Update, Written};
use syncline_model::{Fields, RemoteId, Version};

use super::cursor::MASK;
use super::groups::{self, group_of};
use super::map::{self, Labels, MY_CONTACTS};
use super::read::{self, MARKER, markers, path_of, send};
use super::refuse::{About, of_item};
use super::wire::{BatchCreated, BatchUpdated, Person, PersonResponse};

type Outcome = Result<Written, Error>;

/// One failure as the outcome of each item.
pub(super) fn all_fail<T>(count: usize, error: &Error) -> Vec<Result<T, Error>> {
    (0..count).map(|_| Err(error.clone())).collect()
}

/// Whether a batch was refused because of what is in it, so that its items may fare better one by one.
fn is_about_items(error: &Error) -> bool {
    !error.maybe_applied
        && matches!(error.status, Some(400 | 404 | 409))
        && matches!(
            error.kind,
            Kind::Rejected | Kind::NotFound | Kind::VersionMismatch
        )
}

/// The groups, if any of these fields needs them.
async fn labels_for<'a>(
    session: &Session,
    mut fields: impl Iterator<Item = &'a Fields> + Clone,
) -> Result<Labels, Error> {
    if fields.clone().any(map::puts_into_unsubscribed) {
        groups::labels_with_unsubscribed(session).await
    } else if fields.any(|fields| map::needs_labels(fields.keys())) {
        groups::labels(session).await
    } else {
        Ok(Labels::default())
    }
}

fn written(person: &Person, labels: &Labels) -> Written {
    let contact = person.contact();
    Written {
        id: RemoteId::new(person.resource_name.clone()),
        version: contact
            .and_then(|source| source.etag.clone())
            .map(Version::new),
        modified_at: contact.and_then(|source| source.update_time),
        fields: Some(map::fields(
            person,
            (!labels.0.is_empty()).then_some(labels),
        )),
    }
}

// ---- create

/// Creates people in "My contacts" and the collection's group, each with the marker of its operation.
pub(super) async fn create(session: &Session, collection: &str, items: &[Create]) -> Vec<Outcome> {
    let _turn = session.write_lock().await;
    let prepared = async {
        let group = group_of(session, collection)?;
        Ok::<_, Error>((
            group,
            labels_for(session, items.iter().map(|item| &item.fields)).await?,
        ))
    };
    let (group, labels) = match prepared.await {
        Ok(prepared) => prepared,
        Err(error) => return all_fail(items.len(), &error),
    };
    let mut outcomes: Vec<Option<Outcome>> = items.iter().map(|_| None).collect();
    let mut bodies: Vec<(usize, &Create, Json)> = Vec::new();
    for (index, item) in items.iter().enumerate() {
        match new_person(session, item, group, &labels) {
            Ok(body) => bodies.push((index, item, body)),
            Err(error) => set(&mut outcomes, index, Err(error)),
        }
    }
    match create_batch(session, &bodies, &labels).await {
        Ok(done) => set_all(&mut outcomes, done),
        Err(error) if bodies.len() > 1 && is_about_items(&error) => {
            create_singly(session, &bodies, &labels, &mut outcomes).await;
        }
        Err(error) => set_all(
            &mut outcomes,
            bodies
                .iter()
                .map(|(index, ..)| (*index, Err(error.clone()))),
        ),
    }
    finish(session, outcomes)
}

fn set(outcomes: &mut [Option<Outcome>], index: usize, outcome: Outcome) {
    if let Some(place) = outcomes.get_mut(index) {
        *place = Some(outcome);
    }
}

fn set_all(outcomes: &mut [Option<Outcome>], done: impl IntoIterator<Item = (usize, Outcome)>) {
    for (index, outcome) in done {
        set(outcomes, index, outcome);
    }
}

fn finish(session: &Session, outcomes: Vec<Option<Outcome>>) -> Vec<Outcome> {
    let silent = |outcome: Option<Outcome>| {
        outcome.unwrap_or_else(|| {
            let mut error = session.error(Kind::Malformed, "Google's answer left the contact out");
            error.maybe_applied = true;
            Err(error)
        })
    };
    outcomes.into_iter().map(silent).collect()
}

fn new_person(
    session: &Session,
    item: &Create,
    group: Option<&str>,
    labels: &Labels,
) -> Result<Json, Error> {
    let mut person = Person::default();
    let touched = map::apply(&mut person, &item.fields, labels).map_err(|unfit| {
        let mut error = session.error(Kind::Rejected, unfit.to_string());
        error.code = Some("FIELD_UNFIT".into());
        error
    })?;
    if touched.iter().all(|member| *member == "memberships") {
        return Err(session.error(
            Kind::Rejected,
            "a contact without any value cannot be created at Google",
        ));
    }
    let mut in_groups: Vec<String> = vec![MY_CONTACTS.to_owned()];
    in_groups.extend(group.map(str::to_owned));
    in_groups.extend(map::groups(&person));
    let mut known = BTreeSet::new();
    in_groups.retain(|group| known.insert(group.clone()));
    map::set_memberships(&mut person, in_groups);
    let mut body = person.members;
    body.insert(
        "clientData".into(),
        json!([{"key": MARKER, "value": item.operation.to_string()}]),
    );
    Ok(Json::Object(body))
}

async fn create_batch(
    session: &Session,
    bodies: &[(usize, &Create, Json)],
    labels: &Labels,
) -> Result<Vec<(usize, Outcome)>, Error> {
    let [(index, _, body)] = bodies else {
        if bodies.is_empty() {
            return Ok(Vec::new());
        }
        return create_many(session, bodies, labels).await;
    };
    Ok(vec![(*index, create_one(session, body, labels).await)])
}

async fn create_many(
    session: &Session,
    bodies: &[(usize, &Create, Json)],
    labels: &Labels,
) -> Result<Vec<(usize, Outcome)>, Error> {
    let contacts: Vec<Json> = bodies
        .iter()
        .map(|(.., body)| json!({"contactPerson": body}))
        .collect();
    let request = Request::post(
        "/v1/people:batchCreateContacts",
        json!({
            "contacts": contacts,
            "readMask": format!("{MASK},clientData"),
            "sources": ["READ_SOURCE_TYPE_CONTACT"],
        }),
    )
    .route("/v1/people:batchCreateContacts")
    .take("read", 6)
    .take("write", 6);
    let response = send(session, request, About::Plain).await?;
    let made = response.json::<BatchCreated>()?.created_people;
    // Each answer is matched by the marker that it carries, not by its position.
    let mut by_marker: BTreeMap<String, &PersonResponse> = BTreeMap::new();
    for one in &made {
        for operation in one.person.iter().flat_map(markers) {
            by_marker.insert(operation.to_owned(), one);
        }
    }
    let same_length = made.len() == bodies.len();
    let mut outcomes = Vec::new();
    for (position, (index, item, _)) in bodies.iter().enumerate() {
        let marked = by_marker.get(&item.operation.to_string()).copied();
        let failed = made
            .get(position)
            .filter(|one| same_length && one.person.is_none());
        if let Some(one) = marked.or(failed) {
            outcomes.push((*index, outcome(&response, one, labels)));
        }
    }
    Ok(outcomes)
}

async fn create_one(session: &Session, body: &Json, labels: &Labels) -> Outcome {
    let request = Request::post("/v1/people:createContact", body.clone())
        .route("/v1/people:createContact")
        .query("personFields", MASK)
        .query("sources", "READ_SOURCE_TYPE_CONTACT")
        .take("read", 1)
        .take("write", 1);
    let person: Person = send(session, request, About::Plain).await?.json()?;
    Ok(written(&person, labels))
}

/// After a refused batch: whatever of it was made all the same is found by its marker, the rest is made singly.
async fn create_singly(
    session: &Session,
    bodies: &[(usize, &Create, Json)],
    labels: &Labels,
    outcomes: &mut [Option<Outcome>],
) {
    let items: Vec<Create> = bodies.iter().map(|(_, item, _)| (*item).clone()).collect();
    let found = match read::find_created(session, &items).await {
        Ok(found) => found,
        Err(error) => {
            return set_all(
                outcomes,
                bodies
                    .iter()
                    .map(|(index, ..)| (*index, Err(error.clone()))),
            );
        }
    };
    for ((index, _, body), found) in bodies.iter().zip(found) {
        let outcome = match found {
            Some(record) => Ok(Written {
                id: record.id,
                version: Some(record.version),
                modified_at: record.modified_at,
                fields: Some(record.fields),
            }),
            None => create_one(session, body, labels).await,
        };
        set(outcomes, *index, outcome);
    }
}

fn outcome(response: &Response, one: &PersonResponse, labels: &Labels) -> Outcome {
    match (&one.person, &one.status) {
        (_, Some(status)) if status.code != 0 => Err(of_item(response, status)),
        (Some(person), _) => Ok(written(person, labels)),
        (None, _) => {
            let mut error = response.error(Kind::Malformed, "Google's answer lacks the contact");
            error.maybe_applied = true;
            Err(error)
        }
    }
}

// ---- update

/// A person with its changes in it, ready to be sent.
struct Merged {
    index: usize,
    person: Person,
    touched: BTreeSet<&'static str>,
}

/// Changes people.
pub(super) async fn update(session: &Session, items: &[Update]) -> Vec<Outcome> {
    let _turn = session.write_lock().await;
    let ids: Vec<RemoteId> = items.iter().map(|item| item.id.clone()).collect();
    let prepared = async {
        let labels = labels_for(session, items.iter().map(|item| &item.changes)).await?;
        Ok::<_, Error>((labels, read::people(session, &ids).await?))
    };
    let (labels, people) = match prepared.await {
        Ok(prepared) => prepared,
        Err(error) => return all_fail(items.len(), &error),
    };
    let mut outcomes: Vec<Option<Outcome>> = items.iter().map(|_| None).collect();
    // Memberships go apart: sent back whole, they could be refused for people whom the change does not concern.
    let (mut plain, mut moving) = (Vec::new(), Vec::new());
    for (index, (item, person)) in items.iter().zip(people).enumerate() {
        match merge(session, item, person, &labels) {
            Ok((person, touched)) if touched.is_empty() => {
                set(&mut outcomes, index, Ok(written(&person, &labels)));
            }
            Ok((person, touched)) if touched.contains("memberships") => {
                moving.push(Merged {
                    index,
                    person,
                    touched,
                });
            }
            Ok((person, touched)) => plain.push(Merged {
                index,
                person,
                touched,
            }),
            Err(error) => set(&mut outcomes, index, Err(error)),
        }
    }
    for batch in [plain, moving] {
        update_batch(session, &batch, &labels, &mut outcomes).await;
    }
    finish(session, outcomes)
}

fn merge(
    session: &Session,
    item: &Update,
    person: Result<Option<Person>, Error>,
    labels: &Labels,
) -> Result<(Person, BTreeSet<&'static str>), Error> {
    let gone = || session.error(Kind::NotFound, "Google has no such contact");
    let mut person = person?
        .filter(|person| !person.metadata.deleted)
        .ok_or_else(gone)?;
    let etag = person
        .contact()
        .ok_or_else(gone)?
        .etag
        .clone()
        .unwrap_or_default();
    if item
        .version
        .as_ref()
        .is_some_and(|version| version.as_str() != etag)
    {
        return Err(session.error(
            Kind::VersionMismatch,
            "the contact was changed at Google meanwhile",
        ));
    }
    let touched = map::apply(&mut person, &item.changes, labels)
        .map_err(|unfit| session.error(Kind::Rejected, unfit.to_string()))?;
    Ok((person, touched))
}

async fn update_batch(
    session: &Session,
    batch: &[Merged],
    labels: &Labels,
    outcomes: &mut [Option<Outcome>],
) {
    let several = batch.len() > 1;
    if several {
        match update_many(session, batch, labels).await {
            Ok(done) => return set_all(outcomes, done),
            Err(error) if is_about_items(&error) => {}
            Err(error) => {
                return set_all(
                    outcomes,
                    batch.iter().map(|one| (one.index, Err(error.clone()))),
                );
            }
        }
    }
    for one in batch {
        let outcome = update_one(session, one, labels).await;
        set(outcomes, one.index, outcome);
    }
}

/// All with the union of their masks: what one does not change is sent as it was read a moment ago, under its etag.
async fn update_many(
    session: &Session,
    batch: &[Merged],
    labels: &Labels,
) -> Result<Vec<(usize, Outcome)>, Error> {
    let touched: BTreeSet<&str> = batch
        .iter()
        .flat_map(|one| one.touched.iter().copied())
        .collect();
    let contacts: Map<String, Json> = batch
        .iter()
        .map(|one| {
            (
                one.person.resource_name.clone(),
                body(&one.person, &touched),
            )
        })
        .collect();
    let request = Request::post(
        "/v1/people:batchUpdateContacts",
        json!({
            "contacts": contacts,
            "updateMask": joined(&touched),
            "readMask": MASK,
            "sources": ["READ_SOURCE_TYPE_CONTACT"],
        }),
    )
    .route("/v1/people:batchUpdateContacts")
    .take("read", 6)
    .take("write", 6);
    let response = send(session, request, About::Plain).await?;
    let results = response.json::<BatchUpdated>()?.update_result;
    let mut outcomes = Vec::new();
    for one in batch {
        if let Some(result) = results.get(&one.person.resource_name) {
            outcomes.push((one.index, outcome(&response, result, labels)));
        }
    }
    Ok(outcomes)
}

async fn update_one(session: &Session, one: &Merged, labels: &Labels) -> Outcome {
    let name = path_of(session, &one.person.resource_name, "people/")?;
    let touched: BTreeSet<&str> = one.touched.iter().copied().collect();
    let request = Request::patch(
        format!("/v1/{name}:updateContact"),
        body(&one.person, &touched),
    )
    .route("/v1/people/{id}:updateContact")
    .query("updatePersonFields", joined(&touched))
    .query("personFields", MASK)
    .query("sources", "READ_SOURCE_TYPE_CONTACT")
    .take("read", 1)
    .take("write", 1);
    let person: Person = send(session, request, About::Plain).await?.json()?;
    Ok(written(&person, labels))
}

/// A person as sent: its etags and, whole, the members of the mask. Items from profiles are not ours to send.
fn body(person: &Person, members: &BTreeSet<&str>) -> Json {
    let mut body = Map::new();
    body.insert("resourceName".into(), json!(person.resource_name));
    if let Some(etag) = &person.etag {
        body.insert("etag".into(), json!(etag));
    }
    if let Some(source) = person.contact() {
        body.insert(
            "metadata".into(),
            json!({"sources": [{"type": source.r#type, "id": source.id, "etag": source.etag}]}),
        );
    }
    for member in members {
        let items: Vec<&Json> = map::own_items(person, member);
        body.insert((*member).into(), json!(items));
    }
    Json::Object(body)
}

fn joined(members: &BTreeSet<&str>) -> String {
    members.iter().copied().collect::<Vec<_>>().join(",")
}

// ---- delete

/// Deletes people; one that is gone already counts as deleted.
pub(super) async fn delete(session: &Session, ids: &[RemoteId]) -> Vec<Result<(), Error>> {
    let _turn = session.write_lock().await;
    if ids.len() > 1 {
        let request = Request::post(
            "/v1/people:batchDeleteContacts",
            json!({"resourceNames": ids}),
        )
        .route("/v1/people:batchDeleteContacts")
        .take("group_write", 10);
        match deleted(session, request).await {
            Ok(()) => return ids.iter().map(|_| Ok(())).collect(),
            Err(error) if is_about_items(&error) => {}
            Err(error) => return all_fail(ids.len(), &error),
        }
    }
    let mut outcomes = Vec::with_capacity(ids.len());
    for id in ids {
        outcomes.push(delete_one(session, id).await);
    }
    outcomes
}

async fn delete_one(session: &Session, id: &RemoteId) -> Result<(), Error> {
    let Ok(name) = path_of(session, id.as_str(), "people/") else {
        return Ok(());
    };
    // A second deletion finds nothing, which is as good.
    let request = Request::delete(format!("/v1/{name}:deleteContact"))
        .route("/v1/people/{id}:deleteContact")
        .take("group_write", 1)
        .repeatable();
    match deleted(session, request).await {
        Err(error) if error.kind == Kind::NotFound => Ok(()),
        outcome => outcome,
    }
}

/// Sends a deletion. Its answer is an empty object: anything else (a proxy's page) does not say that it was done.
async fn deleted(session: &Session, request: Request) -> Result<(), Error> {
    let response = send(session, request, About::Plain).await?;
    response.json::<Map<String, Json>>().map(drop)
}
