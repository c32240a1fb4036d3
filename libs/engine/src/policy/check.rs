//! Rules that cannot be: fields, choices and containers that do not exist, tests and values that do not fit a field's
//! kind, and fields with two masters. Nothing here decides about a record.

use serde_json::Value as Json;
use syncline_model::{
    Action, Cardinality, Condition, Container, Effect, FieldDescriptor, FieldPath, Kind, MatchKey,
    Part, Side, Test, UNSUBSCRIBED,
};

use super::entries::{ByName, no_such_field, path_shape};
use super::{ConfigError, Entry, MAX_RULES, Policy, PolicyInput, memberships};
use crate::compatible::{Compatibility, compatibility};
use crate::matching::By;
use crate::rules::{comparable, constant};

/// Most choices that a message lists.
const LISTED: usize = 50;

/// Checks the rules of a connection.
pub(super) fn rules(
    input: &PolicyInput<'_>,
    by_name: &ByName<'_>,
    entries: &[Entry],
    errors: &mut Vec<ConfigError>,
) {
    let mut fail = |path: String, message: String| errors.push(ConfigError { path, message });
    if input.rules.len() > MAX_RULES {
        fail(
            "/rules".into(),
            format!("a connection has at most {MAX_RULES} rules"),
        );
    }
    for (index, rule) in input.rules.iter().take(MAX_RULES).enumerate() {
        if !input.direction.from_side(rule.from) {
            fail(
                format!("/rules/{index}/from"),
                format!("the direction lets no record flow from {}", rule.from),
            );
        }
        for (at, one) in rule.conditions.iter().enumerate() {
            if let Err((place, message)) = condition(one, rule.from, by_name) {
                fail(format!("/rules/{index}/if/{at}/{place}"), message);
            }
        }
        for (at, one) in rule.actions.iter().enumerate() {
            let checked = match &one.effect {
                Effect::Add(container) => {
                    add(container, rule.from.other(), input, by_name, entries)
                }
                Effect::Set { .. } | Effect::Copy { .. } => set(one, rule.from, by_name, entries),
            };
            if let Err((place, message)) = checked {
                fail(format!("/rules/{index}/then/{at}/{place}"), message);
            }
        }
    }
}

/// Checks the match keys of a connection against what its fields can say.
pub(super) fn matching(keys: &[MatchKey], policy: &Policy) -> Result<Vec<By>, Vec<ConfigError>> {
    let mut found: Vec<By> = Vec::new();
    let mut errors = Vec::new();
    for (index, key) in keys.iter().enumerate() {
        let checked = match_key(key, policy).and_then(|by| {
            let twice = || "this key is there already".to_owned();
            (!found.contains(&by)).then_some(by).ok_or_else(twice)
        });
        match checked {
            Ok(by) => found.push(by),
            Err(message) => errors.push(ConfigError {
                path: format!("/match/{index}"),
                message,
            }),
        }
    }
    if errors.is_empty() {
        Ok(found)
    } else {
        Err(errors)
    }
}

fn match_key(key: &MatchKey, policy: &Policy) -> Result<By, String> {
    match key {
        MatchKey::WorkEmail => Ok(By::WorkEmail),
        MatchKey::Email => Ok(By::Email),
        MatchKey::Phone => {
            let missing = Side::BOTH
                .into_iter()
                .find(|side| policy.phones.get(*side).is_empty());
            missing.map_or(Ok(By::Phone), |side| {
                Err(format!("side {side} has no field for telephone numbers"))
            })
        }
        MatchKey::NameAndCompany => {
            let has_name = policy.names.is_some() || policy.full_name.is_some();
            (has_name && policy.company.is_some())
                .then_some(By::NameAndCompany)
                .ok_or_else(|| "map the names and the company's name to match by them".to_owned())
        }
        MatchKey::Field(path) => {
            let mut entries = policy.entries.iter();
            let index = entries
                .position(|entry| entry.paths.a == *path)
                .ok_or_else(|| {
                    let keys = policy.entries.iter().filter(|entry| is_key(entry));
                    let names: Vec<String> =
                        keys.map(|entry| entry.paths.a.to_string()).collect();
                    format!(
                        "`{path}` is not mapped: a match key is a mapped field, by its name on side a. Choose one of {}",
                        names.join(", ")
                    )
                })?;
            let fits = policy.entries.get(index).is_some_and(is_key);
            fits.then_some(By::Field(index)).ok_or_else(|| {
                format!("`{path}` cannot tell people apart: a match key is one text or number")
            })
        }
    }
}

/// Whether a field can be a match key.
fn is_key(entry: &Entry) -> bool {
    let kind = matches!(
        entry.kind,
        Kind::Text | Kind::Email | Kind::Phone | Kind::Url | Kind::Number
    );
    kind && entry.cardinality == Cardinality::One
}

/// The member that is wrong, and what would be right.
type Wrong = (&'static str, String);

fn condition(condition: &Condition, from: Side, by_name: &ByName<'_>) -> Result<(), Wrong> {
    let path = &condition.field;
    let (field, kind, _) = shape(path, from, by_name).map_err(|why| ("field", why))?;
    let fits = |fits: bool, test: &'static str, kinds: &str| {
        let why = || {
            format!(
                "`{path}` is of kind {}: this test is for {kinds}",
                kind.as_str()
            )
        };
        fits.then_some(()).ok_or_else(|| (test, why()))
    };
    let value = |json: &Json, test: &'static str| {
        readable(kind, json).map_err(|why| (test, why))?;
        offered(field, path, json).map_err(|why| (test, why))
    };
    let timed = matches!(kind, Kind::Date | Kind::DateTime);
    match &condition.test {
        Test::Is(json) => value(json, "is"),
        Test::IsNot(json) => value(json, "is_not"),
        Test::In(list) => list.iter().try_for_each(|json| value(json, "in")),
        Test::Contains(_) => fits(kind.is_text(), "contains", "texts"),
        Test::StartsWith(_) => fits(kind.is_text(), "starts_with", "texts"),
        Test::Empty(_) => Ok(()),
        Test::Before(_) => fits(timed, "before", "dates and times"),
        Test::After(_) => fits(timed, "after", "dates and times"),
        Test::WithinDays(_) => fits(timed, "within_days", "dates and times"),
        Test::Greater(_) => fits(kind == Kind::Number, "greater", "numbers"),
        Test::Less(_) => fits(kind == Kind::Number, "less", "numbers"),
    }
}

fn set(action: &Action, from: Side, by_name: &ByName<'_>, entries: &[Entry]) -> Result<(), Wrong> {
    let to = from.other();
    let (Effect::Set { field: path, .. } | Effect::Copy { field: path, .. }) = &action.effect
    else {
        return Ok(());
    };
    if path.part.is_some() {
        return Err(("set", "an action sets a whole field".into()));
    }
    let (field, kind, cardinality) = shape(path, to, by_name).map_err(|why| ("set", why))?;
    writable(field, None, from, entries).map_err(|why| ("set", why))?;
    match &action.effect {
        Effect::Set { to, .. } => {
            if cardinality == Cardinality::Many {
                let why = "holds several values: a constant cannot be set there. Use `from`, or `add_to` for containers";
                return Err(("set", format!("`{path}` {why}")));
            }
            constant(kind, to).map_err(|why| ("to", why))?;
            if to.is_null() {
                return Ok(());
            }
            offered(field, path, to).map_err(|why| ("to", why))
        }
        Effect::Copy { from: source, .. } => {
            let (_, source_kind, source_cardinality) =
                shape(source, from, by_name).map_err(|why| ("from", why))?;
            let alike = compatibility(source_kind, kind) == Compatibility::AsTheyAre
                && source_cardinality == cardinality;
            let why = || {
                let (from, to) = (source_kind.as_str(), kind.as_str());
                format!(
                    "`{source}` cannot be copied to `{path}`: their kinds {from} and {to} are not compatible. Only fields of the same kind are copied; a mapping can do more"
                )
            };
            alike.then_some(()).ok_or_else(|| ("from", why()))
        }
        Effect::Add(_) => Ok(()),
    }
}

fn add(
    container: &Container,
    to: Side,
    input: &PolicyInput<'_>,
    by_name: &ByName<'_>,
    entries: &[Entry],
) -> Result<(), Wrong> {
    let kinds = memberships(input.fields.get(to));
    let wrong = |why: String| Err(("add_to", why));
    let Some(name) = kinds.get(&container.kind) else {
        let known: Vec<&str> = kinds.keys().map(String::as_str).collect();
        return wrong(match known.as_slice() {
            [] => format!("records of side {to} cannot be added to anything"),
            known => format!(
                "side {to} has no containers of kind `{}`; it has: {}",
                container.kind,
                known.join(", ")
            ),
        });
    };
    let Some(field) = by_name.get(to).get(name) else {
        return wrong(format!("there is no field `{name}`"));
    };
    writable(field, Some(&container.name), to.other(), entries).map_err(|why| ("add_to", why))?;
    item(field, &container.name).map_err(|why| ("add_to", why))
}

/// The field at a path of a side, with its kind and cardinality there.
fn shape<'a>(
    path: &FieldPath,
    side: Side,
    by_name: &ByName<'a>,
) -> Result<(&'a FieldDescriptor, Kind, Cardinality), String> {
    let fields = by_name.get(side);
    let Some(field) = fields.get(&path.field) else {
        return Err(no_such_field(&path.field, fields));
    };
    let (kind, cardinality) = path_shape(field, path)?;
    Ok((field, kind, cardinality))
}

/// Whether rules from a side may write a field of the other one, or this item of it.
fn writable(
    field: &FieldDescriptor,
    item: Option<&str>,
    from: Side,
    entries: &[Entry],
) -> Result<(), String> {
    let to = from.other();
    if !field.writable {
        return Err(format!("`{}` is read-only", field.name));
    }
    let is_another_item = |part: &Option<Part>| match (part, item) {
        (Some(Part::Has(mapped)), Some(item)) => mapped != item,
        _ => false,
    };
    let mapped = entries.iter().any(|entry| {
        let path = entry.paths.get(to);
        path.field == field.name && *entry.from.get(from) && !is_another_item(&path.part)
    });
    if mapped {
        return Err(format!(
            "`{}` is also mapped in this direction: a field has one master",
            field.name
        ));
    }
    Ok(())
}

/// Whether a constant can be compared with values of a kind.
fn readable(kind: Kind, json: &Json) -> Result<(), String> {
    let Err(why) = constant(kind, json) else {
        return Ok(());
    };
    let read = crate::normal(kind, Cardinality::One, &comparable(kind, json));
    let other_than_text = !matches!(read, syncline_model::Value::Text(_));
    other_than_text.then_some(()).ok_or(why)
}

/// Whether a constant is one of the choices of a field that offers choices.
fn offered(field: &FieldDescriptor, path: &FieldPath, json: &Json) -> Result<(), String> {
    match (json.as_str(), &path.part) {
        (Some(wanted), None) => choice(field, wanted),
        _ => Ok(()),
    }
}

/// Whether a set can hold this item. Places in containers are in those that there are; the one for who has opted out is made.
pub(super) fn item(field: &FieldDescriptor, wanted: &str) -> Result<(), String> {
    if field.membership.is_some() && wanted == UNSUBSCRIBED {
        return Ok(());
    }
    choice(field, wanted)
}

/// Whether a field that offers choices offers this one.
pub(super) fn choice(field: &FieldDescriptor, wanted: &str) -> Result<(), String> {
    if field.choices.is_empty() {
        return Ok(());
    }
    let normal = |text: &str| {
        let text = syncline_model::Value::text(text);
        crate::normal(field.kind, Cardinality::One, &text)
    };
    let known = |choice: &syncline_model::Choice| normal(&choice.value) == normal(wanted);
    if field.choices.iter().any(known) {
        return Ok(());
    }
    let mut listed: Vec<&str> = field
        .choices
        .iter()
        .take(LISTED)
        .map(|choice| choice.value.as_str())
        .collect();
    if field.choices.len() > LISTED {
        listed.push("...");
    }
    Err(format!(
        "`{}` has no choice `{wanted}`; it has: {}",
        field.name,
        listed.join(", ")
    ))
}
