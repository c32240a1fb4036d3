//! Field descriptors: what a connector says about each value slot of its records.

use serde::{Deserialize, Serialize};

/// A field's name as its provider gives it (`Last_Name`, `email.work`, `userDefined.source`).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FieldName(String);

impl FieldName {
    /// Any non-empty text; connectors make these, people only pick from what a connector lists.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for FieldName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&str> for FieldName {
    fn from(name: &str) -> Self {
        Self::new(name)
    }
}

/// What a field holds; decides its normal form and what it can be mapped to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// One line of text.
    Text,
    /// Text of several lines.
    LongText,
    /// A whole name in one text, whose `#given` and `#family` parts can be mapped.
    FullName,
    /// An e-mail address.
    Email,
    /// A telephone number.
    Phone,
    /// A web address.
    Url,
    /// Yes or no.
    Bool,
    /// Whether a person has opted out of mail. A yes stands above a no: a no is as good as blank, and no sync undoes a yes
    /// unless the customer said so.
    OptOut,
    /// A decimal number.
    Number,
    /// A day, possibly without its year.
    Date,
    /// An instant.
    DateTime,
    /// One of a list of choices (or several, with cardinality `many`).
    Choice,
    /// A postal address, whose parts can be mapped.
    Address,
    /// Another record or a user, by its display name.
    Reference,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::Text,
        Self::LongText,
        Self::FullName,
        Self::Email,
        Self::Phone,
        Self::Url,
        Self::Choice,
        Self::Reference,
        Self::Bool,
        Self::OptOut,
        Self::Number,
        Self::Date,
        Self::DateTime,
        Self::Address,
    ];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::LongText => "long_text",
            Self::FullName => "full_name",
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Url => "url",
            Self::Bool => "bool",
            Self::OptOut => "opt_out",
            Self::Number => "number",
            Self::Date => "date",
            Self::DateTime => "date_time",
            Self::Choice => "choice",
            Self::Address => "address",
            Self::Reference => "reference",
        }
    }

    /// Whether it holds yes or no.
    pub const fn is_flag(self) -> bool {
        matches!(self, Self::Bool | Self::OptOut)
    }

    /// Whether it holds a text of any sort.
    pub const fn is_text(self) -> bool {
        matches!(
            self,
            Self::Text
                | Self::LongText
                | Self::FullName
                | Self::Email
                | Self::Phone
                | Self::Url
                | Self::Choice
                | Self::Reference
        )
    }
}

/// How many values a field holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cardinality {
    /// At most one.
    #[default]
    One,
    /// A set.
    Many,
}

/// One choice of a choice field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// What is stored and compared.
    pub value: String,
    /// What a person reads.
    pub label: String,
}

/// One value slot of a provider's records; or, where its name ends in `*`, every slot whose name begins so: for providers
/// whose records hold fields of any name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldDescriptor {
    /// The provider's name for it.
    pub name: FieldName,
    /// What a person reads.
    pub label: String,
    /// What it holds.
    pub kind: Kind,
    /// How many values.
    #[serde(default)]
    pub cardinality: Cardinality,
    /// Whether we may write it.
    pub writable: bool,
    /// Whether it can be set when a record is made, and never after: such a field is not `writable`. What answers to the
    /// same standard field on the other side is handed on to it, whatever is mapped.
    #[serde(default)]
    pub at_creation: bool,
    /// Whether the provider refuses a record without it.
    #[serde(default)]
    pub required: bool,
    /// Longest text accepted, in characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_length: Option<usize>,
    /// The only characters accepted in a text, when the provider refuses all others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub characters: Option<String>,
    /// The choices, for choice fields.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<Choice>,
    /// For dates: whether a day without its year can be held.
    #[serde(default)]
    pub partial_dates: bool,
    /// Whether the account's owner added it.
    #[serde(default)]
    pub custom: bool,
    /// Whether it holds the record's places in containers (groups, tags, lists), and of which kind: `add_to: "tag:VIP"`
    /// adds the choice `VIP` to the field whose kind is `tag`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub membership: Option<String>,
    /// The standard field that it answers to (`given_name`, `email.work`, `address.home#city`), if any.
    /// Default mappings join two fields that answer to the same one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standard: Option<String>,
}

impl FieldDescriptor {
    /// If this stands for every field whose name begins so (its own name ends in `*`): the field of one such name.
    pub fn named(&self, name: &FieldName) -> Option<Self> {
        let prefix = self.name.as_str().strip_suffix('*')?;
        let rest = name.as_str().strip_prefix(prefix)?;
        let is_one = !rest.trim().is_empty() && rest != "*";
        is_one.then(|| Self {
            name: name.clone(),
            label: rest.to_owned(),
            ..self.clone()
        })
    }

    /// A writable single-valued field that answers to no standard field.
    pub fn new(name: impl Into<String>, label: impl Into<String>, kind: Kind) -> Self {
        Self {
            name: FieldName::new(name),
            label: label.into(),
            kind,
            cardinality: Cardinality::One,
            writable: true,
            at_creation: false,
            required: false,
            max_length: None,
            characters: None,
            choices: Vec::new(),
            partial_dates: false,
            custom: false,
            membership: None,
            standard: None,
        }
    }

    /// The same, answering to a standard field.
    pub fn standard(mut self, name: impl Into<String>) -> Self {
        self.standard = Some(name.into());
        self
    }

    /// The same, holding the record's places in containers of this kind.
    pub fn membership(mut self, kind: impl Into<String>) -> Self {
        self.membership = Some(kind.into());
        self
    }
}
