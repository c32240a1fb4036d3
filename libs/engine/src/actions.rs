//! THEN: what the rules that a record passes do to the record on the other side, and how it is undone once the record
//! stops matching.
//!
//! What was done is remembered in the link, apart for each connection: what stood there before, and whether the provider
//! is known to have it. What a person changed since is never undone.

use std::collections::BTreeMap;

use syncline_model::{
    Acted, Action, Acts, Cardinality, Container, Effect, FieldName, Fields, Kind, LinkBody, Rule,
    Side, Value, When,
};

use crate::{Policy, equal, is_blank, lens, rules};

/// What rules want to stand in a field.
struct Wanted {
    /// The value; of a field with many values, what is to be among them.
    value: Value,
    undo: bool,
    /// Of a field with many values, those that are undone.
    passing: Value,
}

/// What is remembered of what is set where nothing stood.
fn noted((kind, cardinality): (Kind, Cardinality), wanted: &Wanted) -> Acted {
    let (before, set) = match cardinality {
        Cardinality::One => (Value::Empty, wanted.value.clone()),
        Cardinality::Many => (
            without(kind, &wanted.value, &wanted.passing),
            wanted.passing.clone(),
        ),
    };
    Acted {
        before,
        set,
        undo: wanted.undo,
        done: false,
    }
}

/// What is remembered of what stood there before, and is not to be undone. `stands` is what does, where that is known.
fn found(cardinality: Cardinality, wanted: &Wanted, stands: Value) -> Acted {
    let (before, set) = match cardinality {
        Cardinality::One => (stands, wanted.value.clone()),
        Cardinality::Many => (wanted.value.clone(), Value::Empty),
    };
    Acted {
        before,
        set,
        undo: false,
        done: true,
    }
}

/// What is to be written to a record that is created, as the rules that its source passes say. What the rules of the other
/// direction would do to the source counts as done: it was there before, and its copy is no news of anybody's.
pub fn of_creation(
    policy: &Policy,
    from: Side,
    source: &Fields,
    copy: &Fields,
    body: &mut LinkBody,
) -> Fields {
    let to = from.other();
    let mut out = Fields::new();
    for (field, wanted) in wanted(policy, from, source, true) {
        let acted = noted(shape(policy, to, &field), &wanted);
        acts(policy, body, to).insert(field.clone(), acted);
        let value = match shape(policy, to, &field) {
            (kind, Cardinality::Many) => union(kind, &value(copy, &field), &wanted.value),
            _ => wanted.value,
        };
        out.insert(field, value);
    }
    if policy.flows_from(to) {
        for (field, wanted) in wanted(policy, to, copy, false) {
            let (_, cardinality) = shape(policy, from, &field);
            let done = found(cardinality, &wanted, value(source, &field));
            acts(policy, body, from).insert(field, done);
        }
    }
    tidy(policy, body);
    out
}

/// What is to be written to a linked record because its source changed or begins to match: what rules want, and what they
/// want no longer. `target` is the record as it is, where that is known; `writes` says that it is written in any case.
pub fn of_update(
    policy: &Policy,
    from: Side,
    source: &Fields,
    target: Option<&Fields>,
    writes: bool,
    body: &mut LinkBody,
) -> Fields {
    let side = from.other();
    let standing = standing(policy, from, source);
    let mut out = undone(policy, side, target, &standing, body);
    for (field, wanted) in wanted(policy, from, source, false) {
        let known = acts(policy, body, side).get(&field).cloned();
        let stands = target.map(|target| value(target, &field));
        let due = match shape(policy, side, &field) {
            (kind, Cardinality::One) => due(kind, stands.as_ref(), known, wanted, writes),
            (kind, Cardinality::Many) => {
                // A group that is taken away is written with all that stay.
                let (stands, writes) = match out.get(&field) {
                    Some(rest) => (Some(rest), true),
                    None => (stands.as_ref(), writes),
                };
                due_among(kind, stands, known.as_ref(), &wanted, writes)
            }
        };
        if let Some((write, acted)) = due {
            acts(policy, body, side).insert(field.clone(), acted);
            out.extend(write.map(|write| (field, write)));
        }
    }
    tidy(policy, body);
    out
}

/// What is to be written to a linked record whose source left.
pub fn of_exit(policy: &Policy, from: Side, target: &Fields, body: &mut LinkBody) -> Fields {
    let out = undone(policy, from.other(), Some(target), &BTreeMap::new(), body);
    tidy(policy, body);
    out
}

/// What is known to stand in the fields that rules wrote to.
pub fn known(policy: &Policy, side: Side, body: &LinkBody) -> Fields {
    let acted = body.acted.get(&policy.connection);
    let acts = acted.into_iter().flat_map(|acted| acted.get(side));
    acts.map(|(field, acted)| {
        let value = match shape(policy, side, field) {
            (kind, Cardinality::Many) => union(kind, &acted.before, &acted.set),
            _ if acted.done => acted.set.clone(),
            _ => acted.before.clone(),
        };
        (field.clone(), value)
    })
    .collect()
}

/// Whether what is written to a field replaces something: a value by another one, or takes items away from a set. What
/// stood there is unknown where nobody has read it, and may be anything.
pub fn replaces(
    policy: &Policy,
    side: Side,
    field: &FieldName,
    old: Option<&Value>,
    new: &Value,
) -> bool {
    match (shape(policy, side, field), old) {
        ((_, Cardinality::Many), None) => false,
        ((kind, Cardinality::Many), Some(old)) => !without(kind, old, new).is_empty(),
        (_, None) => true,
        ((kind, one), Some(old)) => !is_blank(kind, old) && !equal(kind, one, old, new),
    }
}

/// What a link notes of one field.
pub fn noted_of(policy: &Policy, side: Side, field: &FieldName, body: &LinkBody) -> Option<Acted> {
    let acted = body.acted.get(&policy.connection)?;
    acted.get(side).get(field).cloned()
}

/// Notes of one field what was noted before.
pub fn note_again(
    policy: &Policy,
    side: Side,
    field: FieldName,
    was: Option<Acted>,
    body: &mut LinkBody,
) {
    let all = acts(policy, body, side);
    match was {
        Some(was) => all.insert(field, was),
        None => all.remove(&field),
    };
    tidy(policy, body);
}

/// Whether rules gave a record groups or tags that it still has as far as is known, and that are taken away again.
pub fn has_marks(policy: &Policy, side: Side, body: &LinkBody) -> bool {
    let acted = body.acted.get(&policy.connection);
    let mut acts = acted.into_iter().flat_map(|acted| acted.get(side));
    acts.any(|(field, acted)| {
        let (_, cardinality) = shape(policy, side, field);
        cardinality == Cardinality::Many && !passing(acted).is_empty()
    })
}

/// Notes that a record was written: what was set is known to stand there, and what was put back is forgotten.
pub fn written(policy: &Policy, side: Side, changes: &Fields, body: &mut LinkBody) {
    let done = acts(policy, body, side);
    done.retain(|field, acted| {
        let Some(written) = changes.get(field) else {
            return true;
        };
        let holds = match shape(policy, side, field) {
            (kind, Cardinality::Many) => {
                for known in [&mut acted.before, &mut acted.set] {
                    *known = common(kind, known, written);
                }
                !(acted.before.is_empty() && acted.set.is_empty())
            }
            shape => equal(shape.0, shape.1, &acted.set, written),
        };
        acted.done |= holds;
        holds
    });
    tidy(policy, body);
}

/// What is to be written to a field with one value where something is, if anything, and what is remembered of it from
/// then on; none where that is known already.
fn due(
    kind: Kind,
    stands: Option<&Value>,
    known: Option<Acted>,
    wanted: Wanted,
    writes: bool,
) -> Option<(Option<Value>, Acted)> {
    let shape = (kind, Cardinality::One);
    let holds = |there: &Value| equal(kind, Cardinality::One, there, &wanted.value);
    // What was done before is done again with a change that is carried over: a person may have changed it since.
    let was_done = known
        .as_ref()
        .is_some_and(|known| known.done && holds(&known.set));
    if was_done && !writes {
        return None;
    }
    if let Some(stands) = stands.filter(|stands| holds(stands)) {
        // It stood there before, and is not to be undone; or it is what an unanswered write left.
        let noted = match known {
            Some(known) if holds(&known.set) => Acted {
                done: true,
                ..known
            },
            _ => found(Cardinality::One, &wanted, stands.clone()),
        };
        return (!was_done).then_some((None, noted));
    }
    // What rules set before is not what stood there before the rules.
    let before = match (known, stands) {
        (Some(known), None) => known.before,
        (Some(known), Some(stands)) if equal(kind, Cardinality::One, stands, &known.set) => {
            known.before
        }
        (_, stands) => stands.cloned().unwrap_or_default(),
    };
    let acted = Acted {
        before,
        ..noted(shape, &wanted)
    };
    Some((Some(wanted.value), acted))
}

/// The same of a field with many values: what is missing is added to what stands there.
fn due_among(
    kind: Kind,
    stands: Option<&Value>,
    known: Option<&Acted>,
    wanted: &Wanted,
    writes: bool,
) -> Option<(Option<Value>, Acted)> {
    let was_done = known.is_some_and(|known| {
        let known_there = union(kind, &known.before, &known.set);
        known.done && without(kind, &wanted.value, &known_there).is_empty()
    });
    if was_done && !writes {
        return None;
    }
    let stands = stands?;
    let missing = without(kind, &wanted.value, stands);
    // What stood there before the rules stays when they end; what an unanswered write left does not.
    let ours = known.map(passing).unwrap_or_default();
    let set = union(kind, &ours, &common(kind, &wanted.passing, &missing));
    let acted = Acted {
        before: without(kind, &wanted.value, &set),
        undo: !set.is_empty(),
        set,
        done: missing.is_empty(),
    };
    let write = (!missing.is_empty()).then(|| union(kind, stands, &missing));
    Some((write, acted))
}

/// Of a field with many values, what is taken away when the rules end.
fn passing(acted: &Acted) -> Value {
    if acted.undo {
        acted.set.clone()
    } else {
        Value::Empty
    }
}

/// What puts back what stood before the rules, where none of those that still stand has to do with it. What nobody has to
/// put back any more is forgotten.
fn undone(
    policy: &Policy,
    side: Side,
    target: Option<&Fields>,
    standing: &BTreeMap<FieldName, Standing>,
    body: &mut LinkBody,
) -> Fields {
    let mut out = Fields::new();
    let Some(target) = target else {
        return out;
    };
    acts(policy, body, side).retain(|field, acted| {
        let stays = standing.get(field);
        let stands = value(target, field);
        let back = match (shape(policy, side, field), stays) {
            ((kind, Cardinality::Many), stays) => {
                let over = match stays {
                    None => passing(acted),
                    Some(Standing::Items(items)) => without(kind, &passing(acted), items),
                    Some(Standing::Whole) => Value::Empty,
                };
                let there = common(kind, &over, &stands);
                if stays.is_some() {
                    // What a person took away is no more to be taken away.
                    let gone = without(kind, &over, &there);
                    acted.set = without(kind, &acted.set, &gone);
                }
                (!there.is_empty()).then(|| without(kind, &stands, &there))
            }
            (_, Some(_)) => None,
            ((kind, one), None) => {
                let ours = acted.undo && equal(kind, one, &stands, &acted.set);
                ours.then(|| acted.before.clone())
            }
        };
        let goes_on = stays.is_some() || back.is_some();
        out.extend(back.map(|back| (field.clone(), back)));
        goes_on
    });
    out
}

/// What rules which the source passes have to do with in a field, whenever they act.
enum Standing {
    /// All of it.
    Whole,
    /// These of its values.
    Items(Value),
}

/// The fields that rules which the source passes have to do with.
fn standing(policy: &Policy, from: Side, source: &Fields) -> BTreeMap<FieldName, Standing> {
    let mut all = BTreeMap::new();
    let actions = passed(policy, from, source).flat_map(|rule| &rule.actions);
    for action in actions {
        let Some(field) = target(policy, from, action) else {
            continue;
        };
        match (&action.effect, all.get_mut(field)) {
            (_, Some(Standing::Whole)) => {}
            (Effect::Set { .. } | Effect::Copy { .. }, _) => {
                all.insert(field.clone(), Standing::Whole);
            }
            (Effect::Add(container), Some(Standing::Items(items))) => {
                let (kind, _) = shape(policy, from.other(), field);
                *items = union(kind, items, &item(container));
            }
            (Effect::Add(container), None) => {
                all.insert(field.clone(), Standing::Items(item(container)));
            }
        }
    }
    all
}

fn wanted(
    policy: &Policy,
    from: Side,
    source: &Fields,
    creating: bool,
) -> BTreeMap<FieldName, Wanted> {
    let mut all = BTreeMap::<FieldName, Wanted>::new();
    for rule in passed(policy, from, source) {
        for action in &rule.actions {
            if !creating && action.when == When::Create {
                continue;
            }
            let Some(field) = target(policy, from, action) else {
                continue;
            };
            let (kind, cardinality) = shape(policy, from.other(), field);
            let value = match &action.effect {
                Effect::Set { to, .. } => rules::constant(kind, to).unwrap_or_default(),
                Effect::Copy { from, .. } => {
                    let value = lens::get(source, from, None);
                    // Nothing is no news: it takes nothing away.
                    if value.is_empty() {
                        continue;
                    }
                    value
                }
                Effect::Add(container) => item(container),
            };
            let undo = policy.takes_back(rule, action);
            let passing = if undo { value.clone() } else { Value::Empty };
            match all.get_mut(field) {
                Some(before) if cardinality == Cardinality::Many => {
                    before.value = union(kind, &before.value, &value);
                    before.passing = union(kind, &before.passing, &passing);
                    before.undo |= undo;
                }
                _ => {
                    let wanted = Wanted {
                        value,
                        undo,
                        passing,
                    };
                    all.insert(field.clone(), wanted);
                }
            }
        }
    }
    all
}

fn passed<'a>(
    policy: &'a Policy,
    from: Side,
    source: &'a Fields,
) -> impl Iterator<Item = &'a Rule> {
    let rules = policy.rules.iter().filter(move |rule| rule.from == from);
    rules.filter(move |rule| rules::passes(policy, from, &rule.conditions, source))
}

fn target<'a>(policy: &'a Policy, from: Side, action: &'a Action) -> Option<&'a FieldName> {
    match &action.effect {
        Effect::Set { field, .. } | Effect::Copy { field, .. } => Some(&field.field),
        Effect::Add(container) => policy.memberships.get(from.other()).get(&container.kind),
    }
}

fn shape(policy: &Policy, side: Side, field: &FieldName) -> (Kind, Cardinality) {
    let known = policy.kinds.get(side).get(field).copied();
    known.unwrap_or((Kind::Text, Cardinality::One))
}

/// What this connection's rules did to the record on a side.
fn acts<'a>(policy: &Policy, body: &'a mut LinkBody, side: Side) -> &'a mut Acts {
    let ours = body.acted.entry(policy.connection).or_default();
    ours.get_mut(side)
}

/// Keeps nothing where nothing is remembered.
fn tidy(policy: &Policy, body: &mut LinkBody) {
    let nothing = |sides: &syncline_model::Sides<Acts>| sides.a.is_empty() && sides.b.is_empty();
    if body.acted.get(&policy.connection).is_some_and(nothing) {
        body.acted.remove(&policy.connection);
    }
}

fn value(fields: &Fields, field: &FieldName) -> Value {
    fields.get(field).cloned().unwrap_or_default()
}

fn items(value: &Value) -> &[Value] {
    match value {
        Value::List(items) => items,
        Value::Empty => &[],
        one => std::slice::from_ref(one),
    }
}

/// A container as the one item of a list.
fn item(container: &Container) -> Value {
    Value::List(vec![Value::text(container.name.clone())])
}

fn has(kind: Kind, list: &Value, item: &Value) -> bool {
    let mut items = items(list).iter();
    items.any(|other| equal(kind, Cardinality::One, item, other))
}

/// The items of a list that another one lacks.
fn without(kind: Kind, list: &Value, other: &Value) -> Value {
    let rest = items(list).iter().filter(|item| !has(kind, other, item));
    listed(rest.cloned().collect())
}

/// The items of a list that another one has as well.
fn common(kind: Kind, list: &Value, other: &Value) -> Value {
    let both = items(list).iter().filter(|item| has(kind, other, item));
    listed(both.cloned().collect())
}

/// The items of two lists, each once.
fn union(kind: Kind, list: &Value, more: &Value) -> Value {
    let new = without(kind, more, list);
    listed([items(list), items(&new)].concat())
}

fn listed(items: Vec<Value>) -> Value {
    if items.is_empty() {
        Value::Empty
    } else {
        Value::List(items)
    }
}
