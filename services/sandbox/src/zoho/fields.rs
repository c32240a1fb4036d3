//! The fields of Contacts: the standard ones, and those an administrator adds, changes or removes.
//! What a field is, not what its values are (`values`), nor how it is printed (`metadata`).

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

/// What a field holds; decides validation, comparison and metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One line.
    Text,
    /// Several lines.
    TextArea,
    /// An e-mail address.
    Email,
    /// A telephone number.
    Phone,
    /// A web address.
    Website,
    /// One value of a list.
    Picklist,
    /// Several values of a list.
    MultiPicklist,
    /// True or false, never null.
    Boolean,
    /// Up to nine digits.
    Integer,
    /// Up to eighteen digits, a JSON string on the wire.
    BigInt,
    /// A number with decimals.
    Double,
    /// An amount in the organisation's currency.
    Currency,
    /// A percentage.
    Percent,
    /// `yyyy-MM-dd`.
    Date,
    /// An instant.
    DateTime,
    /// The user who owns the record.
    Owner,
    /// A user of the organisation.
    User,
    /// An account (company).
    AccountLookup,
    /// Another contact.
    ContactLookup,
    /// The tags of the record.
    Tags,
    /// A number counted up by Zoho.
    AutoNumber,
    /// Computed by Zoho: read-only text.
    Formula,
    /// The picture of the record.
    Image,
}

/// Every kind with Zoho's `data_type`, its `json_type` and the usual length.
const KINDS: &[(Kind, &str, &str, u32)] = &[
    (Kind::Text, "text", "string", 255),
    (Kind::TextArea, "textarea", "string", 2000),
    (Kind::Email, "email", "string", 100),
    (Kind::Phone, "phone", "string", 30),
    (Kind::Website, "website", "string", 450),
    (Kind::Picklist, "picklist", "string", 120),
    (Kind::MultiPicklist, "multiselectpicklist", "jsonarray", 120),
    (Kind::Boolean, "boolean", "boolean", 5),
    (Kind::Integer, "integer", "integer", 9),
    (Kind::BigInt, "bigint", "string", 18),
    (Kind::Double, "double", "double", 16),
    (Kind::Currency, "currency", "double", 16),
    (Kind::Percent, "percent", "double", 5),
    (Kind::Date, "date", "string", 20),
    (Kind::DateTime, "datetime", "string", 25),
    (Kind::Owner, "ownerlookup", "jsonobject", 120),
    (Kind::User, "userlookup", "jsonobject", 120),
    (Kind::AccountLookup, "lookup", "jsonobject", 120),
    (Kind::ContactLookup, "lookup", "jsonobject", 120),
    (Kind::Tags, "text", "jsonarray", 2000),
    (Kind::AutoNumber, "autonumber", "string", 200),
    (Kind::Formula, "formula", "string", 255),
    (Kind::Image, "profileimage", "string", 255),
];

impl Kind {
    fn row(self) -> (&'static str, &'static str, u32) {
        KINDS
            .iter()
            .find(|row| row.0 == self)
            .map_or(("text", "string", 255), |row| (row.1, row.2, row.3))
    }

    /// Zoho's `data_type`.
    pub fn data_type(self) -> &'static str {
        self.row().0
    }

    /// Zoho's `json_type`; also the `expected_data_type` of an error.
    pub fn json_type(self) -> &'static str {
        self.row().1
    }

    /// The length a new field of this kind has.
    pub fn usual_length(self) -> u32 {
        self.row().2
    }

    /// The kind an administrator names by Zoho's `data_type`; `None` for those which custom fields cannot have here.
    pub fn custom(data_type: &str) -> Option<Self> {
        let kind = KINDS.iter().find(|row| row.1 == data_type)?.0;
        (!matches!(
            kind,
            Kind::Owner | Kind::AccountLookup | Kind::Tags | Kind::Image
        ))
        .then_some(kind)
    }

    /// Kinds compared as text.
    pub fn is_text(self) -> bool {
        matches!(
            self,
            Self::Text
                | Self::TextArea
                | Self::Email
                | Self::Phone
                | Self::Website
                | Self::Picklist
                | Self::BigInt
                | Self::AutoNumber
                | Self::Formula
                | Self::Image
        )
    }

    /// Kinds compared as numbers.
    pub fn is_number(self) -> bool {
        matches!(
            self,
            Self::Integer | Self::Double | Self::Currency | Self::Percent
        )
    }
}

/// One value of a picklist.
#[derive(Debug, Clone, PartialEq)]
pub struct PickOption {
    /// Zoho's id of the value.
    pub id: u64,
    /// What the user interface shows.
    pub display: String,
    /// What records hold and the API takes.
    pub actual: String,
    /// False once an administrator has moved it to "unused".
    pub used: bool,
}

/// What the calling user's profile may do with a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// Reads and writes.
    ReadWrite,
    /// Reads only; written values are ignored.
    ReadOnly,
    /// Neither: absent from answers.
    Hidden,
}

impl Permission {
    /// Zoho's `permission_type`.
    pub fn name(self) -> &'static str {
        match self {
            Self::ReadWrite => "read_write",
            Self::ReadOnly => "read_only",
            Self::Hidden => "hidden",
        }
    }

    /// The permission of this name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::ReadWrite, Self::ReadOnly, Self::Hidden]
            .into_iter()
            .find(|p| p.name() == name)
    }
}

/// A field of Contacts.
#[derive(Debug, Clone)]
pub struct Field {
    /// Zoho's id of the field.
    pub id: u64,
    /// The key in records.
    pub api_name: Arc<str>,
    /// The label people see.
    pub label: String,
    /// What it holds.
    pub kind: Kind,
    /// Longest value, in characters (digits for numbers).
    pub length: u32,
    /// Added by an administrator.
    pub custom: bool,
    /// Zoho writes it, nobody else.
    pub read_only: bool,
    /// No record without it.
    pub mandatory: bool,
    /// "Do not allow duplicate values".
    pub unique: bool,
    /// A picklist which refuses values outside its list.
    pub restricted: bool,
    /// What the calling user's profile may do.
    pub permission: Permission,
    /// The list of a picklist.
    pub options: Vec<PickOption>,
    /// What a new record holds when nothing is said.
    pub default: Option<Value>,
}

impl Field {
    /// Whether a write through the API changes it.
    pub fn writable(&self) -> bool {
        !self.read_only && self.permission == Permission::ReadWrite
    }

    /// Whether the calling user sees it.
    pub fn visible(&self) -> bool {
        self.permission != Permission::Hidden
    }
}

/// All fields of Contacts, in the order of the layout.
#[derive(Debug, Default)]
pub struct Catalogue {
    list: Vec<Arc<Field>>,
    by_name: HashMap<String, usize>,
}

impl Catalogue {
    /// The standard fields of Contacts; `next_id` gives Zoho ids.
    pub fn standard(mut next_id: impl FnMut() -> u64) -> Self {
        let mut catalogue = Self::default();
        for &(api_name, label, kind, length, flags) in STANDARD {
            let actuals: &[&str] = match api_name {
                "Lead_Source" => LEAD_SOURCES,
                "Salutation" => SALUTATIONS,
                "Record_Status__s" => &["Available", "Draft", "Trash"],
                "Unsubscribed_Mode" => &[
                    "Consent form",
                    "Manual",
                    "Unsubscribe link",
                    "Zoho campaigns",
                ],
                _ => &[],
            };
            let length = if length == 0 {
                kind.usual_length()
            } else {
                length
            };
            catalogue.put(Field {
                id: next_id(),
                api_name: api_name.into(),
                label: label.to_owned(),
                kind,
                length,
                custom: false,
                read_only: flags.contains('r'),
                mandatory: flags.contains('m'),
                unique: false,
                restricted: false,
                permission: Permission::ReadWrite,
                options: options(actuals.iter().copied(), &mut next_id),
                default: None,
            });
        }
        catalogue
    }

    /// The field of this API name.
    pub fn get(&self, api_name: &str) -> Option<&Arc<Field>> {
        self.by_name.get(api_name).and_then(|&at| self.list.get(at))
    }

    /// The field of this API name, whatever the case, as COQL and criteria take it.
    pub fn find(&self, api_name: &str) -> Option<&Arc<Field>> {
        self.get(api_name).or_else(|| {
            self.list
                .iter()
                .find(|f| f.api_name.eq_ignore_ascii_case(api_name))
        })
    }

    /// The field of this id.
    pub fn by_id(&self, id: u64) -> Option<&Arc<Field>> {
        self.list.iter().find(|f| f.id == id)
    }

    /// All fields in order.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Field>> {
        self.list.iter()
    }

    /// Adds the field, or replaces the one of the same API name.
    pub fn put(&mut self, field: Field) {
        let name = field.api_name.to_string();
        if let Some(slot) = self
            .by_name
            .get(&name)
            .and_then(|&at| self.list.get_mut(at))
        {
            *slot = Arc::new(field);
            return;
        }
        self.by_name.insert(name, self.list.len());
        self.list.push(Arc::new(field));
    }

    /// Removes a field; its values stay in the records, unseen, as in Zoho's own recycle bin for fields.
    pub fn remove(&mut self, api_name: &str) -> Option<Arc<Field>> {
        let at = self.by_name.remove(api_name)?;
        let field = self.list.remove(at);
        for place in self.by_name.values_mut() {
            if *place > at {
                *place -= 1;
            }
        }
        Some(field)
    }
}

/// Picklist values of these actual values, each also shown as such.
pub fn options<'a>(
    actuals: impl Iterator<Item = &'a str>,
    mut next_id: impl FnMut() -> u64,
) -> Vec<PickOption> {
    actuals
        .map(|actual| PickOption {
            id: next_id(),
            display: actual.to_owned(),
            actual: actual.to_owned(),
            used: true,
        })
        .collect()
}

/// The value which a picklist shows for "nothing"; it reads back as null.
pub const NONE: &str = "-None-";

const LEAD_SOURCES: &[&str] = &[
    NONE,
    "Advertisement",
    "Cold Call",
    "Employee Referral",
    "External Referral",
    "Online Store",
    "Partner",
    "Public Relations",
    "Sales Email Alias",
    "Seminar Partner",
    "Internal Seminar",
    "Trade Show",
    "Web Download",
    "Web Research",
    "Chat",
];

const SALUTATIONS: &[&str] = &[NONE, "Mr.", "Mrs.", "Ms.", "Dr.", "Prof."];

/// API name, label, kind, length (0: the usual one), flags: `r` read-only, `m` mandatory.
type Row = (&'static str, &'static str, Kind, u32, &'static str);

const STANDARD: &[Row] = &[
    ("Owner", "Contact Owner", Kind::Owner, 0, ""),
    ("Lead_Source", "Lead Source", Kind::Picklist, 0, ""),
    ("Salutation", "Salutation", Kind::Picklist, 0, ""),
    ("First_Name", "First Name", Kind::Text, 40, ""),
    ("Last_Name", "Last Name", Kind::Text, 80, "m"),
    ("Full_Name", "Full Name", Kind::Text, 80, "r"),
    ("Account_Name", "Account Name", Kind::AccountLookup, 0, ""),
    ("Vendor_Name", "Vendor Name", Kind::Text, 120, "r"),
    ("Email", "Email", Kind::Email, 0, ""),
    ("Title", "Title", Kind::Text, 100, ""),
    ("Department", "Department", Kind::Text, 50, ""),
    ("Phone", "Phone", Kind::Phone, 0, ""),
    ("Home_Phone", "Home Phone", Kind::Phone, 0, ""),
    ("Other_Phone", "Other Phone", Kind::Phone, 0, ""),
    ("Fax", "Fax", Kind::Phone, 0, ""),
    ("Mobile", "Mobile", Kind::Phone, 0, ""),
    ("Date_of_Birth", "Date of Birth", Kind::Date, 0, ""),
    ("Assistant", "Assistant", Kind::Text, 50, ""),
    ("Asst_Phone", "Asst Phone", Kind::Phone, 0, ""),
    ("Reporting_To", "Reporting To", Kind::ContactLookup, 0, ""),
    ("Email_Opt_Out", "Email Opt Out", Kind::Boolean, 0, ""),
    ("Created_By", "Created By", Kind::Owner, 0, "r"),
    ("Skype_ID", "Skype ID", Kind::Text, 50, ""),
    ("Modified_By", "Modified By", Kind::Owner, 0, "r"),
    ("Created_Time", "Created Time", Kind::DateTime, 0, "r"),
    ("Modified_Time", "Modified Time", Kind::DateTime, 0, "r"),
    ("Secondary_Email", "Secondary Email", Kind::Email, 0, ""),
    ("Twitter", "Twitter", Kind::Text, 50, ""),
    (
        "Last_Activity_Time",
        "Last Activity Time",
        Kind::DateTime,
        0,
        "r",
    ),
    ("Tag", "Tag", Kind::Tags, 0, ""),
    (
        "Unsubscribed_Mode",
        "Unsubscribed Mode",
        Kind::Picklist,
        0,
        "r",
    ),
    (
        "Unsubscribed_Time",
        "Unsubscribed Time",
        Kind::DateTime,
        0,
        "r",
    ),
    ("Locked__s", "Locked", Kind::Boolean, 0, "r"),
    ("Record_Status__s", "Record Status", Kind::Picklist, 0, "r"),
    ("Mailing_Street", "Mailing Street", Kind::Text, 250, ""),
    ("Other_Street", "Other Street", Kind::Text, 250, ""),
    ("Mailing_City", "Mailing City", Kind::Text, 100, ""),
    ("Other_City", "Other City", Kind::Text, 100, ""),
    ("Mailing_State", "Mailing State", Kind::Text, 100, ""),
    ("Other_State", "Other State", Kind::Text, 100, ""),
    ("Mailing_Zip", "Mailing Zip", Kind::Text, 30, ""),
    ("Other_Zip", "Other Zip", Kind::Text, 30, ""),
    ("Mailing_Country", "Mailing Country", Kind::Text, 100, ""),
    ("Other_Country", "Other Country", Kind::Text, 100, ""),
    ("Description", "Description", Kind::TextArea, 32000, ""),
    ("Record_Image", "Contact Image", Kind::Image, 0, "r"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn standard() -> Catalogue {
        let mut id = 0;
        Catalogue::standard(|| {
            id += 1;
            id
        })
    }

    #[test]
    fn last_name_alone_is_mandatory() {
        let mandatory: Vec<String> = standard()
            .iter()
            .filter(|f| f.mandatory)
            .map(|f| f.api_name.to_string())
            .collect();
        assert_eq!(mandatory, ["Last_Name"]);
    }

    #[test]
    fn removing_a_field_keeps_the_others_findable() {
        let mut catalogue = standard();
        assert!(catalogue.remove("Fax").is_some());
        assert!(catalogue.get("Fax").is_none());
        assert!(catalogue.remove("Fax").is_none());
        for field in catalogue.iter() {
            assert_eq!(catalogue.get(&field.api_name).map(|f| f.id), Some(field.id));
        }
    }

    #[test]
    fn custom_kinds_are_named_by_data_type() {
        let check =
            |input: &str, expect: Option<Kind>| assert_eq!(Kind::custom(input), expect, "{input}");
        check("text", Some(Kind::Text));
        check("multiselectpicklist", Some(Kind::MultiPicklist));
        check("formula", Some(Kind::Formula));
        check("ownerlookup", None);
        check("subform", None);
    }
}
