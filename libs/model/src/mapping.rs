//! Which field of a corresponds to which of b, in which direction.
//!
//! A path may name a *part* of a composite field (`Full_Name#family`, `address.work#city`). That one idea is the
//! lens between a full name and its parts and between an address and its parts; the engine gives it its laws.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{ConflictPolicy, FieldName, Side};

/// A part of a composite field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
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

    /// The name used in a path.
    pub fn as_str(self) -> &'static str {
        Self::NAMES
            .iter()
            .find(|(part, _)| *part == self)
            .map_or("", |(_, name)| name)
    }

    fn parse(text: &str) -> Option<Self> {
        Self::NAMES
            .iter()
            .find(|(_, name)| *name == text)
            .map(|(part, _)| *part)
    }
}

/// A text that names no field or no part.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a field path: expected `field` or `field#part`, where part is one of given, family, street, city, region, postal_code, country"
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
        match self.part {
            Some(part) => write!(f, "{}#{}", self.field, part.as_str()),
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
        }
    }

    /// The path on one side.
    pub const fn path(&self, side: Side) -> &FieldPath {
        match side {
            Side::A => &self.a,
            Side::B => &self.b,
        }
    }

    /// The key under which links keep this entry's values: stable when entries are added, removed or reordered.
    pub fn key(&self) -> crate::EntryKey {
        crate::EntryKey::new(&self.a, &self.b)
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
        for text in ["Last_Name", "address.work#city", "Full_Name#given"] {
            assert_eq!(
                text.parse::<FieldPath>().map(|p| p.to_string()),
                Ok(text.into())
            );
        }
        for bad in ["", "#city", "x#nothing", "x#"] {
            assert!(bad.parse::<FieldPath>().is_err(), "{bad}");
        }
    }
}
