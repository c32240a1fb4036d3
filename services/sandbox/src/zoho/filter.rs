//! Conditions on contacts, as views, search criteria and COQL have them in common: a tree of tests on fields.
//! The three languages are read elsewhere (`views`, `criteria`, `coql`); this is their meaning.

use std::sync::Arc;

use chrono::NaiveDate;
use serde_json::Value;

use super::fields::{Field, Kind};
use super::org::Org;
use super::record::Record;
use super::time;

/// A condition.
#[derive(Debug, Clone)]
pub enum Filter {
    /// Every part holds; no part: always true.
    All(Vec<Filter>),
    /// Some part holds.
    Any(Vec<Filter>),
    /// One test.
    Test(Test),
}

/// A test on one field.
#[derive(Debug, Clone)]
pub struct Test {
    /// What is looked at.
    pub path: Path,
    /// How.
    pub op: Op,
    /// What it is compared with.
    pub against: Vec<Atom>,
}

/// What a test looks at.
#[derive(Debug, Clone)]
pub enum Path {
    /// The id of the record.
    Id,
    /// A field.
    Field(Arc<Field>),
    /// A part of what a lookup points to, such as `Owner.first_name`.
    Part(Arc<Field>, String),
}

/// How a test compares. Text is compared without regard to case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// Equal to one of the values.
    In,
    /// Equal to none of them; true of an empty field.
    NotIn,
    /// Text with `%` for any text.
    Like,
    /// Not so.
    NotLike,
    /// Begins with.
    StartsWith,
    /// Ends with.
    EndsWith,
    /// Has within it.
    Contains,
    /// Does not have within it.
    NotContains,
    /// Less than.
    Less,
    /// At most.
    AtMost,
    /// Greater than.
    Greater,
    /// At least.
    AtLeast,
    /// From the first value to the second, both included.
    Between,
    /// Outside of them.
    NotBetween,
    /// Empty.
    Empty,
    /// Not empty.
    Present,
    /// Has all the values (multi-select).
    IncludesAll,
    /// Has not all of them.
    ExcludesAll,
}

/// A value that can be compared.
#[derive(Debug, Clone, PartialEq, PartialOrd)]
pub enum Atom {
    /// Text in lower case.
    Text(String),
    /// A number.
    Number(f64),
    /// True or false.
    Flag(bool),
    /// Unix seconds.
    Time(i64),
    /// A calendar day.
    Day(NaiveDate),
    /// A Zoho id.
    Id(u64),
}

impl Path {
    /// The path of this text (`Email`, `id`, `Owner.last_name`), if there is such a field.
    pub fn parse(org: &Org, text: &str) -> Option<Self> {
        if text.eq_ignore_ascii_case("id") {
            return Some(Self::Id);
        }
        let Some((field, part)) = text.split_once('.') else {
            return org
                .fields
                .find(text)
                .filter(|field| field.visible())
                .map(|field| Self::Field(Arc::clone(field)));
        };
        let field = org.fields.find(field).filter(|field| field.visible())?;
        let parts: &[&str] = match field.kind {
            Kind::Owner | Kind::User => &[
                "id",
                "name",
                "first_name",
                "last_name",
                "full_name",
                "email",
            ],
            Kind::AccountLookup => &["id", "name", "Account_Name"],
            Kind::ContactLookup => &[
                "id",
                "name",
                "Full_Name",
                "Last_Name",
                "First_Name",
                "Email",
            ],
            Kind::Tags => &["id", "name"],
            _ => &[],
        };
        let part = parts
            .iter()
            .find(|known| known.eq_ignore_ascii_case(part))?;
        Some(Self::Part(Arc::clone(field), (*part).to_owned()))
    }

    /// The kind of values found there; `None` for ids and parts of lookups.
    pub fn kind(&self) -> Option<Kind> {
        match self {
            Self::Field(field) => Some(field.kind),
            Self::Id | Self::Part(..) => None,
        }
    }

    /// The field's API name, or `id`.
    pub fn name(&self) -> &str {
        match self {
            Self::Id => "id",
            Self::Field(field) | Self::Part(field, _) => &field.api_name,
        }
    }

    /// What this text means when it is compared with values found there; `None` when it cannot be.
    pub fn literal(&self, org: &Org, text: &str) -> Option<Atom> {
        let words = || Atom::Text(text.to_lowercase());
        let field = match self {
            Self::Id => return text.parse().ok().map(Atom::Id),
            Self::Part(_, part) if part == "id" => return text.parse().ok().map(Atom::Id),
            Self::Part(..) => return Some(words()),
            Self::Field(field) => field,
        };
        match field.kind {
            Kind::Owner | Kind::User if text == "${CURRENTUSER}" => Some(Atom::Id(org.me())),
            Kind::Owner | Kind::User | Kind::AccountLookup | Kind::ContactLookup | Kind::Tags => {
                Some(text.parse().map_or_else(|_| words(), Atom::Id))
            }
            Kind::Boolean => match text.to_lowercase().as_str() {
                "true" => Some(Atom::Flag(true)),
                "false" => Some(Atom::Flag(false)),
                _ => None,
            },
            Kind::Date => time::parse_date(text).map(Atom::Day),
            Kind::DateTime => time::parse_instant(text)
                .or_else(|| time::parse_date(text).map(|day| time::day_start(day, org.zone())))
                .map(Atom::Time),
            kind if kind.is_number() => text.parse().ok().map(Atom::Number),
            _ => Some(words()),
        }
    }

    /// The values found there: none when empty, several for tags and multi-selects.
    pub fn atoms(&self, org: &Org, record: &Record) -> Vec<Atom> {
        match self {
            Self::Id => vec![Atom::Id(record.id)],
            Self::Field(field) => field_atoms(org, field, record),
            Self::Part(field, part) => part_atoms(org, field, part, record),
        }
    }
}

fn words(text: &str) -> Atom {
    Atom::Text(text.to_lowercase())
}

fn field_atoms(org: &Org, field: &Field, record: &Record) -> Vec<Atom> {
    let user = |id: u64| {
        let names = org
            .user(id)
            .map(|user| [words(&user.email), words(&user.full_name())]);
        std::iter::once(Atom::Id(id))
            .chain(names.into_iter().flatten())
            .collect()
    };
    match &*field.api_name {
        "Owner" => return user(record.owner),
        "Created_By" => return user(record.created_by),
        "Modified_By" => return user(record.modified_by),
        "Created_Time" => return vec![Atom::Time(record.created)],
        "Modified_Time" | "Last_Activity_Time" => return vec![Atom::Time(record.modified)],
        "Full_Name" => return vec![words(&record.full_name())],
        "Locked__s" => return vec![Atom::Flag(record.locked)],
        "Record_Status__s" => return vec![words("Available")],
        "Tag" => {
            let tags = record.tags.iter().filter_map(|id| org.tags.get(*id));
            return tags
                .flat_map(|tag| [words(&tag.name), Atom::Id(tag.id)])
                .collect();
        }
        _ => {}
    }
    let Some(value) = record.values.get(&field.api_name) else {
        return if field.kind == Kind::Boolean {
            vec![Atom::Flag(false)]
        } else {
            Vec::new()
        };
    };
    match (field.kind, value) {
        (Kind::User, value) => value.as_u64().map(user).unwrap_or_default(),
        (Kind::AccountLookup | Kind::ContactLookup, value) => {
            let name = part_atoms(org, field, "name", record);
            value
                .as_u64()
                .map(Atom::Id)
                .into_iter()
                .chain(name)
                .collect()
        }
        (Kind::Date, Value::String(text)) => {
            time::parse_date(text).map(Atom::Day).into_iter().collect()
        }
        (Kind::DateTime, Value::String(text)) => time::parse_instant(text)
            .map(Atom::Time)
            .into_iter()
            .collect(),
        (_, Value::String(text)) => vec![words(text)],
        (_, Value::Bool(flag)) => vec![Atom::Flag(*flag)],
        (_, Value::Number(number)) => number.as_f64().map(Atom::Number).into_iter().collect(),
        (_, Value::Array(items)) => items.iter().filter_map(Value::as_str).map(words).collect(),
        _ => Vec::new(),
    }
}

fn part_atoms(org: &Org, field: &Field, part: &str, record: &Record) -> Vec<Atom> {
    let id = match &*field.api_name {
        "Owner" => Some(record.owner),
        "Created_By" => Some(record.created_by),
        "Modified_By" => Some(record.modified_by),
        "Tag" => {
            let tags = record.tags.iter().filter_map(|id| org.tags.get(*id));
            return tags
                .map(|tag| {
                    if part == "id" {
                        Atom::Id(tag.id)
                    } else {
                        words(&tag.name)
                    }
                })
                .collect();
        }
        name => record.values.get(name).and_then(Value::as_u64),
    };
    let Some(id) = id else { return Vec::new() };
    if part == "id" {
        return vec![Atom::Id(id)];
    }
    part_text(org, field, part, id)
        .map(|text| words(&text))
        .into_iter()
        .collect()
}

/// A part of the user, account or contact which a lookup points to.
pub fn part_text(org: &Org, field: &Field, part: &str, id: u64) -> Option<String> {
    match field.kind {
        Kind::AccountLookup => org.companies.get(&id).cloned(),
        Kind::ContactLookup => {
            let other = org.table.get(id)?;
            match part {
                "Last_Name" | "First_Name" | "Email" => other.values.text(part).map(str::to_owned),
                _ => Some(other.full_name()),
            }
        }
        _ => {
            let user = org.user(id)?;
            Some(match part {
                "first_name" => user.first_name.clone(),
                "last_name" => user.last_name.clone(),
                "email" => user.email.clone(),
                _ => user.full_name(),
            })
        }
    }
}

impl Filter {
    /// The condition which always holds.
    pub fn always() -> Self {
        Self::All(Vec::new())
    }

    /// Whether the record meets it.
    pub fn holds(&self, org: &Org, record: &Record) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(org, record)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(org, record)),
            Self::Test(test) => test.holds(org, record),
        }
    }

    /// The tests which every match must meet: what indexes can be used for.
    pub fn required(&self) -> Vec<&Test> {
        match self {
            Self::All(parts) => parts.iter().flat_map(Self::required).collect(),
            Self::Any(parts) => match parts.as_slice() {
                [only] => only.required(),
                _ => Vec::new(),
            },
            Self::Test(test) => vec![test],
        }
    }
}

/// Which outcomes of a comparison are wanted.
type Keep = fn(std::cmp::Ordering) -> bool;

impl Test {
    fn holds(&self, org: &Org, record: &Record) -> bool {
        let found = self.path.atoms(org, record);
        let one_of = |wanted: &[Atom]| {
            found
                .iter()
                .any(|atom| wanted.iter().any(|want| same(org, atom, want)))
        };
        let first = self.against.first();
        let compare = |keep: Keep, want: Option<&Atom>| {
            let Some(want) = want else { return false };
            found
                .iter()
                .any(|atom| order(org, atom, want).is_some_and(keep))
        };
        let text = |matches: fn(&str, &str) -> bool| {
            let wanted = self.against.iter().filter_map(as_text);
            let mut wanted = wanted.peekable();
            wanted.any(|want| {
                found
                    .iter()
                    .filter_map(as_text)
                    .any(|have| matches(have, want))
            })
        };
        match self.op {
            Op::In => one_of(&self.against),
            Op::NotIn => !one_of(&self.against),
            Op::Like => text(like),
            Op::NotLike => !text(like),
            Op::StartsWith => text(|have, want| have.starts_with(want)),
            Op::EndsWith => text(|have, want| have.ends_with(want)),
            Op::Contains => text(|have, want| have.contains(want)),
            Op::NotContains => !text(|have, want| have.contains(want)),
            Op::Less => compare(std::cmp::Ordering::is_lt, first),
            Op::AtMost => compare(std::cmp::Ordering::is_le, first),
            Op::Greater => compare(std::cmp::Ordering::is_gt, first),
            Op::AtLeast => compare(std::cmp::Ordering::is_ge, first),
            Op::Between => self.within(&compare),
            Op::NotBetween => !found.is_empty() && !self.within(&compare),
            Op::Empty => found.is_empty(),
            Op::Present => !found.is_empty(),
            Op::IncludesAll => self
                .against
                .iter()
                .all(|want| one_of(std::slice::from_ref(want))),
            Op::ExcludesAll => !self
                .against
                .iter()
                .all(|want| one_of(std::slice::from_ref(want))),
        }
    }

    fn within(&self, compare: &dyn Fn(Keep, Option<&Atom>) -> bool) -> bool {
        compare(std::cmp::Ordering::is_ge, self.against.first())
            && compare(std::cmp::Ordering::is_le, self.against.get(1))
    }
}

fn as_text(atom: &Atom) -> Option<&str> {
    match atom {
        Atom::Text(text) => Some(text),
        _ => None,
    }
}

fn same(org: &Org, a: &Atom, b: &Atom) -> bool {
    order(org, a, b).is_some_and(std::cmp::Ordering::is_eq)
}

fn order(org: &Org, have: &Atom, want: &Atom) -> Option<std::cmp::Ordering> {
    match (have, want) {
        (Atom::Time(seconds), Atom::Day(day)) => {
            time::day_of(*seconds, org.zone())?.partial_cmp(day)
        }
        _ if std::mem::discriminant(have) == std::mem::discriminant(want) => have.partial_cmp(want),
        _ => None,
    }
}

/// `%` stands for any text; without one the whole text has to be equal.
fn like(have: &str, pattern: &str) -> bool {
    let mut pieces = pattern.split('%');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = have.strip_prefix(first) else {
        return false;
    };
    let pieces: Vec<&str> = pieces.collect();
    let Some((last, middle)) = pieces.split_last() else {
        return rest.is_empty();
    };
    for piece in middle {
        let Some(at) = rest.find(piece) else {
            return false;
        };
        rest = rest.get(at + piece.len()..).unwrap_or_default();
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn like_patterns() {
        let check = |have: &str, pattern: &str, expect: bool| {
            assert_eq!(like(have, pattern), expect, "{have} like {pattern}");
        };
        check("boyle", "boyle", true);
        check("boyle", "boy", false);
        check("boyle", "boy%", true);
        check("boyle", "%yle", true);
        check("boyle", "%oy%", true);
        check("boyle", "b%l%", true);
        check("boyle", "%", true);
        check("boyle", "b%x%e", false);
        check("aba", "ab%ba", false);
        check("", "", true);
    }
}
