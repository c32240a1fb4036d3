//! A database full of connections. Those tenants whose turn comes are made as the product makes them; the others are rows
//! in bulk, ten connections each, that are due some other day.

use std::path::Path;

use anyhow::Context as _;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, SqliteConnection};
use syncline_model::{
    Account, AccountId, AccountStatus, ConflictPolicy, Connection, ConnectionId, ConnectionStatus,
    Deletions, Direction, Guards, MappingChoice, MemberId, ObjectType, OnLeave, PairId, ProviderId,
    Schedule, SideConfig, Sides, TenantId,
};
use syncline_platform::seal::KeyRing;
use syncline_platform::{Clock as _, Ids as _, SystemClock, SystemIds};
use syncline_store::{NewMember, NewTenant, Store};
use system_tests::{Servers, Shared};
use uuid::Uuid;

/// Connections of a tenant.
const EACH: u32 = 10;

/// A database of the bench's own.
pub enum Database {
    /// On a server.
    Postgres(Shared),
    /// In a file.
    Sqlite(String),
}

impl Database {
    /// An empty one on a server.
    pub async fn postgres(servers: &Servers) -> anyhow::Result<Self> {
        Ok(Self::Postgres(Shared::make(servers.clone()).await?))
    }

    /// An empty one in a folder.
    pub fn sqlite(folder: &Path) -> Self {
        Self::Sqlite(format!("sqlite:{}", folder.join("tick.db").display()))
    }

    /// The store on it, filled.
    pub async fn open(&self, connections: u32, due: u32) -> anyhow::Result<Store> {
        let store = Store::open(&self.url()?, KeyRing::generate()).await?;
        store.migrate().await?;
        for number in 1..=due {
            sign_up(&store, number).await?;
        }
        template(&store).await?;
        let tenants = connections / EACH;
        anyhow::ensure!(
            tenants >= due,
            "{connections} connections are of {tenants} tenants, fewer than {due}"
        );
        for statement in self.bulk(tenants, due) {
            self.execute(statement).await?;
        }
        Ok(store)
    }

    /// Where it is, to who may not pass over row-level security.
    pub fn url(&self) -> anyhow::Result<String> {
        match self {
            Self::Sqlite(url) => Ok(url.clone()),
            Self::Postgres(shared) => {
                let all = shared.configuration(shared.servers())?;
                let url = all
                    .into_iter()
                    .find(|(key, _)| key.ends_with("DATABASE__URL"));
                Ok(url.context("a URL")?.1)
            }
        }
    }

    /// Forgets all runs: what was due is so another day.
    pub async fn forget_runs(&self) -> anyhow::Result<()> {
        self.execute("delete from runs".to_owned()).await
    }

    /// Has a connection each of so many tenants be due.
    pub async fn make_due(&self, due: u32) -> anyhow::Result<()> {
        let (numbers, id, past) = match self {
            Self::Postgres(_) => (
                format!("select n from generate_series(1, {due}) n"),
                POSTGRES_ID,
                "now() - interval '1 second'",
            ),
            Self::Sqlite(_) => (
                format!(
                    "with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < {due})
                    select n from numbers"
                ),
                SQLITE_ID,
                "strftime('%Y-%m-%dT%H:%M:%S+00:00', 'now', '-1 second')",
            ),
        };
        let (tenant, first) = (id("0", "n"), id("c", &format!("n * {EACH}")));
        self.execute(format!(
            "update connections set next_run_at = {past}
            where (tenant_id, id) in (select {tenant}, {first} from ({numbers}) due)"
        ))
        .await
    }

    /// What fills the tables, but for tenants who signed up.
    fn bulk(&self, tenants: u32, due: u32) -> Vec<String> {
        let last = (tenants + 1) * EACH;
        let (numbers, id, now, some_day): (_, _, _, &dyn Fn(&str) -> String) = match self {
            Self::Postgres(_) => (
                format!("select n::int8 from generate_series(0, {last}) n"),
                POSTGRES_ID,
                "now()",
                &|n| format!("now() + make_interval(secs => 3600 + {n} % 86400)"),
            ),
            Self::Sqlite(_) => (
                format!(
                    "with recursive numbers (n) as (select 0 union all select n + 1 from numbers where n < {last})
                    select n from numbers"
                ),
                SQLITE_ID,
                "strftime('%Y-%m-%dT%H:%M:%S+00:00', 'now')",
                &|n| {
                    format!(
                        "strftime('%Y-%m-%dT%H:%M:%S+00:00', 'now', (3600 + {n} % 86400) || ' seconds')"
                    )
                },
            ),
        };
        let (tenant, a, b, pair) = (id("0", "n"), id("a", "n"), id("b", "n"), id("d", "n"));
        let of = format!("n / {EACH}");
        let (own, own_a, own_b) = (id("0", &of), id("a", &of), id("b", &of));
        let account = |id: &str| {
            format!(
                "insert into accounts (tenant_id, id, provider, status, created_at)
                select {tenant}, {id}, 'zoho_crm', 'active', {now} from ({numbers}) t where n between 1 and {tenants}"
            )
        };
        vec![
            format!(
                "insert into tenants (tenant_id, name, data_key, data_key_id, created_at)
                select {tenant}, 'Tenant', (select data_key from tenants limit 1), 'none', {now}
                from ({numbers}) t where n > {due} and n <= {tenants}"
            ),
            account(&a),
            account(&b),
            format!(
                "insert into pairs (tenant_id, id, a_account, b_account, object)
                select {tenant}, {pair}, {a}, {b}, 'contact' from ({numbers}) t where n between 1 and {tenants}"
            ),
            format!(
                "insert into connections (tenant_id, id, pair_id, name, object, a_account, b_account, settings, status,
                    revision, next_run_at, repull, created_at, updated_at)
                select {own}, {}, {}, 'Contacts', 'contact', {own_a}, {own_b},
                    (select settings from connections where name = 'Template'), 'active', 1, {}, {}, {now}, {now}
                from ({numbers}) t where n >= {EACH} and n < {last}",
                id("c", "n"),
                id("d", &of),
                some_day("n"),
                if matches!(self, Self::Postgres(_)) { "false" } else { "0" },
            ),
            // As autovacuum does in time.
            match self {
                Self::Postgres(_) => "vacuum analyze".to_owned(),
                Self::Sqlite(_) => "pragma wal_checkpoint(truncate)".to_owned(),
            },
        ]
    }

    async fn execute(&self, statement: String) -> anyhow::Result<()> {
        let statement = AssertSqlSafe(statement);
        match self {
            Self::Postgres(shared) => {
                let mut connection: PgConnection = shared.look().await?;
                sqlx::query(statement).execute(&mut connection).await?;
                connection.close().await?;
            }
            Self::Sqlite(url) => {
                let mut connection = SqliteConnection::connect(url).await?;
                sqlx::query(statement).execute(&mut connection).await?;
                connection.close().await?;
            }
        }
        Ok(())
    }
}

/// An id of a kind, a hexadecimal digit, and a number, as an expression.
type Id = fn(&str, &str) -> String;
const POSTGRES_ID: Id =
    |kind, number| format!("('{kind}' || lpad(to_hex({number}), 31, '0'))::uuid");
const SQLITE_ID: Id = |kind, number| format!("unhex('{kind}' || printf('%031x', {number}))");

/// The tenant of a number, as the statements above name it.
fn tenant(number: u32) -> TenantId {
    TenantId::from_uuid(Uuid::from_u128(u128::from(number)))
}

async fn sign_up(store: &Store, number: u32) -> anyhow::Result<()> {
    let now = SystemClock.now();
    let new = NewTenant {
        plan: "enterprise".into(),
        id: tenant(number),
        name: "Tenant".into(),
        created_at: now,
    };
    let member = NewMember {
        id: MemberId::from_uuid(SystemIds.next()),
        email: format!("owner-{number}@tick.example"),
        password_hash: "none".into(),
        role: syncline_model::Role::Owner,
    };
    store.signup(&new, &member).await?;
    Ok(())
}

/// A connection whose settings the others have. It is never due.
async fn template(store: &Store) -> anyhow::Result<()> {
    let (scope, now) = (store.scope(tenant(1)).await?, SystemClock.now());
    let accounts = Sides::of(|_| AccountId::from_uuid(SystemIds.next()));
    for id in [accounts.a, accounts.b] {
        let account = Account {
            id,
            tenant: scope.tenant(),
            provider: ProviderId::parse("zoho_crm").context("a provider")?,
            identity: None,
            status: AccountStatus::Active,
            created_at: now,
        };
        scope.account_create(&account).await?;
    }
    let pair = PairId::from_uuid(SystemIds.next());
    let pair = scope
        .pair_for(accounts.a, accounts.b, ObjectType::Contact, pair)
        .await?;
    let connection = Connection {
        id: ConnectionId::from_uuid(SystemIds.next()),
        tenant: scope.tenant(),
        pair,
        name: "Template".into(),
        object: ObjectType::Contact,
        sides: Sides {
            a: SideConfig {
                account: accounts.a,
                collection: None,
            },
            b: SideConfig {
                account: accounts.b,
                collection: None,
            },
        },
        direction: Direction::default(),
        conflict: ConflictPolicy::default(),
        schedule: Schedule {
            every_seconds: Some(86_400),
        },
        rules: Vec::new(),
        mapping: MappingChoice::default(),
        deletions: Deletions::default(),
        on_leave: OnLeave::default(),
        matching: Vec::new(),
        guards: Guards::default(),
        status: ConnectionStatus::Active,
        revision: 1,
        created_at: now,
        updated_at: now,
    };
    scope.connection_create(&connection, None, None).await?;
    Ok(())
}
