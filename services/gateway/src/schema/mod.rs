//! Shapes of the model's types for the OpenAPI document. Nothing here is ever built or sent: the model's own types are,
//! and a test holds that what they write fits what is said here.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

mod words;

pub use words::*;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $pattern:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Serialize, Deserialize, ToSchema)]
        #[schema(pattern = $pattern)]
        pub struct $name(pub String);
    )*};
}

ids! {
    /// Names a tenant.
    TenantId = "^ten_[0-9a-f]{32}$";
    /// Names a member.
    MemberId = "^mem_[0-9a-f]{32}$";
    /// Names an invitation.
    InvitationId = "^inv_[0-9a-f]{32}$";
    /// Names an API key.
    ApiKeyId = "^key_[0-9a-f]{32}$";
    /// Names an account.
    AccountId = "^acc_[0-9a-f]{32}$";
    /// Names a connection.
    ConnectionId = "^con_[0-9a-f]{32}$";
    /// Names a link.
    LinkId = "^lnk_[0-9a-f]{32}$";
    /// Names a run.
    RunId = "^run_[0-9a-f]{32}$";
    /// Names a problem of a record.
    ProblemId = "^prb_[0-9a-f]{32}$";
    /// Names what a person said about a record.
    ReviewId = "^rev_[0-9a-f]{32}$";
    /// Names a conflict.
    ConflictId = "^cfl_[0-9a-f]{32}$";
    /// Names an entry of the audit log.
    AuditId = "^aud_[0-9a-f]{32}$";
    /// Names a provider.
    ProviderId = "^[a-z0-9_]{1,40}$";
    /// A field (`Last_Name`), a part of a composite field (`Full_Name#family`), or whether an item is in a set
    /// (`groups#has:VIP`).
    FieldPath = "^[^#]+(#(given|family|street|city|region|postal_code|country|has:.+))?$";
}

/// One side: an account and the collection inside it.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SideConfig {
    /// The account.
    pub account: AccountId,
    /// The collection's id as `GET /v1/accounts/{id}/collections` lists it; the account's default when left out.
    #[schema(example = "group:contactGroups/myContacts")]
    pub collection: Option<String>,
}

/// How often: `60s` to `30d` with unit s, m, h or d, or `manual`.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// The time between runs.
    #[schema(pattern = "^(manual|[0-9]{1,7}[smhd])$", example = "5m")]
    pub every: String,
}

/// Deletion policy by direction.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Deletions {
    /// A deletion on a, carried to b. `ignore` when left out.
    #[schema(required = false)]
    pub a_to_b: DeletionPolicy,
    /// A deletion on b, carried to a. `ignore` when left out.
    #[schema(required = false)]
    pub b_to_a: DeletionPolicy,
}

/// Limits that park a plan until a person agrees.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Guards {
    /// Deletions carried over in a run or in 24 hours: at most the larger of this number (10 when left out) ...
    #[schema(required = false)]
    pub deletions_min: u32,
    /// ... and this percentage of the links (10 when left out).
    #[schema(required = false)]
    pub deletions_percent: u32,
    /// A side that shrinks by more than this percentage in a run, or turns empty (20 when left out).
    #[schema(required = false)]
    pub shrink_percent: u32,
    /// One field overwritten on more than this percentage of the links in a run (30 when left out).
    #[schema(required = false)]
    pub overwrite_percent: u32,
}

/// IF all conditions hold for a record of side `from`, it takes part in that direction, THEN the actions apply.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The side whose records it looks at.
    pub from: Side,
    /// All must hold; none means every record.
    #[serde(rename = "if", default)]
    pub conditions: Vec<Condition>,
    /// Applied to the other side, in order.
    #[serde(rename = "then", default)]
    pub actions: Vec<Action>,
    /// Whether the actions are undone on a record that stops matching, as far as nobody changed it since; `false` when left
    /// out.
    #[schema(required = false)]
    pub reverse_on_exit: bool,
}

/// A field and exactly one test.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(min_properties = 2, max_properties = 2)]
pub struct Condition {
    /// The field on the side that the rule is from.
    pub field: FieldPath,
    /// Equal to this text, number or boolean.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is: Option<serde_json::Value>,
    /// Not equal to this, or empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_not: Option<serde_json::Value>,
    /// Equal to one of these; 1 to 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_items = 1, max_items = 100)]
    pub r#in: Option<Vec<serde_json::Value>>,
    /// Has this text in it, whatever the case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contains: Option<String>,
    /// Begins with this text, whatever the case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts_with: Option<String>,
    /// Has no value (`true`) or has one (`false`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub empty: Option<bool>,
    /// A date or time before this day (`2026-01-31`, from midnight to midnight UTC) or time (`2026-01-31T09:30:00Z`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// A date or time after this day or time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// A date or time of the last so many days, today among them, when the record is looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 3650)]
    pub within_days: Option<u16>,
    /// A number greater than this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>)]
    pub greater: Option<serde_json::Number>,
    /// A number less than this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>)]
    pub less: Option<serde_json::Number>,
}

/// What happens to the record on the other side: `set` with `to` or `from`, or `add_to`.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Action {
    /// The field on the other side to set. Opting in or out, the owner and the lead source are fields like any other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set: Option<FieldPath>,
    /// The constant to set it to: a text, a number, a boolean or null.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "given"
    )]
    pub to: Option<serde_json::Value>,
    /// The field of the record itself whose value it is set to; an empty one sets nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<FieldPath>,
    /// The container to add the record to besides those that it is in, as its kind and name: `group:Customers`, `tag:VIP`.
    /// A field's `membership` names the kind, its `choices` the names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub add_to: Option<String>,
    /// When; `always` when left out.
    #[schema(required = false)]
    pub when: When,
}

/// A value that is written, be it `null`.
fn given<'de, D: serde::Deserializer<'de>>(d: D) -> Result<Option<serde_json::Value>, D::Error> {
    serde_json::Value::deserialize(d).map(Some)
}

/// What makes two records the same one at first contact.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MatchKey {
    /// The work e-mail address.
    WorkEmail,
    /// Any e-mail address, work address first.
    Email,
    /// Any telephone number, fax apart. One that more than ten records of a side have matches nobody.
    Phone,
    /// The full name and the company's name together.
    NameAndCompany,
    /// What a mapped field says, by its path on side a: one text or number, such as an id in another system.
    Field(FieldPath),
}

/// Who a record is.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// This record of the other side, one of the candidates.
    Link(String),
    /// None of the candidates: it stays alone, and is not made on the other side.
    KeepApart,
    /// None of the candidates: it is made on the other side.
    Create,
}

/// `"default"`, or the entries and no others.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum MappingChoice {
    /// Join fields that answer to the same standard field.
    Default(DefaultWord),
    /// These entries and no others.
    Custom(Vec<MappingEntry>),
}

/// The word `default`.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DefaultWord {
    /// Join fields that answer to the same standard field.
    Default,
}

/// A mapping entry that rests because its fields are not as they were.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct PausedEntry {
    /// The path on side a.
    pub a: FieldPath,
    /// The path on side b.
    pub b: FieldPath,
    /// Why, in words for a customer, with what would be right.
    pub reason: String,
}

/// One pair of corresponding fields.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MappingEntry {
    /// The path on side a.
    pub a: FieldPath,
    /// The path on side b.
    pub b: FieldPath,
    /// Which way; `both` when left out.
    #[schema(required = false)]
    pub flow: Flow,
    /// What a cleared value does; `keep` when left out.
    #[schema(required = false)]
    pub blank: Blank,
    /// Who wins a conflict in this field, where it differs from the connection's policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub winner: Option<ConflictPolicy>,
    /// What both mean, where the two fields are of other kinds; `GET /v1/compatible-kinds` says what. Asked for, so that a
    /// field whose kind changes is not taken for something else.
    #[serde(rename = "as", default, skip_serializing_if = "Option::is_none")]
    pub meaning: Option<Kind>,
    /// Which values go with which, where the two sides have other words for the same things. What it does not name is not
    /// carried over: a problem names the record, and nothing is written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 200)]
    pub values: Vec<ValuePair>,
    /// For an opt-out: whether a person who opts in again on one side is opted in on the other one. `false` when left out: an
    /// opt-out is never undone.
    #[schema(required = false)]
    #[serde(default)]
    pub opt_in: bool,
    /// How the text tells the day, where a date is mapped to a text; `yyyy-mm-dd` when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dates: Option<DateFormat>,
}

/// What a says and what b says for the same thing. A word may be in several rows if the words beside it are in one row each:
/// each of those becomes it, and it becomes the first of them.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ValuePair {
    /// The word of side a.
    pub a: Word,
    /// The word of side b.
    pub b: Word,
}

/// A choice or a text as it is stored, or yes or no.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum Word {
    /// Yes or no.
    YesNo(bool),
    /// A choice or a text.
    Text(String),
}

/// How a text tells a day. A year may be left out: `--02-03`, `03.02.`, `03/02`, `02/03`.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub enum DateFormat {
    /// `2001-02-03`
    #[serde(rename = "yyyy-mm-dd")]
    Iso,
    /// `03.02.2001`
    #[serde(rename = "dd.mm.yyyy")]
    DayMonthYearDots,
    /// `03/02/2001`
    #[serde(rename = "dd/mm/yyyy")]
    DayMonthYear,
    /// `02/03/2001`
    #[serde(rename = "mm/dd/yyyy")]
    MonthDayYear,
}

/// Whether a connection runs.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
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

/// Whether an account can be used.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum AccountStatus {
    /// Waiting for its owner to come back from the provider's consent page.
    Pending,
    /// In order.
    Active,
    /// The provider refuses our access: the owner must authorise again.
    NeedsReauthorization {
        /// Why, in words for a customer.
        reason: String,
    },
}

/// Whether a link is followed.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum LinkState {
    /// Both records are there and take part.
    Live,
    /// A record left the collection or the rules.
    Frozen {
        /// The side that left.
        left: Side,
    },
    /// A record was deleted: the tombstone.
    Severed {
        /// The side on which the record is gone.
        gone: Side,
    },
}

/// Who an account is at its provider.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Identity {
    /// The provider's stable id of the login and, where there is one, its organisation.
    pub subject: String,
    /// What a person recognises it by, usually an e-mail address.
    pub label: String,
}

/// A container inside an account that can be synced.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Collection {
    /// Its id, as a connection names it.
    pub id: String,
    /// What a person calls it.
    pub name: String,
    /// Whether it is used when a connection names none.
    pub default: bool,
    /// Whether we can put records into it and take them out.
    pub membership_writable: bool,
}

/// One choice of a choice field.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Choice {
    /// What is stored and compared.
    pub value: String,
    /// What a person reads.
    pub label: String,
}

/// One value slot of a provider's records.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FieldDescriptor {
    /// The provider's name for it, as rules and mappings use it.
    pub name: String,
    /// What a person reads.
    pub label: String,
    /// What it holds.
    pub kind: Kind,
    /// How many values.
    pub cardinality: Cardinality,
    /// Whether it can be written.
    pub writable: bool,
    /// Whether it can be set when a record is made, and never after. Such a field is handed on to new records by itself.
    pub at_creation: bool,
    /// Whether the provider refuses a record without it.
    pub required: bool,
    /// Longest text accepted, in characters.
    pub max_length: Option<usize>,
    /// The only characters accepted in a text, when the provider refuses all others.
    pub characters: Option<String>,
    /// The choices, for choice fields.
    #[serde(default)]
    pub choices: Vec<Choice>,
    /// For dates: whether a day without its year can be held.
    pub partial_dates: bool,
    /// Whether the account's owner added it.
    pub custom: bool,
    /// Whether it holds the record's places in containers, and of which kind: `add_to: "tag:VIP"` adds the choice `VIP` to the
    /// field whose membership is `tag`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub membership: Option<String>,
    /// The standard field that it answers to, if any.
    pub standard: Option<String>,
}

/// What was done in one direction.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DirectionCounters {
    /// Records created on the receiving side.
    pub created: u64,
    /// Records updated on the receiving side.
    pub updated: u64,
    /// Records deleted on, marked on or taken out of the receiving side.
    pub deleted: u64,
    /// Records of the sending side found to be one already there.
    pub linked: u64,
    /// Records of the sending side that needed nothing.
    pub skipped: u64,
    /// Records of the sending side that could not be carried over; each has a problem.
    pub failed: u64,
    /// Once the run has ended: records that wait for the next one, since this one had carried over as many as the plan
    /// allows. 0 before.
    pub waiting: u64,
}

/// What a run did.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Counters {
    /// From a to b.
    pub a_to_b: DirectionCounters,
    /// From b to a.
    pub b_to_a: DirectionCounters,
    /// Fields that both sides had changed, differently.
    pub conflicts: u64,
    /// Operations held by a guard.
    pub held: u64,
    /// Records read from the two sides.
    pub pulled: u64,
}

/// A guard that holds part of a run's plan.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GuardTrip {
    /// Which limit.
    pub kind: GuardKind,
    /// The side where the change came from.
    pub from: Side,
    /// The mapping entry concerned, for `overwrite`: its paths on a and b. What rules write has the one path alone: `=field`
    /// on b, `field=` on a.
    pub entry: Option<String>,
    /// What was counted.
    pub count: u64,
    /// The most that passes without a person.
    pub limit: u64,
    /// Of `count`, what was carried over already, in the 24 hours before.
    #[serde(default)]
    pub carried: u64,
}

/// Values by side.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct SideValues {
    /// The value on side a.
    pub a: serde_json::Value,
    /// The value on side b.
    pub b: serde_json::Value,
}

#[cfg(test)]
mod tests;
