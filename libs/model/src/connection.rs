//! Connections: what a customer says about keeping two collections in step.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{AccountId, ConnectionId, FieldPath, Mapping, PairId, Rule, Side, Sides, TenantId};

/// The type of record that is synced. `contact` is the only one so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ObjectType {
    /// People and the companies they stand for.
    #[default]
    Contact,
}

impl ObjectType {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Contact => "contact",
        }
    }
}

/// One side: an account and the collection inside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SideConfig {
    /// The account.
    pub account: AccountId,
    /// The collection's id as `GET /v1/accounts/{id}/collections` lists it; the account's default when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collection: Option<String>,
}

/// Which way records flow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Both ways.
    #[default]
    TwoWay,
    /// Only from a to b.
    AToB,
    /// Only from b to a.
    BToA,
}

impl Direction {
    /// Whether records may flow *from* this side.
    pub const fn from_side(self, side: Side) -> bool {
        matches!(
            (self, side),
            (Self::TwoWay, _) | (Self::AToB, Side::A) | (Self::BToA, Side::B)
        )
    }
}

/// Who wins when both sides changed one field, differently.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConflictPolicy {
    /// Side a.
    #[default]
    AWins,
    /// Side b.
    BWins,
    /// The record changed last, as the providers say and their clocks are measured; side a inside the doubt.
    MostRecent,
    /// The same; side b inside the doubt.
    MostRecentOrB,
    /// Nobody, until a person says.
    Ask,
}

/// What a deletion on one side does to the other.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum DeletionPolicy {
    /// Nothing: the other record stays, unsynced.
    #[default]
    Ignore,
    /// The other record leaves the collection (group, tag) and stays.
    Unlink,
    /// The other record is marked with the tag or group "Syncline Trash" and stays.
    Mark,
    /// The other record is deleted.
    Delete,
}

/// Deletion policy by direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Deletions {
    /// A deletion on a, carried to b.
    pub a_to_b: DeletionPolicy,
    /// A deletion on b, carried to a.
    pub b_to_a: DeletionPolicy,
}

impl DeletionPolicy {
    /// All of them, the mildest first.
    pub const ALL: [Self; 4] = [Self::Ignore, Self::Unlink, Self::Mark, Self::Delete];
}

impl Deletions {
    /// What a deletion on this side does to the other.
    pub const fn on(self, gone: Side) -> DeletionPolicy {
        match gone {
            Side::A => self.a_to_b,
            Side::B => self.b_to_a,
        }
    }
}

/// What happens when a record leaves the collection or the rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnLeave {
    /// Stop updating, keep both.
    #[default]
    Freeze,
    /// The same, and the other record leaves the collection and what rules added it to; it is put back when the record
    /// comes back.
    Leave,
}

/// What makes two records of the two sides the same one at first contact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MatchKey {
    /// The work e-mail address.
    WorkEmail,
    /// Any e-mail address, work address first.
    Email,
    /// Any telephone number, fax apart.
    Phone,
    /// The full name and the company's name together.
    NameAndCompany,
    /// What a mapped field says, by its path on side a: a customer number, an id in another system.
    Field(FieldPath),
}

/// How often a connection is synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// Seconds between runs, 60 to 2,592,000 (30 days); `None` runs only on demand.
    pub every_seconds: Option<u32>,
}

/// Shortest schedule accepted, in seconds.
const SHORTEST: u32 = 60;
/// Longest schedule accepted, in seconds.
const LONGEST: u32 = 30 * 86_400;

impl Default for Schedule {
    fn default() -> Self {
        Self {
            every_seconds: Some(300),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ScheduleText {
    every: String,
}

/// As the API says it: `5m`, `manual`.
impl std::fmt::Display for Schedule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.every_seconds {
            None => f.write_str("manual"),
            Some(n) if n % 86_400 == 0 => write!(f, "{}d", n / 86_400),
            Some(n) if n % 3600 == 0 => write!(f, "{}h", n / 3600),
            Some(n) if n % 60 == 0 => write!(f, "{}m", n / 60),
            Some(n) => write!(f, "{n}s"),
        }
    }
}

impl Serialize for Schedule {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let every = self.to_string();
        ScheduleText { every }.serialize(s)
    }
}

impl<'de> Deserialize<'de> for Schedule {
    /// `{"every": "5m"}`, with unit s, m, h or d; `{"every": "manual"}` for on demand only.
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let ScheduleText { every } = ScheduleText::deserialize(d)?;
        if every == "manual" {
            return Ok(Self {
                every_seconds: None,
            });
        }
        let unit = match every.chars().last() {
            Some('s') => 1,
            Some('m') => 60,
            Some('h') => 3600,
            Some('d') => 86_400,
            _ => 0,
        };
        every
            .get(..every.len().saturating_sub(1))
            .and_then(|digits| digits.parse::<u32>().ok())
            .and_then(|n| n.checked_mul(unit))
            .filter(|seconds| (SHORTEST..=LONGEST).contains(seconds))
            .map(|seconds| Self {
                every_seconds: Some(seconds),
            })
            .ok_or_else(|| {
                serde::de::Error::custom(format!(
                    "schedule `{every}`: expected `manual` or a time from `60s` to `30d`, such as `5m` or `1h`"
                ))
            })
    }
}

/// The mapping, or the default one computed from standard fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum MappingChoice {
    /// Join fields that answer to the same standard field.
    #[default]
    Default,
    /// These entries and no others.
    Custom(Mapping),
}

impl Serialize for MappingChoice {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Default => s.serialize_str("default"),
            Self::Custom(mapping) => mapping.serialize(s),
        }
    }
}

impl<'de> Deserialize<'de> for MappingChoice {
    /// `"default"` or a list of entries.
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        match serde_json::Value::deserialize(d)? {
            serde_json::Value::String(word) if word == "default" => Ok(Self::Default),
            list @ serde_json::Value::Array(_) => serde_json::from_value(list)
                .map(Self::Custom)
                .map_err(serde::de::Error::custom),
            _ => Err(serde::de::Error::custom(
                "mapping: expected \"default\" or a list of entries {\"a\": field, \"b\": field}",
            )),
        }
    }
}

/// Limits that park a plan until a person agrees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Guards {
    /// Deletions carried over in a run or in 24 hours: at most the larger of this number ...
    pub deletions_min: u32,
    /// ... and this percentage of the links.
    pub deletions_percent: u32,
    /// A side that shrinks by more than this percentage in a run, or turns empty.
    pub shrink_percent: u32,
    /// One field overwritten on more than this percentage of the links in a run.
    pub overwrite_percent: u32,
}

impl Default for Guards {
    fn default() -> Self {
        Self {
            deletions_min: 10,
            deletions_percent: 10,
            shrink_percent: 20,
            overwrite_percent: 30,
        }
    }
}

/// Whether a connection runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum ConnectionStatus {
    /// It runs on its schedule.
    Active,
    /// A person, or trouble that only a person can mend, stopped it.
    Paused {
        /// Why, in words for a customer.
        reason: String,
    },
}

/// A connection as stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// Its id.
    pub id: ConnectionId,
    /// The tenant that owns it.
    pub tenant: TenantId,
    /// What its links belong to.
    pub pair: PairId,
    /// What people call it.
    pub name: String,
    /// What is synced.
    pub object: ObjectType,
    /// The two sides.
    pub sides: Sides<SideConfig>,
    /// Which way.
    pub direction: Direction,
    /// Who wins.
    pub conflict: ConflictPolicy,
    /// How often.
    pub schedule: Schedule,
    /// IF and THEN, both directions.
    pub rules: Vec<Rule>,
    /// Which fields.
    pub mapping: MappingChoice,
    /// What deletions do.
    pub deletions: Deletions,
    /// What leaving does.
    pub on_leave: OnLeave,
    /// What matches at first contact.
    pub matching: Vec<MatchKey>,
    /// What parks a plan.
    pub guards: Guards,
    /// Whether it runs.
    pub status: ConnectionStatus,
    /// Counts edits of this row: its `ETag`.
    pub revision: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last edited.
    pub updated_at: DateTime<Utc>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules() {
        let check = |text: &str, want: Option<Option<u32>>| {
            let json = format!(r#"{{"every":"{text}"}}"#);
            let got = serde_json::from_str::<Schedule>(&json).ok();
            assert_eq!(got.map(|s| s.every_seconds), want, "{text}");
        };
        check("5m", Some(Some(300)));
        check("90s", Some(Some(90)));
        check("1d", Some(Some(86_400)));
        check("manual", Some(None));
        for bad in ["", "5", "5x", "59s", "31d", "-5m", "5 m", "99999999999d"] {
            check(bad, None);
        }
    }
}
