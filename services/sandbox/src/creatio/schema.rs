//! The entities and their columns (providers/creatio.md 4), as far as contacts need them, and the rows every site begins with.

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// A text; empty is the empty text.
    Text,
    /// A text without which nothing is saved.
    Required,
    /// Yes or no.
    Bool,
    /// A whole number.
    Int,
    /// Any number.
    Decimal,
    /// An instant.
    Time,
    /// A row of another entity.
    Lookup(&'static str),
    /// The same, without which nothing is saved.
    Parent(&'static str),
}

impl Holds {
    /// The entity that it leads to, if any.
    pub const fn target(self) -> Option<&'static str> {
        match self {
            Self::Lookup(entity) | Self::Parent(entity) => Some(entity),
            _ => None,
        }
    }
}

/// A column; a lookup's name is that of its navigation property (`Owner`), and its id is `OwnerId`.
pub type Column = (&'static str, Holds);

/// An entity: its name and its own columns.
pub type Entity = (&'static str, &'static [Column]);

/// The columns that all entities have.
pub const COMMON: &[Column] = &[
    ("Id", Holds::Text),
    ("CreatedOn", Holds::Time),
    ("CreatedBy", Holds::Lookup("Contact")),
    ("ModifiedOn", Holds::Time),
    ("ModifiedBy", Holds::Lookup("Contact")),
    ("ProcessListeners", Holds::Int),
];

const NAMED: &[Column] = &[("Name", Holds::Required)];

/// Every entity.
pub const ENTITIES: &[Entity] = &[
    (
        "Contact",
        &[
            ("Name", Holds::Text),
            ("Surname", Holds::Text),
            ("GivenName", Holds::Text),
            ("MiddleName", Holds::Text),
            ("Dear", Holds::Text),
            ("JobTitle", Holds::Text),
            ("Account", Holds::Lookup("Account")),
            ("Owner", Holds::Lookup("Contact")),
            ("BirthDate", Holds::Time),
            ("Phone", Holds::Text),
            ("MobilePhone", Holds::Text),
            ("HomePhone", Holds::Text),
            ("Email", Holds::Text),
            ("Skype", Holds::Text),
            ("Address", Holds::Text),
            ("City", Holds::Lookup("City")),
            ("Region", Holds::Lookup("Region")),
            ("Zip", Holds::Text),
            ("Country", Holds::Lookup("Country")),
            ("DoNotUseEmail", Holds::Bool),
            ("DoNotUseCall", Holds::Bool),
            ("DoNotUseFax", Holds::Bool),
            ("DoNotUseSms", Holds::Bool),
            ("DoNotUseMail", Holds::Bool),
            ("Notes", Holds::Text),
            ("Age", Holds::Int),
            ("Source", Holds::Lookup("LeadSource")),
            ("UsrBadge", Holds::Text),
            ("UsrTier", Holds::Lookup("UsrCategory")),
        ],
    ),
    (
        "ContactCommunication",
        &[
            ("Contact", Holds::Parent("Contact")),
            ("CommunicationType", Holds::Lookup("CommunicationType")),
            ("Number", Holds::Text),
            ("Position", Holds::Int),
            ("Primary", Holds::Bool),
            ("NonActual", Holds::Bool),
            ("SearchNumber", Holds::Text),
        ],
    ),
    (
        "ContactAddress",
        &[
            ("Contact", Holds::Parent("Contact")),
            ("AddressType", Holds::Lookup("AddressType")),
            ("Country", Holds::Lookup("Country")),
            ("Region", Holds::Lookup("Region")),
            ("City", Holds::Lookup("City")),
            ("Address", Holds::Text),
            ("Zip", Holds::Text),
            ("Primary", Holds::Bool),
        ],
    ),
    (
        "ContactTag",
        &[
            ("Name", Holds::Required),
            ("Type", Holds::Lookup("TagType")),
        ],
    ),
    (
        "ContactInTag",
        &[
            ("Tag", Holds::Parent("ContactTag")),
            ("Entity", Holds::Parent("Contact")),
        ],
    ),
    ("TagType", NAMED),
    ("CommunicationType", NAMED),
    ("AddressType", NAMED),
    ("Account", NAMED),
    ("City", NAMED),
    ("Region", NAMED),
    ("Country", NAMED),
    ("LeadSource", NAMED),
    ("UsrCategory", NAMED),
    (
        "SysAdminUnit",
        &[
            ("Name", Holds::Required),
            ("Contact", Holds::Lookup("Contact")),
            ("Active", Holds::Bool),
            ("SysAdminUnitTypeValue", Holds::Int),
        ],
    ),
];

/// The columns of an entity, its own and the common ones.
pub fn columns(entity: &str) -> impl Iterator<Item = Column> + use<> {
    let own = ENTITIES.iter().find(|(name, _)| *name == entity);
    let own = own.map_or(&[][..], |(_, columns)| columns);
    COMMON.iter().chain(own).copied()
}

/// The entity of a name, as the schema spells it.
pub fn entity(name: &str) -> Option<&'static str> {
    let found = ENTITIES.iter().find(|(known, _)| *known == name);
    found.map(|(known, _)| *known)
}

/// A column by its navigation or scalar name on the wire.
pub fn column(entity: &str, name: &str) -> Option<Column> {
    columns(entity).find(|(column, _)| *column == name)
}

/// The lookup whose id goes by a name (`OwnerId`).
pub fn lookup(entity: &str, name: &str) -> Option<Column> {
    let navigation = name.strip_suffix("Id")?;
    column(entity, navigation).filter(|(_, holds)| holds.target().is_some())
}

/// The entity and the column that lead back to an entity by a collection's name
/// (`ContactCommunicationCollectionByContact`).
pub fn back(entity: &str, name: &str) -> Option<(&'static str, &'static str)> {
    let (child, by) = name.split_once("CollectionBy")?;
    let child = self::entity(child)?;
    let (by, holds) = column(child, by)?;
    (holds.target() == Some(entity)).then_some((child, by))
}

/// Nothing, where an id stands.
pub const NO_ID: &str = "00000000-0000-0000-0000-000000000000";
/// Nothing, where a time stands.
pub const NO_TIME: &str = "0001-01-01T00:00:00.0000000Z";

/// 32 digits as an id is written.
pub fn guid(hex: &str) -> String {
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    let parts = [
        part(0, 8),
        part(8, 12),
        part(12, 16),
        part(16, 20),
        part(20, 32),
    ];
    parts.join("-")
}

/// Whether a text is an id.
pub fn is_guid(text: &str) -> bool {
    let parts: Vec<usize> = text.split('-').map(str::len).collect();
    parts == [8, 4, 4, 4, 12] && text.chars().all(|c| c.is_ascii_hexdigit() || c == '-')
}

/// The contact of the user that every client of a site speaks for: the same on all sites, which are copies of one.
pub const ME: &str = "410006e1-ca4e-4502-a9ec-e54d922d2c00";
/// Another user's contact.
pub const COLLEAGUE: &str = "98dae6f4-70ae-4f4b-9db5-e4fcb659ef19";

/// Types of tags.
pub const PRIVATE: &str = "8d7f6d6c-4ca5-4b43-bdd9-a5e01a582260";

/// What every site has from the start: entity, id, name.
pub const ROWS: &[(&str, &str, &str)] = &[
    ("TagType", PRIVATE, "Private"),
    (
        "TagType",
        "5d79e393-f8e0-4830-a76b-f3c7bce529ed",
        "Corporate",
    ),
    ("TagType", "d6fb4de6-0809-41fe-a84f-6d245cbc5f32", "Public"),
    ("CommunicationType", EMAIL, "Email"),
    ("CommunicationType", MOBILE, "Mobile phone"),
    ("CommunicationType", HOME, "Home phone"),
    ("CommunicationType", WORK, "Business phone"),
    (
        "CommunicationType",
        "6a3fb10c-67cc-df11-9b2a-001d60e938c6",
        "Primary phone",
    ),
    (
        "CommunicationType",
        "2b387201-67cc-df11-9b2a-001d60e938c6",
        "Alternate phone",
    ),
    (
        "CommunicationType",
        "21c0d693-9a52-43fa-b7f1-c6d8b53975d4",
        "Other phone",
    ),
    (
        "CommunicationType",
        "9a7ab41b-67cc-df11-9b2a-001d60e938c6",
        "Fax",
    ),
    ("CommunicationType", SKYPE, "Skype"),
    ("CommunicationType", WEB, "Web"),
    ("AddressType", HOME_ADDRESS, "Home"),
    ("AddressType", BUSINESS_ADDRESS, "Business"),
    (
        "AddressType",
        "780bf68c-4b6e-df11-b988-001d60e938c6",
        "Actual",
    ),
    (
        "AddressType",
        "760bf68c-4b6e-df11-b988-001d60e938c6",
        "Shipping",
    ),
    (
        "AddressType",
        "ce157f11-f425-4811-ba0e-e3816e8eced5",
        "Other",
    ),
    (
        "Account",
        "e308b781-3c5b-4ecb-89ef-5c1ed4da488e",
        "Our company",
    ),
];

/// Kinds of communication (providers/creatio.md 4).
pub const EMAIL: &str = "ee1c85c3-cfcb-df11-9b2a-001d60e938c6";
/// Mobile phone.
pub const MOBILE: &str = "d4a2dc80-30ca-df11-9b2a-001d60e938c6";
/// Home phone.
pub const HOME: &str = "0da6a26b-d7bc-df11-b00f-001d60e938c6";
/// Business phone.
pub const WORK: &str = "3dddb3cc-53ee-49c4-a71f-e9e257f59e49";
/// Skype.
pub const SKYPE: &str = "09e4bda6-cfcb-df11-9b2a-001d60e938c6";
/// Web page.
pub const WEB: &str = "6a8ba927-67cc-df11-9b2a-001d60e938c6";

/// An address at home.
pub const HOME_ADDRESS: &str = "4f8b2d67-71d0-45fb-897e-cd4a308a97c0";
/// An address at work.
pub const BUSINESS_ADDRESS: &str = "fb7a3f6a-f36b-1410-6f81-1c6f65e50343";

/// The columns of a contact that stand for its primary row of a kind.
pub const MIRRORED: &[(&str, &str)] = &[
    ("Email", EMAIL),
    ("MobilePhone", MOBILE),
    ("HomePhone", HOME),
    ("Phone", WORK),
    ("Skype", SKYPE),
];
