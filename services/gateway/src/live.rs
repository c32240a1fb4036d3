//! What two accounts really have, asked of their providers, and whether a connection fits it.

use std::sync::Arc;

use serde_json::Value as Json;
use syncline_connector::{Connector, Session};
use syncline_engine::{Policy, PolicyInput, default_mapping};
use syncline_model::{
    Account, AccountStatus, Action, Collection, Connection, DeletionPolicy, Direction, Effect,
    FieldDescriptor, Kind, Mapping, MappingChoice, OnLeave, Permission, Permissions, Rule, Side,
    SideConfig, Sides,
};
use syncline_store::StoreError;

use crate::auth::Caller;
use crate::extract::{Findings, sentence};
use crate::problem::{Code, Problem};
use crate::state::State;
use crate::wire::deletion_word;

/// Most names listed in a message.
const LISTED: usize = 30;

/// Two accounts as they are now.
pub struct Live {
    connectors: Sides<Arc<dyn Connector>>,
    collections: Sides<Vec<Collection>>,
    permissions: Sides<Permissions>,
    /// The fields of each side.
    pub fields: Sides<Vec<FieldDescriptor>>,
}

/// Opens an account that is in order.
pub async fn open(
    state: &State,
    caller: &Caller,
    account: &Account,
) -> Result<(Arc<dyn Connector>, Session), Problem> {
    let reason = match &account.status {
        AccountStatus::Active => None,
        AccountStatus::Pending => Some("Its owner has not agreed at the provider yet.".to_owned()),
        AccountStatus::NeedsReauthorization { reason } => Some(reason.clone()),
    };
    if let Some(reason) = reason {
        return Err(Problem::new(Code::AccountNotActive, reason));
    }
    Ok(state.accounts.open(caller.tenant, account.id).await?)
}

/// Asks both providers what the two accounts have.
pub async fn look(
    state: &State,
    caller: &Caller,
    sides: &Sides<SideConfig>,
) -> Result<Live, Problem> {
    let accounts = Sides {
        a: account(caller, Side::A, &sides.a).await?,
        b: account(caller, Side::B, &sides.b).await?,
    };
    let (a, b) = tokio::try_join!(
        look_at(state, caller, &accounts.a),
        look_at(state, caller, &accounts.b)
    )?;
    Ok(Live {
        connectors: Sides { a: a.0, b: b.0 },
        collections: Sides { a: a.1, b: b.1 },
        permissions: Sides { a: a.3, b: b.3 },
        fields: Sides { a: a.2, b: b.2 },
    })
}

/// Asks both providers for the fields of the two accounts alone.
pub async fn fields(
    state: &State,
    caller: &Caller,
    sides: &Sides<SideConfig>,
) -> Result<Sides<Vec<FieldDescriptor>>, Problem> {
    let of = async |config: &SideConfig| {
        let account = caller.rows.account_get(config.account).await?;
        let (connector, session) = open(state, caller, &account).await?;
        Ok::<_, Problem>(connector.fields(&session).await?)
    };
    let (a, b) = tokio::try_join!(of(&sides.a), of(&sides.b))?;
    Ok(Sides { a, b })
}

/// An account that a body names: one that is not the caller's is not there.
async fn account(caller: &Caller, side: Side, config: &SideConfig) -> Result<Account, Problem> {
    let account = match caller.rows.account_get(config.account).await {
        Err(StoreError::NotFound) => {
            return Err(Problem::invalid(
                format!("/{side}/account"),
                "There is no such account.",
            ));
        }
        other => other?,
    };
    if account.status == AccountStatus::Active {
        Ok(account)
    } else {
        Err(Problem::invalid(
            format!("/{side}/account"),
            "The account is not active: its owner must agree at the provider first.",
        ))
    }
}

type Seen = (
    Arc<dyn Connector>,
    Vec<Collection>,
    Vec<FieldDescriptor>,
    Permissions,
);

async fn look_at(state: &State, caller: &Caller, account: &Account) -> Result<Seen, Problem> {
    let (connector, session) = open(state, caller, account).await?;
    let (collections, fields, permissions) = tokio::try_join!(
        connector.collections(&session),
        connector.fields(&session),
        connector.permissions(&session)
    )?;
    Ok((connector, collections, fields, permissions))
}

impl Live {
    /// The mapping that `"default"` stands for between these two.
    pub fn default_mapping(&self, direction: Direction) -> Mapping {
        default_mapping(&self.fields, direction)
    }

    /// The collection that a side means: the one it names, or the account's default.
    pub fn collection(&self, side: Side, config: &SideConfig) -> Result<&Collection, Problem> {
        let all = self.collections.get(side);
        let found = match &config.collection {
            Some(id) => all.iter().find(|collection| collection.id == *id),
            None => all.iter().find(|collection| collection.default),
        };
        found.ok_or_else(|| {
            let why = match &config.collection {
                Some(_) => "There is no such collection",
                None => "The account has no default collection: name one",
            };
            let ids = all.iter().map(|c| format!("`{}` ({})", c.id, c.name));
            Problem::invalid(
                format!("/{side}/collection"),
                format!("{why}. There are: {}.", listed(ids)),
            )
        })
    }

    /// Checks a connection's deletions, rules and mapping against what the accounts have and their connectors can do.
    pub fn check(&self, connection: &Connection) -> Result<(), Problem> {
        let mut findings = Findings::default();
        for side in Side::BOTH {
            self.check_deletions(connection, side, &mut findings)?;
            self.check_permissions(connection, side, &mut findings);
        }
        self.check_leaving(connection, &mut findings)?;
        for side in Side::BOTH {
            let objects = &self.connectors.get(side).definition().objects;
            if !objects.contains(&connection.object) {
                findings.add("/object", "This provider does not sync it.");
            }
        }
        let default;
        let mapping = match &connection.mapping {
            MappingChoice::Custom(mapping) => mapping,
            MappingChoice::Default => {
                default = self.default_mapping(connection.direction);
                &default
            }
        };
        let compiled = Policy::compile(&PolicyInput {
            direction: connection.direction,
            conflict: connection.conflict,
            deletions: connection.deletions,
            on_leave: connection.on_leave,
            movable: &Sides {
                a: self.is_movable(connection, Side::A)?,
                b: self.is_movable(connection, Side::B)?,
            },
            mapping,
            rules: &connection.rules,
            matching: &connection.matching,
            guards: connection.guards,
            fields: &self.fields,
            connection: connection.id,
            now: connection.updated_at,
        });
        for error in compiled.err().into_iter().flatten() {
            findings.add(error.path, sentence(&error.message));
        }
        findings.into_result()
    }

    /// Whether the user of a side may do there what the connection is to do.
    fn check_permissions(&self, connection: &Connection, side: Side, findings: &mut Findings) {
        let other = side.other();
        let receives = connection.direction.from_side(other);
        let deletes = receives && connection.deletions.on(other) == DeletionPolicy::Delete;
        let missing = &self.permissions.get(side).missing;
        let provider = &self.connectors.get(side).definition().name;
        let lacks = |permission: Permission| {
            let name = missing.get(&permission)?;
            let may_not = permission.as_str();
            Some(format!(
                "Side {side}: the user who authorised this account may not {may_not} contacts in {provider}: the permission `{name}` is missing. Have it given there"
            ))
        };
        if let Some(why) = lacks(Permission::View) {
            findings.add(format!("/{side}/account"), format!("{why}."));
            return;
        }
        let writes = [Permission::Create, Permission::Edit].into_iter();
        for why in writes.filter(|_| receives).filter_map(lacks) {
            let way = format!("`{side}_to_{other}`");
            findings.add("/direction", format!("{why}, or choose {way}."));
        }
        if let Some(why) = lacks(Permission::Delete).filter(|_| deletes) {
            let pointer = format!("/deletions/{other}_to_{side}");
            findings.add(pointer, format!("{why}, or choose `mark` or `ignore`."));
        }
    }

    /// Whether we can take records out of a side's collection and put them back.
    fn is_movable(&self, connection: &Connection, side: Side) -> Result<bool, Problem> {
        let capabilities = &self.connectors.get(side).definition().capabilities;
        let collection = self.collection(side, connection.sides.get(side))?;
        Ok(collection.membership_writable
            && capabilities.deletions.contains(&DeletionPolicy::Unlink))
    }

    /// The sides whose records stay where they are when their partners leave, though the connection goes there: nothing
    /// marks them that could be taken away.
    fn unmarked(&self, connection: &Connection) -> Result<Vec<Side>, Problem> {
        let mut unmarked = Vec::new();
        for side in Side::BOTH {
            let from = side.other();
            let marks = |rule: &Rule| {
                let mut actions = rule.actions.iter();
                let adds = actions.any(|action| matches!(action.effect, Effect::Add(_)));
                rule.from == from && adds
            };
            let marked = self.is_movable(connection, side)? || connection.rules.iter().any(marks);
            if connection.direction.from_side(from) && !marked {
                unmarked.push(side);
            }
        }
        Ok(unmarked)
    }

    /// Why the records of a side cannot leave.
    fn why_unmarked(&self, connection: &Connection, side: Side) -> Result<String, Problem> {
        let provider = &self.connectors.get(side).definition().name;
        let collection = self.collection(side, connection.sides.get(side))?;
        Ok(format!(
            "Side {side}: {provider} lets nobody be taken out of `{}`, and no rule adds its records to a group or tag",
            collection.name
        ))
    }

    /// What to mind of a connection that is possible.
    pub fn warnings(&self, connection: &Connection) -> Result<Vec<String>, Problem> {
        let mut all = self.leaving_warnings(connection)?;
        all.extend(self.opting_in_warnings(connection));
        Ok(all)
    }

    /// Rules that undo what people said themselves.
    fn opting_in_warnings(&self, connection: &Connection) -> Vec<String> {
        let opts_in = |to: Side, action: &Action| match &action.effect {
            Effect::Set { field, to: value } => {
                let mut fields = self.fields.get(to).iter();
                let found = fields.find(|one| one.name == field.field);
                found.is_some_and(|one| one.kind == Kind::OptOut) && *value == Json::Bool(false)
            }
            Effect::Copy { .. } | Effect::Add(_) => false,
        };
        let rules = connection.rules.iter().enumerate();
        let rules = rules.filter(|(_, rule)| {
            let mut actions = rule.actions.iter();
            actions.any(|action| opts_in(rule.from.other(), action))
        });
        let warning = |(at, rule): (usize, &Rule)| {
            let to = rule.from.other();
            format!(
                "Rule {} opts everybody in whom it is about on side {to}, those too who have opted out: make sure that they agreed.",
                at + 1
            )
        };
        rules.map(warning).collect()
    }

    /// What to mind of a connection whose records leave on one side only.
    fn leaving_warnings(&self, connection: &Connection) -> Result<Vec<String>, Problem> {
        if connection.on_leave != OnLeave::Leave {
            return Ok(Vec::new());
        }
        let warning = |side| {
            let why = self.why_unmarked(connection, side)?;
            Ok(format!(
                "{why}: when their partners leave they stay as they are, as with `freeze`."
            ))
        };
        self.unmarked(connection)?
            .into_iter()
            .map(warning)
            .collect()
    }

    /// Whether there is anything that `leave` can do.
    fn check_leaving(
        &self,
        connection: &Connection,
        findings: &mut Findings,
    ) -> Result<(), Problem> {
        if connection.on_leave != OnLeave::Leave {
            return Ok(());
        }
        let unmarked = self.unmarked(connection)?;
        let receives = |side: &Side| connection.direction.from_side(side.other());
        if unmarked.len() < Side::BOTH.iter().filter(|side| receives(side)).count() {
            return Ok(());
        }
        for side in unmarked {
            let why = self.why_unmarked(connection, side)?;
            findings.add(
                "/on_leave",
                format!("{why}. Choose a collection whose members can be changed, let a rule `add_to` a group or tag, or choose `freeze`."),
            );
        }
        Ok(())
    }

    /// Whether what a deletion on `gone` does can be done on the other side.
    fn check_deletions(
        &self,
        connection: &Connection,
        gone: Side,
        findings: &mut Findings,
    ) -> Result<(), Problem> {
        let policy = connection.deletions.on(gone);
        if policy == DeletionPolicy::Ignore {
            return Ok(());
        }
        let receiving = gone.other();
        let pointer = format!("/deletions/{gone}_to_{receiving}");
        let definition = self.connectors.get(receiving).definition();
        let able = &definition.capabilities.deletions;
        if !able.contains(&policy) {
            let why = definition.capabilities.impossible.get(&policy);
            let why = why.map_or_else(String::new, |why| format!(": {why}"));
            let words = able
                .iter()
                .map(|policy| format!("`{}`", deletion_word(*policy)));
            findings.add(
                &pointer,
                format!(
                    "{} cannot do `{}`{why}. It can do: {}.",
                    definition.name,
                    deletion_word(policy),
                    listed(
                        std::iter::once("`ignore`".to_owned())
                            .chain(words.filter(|w| w != "`ignore`"))
                    )
                ),
            );
        } else if policy == DeletionPolicy::Unlink
            && !self
                .collection(receiving, connection.sides.get(receiving))?
                .membership_writable
        {
            findings.add(
                &pointer,
                "Records cannot be taken out of this collection by us: its membership follows from the provider's own rules.",
            );
        }
        if !connection.direction.from_side(gone) {
            findings.add(
                &pointer,
                "The connection carries nothing in this direction, so no deletions either.",
            );
        }
        Ok(())
    }
}

fn listed(names: impl Iterator<Item = String>) -> String {
    let names: Vec<String> = names.collect();
    let more = names.len().saturating_sub(LISTED);
    let shown = names
        .into_iter()
        .take(LISTED)
        .collect::<Vec<_>>()
        .join(", ");
    match more {
        0 if shown.is_empty() => "none".into(),
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
