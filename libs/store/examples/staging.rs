//! Measures staging, intending and settling: `cargo run -p syncline-store --example staging [ROWS] [URL]`.
//! Without a URL, a SQLite file in the temporary directory. Prints rows a second; not a test.

#![expect(clippy::wildcard_imports, reason = "it builds most nouns of the model")]

use std::time::Instant;

use chrono::{DateTime, Utc};
use serde_json::json;
use syncline_model::*;
use syncline_platform::seal::KeyRing;
use syncline_store::*;
use uuid::Uuid;

const PAGE: usize = 1000;

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

#[tokio::main]
async fn main() -> Outcome {
    let mut arguments = std::env::args().skip(1);
    let rows: usize = arguments.next().map_or(Ok(20_000), |text| text.parse())?;
    let file = std::env::temp_dir().join("syncline_staging.db");
    let url = arguments
        .next()
        .unwrap_or_else(|| format!("sqlite:{}", file.display()));
    let store = Store::open(&url, KeyRing::generate()).await?;
    store.migrate().await?;
    let (scope, pair, lease) = prepare(&store).await?;
    let numbers: Vec<usize> = (0..rows).collect();
    for round in ["first", "again"] {
        let start = Instant::now();
        for page in numbers.chunks(PAGE) {
            let items: Vec<Staged> = page.iter().map(|n| staged(*n)).collect();
            scope
                .stage_page(&lease, Some(1), &items, &json!({"page": 1}))
                .await?;
        }
        report(&format!("stage_page, {round} time"), rows, start);
    }
    let start = Instant::now();
    let mut after = None;
    loop {
        let page = scope
            .staged_pending(lease.connection, after.as_ref(), 1000)
            .await?;
        let Some(last) = page.last() else { break };
        after = Some((last.side, last.remote.clone()));
    }
    report("staged_pending", rows, start);
    let start = Instant::now();
    for page in numbers.chunks(PAGE) {
        let links: Vec<Link> = page.iter().map(|n| link(*n, pair)).collect();
        let settlement = Settlement {
            staged_removed: page
                .iter()
                .map(|n| (Side::A, RemoteId::new(format!("r{n}"))))
                .collect(),
            links,
            ..Settlement::default()
        };
        scope.settle(&lease, &settlement).await?;
    }
    report("settle (a link made, a staged record removed)", rows, start);
    store.tenant_delete(scope.tenant()).await?;
    store.close().await;
    Ok(())
}

fn report(what: &str, rows: usize, start: Instant) {
    let seconds = start.elapsed().as_secs_f64();
    println!("{what}: {:.0} rows/s", rows as f64 / seconds);
}

fn id(n: usize) -> Uuid {
    Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + n as u128)
}

async fn prepare(store: &Store) -> Outcome<(Scope, PairId, Lease)> {
    let now = DateTime::<Utc>::UNIX_EPOCH;
    let tenant = NewTenant {
        plan: "enterprise".into(),
        id: TenantId::from_uuid(id(1)),
        name: "Bench".into(),
        created_at: now,
    };
    let member = NewMember {
        id: MemberId::from_uuid(id(2)),
        email: "bench@example.test".into(),
        password_hash: String::new(),
        role: syncline_model::Role::Owner,
    };
    store.signup(&tenant, &member).await?;
    let scope = store.scope(tenant.id).await?;
    let sides = Sides {
        a: AccountId::from_uuid(id(3)),
        b: AccountId::from_uuid(id(4)),
    };
    for account in [sides.a, sides.b] {
        let account = Account {
            id: account,
            tenant: tenant.id,
            provider: ProviderId::parse("zoho_crm").ok_or("provider")?,
            identity: None,
            status: AccountStatus::Active,
            created_at: now,
        };
        scope.account_create(&account).await?;
    }
    let pair = PairId::from_uuid(id(5));
    let pair = scope
        .pair_for(sides.a, sides.b, ObjectType::Contact, pair)
        .await?;
    let connection = ConnectionId::from_uuid(id(6));
    let side = |account| SideConfig {
        account,
        collection: None,
    };
    let stored = Connection {
        id: connection,
        tenant: tenant.id,
        pair,
        name: "Bench".into(),
        object: ObjectType::Contact,
        sides: Sides {
            a: side(sides.a),
            b: side(sides.b),
        },
        direction: Direction::TwoWay,
        conflict: ConflictPolicy::AWins,
        schedule: Schedule::default(),
        rules: Vec::new(),
        mapping: MappingChoice::Default,
        deletions: Deletions::default(),
        on_leave: OnLeave::Freeze,
        matching: Vec::new(),
        guards: Guards::default(),
        status: ConnectionStatus::Active,
        revision: 1,
        created_at: now,
        updated_at: now,
    };
    scope.connection_create(&stored, None, None).await?;
    let run = NewRun {
        id: RunId::from_uuid(id(7)),
        connection,
        trigger: Trigger::Manual,
        due_at: now,
        created_at: now,
    };
    let (run, _) = scope.run_enqueue(&run).await?;
    let (lease, _) = scope
        .run_claim(run.id, now, now, "bench")
        .await?
        .ok_or("lease")?;
    Ok((scope, pair, lease))
}

fn staged(n: usize) -> Staged {
    let fields = [
        ("First_Name", format!("First {n}")),
        ("Last_Name", format!("Last {n}")),
        ("Email", format!("person{n}@example.test")),
        ("Phone", format!("+49 30 {n:08}")),
        ("Mailing_Street", format!("Long Street {n}")),
        ("Mailing_City", "Berlin".to_owned()),
        ("Account_Name", format!("Company {}", n % 997)),
        ("Description", "x".repeat(300)),
    ];
    Staged {
        side: Side::A,
        remote: RemoteId::new(format!("r{n}")),
        version: Some(Version::new(format!("2026-01-01T00:00:{n}"))),
        modified_at: None,
        state: StagedState::Present {
            fields: fields
                .into_iter()
                .map(|(name, text)| (FieldName::new(name), Value::text(text)))
                .collect(),
        },
        former: Vec::new(),
        keys: vec![
            format!("person{n}@example.test"),
            format!("home{n}@example.test"),
        ],
        phase: Phase::Pending,
        retry_at: None,
    }
}

fn link(n: usize, pair: PairId) -> Link {
    let mut body = LinkBody::default();
    for name in [
        "first", "last", "email", "phone", "street", "city", "company",
    ] {
        let path = FieldPath::whole(name);
        let entry = EntryKey::new(&path, &path);
        let value = Value::text(format!("{name} of {n}"));
        body.seen.a.insert(entry.clone(), value.clone());
        body.seen.b.insert(entry.clone(), value.clone());
        body.target.insert(entry, value);
    }
    Link {
        id: LinkId::from_uuid(id(1000 + n)),
        pair,
        remote: Sides {
            a: RemoteId::new(format!("r{n}")),
            b: RemoteId::new(format!("s{n}")),
        },
        version: Sides::default(),
        modified_at: Sides::default(),
        state: LinkState::Live,
        body,
    }
}
