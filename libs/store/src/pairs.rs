//! Pairs: two accounts, in an order, and an object type. What links belong to, so that they outlive their connections.

use std::collections::BTreeSet;

use sqlx::FromRow;
use syncline_model::{AccountId, ObjectType, PairId, Sides};
use uuid::Uuid;

use crate::db::{Tx, execute, fetch_all, fetch_optional, transaction};
use crate::statement::statements;
use crate::{Pair, Result, Scope, StoreError};

statements! {
    Tenant PAIR_INSERT = "insert into pairs (tenant_id, id, a_account, b_account, object) values ($1, $2, $3, $4, $5)
        on conflict (tenant_id, a_account, b_account, object) do nothing";
    Tenant PAIR_GET = "select id from pairs
        where tenant_id = $1 and a_account = $2 and b_account = $3 and object = $4";
    /// $2 and $3 are the accounts in the order asked for: whether anything pairs them the other way round.
    Tenant PAIR_SWAPPED = "select 1 from pairs p
        where p.tenant_id = $1 and p.a_account = $3 and p.b_account = $2 and p.object = $4
            and (exists (select 1 from connections c where c.tenant_id = p.tenant_id and c.pair_id = p.id)
                or exists (select 1 from links l where l.tenant_id = p.tenant_id and l.pair_id = p.id)
                or exists (select 1 from intents i where i.tenant_id = p.tenant_id and i.pair_id = p.id))";
    Tenant PAIR_LIST = "select id, a_account, b_account from pairs where tenant_id = $1 and object = $2 order by id";
    /// All pairs of the same object type.
    Tenant PAIR_PEERS = "select p.id, p.a_account, p.b_account from pairs p
        join pairs own on own.tenant_id = p.tenant_id and own.object = p.object
        where own.tenant_id = $1 and own.id = $2 order by p.id";
}

#[derive(FromRow)]
struct PairRow {
    id: Uuid,
    a_account: Uuid,
    b_account: Uuid,
}

impl PairRow {
    const fn ends(&self) -> [Uuid; 2] {
        [self.a_account, self.b_account]
    }
}

/// The pairs that a pair forms a ring with, itself included, the first one first; of no ring, itself alone. In a ring some
/// account can be reached in two ways, so that what is done on one pair is news on the others.
pub(crate) async fn ring(tx: &mut Tx, scope: &Scope, pair: Uuid) -> Result<Vec<Uuid>> {
    let mut pairs = fetch_all!(tx, PairRow, PAIR_PEERS, scope.id(), pair)?;
    let own = pairs.iter().find(|row| row.id == pair);
    let mut accounts: BTreeSet<Uuid> = own.into_iter().flat_map(PairRow::ends).collect();
    loop {
        let before = accounts.len();
        for row in &pairs {
            if row.ends().iter().any(|end| accounts.contains(end)) {
                accounts.extend(row.ends());
            }
        }
        if accounts.len() == before {
            break;
        }
    }
    pairs.retain(|row| accounts.contains(&row.a_account));
    // As many pairs as accounts, or more: they are no tree.
    if pairs.len() < accounts.len() || accounts.is_empty() {
        return Ok(vec![pair]);
    }
    Ok(pairs.into_iter().map(|row| row.id).collect())
}

impl Scope {
    /// The pair of two accounts (in this order) and an object type, made with `new_id` if it is the first time.
    pub async fn pair_for(
        &self,
        a: AccountId,
        b: AccountId,
        object: ObjectType,
        new_id: PairId,
    ) -> Result<PairId> {
        let row = transaction!(self.write(), tx => {
            execute!(tx, PAIR_INSERT, self.id(), new_id.uuid(), a.uuid(), b.uuid(), object.as_str())
                .map_err(|error| error.or_conflict("pair: no such account"))?;
            fetch_optional!(tx, (Uuid,), PAIR_GET, self.id(), a.uuid(), b.uuid(), object.as_str())
        })?;
        row.map(|(id,)| PairId::from_uuid(id))
            .ok_or(StoreError::NotFound)
    }

    /// Whether these accounts are paired the other way round already: links know their records by side, so that a
    /// connection in this order would take every linked record for a new one.
    pub async fn pair_swapped(
        &self,
        a: AccountId,
        b: AccountId,
        object: ObjectType,
    ) -> Result<bool> {
        let row = transaction!(self.read_one(), tx => {
            fetch_optional!(tx, (i32,), PAIR_SWAPPED, self.id(), a.uuid(), b.uuid(), object.as_str())
        })?;
        Ok(row.is_some())
    }

    /// All pairs of an object type, in the order of their ids.
    pub async fn pair_list(&self, object: ObjectType) -> Result<Vec<Pair>> {
        let rows = transaction!(self.read_one(), tx => {
            fetch_all!(tx, PairRow, PAIR_LIST, self.id(), object.as_str())
        })?;
        let pair = |row: PairRow| Pair {
            id: PairId::from_uuid(row.id),
            accounts: Sides {
                a: AccountId::from_uuid(row.a_account),
                b: AccountId::from_uuid(row.b_account),
            },
        };
        Ok(rows.into_iter().map(pair).collect())
    }
}
