//! Why records take no part: judged when they are listed, by what was last read of them and by the fields that the two
//! accounts have. What is stored of a record says that it takes no part, not why.

use std::collections::HashMap;

use syncline_engine::{Policy, PolicyInput, default_mapping, unmet_conditions};
use syncline_model::{Connection, FieldDescriptor, MappingChoice, RemoteId, Side, Sides};
use syncline_store::{Scope, StagedState, StoreError};

use crate::auth::Caller;
use crate::live;
use crate::state::State;
use crate::wire::ExcludedBy;

/// Knows what keeps records of a connection from taking part.
#[derive(Clone)]
pub struct Judge {
    connection: Connection,
    /// None where an account cannot be asked for its fields, or one that a rule names is gone: then nothing can be said.
    policy: Option<Policy>,
}

impl Judge {
    /// Asks the providers for the fields. Where they do not answer there is the list all the same.
    pub async fn new(state: &State, caller: &Caller, connection: Connection) -> Self {
        let policy = match live::fields(state, caller, &connection.sides).await {
            Ok(fields) => compile(state, &connection, &fields),
            Err(problem) => {
                tracing::info!(tenant.id = %caller.tenant, connection.id = %connection.id, %problem,
                    "what excludes records cannot be said: an account cannot be asked for its fields");
                None
            }
        };
        Self { connection, policy }
    }

    /// What keeps the record that each of these names from taking part; `None` where it names none, or it cannot be said.
    pub async fn why<T>(
        &self,
        rows: &Scope,
        items: Vec<T>,
        named: impl Fn(&T) -> Option<(Side, RemoteId)>,
    ) -> Result<Vec<(T, Option<Vec<ExcludedBy>>)>, StoreError> {
        let records: Vec<_> = items.iter().map(named).collect();
        let mut staged = HashMap::new();
        for side in Side::BOTH {
            let named = records.iter().flatten();
            let mine = named.filter(|(at, _)| *at == side);
            let ids: Vec<RemoteId> = mine.map(|(_, remote)| remote.clone()).collect();
            for row in rows.staged_get(self.connection.id, side, &ids).await? {
                staged.insert((side, row.remote), row.state);
            }
        }
        let why = records.into_iter().map(|record| {
            let record = record?;
            self.judge(record.0, staged.get(&record)?)
        });
        Ok(items.into_iter().zip(why).collect())
    }

    fn judge(&self, side: Side, state: &StagedState) -> Option<Vec<ExcludedBy>> {
        if let StagedState::Gone { .. } = state {
            return Some(vec![ExcludedBy {
                pointer: format!("/{side}/collection"),
                condition: None,
            }]);
        }
        if !self.connection.direction.from_side(side) {
            return Some(vec![ExcludedBy {
                pointer: "/direction".to_owned(),
                condition: None,
            }]);
        }
        let (Some(policy), StagedState::Present { fields }) = (&self.policy, state) else {
            return None;
        };
        let unmet = unmet_conditions(policy, side, fields).into_iter();
        let told = unmet.map(|(rule, at)| ExcludedBy {
            pointer: format!("/rules/{rule}/if/{at}"),
            condition: policy
                .rules
                .get(rule)
                .and_then(|rule| rule.conditions.get(at))
                .cloned(),
        });
        Some(told.collect())
    }
}

fn compile(
    state: &State,
    connection: &Connection,
    fields: &Sides<Vec<FieldDescriptor>>,
) -> Option<Policy> {
    let mapping = match &connection.mapping {
        MappingChoice::Custom(mapping) => mapping.clone(),
        MappingChoice::Default => default_mapping(fields, connection.direction),
    };
    let compiled = Policy::compile_rest(&PolicyInput {
        direction: connection.direction,
        conflict: connection.conflict,
        deletions: connection.deletions,
        on_leave: connection.on_leave,
        movable: &Sides::default(),
        mapping: &mapping,
        rules: &connection.rules,
        matching: &connection.matching,
        guards: connection.guards,
        fields,
        connection: connection.id,
        now: state.clock.now(),
    });
    compiled.ok().map(|(policy, _)| policy)
}
