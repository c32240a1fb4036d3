//! What a connection says, checked against the fields that its two accounts really have and laid out for planning.
//!
//! Compiled once a run; everything per record works on this and never looks a descriptor up by name again.

mod check;
mod entries;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use syncline_model::{
    Action, Cardinality, ConflictPolicy, ConnectionId, DeletionPolicy, Deletions, Direction,
    Effect, EntryKey, FieldDescriptor, FieldName, Guards, Kind, Mapping, MatchKey, OnLeave, Part,
    PausedEntry, Rule, Side, Sides, Value,
};

use crate::matching::By;

pub use entries::Entry;

/// Something in a connection that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {message}")]
pub struct ConfigError {
    /// JSON pointer into the connection (`/mapping/3/a`).
    pub path: String,
    /// What is wrong and what would be right.
    pub message: String,
}

/// What a policy is made from.
#[derive(Clone, Copy, Debug)]
pub struct PolicyInput<'a> {
    /// Which way records flow.
    pub direction: Direction,
    /// Who wins a conflict.
    pub conflict: ConflictPolicy,
    /// What deletions do.
    pub deletions: Deletions,
    /// What leaving does.
    pub on_leave: OnLeave,
    /// Per side, whether we can take records out of its collection and put them into it.
    pub movable: &'a Sides<bool>,
    /// Which fields.
    pub mapping: &'a Mapping,
    /// IF and THEN.
    pub rules: &'a [Rule],
    /// What matches at first contact.
    pub matching: &'a [MatchKey],
    /// What parks a plan.
    pub guards: Guards,
    /// The fields that each account has.
    pub fields: &'a Sides<Vec<FieldDescriptor>>,
    /// Whose policy it is: what its rules did to a record is kept apart from what other connections' rules did.
    pub connection: ConnectionId,
    /// The time that conditions go by.
    pub now: DateTime<Utc>,
}

/// A compiled connection.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Which way records flow.
    pub direction: Direction,
    /// What deletions do.
    pub deletions: Deletions,
    /// What leaving does.
    pub on_leave: OnLeave,
    /// Per side, whether we can take records out of its collection and put them into it.
    pub(crate) movable: Sides<bool>,
    /// What parks a plan.
    pub guards: Guards,
    /// The mapping entries.
    pub entries: Vec<Entry>,
    /// The rules.
    pub rules: Vec<Rule>,
    /// Whose policy it is.
    pub(crate) connection: ConnectionId,
    /// The time that conditions go by.
    pub(crate) now: DateTime<Utc>,
    /// Fields that hold a record's places in containers, by the containers' kind.
    pub(crate) memberships: Sides<BTreeMap<String, FieldName>>,
    /// Per side, what its new records are given besides what is mapped: the field there, and the other side's.
    pub(crate) handed_on: Sides<Vec<(FieldName, FieldName)>>,
    /// Kind and cardinality by field, for rules and actions.
    pub kinds: Sides<BTreeMap<FieldName, (Kind, Cardinality)>>,
    /// Entries (given name, family name) of a side that refuses records without a family name.
    pub(crate) mononym: Sides<Option<(usize, usize)>>,
    /// Entries (given name, family name), whatever is required; for telling people apart who share an address.
    pub(crate) names: Option<(usize, usize)>,
    /// Fields of a side from which a required but missing family name is filled in, first one first.
    pub(crate) fallbacks: Sides<Vec<FieldName>>,
    /// The entry of a full name that is mapped as a whole.
    pub(crate) full_name: Option<usize>,
    /// The entry of the company's name.
    pub(crate) company: Option<usize>,
    /// Fields that hold a contact's own e-mail addresses, the work address first.
    pub(crate) emails: Sides<Vec<FieldName>>,
    /// Fields that hold a contact's own telephone numbers, those where faxes are sent to left out.
    pub(crate) phones: Sides<Vec<FieldName>>,
    /// What records are matched by at first contact, strongest first.
    pub(crate) matching: Vec<By>,
}

/// Fields that can stand in for a missing name, by the standard field that they answer to.
const FALLBACKS: [&str; 10] = [
    "company",
    "nickname",
    "email.work",
    "email.home",
    "email.other",
    "phone.work",
    "phone.mobile",
    "phone.home",
    "phone.other",
    "phone.fax",
];

/// Most rules a connection may have.
const MAX_RULES: usize = 50;

impl Policy {
    /// Checks and lays out a connection. Every error names its place and what would be right.
    pub fn compile(input: &PolicyInput<'_>) -> Result<Self, Vec<ConfigError>> {
        let mut errors = Vec::new();
        let fields = named(input);
        let input = &PolicyInput {
            fields: &fields,
            ..*input
        };
        let by_name = Sides::of(|side| {
            input
                .fields
                .get(side)
                .iter()
                .map(|field| (field.name.clone(), field))
                .collect::<BTreeMap<_, _>>()
        });
        let entries = entries::compile(input, &by_name, &mut errors);
        check::rules(input, &by_name, &entries, &mut errors);
        if !errors.is_empty() {
            return Err(errors);
        }
        let standard = |side: Side, name: &str| {
            input
                .fields
                .get(side)
                .iter()
                .find(|field| field.standard.as_deref() == Some(name))
                .map(|field| &field.name)
        };
        let entry_at = |side: Side, name: &str, part: Option<&Part>| {
            entries.iter().position(|entry| {
                let path = entry.paths.get(side);
                match &path.part {
                    Some(own) => Some(own) == part,
                    None => standard(side, name) == Some(&path.field),
                }
            })
        };
        let entry_of = |side: Side, name: &str| entry_at(side, name, None);
        let names = |side: Side| {
            Some((
                entry_at(side, "given_name", Some(&Part::Given))?,
                entry_at(side, "family_name", Some(&Part::Family))?,
            ))
        };
        let mononym = Sides::of(|side| {
            names(side).filter(|(_, family)| {
                entries
                    .get(*family)
                    .is_some_and(|entry| entry.holds.get(side).required)
            })
        });
        let mut policy = Self {
            direction: input.direction,
            deletions: input.deletions,
            on_leave: input.on_leave,
            movable: input.movable.clone(),
            guards: input.guards,
            rules: input.rules.to_vec(),
            connection: input.connection,
            now: input.now,
            memberships: Sides::of(|side| memberships(input.fields.get(side))),
            handed_on: Sides::of(|side| {
                let fields = input.fields.get(side).iter();
                let fields = fields.filter(|field| field.at_creation && !field.writable);
                let pairs = fields.filter_map(|field| {
                    let theirs = standard(side.other(), field.standard.as_deref()?)?;
                    Some((field.name.clone(), theirs.clone()))
                });
                pairs.collect()
            }),
            kinds: Sides::of(|side| {
                input
                    .fields
                    .get(side)
                    .iter()
                    .map(|field| (field.name.clone(), (field.kind, field.cardinality)))
                    .collect()
            }),
            names: names(Side::A).or_else(|| names(Side::B)),
            mononym,
            fallbacks: Sides::of(|side| {
                FALLBACKS
                    .iter()
                    .filter_map(|name| standard(side, name).cloned())
                    .collect()
            }),
            full_name: entries
                .iter()
                .position(|entry| entry.kind == Kind::FullName),
            company: entry_of(Side::A, "company").or_else(|| entry_of(Side::B, "company")),
            emails: Sides::of(|side| own_addresses(input.fields.get(side))),
            phones: Sides::of(|side| own_phones(input.fields.get(side))),
            matching: Vec::new(),
            entries,
        };
        policy.matching = check::matching(input.matching, &policy)?;
        Ok(policy)
    }

    /// As `compile`, for a connection that was sound once: entries whose fields are not as they were rest, and what is left
    /// goes on without them. What else is wrong, rules among it, is an error still: without a condition more records would
    /// take part than the customer said.
    pub fn compile_rest(
        input: &PolicyInput<'_>,
    ) -> Result<(Self, Vec<PausedEntry>), Vec<ConfigError>> {
        let errors = match Self::compile(input) {
            Ok(policy) => return Ok((policy, Vec::new())),
            Err(errors) => errors,
        };
        let mut paused = Vec::new();
        let mut rest = Mapping::default();
        for (index, entry) in input.mapping.entries.iter().enumerate() {
            let (whole, parts) = (format!("/mapping/{index}"), format!("/mapping/{index}/"));
            let wrong = errors
                .iter()
                .find(|error| error.path == whole || error.path.starts_with(&parts));
            match wrong {
                None => rest.entries.push(entry.clone()),
                Some(error) => paused.push(PausedEntry {
                    a: entry.a.clone(),
                    b: entry.b.clone(),
                    reason: error.message.clone(),
                }),
            }
        }
        if paused.is_empty() || rest.entries.is_empty() {
            return Err(errors);
        }
        let rest = PolicyInput {
            mapping: &rest,
            ..*input
        };
        Ok((Self::compile(&rest)?, paused))
    }

    /// The fields of a side that planning looks at: what a pull must ask for.
    pub fn wanted(&self, side: Side) -> Vec<FieldName> {
        let mut wanted: BTreeSet<FieldName> = self
            .entries
            .iter()
            .map(|entry| entry.paths.get(side).field.clone())
            .collect();
        wanted.extend(self.emails.get(side).iter().cloned());
        if self.matching.contains(&By::Phone) {
            wanted.extend(self.phones.get(side).iter().cloned());
        }
        if self.flows_from(side) {
            let handed_on = self.handed_on.get(side.other()).iter();
            wanted.extend(handed_on.map(|(_, theirs)| theirs.clone()));
        }
        if self.mononym.get(side.other()).is_some() {
            wanted.extend(self.fallbacks.get(side).iter().cloned());
        }
        for rule in &self.rules {
            if rule.from == side {
                wanted.extend(rule.conditions.iter().map(|c| c.field.field.clone()));
            }
            for action in &rule.actions {
                wanted.extend(self.action_field(rule.from, action, side).cloned());
            }
        }
        wanted.into_iter().collect()
    }

    /// Whether a record stays as it is when its partner, on side `gone`, is deleted.
    pub fn survives(&self, gone: Side) -> bool {
        self.deletions.on(gone) == DeletionPolicy::Ignore || !self.flows_from(gone)
    }

    /// Whether records of a side must have been read when they are written: a composite field is sent whole, and
    /// where only some of its parts are mapped the others are known from the record alone. Updates of a side that
    /// says so are to be planned with it `Present`. So are those where rules add to what stands there, or may have to
    /// put back what stood there.
    pub fn reads_before_writing(&self, side: Side) -> bool {
        if self.undoes(side) || self.adds(side) {
            return true;
        }
        let mut parts: BTreeMap<&FieldName, usize> = BTreeMap::new();
        for path in self.entries.iter().map(|entry| entry.paths.get(side)) {
            if path.part.is_some() {
                *parts.entry(&path.field).or_default() += 1;
            }
        }
        let written = |field: &FieldName| {
            let mut entries = self.entries.iter();
            entries
                .any(|entry| entry.paths.get(side).field == *field && *entry.from.get(side.other()))
        };
        // Several words may mean the same: what was seen does not tell which of them stands there.
        let tabled = |field: &FieldName| {
            let mut entries = self.entries.iter();
            entries.any(|entry| entry.paths.get(side).field == *field && entry.has_table())
        };
        parts.into_iter().any(|(field, mapped)| {
            let all = match self.kinds.get(side).get(field) {
                // A set holds what it will.
                Some((_, Cardinality::Many)) => usize::MAX,
                Some((Kind::Address, _)) => Part::ADDRESS.len(),
                _ => 2,
            };
            (mapped < all || tabled(field)) && written(field)
        })
    }

    /// Whether rules undo what they did to records of a side, once the other record stops matching.
    pub fn undoes(&self, side: Side) -> bool {
        let mut rules = self.rules.iter().filter(|rule| rule.from != side);
        rules.any(|rule| {
            let mut actions = rule.actions.iter();
            actions.any(|action| self.takes_back(rule, action))
        })
    }

    /// Whether what an action does is undone, once the record stops matching. Who leaves does so altogether: the groups
    /// and tags that rules gave are marks of ours as much as the place in the collection.
    pub(crate) fn takes_back(&self, rule: &Rule, action: &Action) -> bool {
        let is_mark = matches!(action.effect, Effect::Add(_));
        rule.reverse_on_exit || is_mark && self.on_leave == OnLeave::Leave
    }

    /// Whether a record leaves its collection when its partner, on this side, leaves.
    pub fn takes_out(&self, left: Side) -> bool {
        self.on_leave == OnLeave::Leave && self.flows_from(left) && *self.movable.get(left.other())
    }

    /// Whether anything is taken away from a record when its partner leaves, as the guards count it.
    pub fn parts(&self) -> bool {
        let marks = |side| self.on_leave == OnLeave::Leave && self.undoes(side);
        let mut sides = Side::BOTH.into_iter();
        sides.any(|side| self.takes_out(side) || marks(side))
    }

    /// Whether rules add to what stands in a field with many values.
    fn adds(&self, side: Side) -> bool {
        let rules = self.rules.iter().filter(|rule| rule.from != side);
        let mut actions = rules.flat_map(|rule| &rule.actions);
        actions.any(|action| match &action.effect {
            Effect::Add(_) => true,
            Effect::Set { field, .. } | Effect::Copy { field, .. } => {
                let kind = self.kinds.get(side).get(&field.field);
                kind.is_some_and(|(_, cardinality)| *cardinality == Cardinality::Many)
            }
        })
    }

    /// The field of a side that an action of a rule reads or writes.
    fn action_field<'a>(
        &'a self,
        from: Side,
        action: &'a Action,
        side: Side,
    ) -> Option<&'a FieldName> {
        match &action.effect {
            Effect::Set { field, .. } => (side != from).then_some(&field.field),
            Effect::Copy {
                field,
                from: source,
            } => Some(if side == from {
                &source.field
            } else {
                &field.field
            }),
            Effect::Add(container) if side != from => {
                self.memberships.get(side).get(&container.kind)
            }
            Effect::Add(_) => None,
        }
    }

    /// The fields of a side that rules write to, some of them more than once.
    pub(crate) fn acted_fields(&self, side: Side) -> impl Iterator<Item = &FieldName> {
        let rules = self.rules.iter().filter(move |rule| rule.from != side);
        rules.flat_map(move |rule| {
            let actions = rule.actions.iter();
            actions.filter_map(move |action| self.action_field(rule.from, action, side))
        })
    }

    /// How a side says what an entry holds, for people to read.
    pub(crate) fn said(&self, side: Side, key: &EntryKey, value: &Value) -> Value {
        let entry = self.entries.iter().find(|entry| entry.key == *key);
        entry.map_or_else(|| value.clone(), |entry| entry.said(side, value))
    }

    /// Whether records may flow from a side at all.
    pub const fn flows_from(&self, side: Side) -> bool {
        self.direction.from_side(side)
    }
}

/// The e-mail fields that hold a contact's own addresses, the work address first. A read-only field that answers to no
/// standard field (the record's owner, who created it) holds somebody else's.
fn own_addresses(fields: &[FieldDescriptor]) -> Vec<FieldName> {
    let is_standard = |field: &FieldDescriptor| {
        let standard = field.standard.as_deref();
        standard.is_some_and(|name| name.starts_with("email."))
    };
    let mut emails: Vec<&FieldDescriptor> = fields
        .iter()
        .filter(|field| field.kind == Kind::Email && (field.writable || is_standard(field)))
        .collect();
    emails.sort_by_key(|field| field.standard.as_deref() != Some("email.work"));
    emails.iter().map(|field| field.name.clone()).collect()
}

/// The telephone fields that hold a contact's own numbers. Where a fax answers, others do as well.
fn own_phones(fields: &[FieldDescriptor]) -> Vec<FieldName> {
    let own = fields.iter().filter(|field| {
        let is_fax = field.standard.as_deref() == Some("phone.fax");
        field.kind == Kind::Phone && !is_fax
    });
    own.map(|field| field.name.clone()).collect()
}

/// The fields that hold a record's places in containers, by the containers' kind.
fn memberships(fields: &[FieldDescriptor]) -> BTreeMap<String, FieldName> {
    let named = fields.iter().filter_map(|field| {
        let kind = field.membership.clone()?;
        Some((kind, field.name.clone()))
    });
    named.collect()
}

/// The fields of both sides, with those that are named by a mapping or a rule out of all that a provider takes.
fn named(input: &PolicyInput<'_>) -> Sides<Vec<FieldDescriptor>> {
    let mut fields = input.fields.clone();
    let mut mention = |side: Side, name: &FieldName| {
        let known = fields.get_mut(side);
        if known.iter().all(|field| field.name != *name) {
            let new = known.iter().find_map(|field| field.named(name));
            known.extend(new);
        }
    };
    for entry in &input.mapping.entries {
        for side in Side::BOTH {
            mention(side, &entry.path(side).field);
        }
    }
    for rule in input.rules {
        for condition in &rule.conditions {
            mention(rule.from, &condition.field.field);
        }
        for action in &rule.actions {
            if let Effect::Set { field, .. } | Effect::Copy { field, .. } = &action.effect {
                mention(rule.from.other(), &field.field);
            }
            if let Effect::Copy { from, .. } = &action.effect {
                mention(rule.from, &from.field);
            }
        }
    }
    fields
}
