//! The customer's side of a history: tenants, accounts and connections in a real store, and the tools that a worker
//! executes runs with.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use syncline_accounts::Accounts;
use syncline_connector::{HttpClient, HttpLimits, Registry};
use syncline_coordination::{MemoryBuckets, MemoryProgress};
use syncline_model::{
    Account, AccountId, AccountStatus, Condition, Connection, ConnectionId, ConnectionStatus,
    Deletions, FieldPath, Flow, Guards, Mapping, MappingChoice, MappingEntry, MatchKey, MemberId,
    ObjectType, OnLeave, PairId, ProviderId, Rule, Schedule, Side, SideConfig, Sides, Tariffs,
    TariffsFile, TenantId, Test,
};
use syncline_platform::seal::KeyRing;
use syncline_platform::{Clock, Ids, SeededIds};
use syncline_queue::MemoryQueue;
use syncline_store::{NewMember, NewTenant, Scope, Store};
use syncline_worker::{Settings, Shapes, Tools};

use crate::history::{Setup, Wish};
use crate::profile::{FIELDS, GROUP, MAPPED};
use crate::world::{SimConnector, World};

/// What histories on one thread share: a runtime, and a store that is migrated once.
pub struct Bench {
    /// The runtime. Everything of a history happens on its thread, but for the database's own.
    pub runtime: tokio::runtime::Runtime,
    /// The store.
    pub store: Store,
    http: HttpClient,
}

impl Bench {
    /// A bench with a store in memory.
    pub fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let store = runtime.block_on(async {
            let store = Store::open("sqlite::memory:", KeyRing::generate())
                .await
                .expect("a store in memory");
            store.migrate().await.expect("the schema");
            store
        });
        let http = HttpClient::new(HttpLimits::default(), Arc::new(|| 0.5)).expect("a client");
        Self {
            runtime,
            store,
            http,
        }
    }
}

impl Default for Bench {
    fn default() -> Self {
        Self::new()
    }
}

/// The customers of one history.
pub struct Office {
    /// The providers.
    pub world: World,
    /// What a worker works with.
    pub tools: Tools,
    /// The tenants' rows.
    pub tenants: Vec<Scope>,
    /// The connections, in the order of the wishes.
    pub connections: Vec<Connection>,
    ids: Arc<SeededIds>,
}

impl Office {
    /// Signs everybody up and connects what is wished for.
    pub async fn open(bench: &Bench, seed: u64, setup: &Setup, loud: bool) -> Self {
        let ids = Arc::new(SeededIds::new(seed));
        let accounts: Vec<_> = setup
            .accounts
            .iter()
            .map(|(tenant, profile)| (AccountId::from_uuid(ids.next()), *tenant, profile.clone()))
            .collect();
        let world = World::new(accounts, seed, loud);
        let tools = tools(bench, &world, setup, &ids);
        let mut office = Self {
            world,
            tools,
            tenants: Vec::new(),
            connections: Vec::new(),
            ids,
        };
        let tenants = setup.accounts.iter().map(|(tenant, _)| tenant + 1).max();
        for _ in 0..tenants.unwrap_or(0) {
            office.sign_up().await;
        }
        office.add_accounts(setup).await;
        for wish in &setup.wishes {
            office.connect(wish).await;
        }
        office
    }

    async fn sign_up(&mut self) {
        let now = self.tools.clock.now();
        let tenant = TenantId::from_uuid(self.ids.next());
        let new = NewTenant {
            plan: "enterprise".into(),
            id: tenant,
            name: "Simulated".into(),
            created_at: now,
        };
        let member = NewMember {
            id: MemberId::from_uuid(self.ids.next()),
            email: format!("{tenant}@sim.example"),
            password_hash: "none".into(),
            role: syncline_model::Role::Owner,
        };
        let store = &self.tools.store;
        store.signup(&new, &member).await.expect("a tenant");
        self.tenants
            .push(store.scope(tenant).await.expect("its rows"));
    }

    async fn add_accounts(&self, setup: &Setup) {
        let now = self.tools.clock.now();
        for (number, (tenant, _)) in setup.accounts.iter().enumerate() {
            let id = self.world.lock().accounts[number].id;
            let scope = &self.tenants[*tenant];
            let account = Account {
                id,
                tenant: scope.tenant(),
                provider: provider(number),
                identity: None,
                status: AccountStatus::Active,
                created_at: now,
            };
            scope.account_create(&account).await.expect("an account");
        }
    }

    async fn connect(&mut self, wish: &Wish) {
        let scope = &self.tenants[wish.tenant];
        let account = |side: usize| self.world.lock().accounts[wish.accounts[side]].id;
        let (a, b) = (account(0), account(1));
        let new_pair = PairId::from_uuid(self.ids.next());
        let pair = scope
            .pair_for(a, b, ObjectType::Contact, new_pair)
            .await
            .expect("a pair");
        let id = ConnectionId::from_uuid(self.ids.next());
        let now = self.tools.clock.now();
        let connection = self.connection(wish, id, pair, &Sides { a, b });
        scope
            .connection_create(&connection, Some(now), None)
            .await
            .expect("a connection");
        self.connections.push(connection);
        self.allow(wish);
    }

    fn connection(
        &self,
        wish: &Wish,
        id: ConnectionId,
        pair: PairId,
        accounts: &Sides<AccountId>,
    ) -> Connection {
        let now = self.tools.clock.now();
        let collection = |side: usize| wish.grouped[side].then(|| GROUP.to_owned());
        Connection {
            id,
            tenant: self.tenants[wish.tenant].tenant(),
            pair,
            name: "Simulated".into(),
            object: ObjectType::Contact,
            sides: Sides {
                a: SideConfig {
                    account: accounts.a,
                    collection: collection(0),
                },
                b: SideConfig {
                    account: accounts.b,
                    collection: collection(1),
                },
            },
            direction: wish.direction,
            conflict: wish.conflict,
            schedule: Schedule {
                every_seconds: Some(300),
            },
            rules: rules(wish),
            mapping: MappingChoice::Custom(mapping(self, wish)),
            deletions: Deletions {
                a_to_b: wish.deletions[0],
                b_to_a: wish.deletions[1],
            },
            on_leave: if wish.leaves {
                OnLeave::Leave
            } else {
                OnLeave::Freeze
            },
            matching: vec![MatchKey::Email],
            guards: guards(wish),
            status: ConnectionStatus::Active,
            revision: 1,
            created_at: now,
            updated_at: now,
        }
    }

    /// Tells the accounts what a connection may do to them.
    fn allow(&self, wish: &Wish) {
        let mut world = self.world.lock();
        for side in 0..2 {
            let account = &mut world.accounts[wish.accounts[side]];
            let first = account.fates.is_empty();
            account.grouped = wish.grouped[side] && (first || account.grouped);
            account.filtered |= wish.filtered[1 - side];
            account.judged |= wish.filtered != [false; 2];
            account.fates.push(wish.deletions[1 - side]);
            account.leaves |= wish.leaves;
        }
    }

    /// What a new process would work with: the same rows, nothing remembered.
    pub fn restart(&mut self, bench: &Bench, setup: &Setup) {
        self.tools = tools(bench, &self.world, setup, &self.ids);
    }

    /// Forgets every row of these customers.
    pub async fn close(self) {
        for scope in &self.tenants {
            let gone = self.tools.store.tenant_delete(scope.tenant()).await;
            gone.expect("the tenant's rows go");
        }
    }

    /// The customer's rows that a connection belongs to.
    pub fn scope(&self, connection: usize) -> &Scope {
        let tenant = self.connections[connection].tenant;
        self.tenants
            .iter()
            .find(|scope| scope.tenant() == tenant)
            .expect("every connection has a tenant")
    }
}

fn provider(number: usize) -> ProviderId {
    ProviderId::parse(&format!("sim_{number}")).expect("a provider's id")
}

fn tools(bench: &Bench, world: &World, setup: &Setup, ids: &Arc<SeededIds>) -> Tools {
    let clock: Arc<dyn Clock> = world.clock.clone();
    let connectors = (0..setup.accounts.len()).map(|number| SimConnector::of(world, number));
    let accounts = Accounts::new(
        bench.store.clone(),
        Registry::new(connectors).expect("no two providers of one name"),
        bench.http.clone(),
        Arc::new(MemoryBuckets::new(Arc::clone(&clock))),
        Arc::clone(&clock),
        &BTreeMap::new(),
    )
    .expect("accounts");
    Tools {
        store: bench.store.clone(),
        accounts,
        queue: Arc::new(MemoryQueue::new()),
        progress: Arc::new(MemoryProgress::new()),
        clock,
        ids: Arc::clone(ids) as Arc<dyn Ids>,
        shapes: Arc::new(Shapes::default()),
        tariffs: Arc::new(tariffs(setup)),
        hooks: None,
        settings: Settings {
            slots: 1,
            slice: Duration::from_secs(setup.slice),
            lease: Duration::from_mins(1),
            batch: setup.batch,
            tick: Duration::from_secs(1),
            grace: Duration::from_secs(1),
            relook: Duration::from_hours(24),
        },
    }
}

/// The plan that all customers are on.
fn tariffs(setup: &Setup) -> Tariffs {
    let limits = json!({"first": setup.limit, "later": setup.limit});
    let file = json!({"plans": {"enterprise": {"paid": true, "limits": limits}}});
    let file: TariffsFile = serde_json::from_value(file).expect("a file of plans");
    Tariffs::new(file, "enterprise").expect("a plan")
}

fn rules(wish: &Wish) -> Vec<Rule> {
    let mut rules = Vec::new();
    for (index, from) in [Side::A, Side::B].into_iter().enumerate() {
        if wish.filtered[index] && wish.direction.from_side(from) {
            rules.push(Rule {
                from,
                conditions: vec![Condition {
                    field: FieldPath::whole("region"),
                    test: Test::Is("in".into()),
                }],
                actions: Vec::new(),
                reverse_on_exit: false,
            });
        }
    }
    rules
}

fn mapping(office: &Office, wish: &Wish) -> Mapping {
    let world = office.world.lock();
    // What a filter looks at goes over with the rest.
    let mapped = MAPPED + usize::from(wish.filtered != [false; 2]);
    let entries = FIELDS
        .iter()
        .take(mapped)
        .enumerate()
        .filter_map(|(number, name)| {
            let mut entry = MappingEntry::new(FieldPath::whole(*name), FieldPath::whole(*name));
            entry.blank = wish.blank;
            entry.flow = match wish.flows(number, name, &world.accounts) {
                [true, true] => Flow::Both,
                [true, false] => Flow::AToB,
                [false, true] => Flow::BToA,
                [false, false] => return None,
            };
            Some(entry)
        });
    Mapping {
        entries: entries.collect(),
    }
}

/// The guards that a connection is to have.
pub fn guards(wish: &Wish) -> Guards {
    if wish.narrow {
        Guards {
            deletions_min: 1,
            deletions_percent: 20,
            shrink_percent: 40,
            overwrite_percent: 60,
        }
    } else {
        Guards::default()
    }
}
