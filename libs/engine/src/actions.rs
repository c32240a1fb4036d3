//! THEN: what the rules that a record passes do to the record on the other side, and how it is undone once the record
//! stops matching.
//!
//! What was done is remembered in the link, apart for each connection: what stood there before, and whether the provider
//! is known to have it. What a person changed since is never undone.

use std::collections::{BTreeMap, BTreeSet};

use syncline_model::{
    Acted, Action, Acts, Cardinality, Effect, FieldName, Fields, Kind, LinkBody, Rule, Side, Value,
    When,
};

use crate::{Policy, equal, lens, rules};

/// What rules want to stand in a field.
struct Wanted {
    /// The value; of a field with many values, what is to be among them.
    value: Value,
    undo: bool,
}

/// What is remembered of what is set where nothing stood.
fn noted(wanted: &Wanted, done: bool) -> Acted {
    Acted {
        before: Value::Empty,
        set: wanted.value.clone(),
        undo: wanted.undo,
        done,
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
        let acted = noted(&wanted, false);
        acts(policy, body, to).insert(field.clone(), acted);
        out.insert(field, wanted.value);
    }
    if policy.flows_from(to) {
        for (field, wanted) in wanted(policy, to, copy, false) {
            let done = Acted {
                undo: false,
                ..noted(&wanted, true)
            };
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
    let mut out = Fields::new();
    for (field, wanted) in wanted(policy, from, source, false) {
        let known = acts(policy, body, side).get(&field).cloned();
        let stands = target.map(|target| value(target, &field));
        let shape = shape(policy, side, &field);
        if let Some((write, acted)) = due(shape, stands.as_ref(), known, wanted, writes) {
            acts(policy, body, side).insert(field.clone(), acted);
            out.extend(write.map(|write| (field, write)));
        }
    }
    let standing = standing(policy, from, source);
    out.extend(undone(policy, side, target, body, |field| {
        !standing.contains(field)
    }));
    out
}

/// What is to be written to a linked record whose source left.
pub fn of_exit(policy: &Policy, from: Side, target: &Fields, body: &mut LinkBody) -> Fields {
    undone(policy, from.other(), Some(target), body, |_| true)
}

/// Notes that a record was written: what was set is known to stand there, and what was put back is forgotten.
pub fn written(policy: &Policy, side: Side, changes: &Fields, body: &mut LinkBody) {
    let done = acts(policy, body, side);
    done.retain(|field, acted| {
        let Some(written) = changes.get(field) else {
            return true;
        };
        let holds = match shape(policy, side, field) {
            (kind, Cardinality::Many) => without(kind, &acted.set, written).is_empty(),
            shape => equal(shape.0, shape.1, &acted.set, written),
        };
        acted.done |= holds;
        holds
    });
    tidy(policy, body);
}

/// What is to be written where something is, if anything, and what is remembered of it from then on; none where that is
/// known already.
fn due(
    (kind, cardinality): (Kind, Cardinality),
    stands: Option<&Value>,
    known: Option<Acted>,
    wanted: Wanted,
    writes: bool,
) -> Option<(Option<Value>, Acted)> {
    let many = cardinality == Cardinality::Many;
    let holds = |there: &Value| {
        if many {
            without(kind, &wanted.value, there).is_empty()
        } else {
            equal(kind, cardinality, there, &wanted.value)
        }
    };
    // What was done before is done again with a change that is carried over: a person may have changed it since.
    let was_done = known
        .as_ref()
        .is_some_and(|known| known.done && holds(&known.set));
    if was_done && !writes {
        return None;
    }
    if stands.is_some_and(holds) {
        // It stood there before, and is not to be undone; or it is what an unanswered write left.
        let noted = match known {
            Some(known) if holds(&known.set) => Acted {
                done: true,
                ..known
            },
            _ => Acted {
                undo: false,
                ..noted(&wanted, true)
            },
        };
        return (!was_done).then_some((None, noted));
    }
    if many {
        let stands = stands?;
        let missing = without(kind, &wanted.value, stands);
        let before = known.map(|known| known.set).unwrap_or_default();
        let acted = Acted {
            set: union(kind, &before, &missing),
            ..noted(&wanted, false)
        };
        return Some((Some(union(kind, stands, &missing)), acted));
    }
    // What rules set before is not what stood there before the rules.
    let before = match (known, stands) {
        (Some(known), None) => known.before,
        (Some(known), Some(stands)) if equal(kind, cardinality, stands, &known.set) => known.before,
        (_, stands) => stands.cloned().unwrap_or_default(),
    };
    let acted = Acted {
        before,
        ..noted(&wanted, false)
    };
    Some((Some(wanted.value), acted))
}

/// What puts back what stood before the rules, where `over` says so. What nobody has to put back any more is forgotten.
fn undone(
    policy: &Policy,
    side: Side,
    target: Option<&Fields>,
    body: &mut LinkBody,
    over: impl Fn(&FieldName) -> bool,
) -> Fields {
    let mut out = Fields::new();
    let Some(target) = target else {
        return out;
    };
    acts(policy, body, side).retain(|field, acted| {
        if !over(field) {
            return true;
        }
        if !acted.undo {
            return false;
        }
        let stands = value(target, field);
        let back = match shape(policy, side, field) {
            (kind, Cardinality::Many) => {
                let rest = without(kind, &stands, &acted.set);
                (!equal(kind, Cardinality::Many, &rest, &stands)).then_some(rest)
            }
            (kind, one) => equal(kind, one, &stands, &acted.set).then(|| acted.before.clone()),
        };
        back.map(|back| out.insert(field.clone(), back)).is_some()
    });
    tidy(policy, body);
    out
}

/// The fields that rules which the source passes have to do with, whenever they act.
fn standing(policy: &Policy, from: Side, source: &Fields) -> BTreeSet<FieldName> {
    let actions = passed(policy, from, source).flat_map(|rule| &rule.actions);
    actions
        .filter_map(|action| target(policy, from, action).cloned())
        .collect()
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
            let (kind, _) = shape(policy, from.other(), field);
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
                Effect::Add(container) => Value::List(vec![Value::text(container.name.clone())]),
            };
            let undo = rule.reverse_on_exit;
            match all.get_mut(field) {
                Some(before) if matches!(action.effect, Effect::Add(_)) => {
                    before.value = union(kind, &before.value, &value);
                    before.undo |= undo;
                }
                _ => {
                    all.insert(field.clone(), Wanted { value, undo });
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

/// The items of a list that another one lacks.
fn without(kind: Kind, list: &Value, other: &Value) -> Value {
    let has = |item: &Value| {
        let mut others = items(other).iter();
        others.any(|other| equal(kind, Cardinality::One, item, other))
    };
    let rest = items(list).iter().filter(|item| !has(item));
    listed(rest.cloned().collect())
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
