//! Writing contacts: each with its numbers and addresses, in batches of calls of which each has an outcome of its own. What
//! became of them is then read: Creatio has rules of its own for what is saved, and a call that it calls failed may have
//! been done.

use std::collections::BTreeMap;

use syncline_connector::{Create, Error, Kind, Session, Update, Written};
use syncline_model::{FieldName, Fields, Record};

use super::call::{MOST, batch, of_part};
use super::change;
use super::lookups::look_up;
use super::map::guid;
use super::own;
use super::read::{as_record, by_ids};
use super::tags::{members, tag_of, tagging};
use super::wire::{Contact, Part};

type Outcome = Result<Written, Error>;

/// The id of the contact that a creation makes.
pub(super) fn id(item: &Create) -> String {
    guid(&item.operation.to_string())
}

/// What is to be written of one item.
struct Job {
    at: usize,
    id: String,
    parts: Vec<Part>,
    failure: Option<Error>,
    /// Whether some of it was done.
    begun: bool,
}

/// Creates contacts, by ids of our own: made again, they are the same.
pub(super) async fn create(session: &Session, collection: &str, items: &[Create]) -> Vec<Outcome> {
    let tag = match tag_of(session, collection) {
        Ok(tag) => tag,
        Err(error) => return all(items.len(), &error),
    };
    let fields = items.iter().map(|item| &item.fields);
    let lookups = match look_up(session, fields).await {
        Ok(lookups) => lookups,
        Err(error) => return all(items.len(), &error),
    };
    let own = own::among(items.iter().flat_map(|item| item.fields.keys()));
    let mut outcomes = Outcomes::new(items.len());
    let mut jobs = Vec::new();
    for (at, item) in items.iter().enumerate() {
        let (id, mut fields) = (id(item), item.fields.clone());
        fields.retain(|_, value| !value.is_empty());
        match change::create(&id, &fields, &lookups) {
            Ok(mut parts) => {
                parts.extend(tag.map(|tag| tagging(tag, &id)));
                jobs.push(Job::new(at, id, parts));
            }
            Err(why) => outcomes.set(at, Err(session.error(Kind::Rejected, why))),
        }
    }
    let there = send(session, &mut jobs, &mut outcomes, &own).await;
    let tagged = match tag {
        Some(tag) if jobs.iter().any(|job| job.failure.is_some()) => {
            let ids: Vec<&str> = jobs.iter().map(|job| job.id.as_str()).collect();
            members(session, tag, &ids).await.unwrap_or_default()
        }
        _ => Vec::new(),
    };
    for job in jobs {
        let has_tag = tag.is_none() || tagged.iter().any(|(id, _)| *id == job.id);
        let wanted = items.get(job.at).map(|item| &item.fields);
        let found = there.get(&job.id);
        let record = found.and_then(|contact| as_record(session, contact, &own).ok());
        let is_made = |record: &Record| has_tag && wanted.is_some_and(|fields| has(record, fields));
        let outcome = match (job.failure, record) {
            (None, Some(record)) => Ok(written(record)),
            // It was done before, or done and called failed.
            (Some(_), Some(record)) if is_made(&record) => Ok(written(record)),
            (Some(mut error), Some(_)) => {
                error.maybe_applied = true;
                Err(error)
            }
            (Some(error), None) => Err(error),
            (None, None) => {
                let message = "Creatio made a contact and does not show it";
                let mut error = session.error(Kind::Malformed, message);
                error.maybe_applied = true;
                Err(error)
            }
        };
        outcomes.set(job.at, outcome);
    }
    outcomes.into_all(session)
}

/// Changes contacts, those whose version is still the one that the change was computed from.
pub(super) async fn update(session: &Session, items: &[Update]) -> Vec<Outcome> {
    let ids: Vec<&str> = items.iter().map(|item| item.id.as_str()).collect();
    let own = own::among(items.iter().flat_map(|item| item.changes.keys()));
    let before = match by_ids(session, &ids, &[]).await {
        Ok(before) => before,
        Err(error) => return all(items.len(), &error),
    };
    let fields = items.iter().map(|item| &item.changes);
    let lookups = match look_up(session, fields).await {
        Ok(lookups) => lookups,
        Err(error) => return all(items.len(), &error),
    };
    let mut outcomes = Outcomes::new(items.len());
    let mut jobs = Vec::new();
    for (at, item) in items.iter().enumerate() {
        let parts = before_update(session, item, &before).and_then(|contact| {
            let parts = change::update(contact, &item.changes, &lookups);
            parts.map_err(|why| session.error(Kind::Rejected, why))
        });
        match parts {
            Ok(parts) => jobs.push(Job::new(at, item.id.as_str().to_lowercase(), parts)),
            Err(error) => outcomes.set(at, Err(error)),
        }
    }
    let there = send(session, &mut jobs, &mut outcomes, &own).await;
    for job in jobs {
        let found = there.get(&job.id);
        let record = found.and_then(|contact| as_record(session, contact, &own).ok());
        let outcome = match (job.failure, record) {
            (None, Some(record)) => Ok(written(record)),
            (Some(mut error), _) => {
                error.maybe_applied |= job.begun;
                Err(error)
            }
            // A change of a contact that is not there is taken without a word.
            (None, None) => Err(session.error(Kind::NotFound, "Creatio has no such contact")),
        };
        outcomes.set(job.at, outcome);
    }
    outcomes.into_all(session)
}

/// The contact as it is, if it may be changed.
fn before_update<'a>(
    session: &Session,
    item: &Update,
    before: &'a BTreeMap<String, Contact>,
) -> Result<&'a Contact, Error> {
    let contact = before.get(&item.id.as_str().to_lowercase());
    let contact =
        contact.ok_or_else(|| session.error(Kind::NotFound, "Creatio has no such contact"))?;
    let record = as_record(session, contact, &[])?;
    if item
        .version
        .as_ref()
        .is_some_and(|version| *version != record.version)
    {
        let message = "the contact was changed in Creatio meanwhile";
        return Err(session.error(Kind::VersionMismatch, message));
    }
    Ok(contact)
}

/// Whether a record has these values.
fn has(record: &Record, fields: &Fields) -> bool {
    fields
        .iter()
        .all(|(name, value)| value.is_empty() || record.fields.get(name) == Some(value))
}

fn written(record: Record) -> Written {
    Written {
        id: record.id,
        version: Some(record.version),
        modified_at: record.modified_at,
        fields: Some(record.fields),
    }
}

/// Makes the calls of some jobs, and reads what is there then. The items of calls that got no answer have their outcome.
async fn send(
    session: &Session,
    jobs: &mut Vec<Job>,
    outcomes: &mut Outcomes,
    own: &[FieldName],
) -> BTreeMap<String, Contact> {
    let mut sent: Vec<Job> = Vec::new();
    let mut rest = std::mem::take(jobs).into_iter().peekable();
    while rest.peek().is_some() {
        let (mut some, mut count) = (Vec::new(), 0);
        while let Some(job) = rest.next_if(|job| some.is_empty() || count + job.parts.len() <= MOST)
        {
            count += job.parts.len();
            some.push(job);
        }
        let parts: Vec<Part> = some
            .iter()
            .flat_map(|job| job.parts.iter().cloned())
            .collect();
        match batch(session, &parts).await {
            Ok(answered) => {
                let mut answered = answered.iter();
                for job in &mut some {
                    for (part, answer) in job.parts.iter().zip(answered.by_ref()) {
                        match of_part(session, answer) {
                            // What is to go is gone.
                            Some(error)
                                if part.method == "DELETE" && error.kind == Kind::NotFound => {}
                            Some(error) => drop(job.failure.get_or_insert(error)),
                            None => job.begun = true,
                        }
                    }
                }
                sent.extend(some);
            }
            Err(error) => {
                for job in some {
                    outcomes.set(job.at, Err(error.clone()));
                }
            }
        }
    }
    let ids: Vec<&str> = sent.iter().map(|job| job.id.as_str()).collect();
    let there = by_ids(session, &ids, own).await;
    match there {
        Ok(there) => {
            *jobs = sent;
            there
        }
        Err(error) => {
            for job in sent {
                let mut error = error.clone();
                error.maybe_applied = true;
                outcomes.set(job.at, Err(error));
            }
            BTreeMap::new()
        }
    }
}

fn all(count: usize, error: &Error) -> Vec<Outcome> {
    (0..count).map(|_| Err(error.clone())).collect()
}

impl Job {
    fn new(at: usize, id: String, parts: Vec<Part>) -> Self {
        Self {
            at,
            id,
            parts,
            failure: None,
            begun: false,
        }
    }
}

/// Outcomes in the order of the items.
struct Outcomes(Vec<Option<Outcome>>);

impl Outcomes {
    fn new(count: usize) -> Self {
        Self((0..count).map(|_| None).collect())
    }

    fn set(&mut self, at: usize, outcome: Outcome) {
        if let Some(place) = self.0.get_mut(at) {
            place.get_or_insert(outcome);
        }
    }

    fn into_all(self, session: &Session) -> Vec<Outcome> {
        let unsaid = || {
            session.error(
                Kind::Malformed,
                "Creatio does not say what became of the contact",
            )
        };
        let all = self.0.into_iter();
        all.map(|outcome| outcome.unwrap_or_else(|| Err(unsaid())))
            .collect()
    }
}
