//! Small connections and records for tests of the engine. Not a simulation: that is `world`.

use chrono::DateTime;
use syncline_engine::{Policy, PolicyInput, default_mapping};
use syncline_model::{
    Cardinality, ConflictPolicy, ConnectionId, DeletionPolicy, Deletions, Direction, EntryKey,
    FieldDescriptor, FieldName, Fields, Guards, Kind, Mapping, MatchKey, OnLeave, Record, RemoteId,
    Rule, Sides, Value, Version,
};

/// A connection under test.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The fields that each account has.
    pub fields: Sides<Vec<FieldDescriptor>>,
    /// Which fields.
    pub mapping: Mapping,
    /// Which way records flow.
    pub direction: Direction,
    /// Who wins a conflict.
    pub conflict: ConflictPolicy,
    /// What deletions do.
    pub deletions: Deletions,
    /// What leaving does.
    pub on_leave: OnLeave,
    /// Per side, whether records can be taken out of its collection.
    pub movable: Sides<bool>,
    /// IF and THEN.
    pub rules: Vec<Rule>,
    /// What matches at first contact.
    pub matching: Vec<MatchKey>,
    /// Whose it is.
    pub connection: ConnectionId,
}

impl Setup {
    /// Two-way, a wins, deletions ignored, the default mapping.
    pub fn new(a: Vec<FieldDescriptor>, b: Vec<FieldDescriptor>) -> Self {
        let fields = Sides { a, b };
        Self {
            mapping: default_mapping(&fields, Direction::TwoWay),
            fields,
            direction: Direction::TwoWay,
            conflict: ConflictPolicy::AWins,
            deletions: Deletions::default(),
            on_leave: OnLeave::Freeze,
            movable: Sides::of(|_| true),
            rules: Vec::new(),
            matching: vec![MatchKey::Email],
            connection: ConnectionId::NIL,
        }
    }

    /// Two sides with one text field `x` each.
    pub fn one_field() -> Self {
        Self::new(vec![text("x")], vec![text("x")])
    }

    /// The same, changed.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// The same, with one deletion policy for both directions.
    #[must_use]
    pub fn deleting(self, policy: DeletionPolicy) -> Self {
        self.with(|setup| {
            setup.deletions = Deletions {
                a_to_b: policy,
                b_to_a: policy,
            };
        })
    }

    /// The same; who leaves is followed by the partner.
    #[must_use]
    pub fn leaving(self) -> Self {
        self.with(|setup| setup.on_leave = OnLeave::Leave)
    }

    /// The same, with one more rule, as the API writes it.
    #[must_use]
    pub fn rule(self, json: &str) -> Self {
        self.with(|setup| {
            setup
                .rules
                .push(serde_json::from_str(json).expect("a rule"));
        })
    }

    /// Checks and lays it out.
    pub fn compile(&self) -> Result<Policy, Vec<syncline_engine::ConfigError>> {
        Policy::compile(&self.input())
    }

    /// What a policy is made from.
    pub fn input(&self) -> PolicyInput<'_> {
        PolicyInput {
            direction: self.direction,
            conflict: self.conflict,
            deletions: self.deletions,
            on_leave: self.on_leave,
            movable: &self.movable,
            mapping: &self.mapping,
            rules: &self.rules,
            matching: &self.matching,
            guards: Guards::default(),
            fields: &self.fields,
            connection: self.connection,
            now: DateTime::UNIX_EPOCH,
        }
    }

    /// The policy of a connection that is known to be sound.
    pub fn policy(&self) -> Policy {
        self.compile().expect("a connection that can be")
    }
}

/// A field that answers to the standard field of its own name.
pub fn field(name: &str, kind: Kind) -> FieldDescriptor {
    FieldDescriptor::new(name, name, kind).standard(name)
}

/// A text field that answers to the standard field of its own name.
pub fn text(name: &str) -> FieldDescriptor {
    field(name, Kind::Text)
}

/// A field that holds a set of choices.
pub fn set(name: &str) -> FieldDescriptor {
    FieldDescriptor {
        cardinality: Cardinality::Many,
        ..field(name, Kind::Choice)
    }
}

/// A CRM that refuses a contact without a family name, as Zoho does.
pub fn crm() -> Vec<FieldDescriptor> {
    vec![
        FieldDescriptor::new("First_Name", "First Name", Kind::Text).standard("given_name"),
        FieldDescriptor {
            required: true,
            max_length: Some(80),
            ..FieldDescriptor::new("Last_Name", "Last Name", Kind::Text).standard("family_name")
        },
        FieldDescriptor::new("Email", "Email", Kind::Email).standard("email.work"),
        FieldDescriptor::new("Account", "Account", Kind::Text).standard("company"),
        FieldDescriptor {
            max_length: Some(10),
            ..FieldDescriptor::new("Title", "Title", Kind::Text).standard("job_title")
        },
    ]
}

/// An address book with separate name parts, as Google's.
pub fn book() -> Vec<FieldDescriptor> {
    vec![
        FieldDescriptor::new("given", "Given name", Kind::Text).standard("given_name"),
        FieldDescriptor::new("family", "Family name", Kind::Text).standard("family_name"),
        FieldDescriptor::new("email", "Work e-mail", Kind::Email).standard("email.work"),
        FieldDescriptor::new("org", "Company", Kind::Text).standard("company"),
        FieldDescriptor::new("title", "Job title", Kind::Text).standard("job_title"),
    ]
}

/// Fields from pairs of texts; an empty text is an absent field.
pub fn fields(pairs: &[(&str, &str)]) -> Fields {
    pairs
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| (FieldName::new(*name), Value::text(*value)))
        .collect()
}

/// A set as a value.
pub fn list(items: &[&str]) -> Value {
    if items.is_empty() {
        return Value::Empty;
    }
    Value::List(items.iter().map(|item| Value::text(*item)).collect())
}

/// A record that nobody dated.
pub fn record(id: &str, version: &str, fields: Fields) -> Record {
    Record {
        id: RemoteId::new(id),
        version: Version::new(version),
        modified_at: None,
        fields,
    }
}

/// The key of a mapping entry by its two paths.
pub fn key(a: &str, b: &str) -> EntryKey {
    EntryKey::new(&a.parse().expect("a path"), &b.parse().expect("a path"))
}

/// Values by mapping entry.
pub fn slots(pairs: &[(EntryKey, Value)]) -> syncline_model::Slots {
    pairs.iter().cloned().collect()
}
