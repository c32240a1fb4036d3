//! A database made for one test, with the few things that most tests need.

use std::path::PathBuf;
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{Connection as _, Executor as _};
use syncline_model::*;
use syncline_platform::seal::KeyRing;
use syncline_store::*;
use uuid::Uuid;

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A store of its own, and where it is.
pub struct World {
    pub store: Store,
    pub url: String,
    file: Option<PathBuf>,
    dropped: Option<(String, String)>,
}

/// A tenant with two accounts, a pair and a connection.
pub struct Office {
    pub scope: Scope,
    pub tenant: TenantId,
    pub accounts: Sides<AccountId>,
    pub pair: PairId,
    pub connection: ConnectionId,
}

/// An id that is told from others by a number; the same number gives the same id.
pub fn uuid(n: u32) -> Uuid {
    Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + u128::from(n))
}

/// An instant, `seconds` after the test's beginning of time.
pub fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::<Utc>::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::seconds(seconds)
}

pub fn remote(id: impl Into<String>) -> RemoteId {
    RemoteId::new(id)
}

fn unique() -> String {
    format!("{}_{}", process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

#[expect(clippy::disallowed_methods, reason = "where the tests' PostgreSQL is")]
fn postgres_url() -> String {
    std::env::var("SYNCLINE_TEST_POSTGRES_URL").unwrap_or_else(|_| {
        panic!(
            "SYNCLINE_TEST_POSTGRES_URL is not set: this test needs a PostgreSQL. \
             Run the suite with ./test, which starts one."
        )
    })
}

impl World {
    pub async fn sqlite() -> Self {
        let file = std::env::temp_dir().join(format!("syncline_store_{}.db", unique()));
        let url = format!("sqlite:{}", file.display());
        let store = Store::open(&url, KeyRing::generate()).await.expect("open");
        store.migrate().await.expect("migrate");
        Self {
            store,
            url,
            file: Some(file),
            dropped: None,
        }
    }

    /// A database owned by a role that row-level security binds, since a superuser would pass it by.
    pub async fn postgres() -> Self {
        let admin = postgres_url();
        let name = format!("syncline_store_{}", unique());
        let mut connection = sqlx::PgConnection::connect(&admin).await.expect("connect");
        connection
            .execute(
                "do $$ begin create role syncline_store_test; exception
                 when duplicate_object or unique_violation then null; end $$",
            )
            .await
            .expect("role");
        let create = format!("create database {name} owner syncline_store_test");
        connection
            .execute(sqlx::AssertSqlSafe(format!(
                "drop database if exists {name} with (force)"
            )))
            .await
            .expect("no old database");
        connection
            .execute(sqlx::AssertSqlSafe(create))
            .await
            .expect("database");
        let base = admin.rsplit_once('/').expect("a database in the URL").0;
        let url = format!("{base}/{name}?options[role]=syncline_store_test");
        let store = Store::open(&url, KeyRing::generate()).await.expect("open");
        store.migrate().await.expect("migrate");
        Self {
            store,
            url,
            file: None,
            dropped: Some((admin, name)),
        }
    }

    /// Ends a test: nothing is left behind.
    pub async fn end(self) {
        self.store.close().await;
        if let Some((admin, name)) = &self.dropped {
            let mut connection = sqlx::PgConnection::connect(admin).await.expect("connect");
            connection
                .execute(sqlx::AssertSqlSafe(format!(
                    "drop database {name} with (force)"
                )))
                .await
                .expect("drop");
        }
    }

    pub fn file(&self) -> Option<&PathBuf> {
        self.file.as_ref()
    }

    pub fn is_postgres(&self) -> bool {
        self.file.is_none()
    }

    pub async fn tenant(&self, n: u32) -> Scope {
        let tenant = NewTenant {
            plan: "enterprise".into(),
            id: TenantId::from_uuid(uuid(n)),
            name: format!("Tenant {n}"),
            created_at: at(0),
        };
        let member = NewMember {
            id: MemberId::from_uuid(uuid(n + 1)),
            email: format!("Owner{n}@Example.test"),
            password_hash: "$argon2id$x".into(),
            role: syncline_model::Role::Owner,
        };
        self.store.signup(&tenant, &member).await.expect("signup");
        self.store.scope(tenant.id).await.expect("scope")
    }

    /// Numbers `n` to `n + 9` are used up.
    pub async fn office(&self, n: u32) -> Office {
        let scope = self.tenant(n).await;
        let accounts = Sides {
            a: AccountId::from_uuid(uuid(n + 2)),
            b: AccountId::from_uuid(uuid(n + 3)),
        };
        for id in [accounts.a, accounts.b] {
            scope
                .account_create(&account(scope.tenant(), id))
                .await
                .expect("account");
        }
        let pair = PairId::from_uuid(uuid(n + 4));
        let pair = scope
            .pair_for(accounts.a, accounts.b, ObjectType::Contact, pair)
            .await
            .expect("pair");
        let connection = connection(&scope, uuid(n + 5), pair, &accounts);
        scope
            .connection_create(&connection, Some(at(0)), None)
            .await
            .expect("connection");
        Office {
            tenant: scope.tenant(),
            scope,
            accounts,
            pair,
            connection: connection.id,
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some(file) = &self.file {
            for suffix in ["", "-wal", "-shm"] {
                let mut name = file.clone().into_os_string();
                name.push(suffix);
                drop(std::fs::remove_file(name));
            }
        }
    }
}

impl Office {
    /// A run, enqueued and claimed.
    pub async fn lease(&self, n: u32) -> Lease {
        let run = NewRun {
            id: RunId::from_uuid(uuid(n)),
            connection: self.connection,
            trigger: Trigger::Manual,
            due_at: at(0),
            created_at: at(0),
        };
        let (run, made) = self.scope.run_enqueue(&run).await.expect("enqueue");
        assert!(made);
        self.scope
            .run_claim(run.id, at(1), at(61), "worker")
            .await
            .expect("claim")
            .expect("a lease")
            .0
    }

    /// Whom to look for by keys, however many share one.
    pub fn candidates<'a>(&self, side: Side, keys: &'a [String]) -> CandidateQuery<'a> {
        CandidateQuery {
            connection: self.connection,
            pair: self.pair,
            side,
            keys,
            ids: &[],
            most: |_| usize::MAX,
        }
    }

    pub fn link(&self, n: u32, a: &str, b: &str) -> Link {
        let mut body = LinkBody::default();
        let path = FieldPath::whole("name");
        body.target
            .insert(EntryKey::new(&path, &path), Value::text("target"));
        Link {
            id: LinkId::from_uuid(uuid(n)),
            pair: self.pair,
            remote: Sides {
                a: remote(a),
                b: remote(b),
            },
            version: Sides {
                a: Some(Version::new("1")),
                b: None,
            },
            modified_at: Sides {
                a: None,
                b: Some(at(3)),
            },
            state: LinkState::Live,
            body,
        }
    }
}

/// A connection's memberships of links that it follows, as far as their state says.
pub fn follow(links: &[Link]) -> Vec<Membership> {
    let members = links.iter().map(|link| Membership {
        link: link.id,
        left: Sides::of(|side| link.state == LinkState::Frozen { left: side }),
    });
    members.collect()
}

pub fn account(tenant: TenantId, id: AccountId) -> Account {
    Account {
        id,
        tenant,
        provider: ProviderId::parse("zoho_crm").expect("provider"),
        identity: None,
        status: AccountStatus::Active,
        created_at: at(0),
    }
}

pub fn connection(
    scope: &Scope,
    id: Uuid,
    pair: PairId,
    accounts: &Sides<AccountId>,
) -> Connection {
    Connection {
        id: ConnectionId::from_uuid(id),
        tenant: scope.tenant(),
        pair,
        name: "Sales".into(),
        object: ObjectType::Contact,
        sides: Sides {
            a: SideConfig {
                account: accounts.a,
                collection: Some("view:1".into()),
            },
            b: SideConfig {
                account: accounts.b,
                collection: None,
            },
        },
        direction: Direction::TwoWay,
        conflict: ConflictPolicy::Ask,
        schedule: Schedule::default(),
        rules: Vec::new(),
        mapping: MappingChoice::Default,
        deletions: Deletions::default(),
        on_leave: OnLeave::Freeze,
        matching: vec![MatchKey::Email],
        guards: Guards::default(),
        status: ConnectionStatus::Active,
        revision: 1,
        created_at: at(0),
        updated_at: at(0),
    }
}

pub fn present(side: Side, id: &str, name: &str, keys: &[&str]) -> Staged {
    Staged {
        side,
        remote: remote(id),
        version: Some(Version::new(format!("v-{name}"))),
        modified_at: Some(at(5)),
        state: StagedState::Present {
            fields: [(FieldName::new("name"), Value::text(name))].into(),
        },
        former: Vec::new(),
        keys: keys.iter().map(|key| (*key).to_owned()).collect(),
        phase: Phase::Pending,
        retry_at: None,
    }
}

/// What is read back of a staged record: all but its keys.
pub fn without_keys(mut staged: Staged) -> Staged {
    staged.keys.clear();
    staged
}
