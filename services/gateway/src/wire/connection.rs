//! A connection as the API takes and shows it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use syncline_model::{
    ConflictPolicy, Connection, ConnectionId, ConnectionStatus, DeletionPolicy, Deletions,
    Direction, Guards, MappingChoice, MatchKey, ObjectType, OnLeave, Rule, Schedule, SideConfig,
};
use utoipa::ToSchema;

use crate::extract::{Checked, Findings};
use crate::schema;

/// Longest name of a connection, in characters.
const NAME: usize = 200;
/// Most rules of a connection.
const RULES: usize = 50;
/// Most conditions, and most actions, of a rule.
const RULE_PARTS: usize = 50;
/// Most match keys.
const KEYS: usize = 10;
/// Most entries of a mapping.
const ENTRIES: usize = 200;

/// Two accounts' collections kept in step.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Connection)]
pub struct ConnectionJson {
    /// Its id.
    #[schema(value_type = schema::ConnectionId)]
    pub id: ConnectionId,
    /// What people call it.
    pub name: String,
    /// What is synced.
    #[schema(value_type = schema::ObjectType)]
    pub object: ObjectType,
    /// Side a.
    #[schema(value_type = schema::SideConfig)]
    pub a: SideConfig,
    /// Side b.
    #[schema(value_type = schema::SideConfig)]
    pub b: SideConfig,
    /// Which way.
    #[schema(value_type = schema::Direction)]
    pub direction: Direction,
    /// Who wins a conflict.
    #[schema(value_type = schema::ConflictPolicy)]
    pub conflict: ConflictPolicy,
    /// How often.
    #[schema(value_type = schema::Schedule)]
    pub schedule: Schedule,
    /// IF and THEN, both directions.
    #[schema(value_type = Vec<schema::Rule>)]
    pub rules: Vec<Rule>,
    /// Which fields.
    #[schema(value_type = schema::MappingChoice)]
    pub mapping: MappingChoice,
    /// What deletions do.
    #[schema(value_type = schema::Deletions)]
    pub deletions: Deletions,
    /// What leaving the collection or the rules does.
    #[schema(value_type = schema::OnLeave)]
    pub on_leave: OnLeave,
    /// What matches at first contact.
    #[schema(value_type = Vec<schema::MatchKey>)]
    pub r#match: Vec<MatchKey>,
    /// What parks a plan.
    #[schema(value_type = schema::Guards)]
    pub guards: Guards,
    /// Whether it runs.
    #[schema(value_type = schema::ConnectionStatus)]
    pub status: ConnectionStatus,
    /// Counts edits; its `ETag` is this number in quotes.
    pub revision: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last edited.
    pub updated_at: DateTime<Utc>,
}

/// A connection that was just made.
#[derive(Serialize, ToSchema)]
#[schema(as = MadeConnection)]
pub struct MadeConnection {
    /// The connection.
    #[serde(flatten)]
    pub connection: ConnectionJson,
    /// What to mind, in words for a customer: other connections of the same two accounts, each by name and id.
    pub warnings: Vec<String>,
}

impl From<Connection> for ConnectionJson {
    fn from(connection: Connection) -> Self {
        Self {
            id: connection.id,
            name: connection.name,
            object: connection.object,
            a: connection.sides.a,
            b: connection.sides.b,
            direction: connection.direction,
            conflict: connection.conflict,
            schedule: connection.schedule,
            rules: connection.rules,
            mapping: connection.mapping,
            deletions: connection.deletions,
            on_leave: connection.on_leave,
            r#match: connection.matching,
            guards: connection.guards,
            status: connection.status,
            revision: connection.revision,
            created_at: connection.created_at,
            updated_at: connection.updated_at,
        }
    }
}

fn by_email() -> Vec<MatchKey> {
    vec![MatchKey::Email]
}

/// A connection to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewConnection {
    /// What people call it, 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200, example = "Sales contacts")]
    pub name: String,
    /// What is synced; `contact` when left out.
    #[serde(default)]
    #[schema(value_type = schema::ObjectType)]
    pub object: ObjectType,
    /// Side a.
    #[schema(value_type = schema::SideConfig)]
    pub a: SideConfig,
    /// Side b.
    #[schema(value_type = schema::SideConfig)]
    pub b: SideConfig,
    /// Which way; `two_way` when left out.
    #[serde(default)]
    #[schema(value_type = schema::Direction)]
    pub direction: Direction,
    /// Who wins a conflict; `a_wins` when left out.
    #[serde(default)]
    #[schema(value_type = schema::ConflictPolicy)]
    pub conflict: ConflictPolicy,
    /// How often; every five minutes when left out.
    #[serde(default)]
    #[schema(value_type = schema::Schedule)]
    pub schedule: Schedule,
    /// IF and THEN, both directions; none means that every record of the collection takes part. At most 50.
    #[serde(default)]
    #[schema(value_type = Vec<schema::Rule>, max_items = 50)]
    pub rules: Vec<Rule>,
    /// Which fields; `"default"` when left out.
    #[serde(default)]
    #[schema(value_type = schema::MappingChoice)]
    pub mapping: MappingChoice,
    /// What deletions do; nothing when left out.
    #[serde(default)]
    #[schema(value_type = schema::Deletions)]
    pub deletions: Deletions,
    /// What leaving the collection or the rules does; `freeze` when left out.
    #[serde(default)]
    #[schema(value_type = schema::OnLeave)]
    pub on_leave: OnLeave,
    /// What matches at first contact, 1 to 10 keys, strongest first; `["email"]` when left out. By each of them a match
    /// must be the only one both ways; who could be several is a problem to answer.
    #[serde(default = "by_email")]
    #[schema(value_type = Vec<schema::MatchKey>, min_items = 1, max_items = 10)]
    pub r#match: Vec<MatchKey>,
    /// What parks a plan.
    #[serde(default)]
    #[schema(value_type = schema::Guards)]
    pub guards: Guards,
}

impl Checked for NewConnection {
    fn check(&self, findings: &mut Findings) {
        findings.text("/name", &self.name, 1, NAME);
        check_settings(
            findings,
            Some(&self.rules),
            Some(&self.mapping),
            Some(&self.r#match),
            Some(&self.guards),
        );
        if self.a.account == self.b.account {
            findings.add(
                "/b/account",
                "Must be another account than that of side a: a connection joins two accounts.",
            );
        }
    }
}

/// Changes to a connection: what is left out stays. The sides cannot be changed; make another connection instead (links
/// outlive connections, so nothing is created twice).
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConnectionPatch {
    /// What people call it, 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200, nullable = false)]
    pub name: Option<String>,
    /// Which way.
    #[schema(value_type = Option<schema::Direction>, nullable = false)]
    pub direction: Option<Direction>,
    /// Who wins a conflict.
    #[schema(value_type = Option<schema::ConflictPolicy>, nullable = false)]
    pub conflict: Option<ConflictPolicy>,
    /// How often.
    #[schema(value_type = Option<schema::Schedule>, nullable = false)]
    pub schedule: Option<Schedule>,
    /// All rules, in place of those there were.
    #[schema(value_type = Option<Vec<schema::Rule>>, max_items = 50, nullable = false)]
    pub rules: Option<Vec<Rule>>,
    /// The mapping, in place of the one there was.
    #[schema(value_type = Option<schema::MappingChoice>, nullable = false)]
    pub mapping: Option<MappingChoice>,
    /// What deletions do; the way that is left out stays.
    #[schema(nullable = false)]
    pub deletions: Option<DeletionsPatch>,
    /// What leaving does.
    #[schema(value_type = Option<schema::OnLeave>, nullable = false)]
    pub on_leave: Option<OnLeave>,
    /// What matches at first contact.
    #[schema(value_type = Option<Vec<schema::MatchKey>>, nullable = false)]
    pub r#match: Option<Vec<MatchKey>>,
    /// What parks a plan; limits that are left out stay.
    #[schema(nullable = false)]
    pub guards: Option<GuardsPatch>,
}

/// Changes to what deletions do.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeletionsPatch {
    /// A deletion on a, carried to b.
    #[schema(value_type = Option<schema::DeletionPolicy>, nullable = false)]
    a_to_b: Option<DeletionPolicy>,
    /// A deletion on b, carried to a.
    #[schema(value_type = Option<schema::DeletionPolicy>, nullable = false)]
    b_to_a: Option<DeletionPolicy>,
}

/// Changes to what parks a plan.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GuardsPatch {
    /// Deletions carried over in a run or in 24 hours: at most the larger of this number ...
    #[schema(nullable = false)]
    deletions_min: Option<u32>,
    /// ... and this percentage of the links.
    #[schema(nullable = false)]
    deletions_percent: Option<u32>,
    /// A side that shrinks by more than this percentage in a run, or turns empty.
    #[schema(nullable = false)]
    shrink_percent: Option<u32>,
    /// One field overwritten on more than this percentage of the links in a run.
    #[schema(nullable = false)]
    overwrite_percent: Option<u32>,
}

impl DeletionsPatch {
    fn apply(self, to: &mut Deletions) {
        replace(&mut to.a_to_b, self.a_to_b);
        replace(&mut to.b_to_a, self.b_to_a);
    }
}

impl GuardsPatch {
    fn apply(self, to: &mut Guards) {
        replace(&mut to.deletions_min, self.deletions_min);
        replace(&mut to.deletions_percent, self.deletions_percent);
        replace(&mut to.shrink_percent, self.shrink_percent);
        replace(&mut to.overwrite_percent, self.overwrite_percent);
    }
}

impl Checked for ConnectionPatch {
    fn check(&self, findings: &mut Findings) {
        if let Some(name) = &self.name {
            findings.text("/name", name, 1, NAME);
        }
        let guards = self.guards.map(|patch| {
            let mut guards = Guards::default();
            patch.apply(&mut guards);
            guards
        });
        check_settings(
            findings,
            self.rules.as_deref(),
            self.mapping.as_ref(),
            self.r#match.as_deref(),
            guards.as_ref(),
        );
    }
}

impl ConnectionPatch {
    /// The connection with the changes made to it.
    pub fn apply(self, mut connection: Connection, now: DateTime<Utc>) -> Connection {
        let Self {
            name,
            direction,
            conflict,
            schedule,
            rules,
            mapping,
            deletions,
            on_leave,
            r#match,
            guards,
        } = self;
        replace(&mut connection.name, name.map(|n| n.trim().to_owned()));
        replace(&mut connection.direction, direction);
        replace(&mut connection.conflict, conflict);
        replace(&mut connection.schedule, schedule);
        replace(&mut connection.rules, rules);
        replace(&mut connection.mapping, mapping);
        if let Some(patch) = deletions {
            patch.apply(&mut connection.deletions);
        }
        replace(&mut connection.on_leave, on_leave);
        replace(&mut connection.matching, r#match);
        if let Some(patch) = guards {
            patch.apply(&mut connection.guards);
        }
        connection.updated_at = now;
        connection
    }
}

fn replace<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

fn check_settings(
    findings: &mut Findings,
    rules: Option<&[Rule]>,
    mapping: Option<&MappingChoice>,
    matching: Option<&[MatchKey]>,
    guards: Option<&Guards>,
) {
    let rules = rules.unwrap_or_default();
    if rules.len() > RULES {
        findings.add("/rules", format!("At most {RULES} rules."));
    }
    for (at, rule) in rules.iter().enumerate() {
        if rule.conditions.len() > RULE_PARTS {
            let pointer = format!("/rules/{at}/if");
            findings.add(pointer, format!("At most {RULE_PARTS} conditions."));
        }
        if rule.actions.len() > RULE_PARTS {
            let pointer = format!("/rules/{at}/then");
            findings.add(pointer, format!("At most {RULE_PARTS} actions."));
        }
    }
    if let Some(MappingChoice::Custom(mapping)) = mapping
        && !(1..=ENTRIES).contains(&mapping.entries.len())
    {
        findings.add("/mapping", format!("From 1 to {ENTRIES} entries."));
    }
    if matching.is_some_and(|keys| !(1..=KEYS).contains(&keys.len())) {
        findings.add("/match", format!("From 1 to {KEYS} keys, strongest first."));
    }
    if let Some(guards) = guards {
        for (name, percent) in [
            ("deletions_percent", guards.deletions_percent),
            ("shrink_percent", guards.shrink_percent),
            ("overwrite_percent", guards.overwrite_percent),
        ] {
            if percent > 100 {
                findings.add(format!("/guards/{name}"), "From 0 to 100.");
            }
        }
        if guards.deletions_min > 1_000_000 {
            findings.add("/guards/deletions_min", "From 0 to 1000000.");
        }
    }
}

/// The word of a deletion policy.
pub const fn deletion_word(policy: DeletionPolicy) -> &'static str {
    match policy {
        DeletionPolicy::Ignore => "ignore",
        DeletionPolicy::Unlink => "unlink",
        DeletionPolicy::Mark => "mark",
        DeletionPolicy::Delete => "delete",
    }
}
