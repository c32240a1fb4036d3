//! Zoho's JSON, as far as we read it: every key is theirs, unknown ones are ignored. No meaning is given to anything
//! here; that is `map.rs`, `fields.rs` and `answer.rs`.
//!
//! Source: the OpenAPI files `zoho/crm-oas` (v8.0) and the v7/v8 pages of Zoho's developer documentation.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

/// A record: API name to value; `id` is always there.
pub(super) type Row = Map<String, Json>;

/// `GET /Contacts`, and what COQL answers.
#[derive(Debug, Deserialize)]
pub(super) struct List {
    /// The records, at most 200.
    pub data: Vec<Row>,
    /// Where in the listing they are.
    pub info: Info,
}

/// The place of a page in its listing.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Info {
    /// How many records the page has.
    pub count: Option<usize>,
    /// Whether another page follows.
    #[serde(default)]
    pub more_records: bool,
    /// The token of the page that follows; null when none does.
    pub next_page_token: Option<String>,
}

impl Info {
    /// Whether a page of so many records is not what it says that it is: it was cut off.
    pub(super) fn miscounts(&self, found: usize) -> bool {
        self.count.is_some_and(|count| count != found)
    }
}

/// `GET /Contacts/actions/count`.
#[derive(Debug, Deserialize)]
pub(super) struct Count {
    /// How many.
    pub count: usize,
}

/// `GET /Contacts/deleted`.
#[derive(Debug, Deserialize)]
pub(super) struct DeletedList {
    /// The tombstones.
    pub data: Vec<Deleted>,
    /// Where in the listing they are.
    pub info: Info,
}

/// A tombstone.
#[derive(Debug, Deserialize)]
pub(super) struct Deleted {
    /// The id that the record had.
    pub id: String,
    /// When it was deleted.
    pub deleted_time: Option<String>,
}

/// What a write answers: one outcome a record, in the order of the request.
#[derive(Debug, Deserialize)]
pub(super) struct Outcomes {
    /// The outcomes.
    pub data: Vec<Outcome>,
}

/// The outcome of one record, or the error of a whole request: both have this shape.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Outcome {
    /// `SUCCESS` or the error's code.
    pub code: String,
    /// In Zoho's words.
    pub message: String,
    /// `success` or `error`.
    pub status: String,
    /// What it is about; its keys depend on the code.
    pub details: Details,
}

/// The details of an outcome.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Details {
    /// The record.
    pub id: Option<String>,
    /// When it was changed last.
    #[serde(rename = "Modified_Time")]
    pub modified_time: Option<String>,
    /// The field that is wrong.
    pub api_name: Option<String>,
    /// The parameter that is wrong.
    pub param_name: Option<String>,
    /// What the field takes.
    pub expected_data_type: Option<String>,
    /// How long the field's text may be.
    pub maximum_length: Option<u64>,
    /// The record that is in the way of a duplicate.
    pub duplicate_record: Option<Reference>,
    /// The permissions that the user's profile lacks, by Zoho's names (`NO_PERMISSION`).
    pub permissions: Vec<String>,
    /// The errors of `MULTIPLE_OR_MULTI_ERRORS`.
    pub errors: Vec<Outcome>,
}

/// Another record or a user.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Reference {
    /// Its id.
    pub id: String,
}

/// The body of `POST` and `PUT /Contacts`. `trigger` is left out, so that the customer's workflows run as they do for
/// a person's edit.
#[derive(Debug, Serialize)]
pub(super) struct Write {
    /// The records; each has its `id` in a `PUT` of several.
    pub data: Vec<Row>,
}

/// The body of `POST /Contacts/actions/add_tags`.
#[derive(Debug, Serialize)]
pub(super) struct AddTags<'a> {
    /// The tags, by name.
    pub tags: Vec<TagName<'a>>,
    /// The records.
    pub ids: Vec<&'a str>,
    /// Whether other tags are taken away.
    pub over_write: bool,
}

/// A tag by its name; one that does not exist is made.
#[derive(Debug, Serialize)]
pub(super) struct TagName<'a> {
    /// The name, at most 25 characters.
    pub name: &'a str,
}

/// `GET /settings/tags`: every tag of the module, at most 100.
#[derive(Debug, Deserialize)]
pub(super) struct TagList {
    /// The tags.
    pub tags: Vec<Tag>,
}

/// A tag.
#[derive(Debug, Deserialize)]
pub(super) struct Tag {
    /// Its name.
    pub name: String,
}

/// The body of `POST /coql`.
#[derive(Debug, Serialize)]
pub(super) struct Coql {
    /// The query.
    pub select_query: String,
}

/// `GET /settings/fields`.
#[derive(Debug, Deserialize)]
pub(super) struct FieldList {
    /// Every field of the module.
    pub fields: Vec<FieldMeta>,
}

/// What Zoho says about a field.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct FieldMeta {
    /// Its name in the API.
    pub api_name: String,
    /// What a person reads.
    pub field_label: String,
    /// Zoho's type (`text`, `picklist`, `ownerlookup`, ...).
    pub data_type: String,
    /// The JSON type of its values (`string`, `double`, `jsonarray`, ...).
    pub json_type: Option<String>,
    /// Whether the customer added it.
    pub custom_field: bool,
    /// Whether this user may only read it.
    pub read_only: bool,
    /// Whether everybody may only read it.
    pub field_read_only: bool,
    /// Whether a record cannot be without it.
    pub system_mandatory: bool,
    /// How long its text may be.
    pub length: Option<usize>,
    /// Whether this user sees it.
    pub visible: Option<bool>,
    /// Who may write it and how.
    pub operation_type: Option<OperationType>,
    /// The choices of a pick list.
    pub pick_list_values: Vec<PickListValue>,
}

/// Who may write a field and how.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct OperationType {
    /// Whether the API may change it.
    #[serde(default)]
    pub api_update: bool,
}

/// A choice of a pick list.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct PickListValue {
    /// What a person reads.
    pub display_value: String,
    /// What is stored.
    pub actual_value: String,
    /// `used` or `unused`.
    #[serde(rename = "type", default)]
    pub kind: Option<String>,
}

/// `GET /settings/custom_views`.
#[derive(Debug, Deserialize)]
pub(super) struct ViewList {
    /// The views that the user sees.
    pub custom_views: Vec<View>,
    /// Where in the listing they are.
    #[serde(default)]
    pub info: Info,
}

/// A custom view.
#[derive(Debug, Deserialize)]
pub(super) struct View {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What a person reads.
    pub display_value: Option<String>,
    /// `ALLVIEWS` for the view of all contacts.
    pub system_name: Option<String>,
}

/// `GET /users`.
#[derive(Debug, Deserialize)]
pub(super) struct UserList {
    /// The users.
    pub users: Vec<User>,
    /// Where in the listing they are.
    #[serde(default)]
    pub info: Info,
}

/// A user.
#[derive(Debug, Deserialize)]
pub(super) struct User {
    /// Its id.
    pub id: String,
    /// Its e-mail address.
    pub email: Option<String>,
    /// Its name.
    pub full_name: Option<String>,
    /// What it may do.
    #[serde(default)]
    pub profile: Option<Reference>,
}

/// `GET /settings/profiles/{id}`.
#[derive(Debug, Deserialize)]
pub(super) struct ProfileList {
    /// The profile.
    pub profiles: Vec<Profile>,
}

/// What users of a profile may do.
#[derive(Debug, Deserialize)]
pub(super) struct Profile {
    /// Each permission, given or not.
    #[serde(default)]
    pub permissions_details: Vec<ProfilePermission>,
}

/// A permission of a profile.
#[derive(Debug, Deserialize)]
pub(super) struct ProfilePermission {
    /// Zoho's name.
    pub name: String,
    /// Whether it is given.
    pub enabled: bool,
}

/// `GET /org`.
#[derive(Debug, Deserialize)]
pub(super) struct OrgList {
    /// The organisation, alone.
    pub org: Vec<Org>,
}

/// An organisation.
#[derive(Debug, Deserialize)]
pub(super) struct Org {
    /// Its id as a record.
    pub id: String,
    /// Its id across Zoho.
    pub zgid: Option<String>,
    /// Its name.
    pub company_name: Option<String>,
}
