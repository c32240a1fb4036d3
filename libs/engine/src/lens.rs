//! Reading and writing a path of a record: whole fields, and parts of full names and of addresses.
//!
//! Laws, held by tests: what was put is what is got; putting what was got changes nothing.

use syncline_model::seeded::{Bug, seeded};
use syncline_model::{Address, Cardinality, FieldPath, Fields, Kind, Part, Value};

use crate::name::{self, Parts};
use crate::{equal, is_blank};

/// Reads a path. `known` are the agreed name parts, for full names.
pub fn get(fields: &Fields, path: &FieldPath, known: Option<&Parts>) -> Value {
    let whole = fields.get(&path.field).unwrap_or(&Value::Empty);
    let Some(part) = &path.part else {
        return whole.clone();
    };
    match (part, whole) {
        (Part::Given | Part::Family, Value::Text(full)) => {
            let parts = name::split(full, known);
            Value::text(if *part == Part::Given {
                parts.given
            } else {
                parts.family
            })
        }
        (Part::Has(item), whole) => Value::Bool(has(whole, item)),
        (part, Value::Address(address)) => Value::text(address_part(address, part).unwrap_or("")),
        _ => Value::Empty,
    }
}

/// Writes paths that may share fields: `old` is the record as it is, `writes` what should stand at each path.
/// Gives the whole fields to send.
pub fn put<'a>(old: &Fields, writes: impl IntoIterator<Item = (&'a FieldPath, Value)>) -> Fields {
    let mut out = Fields::new();
    let mut names: Vec<(&FieldPath, Value)> = Vec::new();
    for (path, value) in writes {
        match &path.part {
            None => {
                out.insert(path.field.clone(), value);
            }
            Some(Part::Given | Part::Family) => names.push((path, value)),
            Some(part) => {
                let entry = out.entry(path.field.clone()).or_insert_with(|| {
                    let old = old.get(&path.field).filter(|_| !seeded(Bug::PartOverWhole));
                    old.cloned().unwrap_or_default()
                });
                if let Part::Has(item) = part {
                    let wanted = !is_blank(Kind::OptOut, &value);
                    *entry = with(std::mem::take(entry), item, wanted);
                    continue;
                }
                let mut address = match std::mem::take(entry) {
                    Value::Address(address) => address,
                    _ => Address::default(),
                };
                if let Some(slot) = address_part_mut(&mut address, part) {
                    value.as_text().unwrap_or("").clone_into(slot);
                }
                *entry = if address.is_empty() {
                    Value::Empty
                } else {
                    Value::Address(address)
                };
            }
        }
    }
    for (path, _) in &names {
        let old_text = old.get(&path.field).and_then(Value::as_text).unwrap_or("");
        let mut parts = name::split(old_text, None);
        for (other, value) in names.iter().filter(|(other, _)| other.field == path.field) {
            let text = value.as_text().unwrap_or("").to_owned();
            match other.part {
                Some(Part::Given) => parts.given = text,
                _ => parts.family = text,
            }
        }
        out.insert(
            path.field.clone(),
            Value::text(name::update(old_text, &parts)),
        );
    }
    out
}

fn is_item(value: &Value, item: &str) -> bool {
    equal(Kind::Choice, Cardinality::One, value, &Value::text(item))
}

fn has(set: &Value, item: &str) -> bool {
    match set {
        Value::List(items) => items.iter().any(|one| is_item(one, item)),
        one => is_item(one, item),
    }
}

/// A set with an item in it or without, and all others as they were.
fn with(set: Value, item: &str, wanted: bool) -> Value {
    let there = has(&set, item);
    let mut items = match set {
        Value::List(items) => items,
        Value::Empty => Vec::new(),
        one => vec![one],
    };
    match (there, wanted) {
        (false, true) => items.push(Value::text(item)),
        (true, false) => items.retain(|one| !is_item(one, item)),
        _ => {}
    }
    if items.is_empty() {
        Value::Empty
    } else {
        Value::List(items)
    }
}

fn address_part<'a>(address: &'a Address, part: &Part) -> Option<&'a str> {
    match part {
        Part::Street => Some(&address.street),
        Part::City => Some(&address.city),
        Part::Region => Some(&address.region),
        Part::PostalCode => Some(&address.postal_code),
        Part::Country => Some(&address.country),
        Part::Given | Part::Family | Part::Has(_) => None,
    }
}

fn address_part_mut<'a>(address: &'a mut Address, part: &Part) -> Option<&'a mut String> {
    match part {
        Part::Street => Some(&mut address.street),
        Part::City => Some(&mut address.city),
        Part::Region => Some(&mut address.region),
        Part::PostalCode => Some(&mut address.postal_code),
        Part::Country => Some(&mut address.country),
        Part::Given | Part::Family | Part::Has(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use syncline_model::FieldName;

    fn path(text: &str) -> FieldPath {
        text.parse().expect("a path")
    }

    #[test]
    fn put_then_get_and_the_rest_stays() {
        let old = Fields::from([(
            FieldName::new("home"),
            Value::Address(Address {
                street: "1 High St".into(),
                city: "Ely".into(),
                ..Address::default()
            }),
        )]);
        let city = path("home#city");
        let new = put(&old, [(&city, Value::text("York"))]);
        assert_eq!(get(&new, &city, None), Value::text("York"));
        assert_eq!(
            get(&new, &path("home#street"), None),
            Value::text("1 High St")
        );
        let cleared = put(
            &new,
            [(&city, Value::Empty), (&path("home#street"), Value::Empty)],
        );
        assert_eq!(cleared.get(&FieldName::new("home")), Some(&Value::Empty));
    }

    #[test]
    fn an_item_of_a_set_comes_and_goes_and_the_others_stay() {
        let set = |items: &[&str]| Value::List(items.iter().map(|item| (*item).into()).collect());
        let old = Fields::from([(FieldName::new("groups"), set(&["VIP", "Old"]))]);
        let (vip, new) = (path("groups#has:VIP"), path("groups#has:New"));
        assert_eq!(get(&old, &vip, None), Value::Bool(true));
        assert_eq!(get(&old, &new, None), Value::Bool(false));
        let same = put(
            &old,
            [(&vip, Value::Bool(true)), (&new, Value::Bool(false))],
        );
        assert_eq!(same, old);
        let changed = put(
            &old,
            [(&vip, Value::Bool(false)), (&new, Value::Bool(true))],
        );
        assert_eq!(
            changed.get(&FieldName::new("groups")),
            Some(&set(&["Old", "New"]))
        );
        assert_eq!(get(&changed, &vip, None), Value::Bool(false));
        assert_eq!(get(&changed, &new, None), Value::Bool(true));
        let none = Fields::new();
        assert_eq!(
            put(&none, [(&vip, Value::Bool(false))]).get(&FieldName::new("groups")),
            Some(&Value::Empty)
        );
    }

    #[test]
    fn both_parts_of_one_name_in_one_write() {
        let old = Fields::from([(FieldName::new("full"), Value::text("Ann Lee"))]);
        let (given, family) = (path("full#given"), path("full#family"));
        let new = put(&old, [(&given, "Eva".into()), (&family, "Stone".into())]);
        assert_eq!(
            new.get(&FieldName::new("full")),
            Some(&Value::text("Eva Stone"))
        );
        let new = put(&old, [(&family, "Stone".into())]);
        assert_eq!(
            new.get(&FieldName::new("full")),
            Some(&Value::text("Ann Stone"))
        );
    }
}
