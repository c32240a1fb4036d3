//! Reading a record into mapping entries, and the one place where a person has a single name.
//!
//! Some providers refuse a contact without a family name. There a person with only a given name is written with it
//! in the family name's place and read back from there; the other side never notices.

use syncline_model::{Fields, LinkBody, Part, Record, Side, Sides, Value};

use crate::{Policy, lens, name::Parts};

/// Reads a record's values, one a mapping entry. `known` is what the link remembers, or for first contact the given
/// and family name of the other side's record.
pub fn read(policy: &Policy, side: Side, fields: &Fields, known: Option<&Names>) -> Vec<Value> {
    let mut values: Vec<Value> = policy
        .entries
        .iter()
        .map(|entry| {
            let path = entry.paths.get(side);
            let parts = match path.part {
                Some(Part::Given | Part::Family) => known.map(Names::parts),
                _ => None,
            };
            lens::get(fields, path, parts.as_ref())
        })
        .collect();
    let single = known.is_some_and(Names::is_single);
    if let (Some((given, family)), true) = (*policy.mononym.get(side), single) {
        let blank = values.get(given).is_none_or(Value::is_empty);
        if blank && given < values.len() && family < values.len() {
            values.swap(given, family);
        }
    }
    values
}

/// Reads two records that meet for the first time: each side's single name is read by what the other side has.
pub fn read_both(policy: &Policy, records: &Sides<&Record>) -> Sides<Vec<Value>> {
    Sides::of(|side| {
        let other = side.other();
        let theirs = read(policy, other, &records.get(other).fields, None);
        let names = Names::of_values(policy, &theirs);
        read(policy, side, &records.get(side).fields, names.as_ref())
    })
}

/// The values to send for given and family name: where a family name is required and missing, the given name takes
/// its place.
pub fn mononym_write(policy: &Policy, side: Side, values: &[Value]) -> Option<[(usize, Value); 2]> {
    let (given, family) = (*policy.mononym.get(side))?;
    let single = values.get(family)?.is_empty() && !values.get(given)?.is_empty();
    single.then(|| {
        [
            (given, Value::Empty),
            (family, values.get(given).cloned().unwrap_or_default()),
        ]
    })
}

/// Given and family name as last agreed or as the other side has them.
#[derive(Clone, Debug, Default)]
pub struct Names {
    given: Value,
    family: Value,
}

impl Names {
    /// From a link's targets.
    pub fn of_link(policy: &Policy, body: &LinkBody) -> Option<Self> {
        let (given, family) = policy.names?;
        let value = |index: usize| {
            let key = &policy.entries.get(index)?.key;
            body.target.get(key).cloned()
        };
        Some(Self {
            given: value(given)?,
            family: value(family)?,
        })
    }

    /// From a record's values.
    pub fn of_values(policy: &Policy, values: &[Value]) -> Option<Self> {
        let (given, family) = policy.names?;
        Some(Self {
            given: values.get(given)?.clone(),
            family: values.get(family)?.clone(),
        })
    }

    fn is_single(&self) -> bool {
        self.family.is_empty() && !self.given.is_empty()
    }

    fn parts(&self) -> Parts {
        Parts {
            given: self.given.as_text().unwrap_or("").to_owned(),
            family: self.family.as_text().unwrap_or("").to_owned(),
        }
    }
}
