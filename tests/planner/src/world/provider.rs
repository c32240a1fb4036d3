//! What a simulated provider does with one call. Not the loop around it.

use syncline_engine::{Operation, Outcome};
use syncline_model::{FieldName, Fields, ProblemReason, Record, RemoteId, Value};

use super::{Fate, Remote, World};

impl World {
    pub(super) fn call(&mut self, operation: &Operation, fate: Fate) -> (Outcome, Option<Record>) {
        let refused = Outcome::Refused {
            reason: ProblemReason::Rejected,
            message: "refused".into(),
        };
        self.calls.push(operation.clone());
        match fate {
            Fate::Refused => return (refused, None),
            Fate::Later => return (Outcome::Later, None),
            Fate::UnknownNot => return (Outcome::Unknown, None),
            Fate::Done | Fate::UnknownDone => {}
        }
        let version = self.version();
        let fresh = RemoteId::new(format!("{}{}", operation.side(), self.next()));
        let remote = self.sides.get_mut(operation.side());
        let spell = |fields: &Fields, remote: &Remote| -> Fields {
            let spelt = |(name, value): (&FieldName, &Value)| {
                let value = match remote.spelling {
                    Some(spell) if !value.is_empty() => spell(name, value),
                    _ => value.clone(),
                };
                (name.clone(), value)
            };
            fields.iter().map(spelt).collect()
        };
        let id = match operation {
            Operation::Create { fields, .. } => {
                let fields = spell(fields, remote);
                remote.created += 1;
                let record = Record {
                    id: fresh.clone(),
                    version,
                    modified_at: None,
                    fields,
                };
                remote.records.insert(fresh.clone(), record);
                fresh
            }
            Operation::Update {
                id,
                version: decided_on,
                changes,
                ..
            } => {
                let changes = spell(changes, remote);
                let Some(record) = remote.records.get_mut(id) else {
                    return (Outcome::Later, None);
                };
                let known = !remote.news.contains(id);
                assert!(
                    !(known && remote.left.contains(id)),
                    "a record that left was written"
                );
                if decided_on.as_ref().is_some_and(|v| *v != record.version) {
                    return (Outcome::Later, None);
                }
                record.fields.extend(changes);
                record.version = version;
                id.clone()
            }
            Operation::Delete { id, .. } => {
                assert!(
                    remote.news.contains(id) || !remote.left.contains(id),
                    "a record that left was deleted"
                );
                remote.records.remove(id);
                id.clone()
            }
            Operation::Mark { id, .. } => {
                remote.marked.insert(id.clone());
                id.clone()
            }
            Operation::Leave { id, .. } => {
                remote.left.insert(id.clone());
                id.clone()
            }
            Operation::Join { id, .. } => {
                remote.left.remove(id);
                id.clone()
            }
        };
        remote.news.insert(id.clone());
        let record = remote.records.get(&id).cloned();
        if fate == Fate::UnknownDone {
            return (Outcome::Unknown, record);
        }
        let outcome = Outcome::Done {
            id,
            version: record.as_ref().map(|record| record.version.clone()),
            modified_at: None,
            fields: record
                .as_ref()
                .filter(|_| !remote.mute)
                .map(|r| r.fields.clone()),
        };
        (outcome, record)
    }
}
