//! Which field of a corresponds to which of b, in which direction.
//!
//! A path may name a *part* of a composite field (`Full_Name#family`, `address.work#city`). That one idea is the
//! lens between a full name and its parts, between an address and its parts, and between a yes or no and the place in a
//! group, tag or list (`groups#has:VIP`); the engine gives it its laws. Where the two sides say the same thing in other words, an entry says how: a table of values, a format for dates.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{ConflictPolicy, FieldName, Kind, Side};

/// The group or tag that says of a person who has opted out of mail that they have, where no field can. It is made where it
/// is needed.
pub const UNSUBSCRIBED: &str = "Syncline Unsubscribed";

/// What stands before the name of an item in a path.
const HAS: &str = "has:";

/// A part of a composite field.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    /// Given names, of a full name.
    Given,
    /// Family name, of a full name.
    Family,
    /// Street, of an address.
    Street,
    /// City, of an address.
    City,
    /// Region, of an address.
    Region,
    /// Postal code, of an address.
    PostalCode,
    /// Country, of an address.
    Country,
    /// Whether this item is in a set.
    Has(String),
}

impl Part {
    const NAMES: [(Self, &'static str); 7] = [
        (Self::Given, "given"),
        (Self::Family, "family"),
        (Self::Street, "street"),
        (Self::City, "city"),
        (Self::Region, "region"),
        (Self::PostalCode, "postal_code"),
        (Self::Country, "country"),
    ];

    /// The parts of an address, in their usual order.
    pub const ADDRESS: [Self; 5] = [
        Self::Street,
        Self::City,
        Self::Region,
        Self::PostalCode,
        Self::Country,
    ];

    fn parse(text: &str) -> Option<Self> {
        if let Some(item) = text.strip_prefix(HAS) {
            return (!item.trim().is_empty()).then(|| Self::Has(item.to_owned()));
        }
        Self::NAMES
            .iter()
            .find(|(_, name)| *name == text)
            .map(|(part, _)| part.clone())
    }
}

impl std::fmt::Display for Part {
    /// As in a path.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Self::Has(item) = self {
            return write!(f, "{HAS}{item}");
        }
        let name = Self::NAMES.iter().find(|(part, _)| part == self);
        f.write_str(name.map_or("", |(_, name)| name))
    }
}

/// A text that names no field or no part.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a field path: expected `field` or `field#part`, where part is one of given, family, street, city, region, postal_code, country or has:ITEM"
)]
pub struct PathError(String);

/// A field, or a part of a composite field.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FieldPath {
    /// The field.
    pub field: FieldName,
    /// The part, for composite fields.
    pub part: Option<Part>,
}

impl FieldPath {
    /// A whole field.
    pub fn whole(field: impl Into<FieldName>) -> Self {
        Self {
            field: field.into(),
            part: None,
        }
    }
}

impl std::fmt::Display for FieldPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.part {
            Some(part) => write!(f, "{}#{part}", self.field),
            None => write!(f, "{}", self.field),
        }
    }
}

impl std::str::FromStr for FieldPath {
    type Err = PathError;
    fn from_str(text: &str) -> Result<Self, PathError> {
        let wrong = || PathError(text.chars().take(80).collect());
        let (field, part) = match text.split_once('#') {
            Some((field, part)) => (field, Some(Part::parse(part).ok_or_else(wrong)?)),
            None => (text, None),
        };
        if field.trim().is_empty() {
            return Err(wrong());
        }
        Ok(Self {
            field: FieldName::new(field),
            part,
        })
    }
}

impl Serialize for FieldPath {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for FieldPath {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A mapping entry that rests because its fields are not as they were: gone at the provider, or changed so that the two no
/// longer go together. The rest of the mapping goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PausedEntry {
    /// The path on side a.
    pub a: FieldPath,
    /// The path on side b.
    pub b: FieldPath,
    /// Why, in words for a customer, with what would be right.
    pub reason: String,
}

/// Which way values flow through a mapping entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flow {
    /// Both ways.
    #[default]
    Both,
    /// Only from a to b.
    AToB,
    /// Only from b to a.
    BToA,
}

impl Flow {
    /// Whether values may flow *from* this side.
    pub const fn from_side(self, side: Side) -> bool {
        matches!(
            (self, side),
            (Self::Both, _) | (Self::AToB, Side::A) | (Self::BToA, Side::B)
        )
    }
}

/// What a cleared value does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Blank {
    /// An empty value never overwrites a filled one: the filled side fills the empty one again.
    #[default]
    Keep,
    /// Clearing a field is an edit like any other and clears the other side.
    Sync,
}

/// How a text tells a day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum DateFormat {
    /// `2001-02-03`, without its year `--02-03`.
    #[default]
    #[serde(rename = "yyyy-mm-dd")]
    Iso,
    /// `03.02.2001`, without its year `03.02.`.
    #[serde(rename = "dd.mm.yyyy")]
    DayMonthYearDots,
    /// `03/02/2001`, without its year `03/02`.
    #[serde(rename = "dd/mm/yyyy")]
    DayMonthYear,
    /// `02/03/2001`, without its year `02/03`.
    #[serde(rename = "mm/dd/yyyy")]
    MonthDayYear,
}

impl DateFormat {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::Iso,
        Self::DayMonthYearDots,
        Self::DayMonthYear,
        Self::MonthDayYear,
    ];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Iso => "yyyy-mm-dd",
            Self::DayMonthYearDots => "dd.mm.yyyy",
            Self::DayMonthYear => "dd/mm/yyyy",
            Self::MonthDayYear => "mm/dd/yyyy",
        }
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// What a table of values calls a choice, or a yes or no.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "a word of `values` is a text, true or false")]
pub enum Word {
    /// Yes or no.
    YesNo(bool),
    /// A choice or a text, as it is stored.
    Text(String),
}

impl From<bool> for Word {
    fn from(yes: bool) -> Self {
        Self::YesNo(yes)
    }
}

impl From<&str> for Word {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl std::fmt::Display for Word {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::YesNo(yes) => write!(f, "{yes}"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

/// A row of a table of values: what a says and what b says for the same thing. A word may be in several rows of which it is
/// the one word of its side: then each of the others becomes it, and it becomes the first of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValuePair {
    /// The word of side a.
    pub a: Word,
    /// The word of side b.
    pub b: Word,
}

impl ValuePair {
    /// The word of one side.
    pub const fn word(&self, side: Side) -> &Word {
        match side {
            Side::A => &self.a,
            Side::B => &self.b,
        }
    }
}

/// One pair of corresponding fields.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MappingEntry {
    /// The path on side a.
    pub a: FieldPath,
    /// The path on side b.
    pub b: FieldPath,
    /// Which way.
    #[serde(default)]
    pub flow: Flow,
    /// What a cleared value does.
    #[serde(default)]
    pub blank: Blank,
    /// Who wins a conflict in this field, where it differs from the connection's policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub winner: Option<ConflictPolicy>,
    /// What both mean, where the two fields are of other kinds: a day that a text tells is a date. Asked for, so that a field
    /// whose kind changes is not taken for something else.
    #[serde(rename = "as", default, skip_serializing_if = "Option::is_none")]
    pub meaning: Option<Kind>,
    /// Which values go with which, where the two sides have other words for the same things. What it does not name is
    /// not carried over.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<ValuePair>,
    /// For an opt-out: whether a person who opts in again on one side is opted in on the other one. If not, an opt-out is
    /// never undone.
    #[serde(default, skip_serializing_if = "is_false")]
    pub opt_in: bool,
    /// How the text tells the day, where a date is mapped to a text.
    #[serde(default, skip_serializing_if = "DateFormat::is_default")]
    pub dates: DateFormat,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
const fn is_false(yes: &bool) -> bool {
    !*yes
}

impl MappingEntry {
    /// Both ways, blanks kept, the connection's conflict policy.
    pub fn new(a: FieldPath, b: FieldPath) -> Self {
        Self {
            a,
            b,
            flow: Flow::Both,
            blank: Blank::Keep,
            winner: None,
            meaning: None,
            values: Vec::new(),
            opt_in: false,
            dates: DateFormat::default(),
        }
    }

    /// The path on one side.
    pub const fn path(&self, side: Side) -> &FieldPath {
        match side {
            Side::A => &self.a,
            Side::B => &self.b,
        }
    }

    /// The key under which links keep this entry's values: stable when entries are added, removed or reordered, and when
    /// rows are added to a table. With another format of dates a text may tell another day: what was remembered of it is
    /// not asked.
    pub fn key(&self) -> crate::EntryKey {
        match self.dates {
            DateFormat::Iso => crate::EntryKey::new(&self.a, &self.b),
            format => crate::EntryKey::formatted(&self.a, &self.b, format.as_str()),
        }
    }
}

/// All mapping entries of a connection. At most 200; no path twice on a side.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Mapping {
    /// The entries, in the order in which they were given.
    pub entries: Vec<MappingEntry>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_parse_and_print() {
        for text in [
            "Last_Name",
            "address.work#city",
            "Full_Name#given",
            "groups#has:given # or not",
        ] {
            assert_eq!(
                text.parse::<FieldPath>().map(|p| p.to_string()),
                Ok(text.into())
            );
        }
        for bad in ["", "#city", "x#nothing", "x#", "x#has:", "x#has: "] {
            assert!(bad.parse::<FieldPath>().is_err(), "{bad}");
        }
    }
}
