//! What rules write to a linked record, as far as it is for the plan to say: what it is written over, what of it a guard holds,
//! and what of it is told. What rules want is `actions.rs`.

use std::borrow::Cow;

use syncline_model::{EntryKey, Fields, Record, Side, Slots};

use super::{Around, Step, Subject};
use crate::{Policy, actions};

/// What stands in a record that rules write to, as far as that is known.
pub fn stands<'a>(
    step: &Step,
    policy: &Policy,
    around: Around<'_>,
    side: Side,
    record: Option<&'a Record>,
) -> Option<Cow<'a, Fields>> {
    let assumed = || Cow::Owned(actions::known(policy, side, &step.body));
    let read = record.map(|record| Cow::Borrowed(&record.fields));
    read.or_else(|| around.rehearses.then(assumed))
}

/// What a guard holds of what rules would write is not written, and stays to be done.
pub fn hold_back(
    step: &mut Step,
    policy: &Policy,
    around: Around<'_>,
    side: Side,
    acts: &mut Fields,
) {
    if around.held.entries.is_empty() {
        return;
    }
    let is_held = |field: &syncline_model::FieldName| {
        let key = (EntryKey::of_action(side, field), side.other());
        around.held.entries.contains(&key)
    };
    let held: Vec<_> = acts
        .keys()
        .filter(|field| is_held(field))
        .cloned()
        .collect();
    for field in held {
        acts.remove(&field);
        let was = match &step.subject {
            Subject::Link(link) => actions::noted_of(policy, side, &field, &link.body),
            Subject::New | Subject::Nothing => None,
        };
        actions::note_again(policy, side, field, was, &mut step.body);
        step.hold();
    }
}

/// What actions write, for the history and the guards: under a key that names the field alone. What stood there before is left
/// out where that is not known.
pub fn tell(
    side: Side,
    changes: &Fields,
    record: Option<&Record>,
    stands: Option<&Fields>,
    (before, sent): (&mut Slots, &mut Slots),
) {
    for (field, value) in changes {
        let key = EntryKey::of_action(side, field);
        let known = stands.and_then(|stands| stands.get(field)).cloned();
        let known = known.or_else(|| record.map(|_| syncline_model::Value::Empty));
        before.extend(known.map(|old| (key.clone(), old)));
        sent.insert(key, value.clone());
    }
}
