//! Reading a record into mapping entries, and the one place where a person has a single name.
//!
//! Some providers refuse a contact without a family name. There a person with only a given name is written with it
//! in the family name's place and read back from there; the other side never notices.

use syncline_model::{Fields, LinkBody, Part, Record, Side, Sides, Value};

use crate::{Policy, acknowledge, lens, name::Parts};

/// Reads a record's values, one a mapping entry. `known` is what the link remembers, or for first contact the given
/// and family name of the other side's record.
pub fn read(policy: &Policy, side: Side, fields: &Fields, known: Option<&Names>) -> Vec<Value> {
    let mut values: Vec<Value> = policy
        .entries
        .iter()
        .map(|entry| {
            let path = entry.paths.get(side);
            let parts = match &path.part {
                Some(Part::Given | Part::Family) => known.map(Names::parts),
                _ => None,
            };
            entry.read(side, lens::get(fields, path, parts.as_ref()))
        })
        .collect();
    if let (Some((given, family)), Some(known)) = (*policy.mononym.get(side), known)
        && let (Some(Value::Empty), Some(in_its_place)) = (values.get(given), values.get(family))
        && known.is_single_on(side, in_its_place)
    {
        values.swap(given, family);
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
    /// The given name last seen on each side; `None` at first contact.
    seen: Option<Sides<Value>>,
}

impl Names {
    /// From a link's targets; nothing if it has never looked at family names. It may have none of given names where those
    /// only ever came from the other side.
    pub fn of_link(policy: &Policy, body: &LinkBody) -> Option<Self> {
        let (given, family) = policy.names?;
        let key = |index: usize| policy.entries.get(index).map(|entry| &entry.key);
        let (given, family) = (key(given)?, key(family)?);
        Some(Self {
            given: body.target.get(given).cloned().unwrap_or_default(),
            family: body.target.get(family).cloned()?,
            seen: Some(Sides::of(|side| {
                body.seen.get(side).get(given).cloned().unwrap_or_default()
            })),
        })
    }

    /// From a record's values.
    pub fn of_values(policy: &Policy, values: &[Value]) -> Option<Self> {
        let (given, family) = policy.names?;
        Some(Self {
            given: values.get(given)?.clone(),
            family: values.get(family)?.clone(),
            seen: None,
        })
    }

    /// Whether what stands in a family name's place on a side is a single given name. It is not where no given name was
    /// ever seen: there somebody's family name stands that was cleared on the other side and cannot be cleared here.
    fn is_single_on(&self, side: Side, in_its_place: &Value) -> bool {
        let single = self.family.is_empty() && !self.given.is_empty();
        let never = self
            .seen
            .as_ref()
            .is_some_and(|seen| seen.get(side).is_empty());
        single && (!never || acknowledge::resembles(&self.given, in_its_place))
    }

    fn parts(&self) -> Parts {
        Parts {
            given: self.given.as_text().unwrap_or("").to_owned(),
            family: self.family.as_text().unwrap_or("").to_owned(),
        }
    }
}
