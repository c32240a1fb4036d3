//! Writing contacts, in batches with an outcome for each: every input carries a trace of its own, by which HubSpot says
//! what became of it. A batch that is refused as a whole is halved until the bad input stands alone.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};
use syncline_connector::{Create, Error, Kind, Request, Response, Session, Update, Written};
use syncline_model::RemoteId;

use super::fields::{MARK, Shapes};
use super::map::{instant, written};
use super::read::{by_ids, mark, shapes};
use super::refuse::{of_input, refusal};
use super::wire::{Contact, Contacts, Refused};

type Outcome = Result<Written, Error>;

/// An input of a batch and the place of its item.
struct Input {
    at: usize,
    body: Json,
}

/// Creates contacts: an upsert by a mark of ours makes a contact once, however often it is called.
pub(super) async fn create(session: &Session, items: &[Create]) -> Vec<Outcome> {
    let names = items.iter().flat_map(|item| item.fields.keys());
    let shapes = match shapes(session, names).await {
        Ok(shapes) => shapes,
        Err(error) => return all(items, &error),
    };
    let mut outcomes = Outcomes::new(items.len());
    let mut inputs = Vec::new();
    for (at, item) in items.iter().enumerate() {
        let mut fields = item.fields.clone();
        fields.retain(|_, value| !value.is_empty());
        match written(&fields, &shapes) {
            Ok(properties) => inputs.push(Input {
                at,
                body: json!({
                    "idProperty": MARK, "id": mark(item), "properties": properties,
                    "objectWriteTraceId": at.to_string(),
                }),
            }),
            Err(why) => outcomes.set(at, Err(session.error(Kind::Rejected, why))),
        }
    }
    send(session, "upsert", inputs, &mut outcomes).await;
    outcomes.into_all(session)
}

/// Changes contacts, those whose version is still the one that the change was computed from.
pub(super) async fn update(session: &Session, items: &[Update]) -> Vec<Outcome> {
    let names = items.iter().flat_map(|item| item.changes.keys());
    let shapes = match shapes(session, names).await {
        Ok(shapes) => shapes,
        Err(error) => return all(items, &error),
    };
    let ids: Vec<&str> = items.iter().map(|item| item.id.as_str()).collect();
    let there = match by_ids(session, &ids, &[]).await {
        Ok(there) => there,
        Err(error) => return all(items, &error),
    };
    let mut outcomes = Outcomes::new(items.len());
    let mut inputs = Vec::new();
    for (at, item) in items.iter().enumerate() {
        match input(session, at, item, &there, &shapes) {
            Ok(input) => inputs.push(input),
            Err(error) => outcomes.set(at, Err(error)),
        }
    }
    send(session, "update", inputs, &mut outcomes).await;
    outcomes.into_all(session)
}

fn input(
    session: &Session,
    at: usize,
    item: &Update,
    there: &BTreeMap<String, Contact>,
    shapes: &Shapes,
) -> Result<Input, Error> {
    let contact = there
        .get(item.id.as_str())
        .ok_or_else(|| session.error(Kind::NotFound, "HubSpot has no such contact"))?;
    let version = item.version.as_ref();
    if version.is_some_and(|version| version.as_str() != contact.updated_at) {
        let message = "the contact was changed at HubSpot meanwhile";
        return Err(session.error(Kind::VersionMismatch, message));
    }
    let properties =
        written(&item.changes, shapes).map_err(|why| session.error(Kind::Rejected, why))?;
    Ok(Input {
        at,
        body: json!({
            "id": item.id, "properties": properties, "objectWriteTraceId": at.to_string(),
        }),
    })
}

/// Archives contacts; one that is archived already stays so.
pub(super) async fn delete(session: &Session, ids: &[RemoteId]) -> Vec<Result<(), Error>> {
    let inputs: Vec<Json> = ids.iter().map(|id| json!({ "id": id })).collect();
    let path = "/crm/v3/objects/contacts/batch/archive";
    let request = Request::post(path, json!({ "inputs": inputs }))
        .route("POST /crm/v3/objects/contacts/batch/archive")
        .take("calls", 1)
        .repeatable();
    let outcome = match session.send(request).await {
        Ok(response) if response.status == 204 => Ok(()),
        Ok(response) if response.is_success() => Err(response.error(
            Kind::Malformed,
            "HubSpot answers to a deletion with something else",
        )),
        Ok(response) => Err(refusal(&response)),
        Err(error) => Err(error),
    };
    ids.iter().map(|_| outcome.clone()).collect()
}

fn all<T, U>(items: &[T], error: &Error) -> Vec<Result<U, Error>> {
    items.iter().map(|_| Err(error.clone())).collect()
}

/// Sends a batch; what is refused as a whole is sent again in halves. A first creation in an account meets no property for
/// its mark, whichever way HubSpot says so: it is made, and the batch sent again.
async fn send(session: &Session, what: &'static str, inputs: Vec<Input>, outcomes: &mut Outcomes) {
    let mut waiting = vec![inputs];
    let mut may_lack_property = what == "upsert";
    while let Some(mut inputs) = waiting.pop() {
        if inputs.is_empty() {
            continue;
        }
        let answer = match call(session, what, &inputs).await {
            Ok(response) if response.is_success() => {
                response.json::<Contacts>().map(|answer| (response, answer))
            }
            Ok(response) => Err(refusal(&response)),
            Err(error) => Err(error),
        };
        let all_refused = match &answer {
            Ok((_, answer)) => answer.results.is_empty() && !answer.errors.is_empty(),
            Err(error) => error.kind == Kind::Rejected,
        };
        if all_refused && std::mem::take(&mut may_lack_property) {
            match ensure_property(session).await {
                Ok(true) => {
                    waiting.push(inputs);
                    continue;
                }
                Ok(false) => {}
                Err(error) => {
                    outcomes.fail(&inputs, &error);
                    continue;
                }
            }
        }
        match answer {
            Ok((response, answer)) => read(&response, answer, &inputs, outcomes),
            Err(error) if all_refused => halve(&mut waiting, &mut inputs, &error, outcomes),
            Err(error) => outcomes.fail(&inputs, &error),
        }
    }
}

fn halve(
    waiting: &mut Vec<Vec<Input>>,
    inputs: &mut Vec<Input>,
    error: &Error,
    outcomes: &mut Outcomes,
) {
    if inputs.len() == 1 {
        outcomes.fail(inputs, error);
        return;
    }
    let second = inputs.split_off(inputs.len() / 2);
    waiting.push(second);
    waiting.push(std::mem::take(inputs));
}

async fn call(session: &Session, what: &str, inputs: &[Input]) -> Result<Response, Error> {
    let bodies: Vec<&Json> = inputs.iter().map(|input| &input.body).collect();
    let body = json!({ "inputs": bodies });
    let request = if what == "upsert" {
        Request::post("/crm/v3/objects/contacts/batch/upsert", body)
            .route("POST /crm/v3/objects/contacts/batch/upsert")
    } else {
        Request::post("/crm/v3/objects/contacts/batch/update", body)
            .route("POST /crm/v3/objects/contacts/batch/update")
    };
    session.send(request.take("calls", 1)).await
}

/// Makes the property that marks creations; whether it was not there yet.
async fn ensure_property(session: &Session) -> Result<bool, Error> {
    let body = json!({
        "name": MARK, "label": "Syncline creation", "type": "string", "fieldType": "text",
        "groupName": "contactinformation", "hasUniqueValue": true, "formField": false,
        "description": "Set by Syncline, so that it makes no contact twice.",
    });
    let request = Request::post("/crm/v3/properties/contacts", body)
        .route("POST /crm/v3/properties/contacts")
        .take("calls", 1);
    let response = session.send(request).await?;
    match response.status {
        200..=299 => Ok(true),
        409 => Ok(false),
        _ => Err(refusal(&response)),
    }
}

/// Reads what became of each input. Results are in no order: the trace tells whose they are.
fn read(response: &Response, answer: Contacts, inputs: &[Input], outcomes: &mut Outcomes) {
    let trace = |text: &str| text.parse::<usize>().ok();
    for contact in answer.results {
        let at = contact.object_write_trace_id.as_deref().and_then(trace);
        // HubSpot may leave the trace out of what went well.
        let named = || {
            let of = |input: &&Input| named(input, &contact);
            inputs.iter().find(of).map(|input| input.at)
        };
        if let Some(at) = at.or_else(named) {
            outcomes.set(at, Ok(done(&contact)));
        }
    }
    for error in &answer.errors {
        for at in traces(error).into_iter().filter_map(trace) {
            outcomes.set(at, Err(of_input(response, error)));
        }
    }
    let mut unsaid = response.error(Kind::Malformed, "HubSpot does not say what became of it");
    unsaid.maybe_applied = true;
    outcomes.fail(inputs, &unsaid);
}

/// Whether a contact is the one that an input is about.
fn named(input: &Input, contact: &Contact) -> bool {
    let id = input.body.get("id").and_then(Json::as_str);
    let mark = contact.properties.get(MARK).and_then(Option::as_deref);
    id == Some(contact.id.as_str()) || id.is_some() && id == mark
}

fn traces(error: &Refused) -> Vec<&str> {
    let traces = error.context.get("objectWriteTraceId");
    let traces = traces.and_then(Json::as_array).into_iter().flatten();
    traces.filter_map(Json::as_str).collect()
}

fn done(contact: &Contact) -> Written {
    Written {
        id: RemoteId::new(&contact.id),
        version: Some(syncline_model::Version::new(&contact.updated_at)),
        modified_at: instant(&contact.updated_at),
        fields: None,
    }
}

/// Outcomes in the order of the items; the first one of an item counts.
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

    fn fail(&mut self, inputs: &[Input], error: &Error) {
        for input in inputs {
            self.set(input.at, Err(error.clone()));
        }
    }

    fn into_all(self, session: &Session) -> Vec<Outcome> {
        let unsaid = || session.error(Kind::Malformed, "HubSpot does not say what became of it");
        let all = self.0.into_iter();
        all.map(|outcome| outcome.unwrap_or_else(|| Err(unsaid())))
            .collect()
    }
}
