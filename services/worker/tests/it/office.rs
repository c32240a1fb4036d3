//! Rows of a tenant whose connections are due, and the tools of a worker on them. No connectors.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use syncline_accounts::Accounts;
use syncline_connector::{HttpClient, HttpLimits, Registry};
use syncline_coordination::{MemoryBuckets, MemoryProgress};
use syncline_model::*;
use syncline_platform::seal::KeyRing;
use syncline_platform::{Clock, Ids, SeededIds};
use syncline_queue::{Delivery, Priority, Queue, QueueDepths, QueueError};
use syncline_store::{NewMember, NewTenant, Store};
use syncline_worker::{Settings, Shapes, Tools};

/// Connections whose first run is due and that nobody works on.
pub const DUE: usize = 200;

/// Counts what is published, and takes it or not.
#[derive(Debug, Default)]
pub struct Bell {
    rung: AtomicUsize,
    /// Of these, first syncs.
    pub first_syncs: AtomicUsize,
    /// Whether it takes nothing.
    pub deaf: AtomicBool,
}

#[async_trait]
impl Queue for Bell {
    async fn publish(&self, _job: &Job, priority: Priority) -> Result<(), QueueError> {
        self.rung.fetch_add(1, Ordering::SeqCst);
        if priority == Priority::FirstSync {
            self.first_syncs.fetch_add(1, Ordering::SeqCst);
        }
        if self.deaf.load(Ordering::SeqCst) {
            return Err(QueueError::Full { limit: 0 });
        }
        Ok(())
    }

    async fn receive(&self) -> Result<Delivery, QueueError> {
        std::future::pending().await
    }

    async fn depths(&self) -> Result<QueueDepths, QueueError> {
        Ok(QueueDepths::default())
    }
}

impl Bell {
    /// How much was published since it was asked last.
    pub fn rung(&self) -> usize {
        self.rung.swap(0, Ordering::SeqCst)
    }
}

/// The time at which everything was made.
pub fn start() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000)
}

/// A store with connections of one tenant that are due, and the tools of a worker on it.
pub async fn tools(bell: &Arc<Bell>, clock: Arc<dyn Clock>) -> Tools {
    tools_for(DUE, bell, clock).await
}

/// The same, with so many connections.
pub async fn tools_for(due: usize, bell: &Arc<Bell>, clock: Arc<dyn Clock>) -> Tools {
    let store = Store::open("sqlite::memory:", KeyRing::generate())
        .await
        .expect("a store");
    store.migrate().await.expect("migrate");
    let ids: Arc<dyn Ids> = Arc::new(SeededIds::new(1));
    fill(&store, &*ids, due).await;
    let http = HttpClient::new(HttpLimits::default(), Arc::new(|| 0.5)).expect("a client");
    let accounts = Accounts::new(
        store.clone(),
        Registry::new([]).expect("no connectors"),
        http,
        Arc::new(MemoryBuckets::new(Arc::clone(&clock))),
        Arc::clone(&clock),
        &BTreeMap::new(),
    )
    .expect("accounts");
    Tools {
        store,
        accounts,
        queue: bell.clone(),
        progress: Arc::new(MemoryProgress::new()),
        clock,
        ids,
        shapes: Arc::new(Shapes::default()),
        tariffs: Arc::new(syncline_model::Tariffs::unlimited()),
        hooks: None,
        settings: Settings {
            slots: 1,
            slice: Duration::from_secs(1),
            lease: Duration::from_mins(1),
            batch: 1,
            tick: Duration::from_secs(1),
            grace: Duration::from_secs(1),
            relook: Duration::from_hours(24),
        },
    }
}

async fn fill(store: &Store, ids: &dyn Ids, due: usize) {
    let tenant = NewTenant {
        plan: "enterprise".into(),
        id: TenantId::from_uuid(ids.next()),
        name: "Acme".into(),
        created_at: start(),
    };
    let member = NewMember {
        id: MemberId::from_uuid(ids.next()),
        email: "owner@acme.example".into(),
        password_hash: "$argon2id$x".into(),
        role: syncline_model::Role::Owner,
    };
    store.signup(&tenant, &member).await.expect("sign-up");
    let scope = store.scope(tenant.id).await.expect("scope");
    for _ in 0..due {
        let sides = [(); 2].map(|()| AccountId::from_uuid(ids.next()));
        for id in sides {
            let account = Account {
                id,
                tenant: tenant.id,
                provider: ProviderId::parse("p").expect("a provider's id"),
                identity: None,
                status: AccountStatus::Active,
                created_at: start(),
            };
            scope.account_create(&account).await.expect("account");
        }
        let [a, b] = sides;
        let pair = PairId::from_uuid(ids.next());
        let pair = scope.pair_for(a, b, ObjectType::Contact, pair).await;
        let side = |account| SideConfig {
            account,
            collection: None,
        };
        let connection = Connection {
            id: ConnectionId::from_uuid(ids.next()),
            tenant: tenant.id,
            pair: pair.expect("pair"),
            name: "Sales".into(),
            object: ObjectType::Contact,
            sides: Sides {
                a: side(a),
                b: side(b),
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
            created_at: start(),
            updated_at: start(),
        };
        let made = scope
            .connection_create(&connection, Some(start()), None)
            .await;
        made.expect("connection");
    }
}
