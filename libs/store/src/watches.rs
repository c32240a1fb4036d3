//! Watches: whom a provider's call is about is found by the hash of the token in the address that it calls.

use chrono::{DateTime, Utc};
use secrecy::ExposeSecret;
use sqlx::FromRow;
use syncline_model::{AccountId, ConnectionId, TenantId};
use uuid::Uuid;

use crate::connections::{ConnectionRow, connection_columns};
use crate::db::{execute, fetch_all, fetch_optional, transaction};
use crate::seal::{WATCH_SECRET, row_key};
use crate::statement::statements;
use crate::{AgreedWatch, FoundWatch, Hintable, NewWatch, Result, Scope, Store, StoreError};

statements! {
    Tenant WATCH_GET = "select remote_id, address, due_at from watches
        where tenant_id = $1 and account_id = $2 and collection = $3";
    /// What the provider promised before stays until it has promised something else: it is to be taken back then. Its
    /// secret goes, since whoever has the new token signs with another one. Of two who ask at the same moment one asks.
    Tenant WATCH_CLAIM = "insert into watches (tenant_id, account_id, collection, token_hash, address, due_at)
        values ($1, $2, $3, $4, $5, $6)
        on conflict (tenant_id, account_id, collection) do update set token_hash = excluded.token_hash,
            address = excluded.address, due_at = excluded.due_at, secret = null
        where watches.due_at <= $7 or watches.address <> excluded.address";
    Tenant WATCH_AGREE = "update watches set remote_id = $4, secret = $5, due_at = $6
        where tenant_id = $1 and account_id = $2 and collection = $3 and token_hash = $7";
    Global WATCH_BY_TOKEN = "select tenant_id, account_id, collection, secret from watches where token_hash = $1";
    Tenant WATCH_FORGET = "delete from watches where tenant_id = $1 and account_id = $2 and collection = $3";
    /// A connection that names no collection may be on this one.
    Tenant CONNECTIONS_HINTABLE = concat!("select ", connection_columns!(), ", next_run_at, hinted_for,
            (select r.created_at from runs r where r.tenant_id = c.tenant_id and r.connection_id = c.id
                order by r.id desc limit 1) as last_run_at
        from connections c where tenant_id = $1
            and (a_account = $2 and coalesce(a_collection, $3) = $3 or b_account = $2 and coalesce(b_collection, $3) = $3)
        order by id");
    /// What runs only when it is asked to has no next run.
    Tenant CONNECTION_HINT = "update connections set hinted_for = $3,
            next_run_at = case when next_run_at > $3 then $3 else next_run_at end
        where tenant_id = $1 and id = $2 and status = 'active' and next_run_at is not null";
}

#[derive(FromRow)]
struct EarlierRow {
    remote_id: Option<String>,
    address: String,
    due_at: DateTime<Utc>,
}

#[derive(FromRow)]
struct HintableRow {
    #[sqlx(flatten)]
    connection: ConnectionRow,
    next_run_at: Option<DateTime<Utc>>,
    hinted_for: Option<DateTime<Utc>>,
    last_run_at: Option<DateTime<Utc>>,
}

#[derive(FromRow)]
struct FoundRow {
    tenant_id: Uuid,
    account_id: Uuid,
    collection: String,
    secret: Option<Vec<u8>>,
}

impl Store {
    /// The watch with this token.
    pub async fn watch_by_token(&self, hash: &[u8]) -> Result<Option<FoundWatch>> {
        let row = transaction!(self.read_one_global(), tx => {
            fetch_optional!(tx, FoundRow, WATCH_BY_TOKEN, hash)
        })?;
        let Some(row) = row else {
            return Ok(None);
        };
        let scope = self.scope(TenantId::from_uuid(row.tenant_id)).await?;
        let account = AccountId::from_uuid(row.account_id);
        let key = key(account, &row.collection);
        let open = |sealed: Vec<u8>| {
            let secret = scope.open(WATCH_SECRET, &key, &sealed)?;
            let secret = String::from_utf8(secret);
            secret.map_err(|_| StoreError::Corrupt("a watch's secret is no text".to_owned()))
        };
        Ok(Some(FoundWatch {
            tenant: scope.tenant(),
            account,
            collection: row.collection,
            secret: row.secret.map(open).transpose()?.map(Into::into),
        }))
    }
}

impl Scope {
    /// Notes that a provider is about to be asked for a watch, if there is none or another one is due: then `Some`, with
    /// the provider's name of the one before. From then on the new token is known, and the one before is not.
    /// `Conflict` when the account is not there.
    pub async fn watch_claim(
        &self,
        new: &NewWatch,
        now: DateTime<Utc>,
    ) -> Result<Option<Option<String>>> {
        let account = new.account.uuid();
        transaction!(self.write(), tx => {
            let earlier = fetch_optional!(tx, EarlierRow, WATCH_GET, self.id(), account, &new.collection)?;
            if earlier.as_ref().is_some_and(|earlier| earlier.due_at > now && earlier.address == new.address) {
                return Ok(None);
            }
            let claimed = execute!(tx, WATCH_CLAIM, self.id(), account, &new.collection, new.token_hash.as_slice(),
                &new.address, new.due_at, now).map_err(|error| error.or_conflict("account"))?;
            Ok((claimed == 1).then(|| earlier.and_then(|earlier| earlier.remote_id)))
        })
    }

    /// Keeps what the provider answered to what was claimed with this token. Whether that still stands.
    pub async fn watch_agree(&self, new: &NewWatch, agreed: &AgreedWatch) -> Result<bool> {
        let key = key(new.account, &new.collection);
        let seal = |secret: &secrecy::SecretString| {
            self.seal(WATCH_SECRET, &key, secret.expose_secret().as_bytes())
        };
        let secret = agreed.secret.as_ref().map(seal);
        let kept = transaction!(self.write_one(), tx => {
            execute!(tx, WATCH_AGREE, self.id(), new.account.uuid(), &new.collection, &agreed.remote_id, &secret,
                agreed.due_at, new.token_hash.as_slice())
        })?;
        Ok(kept == 1)
    }

    /// Forgets a watch: its token is nobody's from now on.
    pub async fn watch_forget(&self, account: AccountId, collection: &str) -> Result<()> {
        transaction!(self.write_one(), tx => {
            execute!(tx, WATCH_FORGET, self.id(), account.uuid(), collection)
        })
        .map(drop)
    }

    /// The connections that have a collection on one of their sides.
    pub async fn connections_hintable(
        &self,
        account: AccountId,
        collection: &str,
    ) -> Result<Vec<Hintable>> {
        let rows = transaction!(self.read_one(), tx => {
            fetch_all!(tx, HintableRow, CONNECTIONS_HINTABLE, self.id(), account.uuid(), collection)
        })?;
        let hintable = |row: HintableRow| {
            Ok(Hintable {
                connection: row.connection.try_into()?,
                next_run_at: row.next_run_at,
                hinted_for: row.hinted_for,
                last_run_at: row.last_run_at,
            })
        };
        rows.into_iter().map(hintable).collect()
    }

    /// Has a connection run at an instant, and also then where it does before. Whether it runs by itself at all.
    pub async fn connection_hint(&self, id: ConnectionId, at: DateTime<Utc>) -> Result<bool> {
        let done = transaction!(self.write_one(), tx => {
            execute!(tx, CONNECTION_HINT, self.id(), id.uuid(), at)
        })?;
        Ok(done == 1)
    }
}

fn key(account: AccountId, collection: &str) -> Vec<u8> {
    row_key(&[account.uuid().as_bytes(), collection.as_bytes()])
}
