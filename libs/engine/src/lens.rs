//! Reading and writing a path of a record: whole fields, and parts of full names and of addresses.
//!
//! Laws, held by tests: what was put is what is got; putting what was got changes nothing.

use syncline_model::seeded::{Bug, seeded};
use syncline_model::{Address, FieldPath, Fields, Part, Value};

use crate::name::{self, Parts};

/// Reads a path. `known` are the agreed name parts, for full names.
pub fn get(fields: &Fields, path: &FieldPath, known: Option<&Parts>) -> Value {
    let whole = fields.get(&path.field).unwrap_or(&Value::Empty);
    let Some(part) = path.part else {
        return whole.clone();
    };
    match (part, whole) {
        (Part::Given | Part::Family, Value::Text(full)) => {
            let parts = name::split(full, known);
            Value::text(if part == Part::Given {
                parts.given
            } else {
                parts.family
            })
        }
        (part, Value::Address(address)) => Value::text(address_part(address, part).unwrap_or("")),
        _ => Value::Empty,
    }
}

/// Writes paths that may share fields: `old` is the record as it is, `writes` what should stand at each path.
/// Gives the whole fields to send.
pub fn put<'a>(
    old: &Fields,
    writes: impl IntoIterator<Item = (&'a FieldPath, &'a Value)>,
) -> Fields {
    let mut out = Fields::new();
    let mut names: Vec<(&FieldPath, &Value)> = Vec::new();
    for (path, value) in writes {
        match path.part {
            None => {
                out.insert(path.field.clone(), value.clone());
            }
            Some(Part::Given | Part::Family) => names.push((path, value)),
            Some(part) => {
                let entry = out.entry(path.field.clone()).or_insert_with(|| {
                    let old = old.get(&path.field).filter(|_| !seeded(Bug::PartOverWhole));
                    old.cloned().unwrap_or_default()
                });
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

fn address_part(address: &Address, part: Part) -> Option<&str> {
    match part {
        Part::Street => Some(&address.street),
        Part::City => Some(&address.city),
        Part::Region => Some(&address.region),
        Part::PostalCode => Some(&address.postal_code),
        Part::Country => Some(&address.country),
        Part::Given | Part::Family => None,
    }
}

fn address_part_mut(address: &mut Address, part: Part) -> Option<&mut String> {
    match part {
        Part::Street => Some(&mut address.street),
        Part::City => Some(&mut address.city),
        Part::Region => Some(&mut address.region),
        Part::PostalCode => Some(&mut address.postal_code),
        Part::Country => Some(&mut address.country),
        Part::Given | Part::Family => None,
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
        let new = put(&old, [(&city, &Value::text("York"))]);
        assert_eq!(get(&new, &city, None), Value::text("York"));
        assert_eq!(
            get(&new, &path("home#street"), None),
            Value::text("1 High St")
        );
        let cleared = put(
            &new,
            [
                (&city, &Value::Empty),
                (&path("home#street"), &Value::Empty),
            ],
        );
        assert_eq!(cleared.get(&FieldName::new("home")), Some(&Value::Empty));
    }

    #[test]
    fn both_parts_of_one_name_in_one_write() {
        let old = Fields::from([(FieldName::new("full"), Value::text("Ann Lee"))]);
        let (given, family) = (path("full#given"), path("full#family"));
        let new = put(&old, [(&given, &"Eva".into()), (&family, &"Stone".into())]);
        assert_eq!(
            new.get(&FieldName::new("full")),
            Some(&Value::text("Eva Stone"))
        );
        let new = put(&old, [(&family, &"Stone".into())]);
        assert_eq!(
            new.get(&FieldName::new("full")),
            Some(&Value::text("Ann Stone"))
        );
    }
}
