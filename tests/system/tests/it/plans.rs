//! Plans: how many records a run carries over, and what may be used at all. The limits are an operator's file of small
//! numbers; those of the real plans are data of the same kind, read by a test beside them.

use anyhow::ensure;
use reqwest::Method;
use serde_json::{Value, json};
use system_tests::customer::succeeded;
use system_tests::http::{number, text, until};
use system_tests::program::Printed;
use system_tests::world::{OWNER, ZOHO_LOGIN, did};
use system_tests::{GOOGLE, World, ZOHO};

use crate::people::{book, crm, email};

/// Five into the CRM and four into Google at first, then two and one.
const SMALL: &str = "
    [plans.enterprise]
    paid = true
    limits.first = 5
    limits.later = 2
    limits.into.google_contacts = { first = 4, later = 1 }
";

/// A world whose customer has these plans, of which `enterprise` is theirs. The two apps are empty.
async fn with_plans(plans: &str, tuning: &[(&str, &str)]) -> anyhow::Result<World> {
    let mut world = World::start_tuned(0, tuning).await?;
    world.stop().await?;
    world.set_plans(plans)?;
    world.start_again().await?;
    Ok(world)
}

async fn add(world: &World, provider: &str, names: &[&str]) -> anyhow::Result<()> {
    for name in names {
        let person = if provider == ZOHO {
            crm(name, json!({}))
        } else {
            book(name, json!({}))
        };
        world.sandbox.create(provider, person).await?;
    }
    Ok(())
}

/// Created and updated at Google and in the CRM, and what waits for either.
fn counted(run: &Value) -> [u64; 4] {
    let of = |direction: &str, what: &str| number(run, &format!("/counters/{direction}/{what}"));
    let written = |direction| of(direction, "created") + of(direction, "updated");
    [
        written("a_to_b"),
        written("b_to_a"),
        of("a_to_b", "waiting"),
        of("b_to_a", "waiting"),
    ]
}

/// How many live people of each app have a name.
async fn copies(world: &World, name: &str) -> anyhow::Result<[usize; 2]> {
    let mut all = [0; 2];
    for (count, provider) in all.iter_mut().zip([ZOHO, GOOGLE]) {
        let people = world.sandbox.live(provider).await?;
        let has = |text: &str| text.contains(&email(name));
        *count = people
            .iter()
            .filter(|one| has(&one.native.to_string()))
            .count();
    }
    Ok(all)
}

const CRM: [&str; 8] = ["Ann", "Ben", "Cid", "Dot", "Eve", "Fay", "Gus", "Hal"];
const BOOK: [&str; 6] = ["Ida", "Jim", "Kay", "Leo", "Mia", "Ned"];

/// A first sync of more than a run may carry over is finished by later ones, each in its own measure, in batches that the
/// limit cuts through; nobody is made twice, and a deletion is not counted.
#[tokio::test]
async fn a_first_sync_over_the_limit_is_finished_by_later_runs() -> anyhow::Result<()> {
    let world = with_plans(SMALL, &[("BATCH", "3")]).await?;
    add(&world, ZOHO, &CRM).await?;
    add(&world, GOOGLE, &BOOK).await?;
    // Both know Zoe, and agree on her: that needs no write.
    add(&world, ZOHO, &["Zoe"]).await?;
    add(&world, GOOGLE, &["Zoe"]).await?;
    let connection = world.connect(json!({})).await?;
    let first = succeeded(world.api.first_run(&connection).await?)?;
    assert_eq!(counted(&first), [4, 5, 4, 1], "{first}");
    assert_eq!(did(&first, "linked"), 1, "{first}");
    let health = format!("/v1/connections/{connection}/health");
    let shown = world.api.get(&health).await?;
    assert_eq!(shown["waiting"]["limit"], 5, "{shown}");
    let list = format!("/v1/connections/{connection}/records?state=waiting_for_limit");
    let waiting = world.api.list(&list).await?;
    assert_eq!(waiting.len(), 5, "{waiting:?}");
    let on_a = waiting.iter().filter(|one| one["side"] == "a").count();
    assert!(on_a == 4 && waiting[0]["since"].is_string(), "{waiting:?}");
    // The first run read everything.
    let mut written = [16, 9];
    for expect in [[1, 1, 3, 0], [1, 0, 2, 0], [1, 0, 1, 0], [1, 0, 0, 0]] {
        world.sandbox.pass(600).await?;
        let run = world.api.sync(&connection).await?;
        assert_eq!(counted(&run), expect, "{run}");
        // What was written comes back, in the CRM once more for safety; what waits is not read again.
        let pulled = number(&run, "/counters/pulled");
        assert!(pulled <= written[0] + written[1], "{run}");
        written = [written[1], expect[0] + expect[1]];
    }
    for name in CRM.iter().chain(&BOOK).chain(&["Zoe"]) {
        assert_eq!(copies(&world, name).await?, [1, 1], "{name}");
    }
    assert_eq!(world.api.get(&health).await?["waiting"]["limit"], 0);
    world.quiet(&connection).await?;
    Ok(())
}

/// While records wait: one is edited, one deleted, one made by hand on the other side as well, and both apps forget how
/// far they were read. Each ends as if it had not waited.
#[tokio::test]
async fn what_happens_to_who_waits_is_heeded() -> anyhow::Result<()> {
    let world = with_plans(SMALL, &[]).await?;
    add(&world, ZOHO, &CRM).await?;
    let connection = world.connect(json!({})).await?;
    let first = succeeded(world.api.first_run(&connection).await?)?;
    assert_eq!(counted(&first), [4, 0, 4, 0], "{first}");
    let mut waiting = Vec::new();
    for name in CRM {
        if copies(&world, name).await?[1] == 0 {
            waiting.push(name);
        }
    }
    let [edited, deleted, made, last] = waiting[..] else {
        anyhow::bail!("{waiting:?} wait");
    };
    world.sandbox.pass(600).await?;
    let there = world.sandbox.get(ZOHO, &email(edited)).await?;
    world
        .sandbox
        .edit(ZOHO, &there.id, json!({"Title": "Director"}))
        .await?;
    let there = world.sandbox.get(ZOHO, &email(deleted)).await?;
    world.sandbox.delete(ZOHO, &there.id).await?;
    add(&world, GOOGLE, &[made]).await?;
    world
        .sandbox
        .act(GOOGLE, "expire-sync-tokens", json!({}))
        .await?;
    for _ in 0..4 {
        let run = world.api.sync(&connection).await?;
        let [to_google, to_crm, ..] = counted(&run);
        assert!(to_google <= 1 && to_crm <= 2, "{run}");
    }
    assert_eq!(copies(&world, deleted).await?, [0, 0]);
    for name in [edited, made, last] {
        assert_eq!(copies(&world, name).await?, [1, 1], "{name}");
    }
    let there = world.sandbox.get(GOOGLE, &email(edited)).await?;
    assert!(there.native.to_string().contains("Director"), "{there:?}");
    world.quiet(&connection).await?;
    Ok(())
}

/// Edits wait in the order in which they came to wait. Deletions do not wait: they are carried over at once.
#[tokio::test]
async fn edits_wait_in_turn_and_deletions_do_not() -> anyhow::Result<()> {
    let world = with_plans(SMALL, &[]).await?;
    let people = &CRM[..4];
    add(&world, ZOHO, people).await?;
    let connection = world
        .connected(json!({"deletions": {"a_to_b": "delete"}}))
        .await?;
    let edit = async |name: &str| {
        let there = world.sandbox.get(ZOHO, &email(name)).await?;
        world
            .sandbox
            .edit(ZOHO, &there.id, json!({"Title": "Director"}))
            .await
    };
    let has = async |name: &str| {
        let there = world.sandbox.get(GOOGLE, &email(name)).await?;
        anyhow::Ok(there.native.to_string().contains("Director"))
    };
    world.sandbox.pass(600).await?;
    for name in &people[1..] {
        edit(name).await?;
    }
    let run = world.api.sync(&connection).await?;
    assert_eq!(counted(&run), [1, 0, 2, 0], "{run}");
    // Whoever is edited now waits behind the two that wait already, whatever the order of ids.
    world.sandbox.pass(600).await?;
    add(&world, ZOHO, &["Zoe"]).await?;
    let gone = world.sandbox.get(ZOHO, &email("Ann")).await?;
    world.sandbox.delete(ZOHO, &gone.id).await?;
    let run = world.api.sync(&connection).await?;
    assert_eq!(counted(&run), [1, 0, 2, 0], "{run}");
    assert_eq!(did(&run, "deleted"), 1, "{run}");
    assert_eq!(copies(&world, "Ann").await?, [0, 0]);
    let run = world.api.sync(&connection).await?;
    assert_eq!(counted(&run), [1, 0, 1, 0], "{run}");
    for name in &people[1..] {
        assert!(has(name).await?, "{name}");
    }
    assert_eq!(copies(&world, "Zoe").await?, [1, 0]);
    world.api.sync(&connection).await?;
    assert_eq!(copies(&world, "Zoe").await?, [1, 1]);
    world.quiet(&connection).await?;
    Ok(())
}

/// Two people of one address match by it whatever waits: when both records are there before either is carried over, and the
/// match itself has to wait because one of them needs a write.
#[tokio::test]
async fn who_matches_and_waits_is_not_doubled() -> anyhow::Result<()> {
    let world = with_plans(SMALL, &[("BATCH", "3")]).await?;
    for name in CRM {
        let more = json!({"Title": "Director"});
        world.sandbox.create(ZOHO, crm(name, more)).await?;
    }
    // Google lacks their titles: each link needs an update there.
    add(&world, GOOGLE, &CRM).await?;
    let connection = world.connect(json!({})).await?;
    let first = succeeded(world.api.first_run(&connection).await?)?;
    assert_eq!(counted(&first), [4, 0, 4, 0], "{first}");
    assert_eq!(did(&first, "created"), 0, "{first}");
    for left in [3, 2, 1, 0] {
        let run = world.api.sync(&connection).await?;
        assert_eq!(counted(&run), [1, 0, left, 0], "{run}");
        assert_eq!(did(&run, "created"), 0, "{run}");
    }
    for name in CRM {
        assert_eq!(copies(&world, name).await?, [1, 1], "{name}");
    }
    world.quiet(&connection).await?;
    Ok(())
}

/// Answers that are lost, a server that is killed, and a pause in the middle: what was written counts, in a first sync that
/// is broken off as in the one that follows, and the limit holds over all of them.
#[tokio::test]
async fn the_limit_holds_over_crashes_and_a_pause() -> anyhow::Result<()> {
    let plans = SMALL
        .replace("first = 5", "first = 30")
        .replace("first = 4", "first = 20");
    let mut world = with_plans(&plans, &[("BATCH", "5"), ("LEASE", "5s")]).await?;
    for number in 0..60 {
        add(&world, ZOHO, &[&format!("Person{number:02}")]).await?;
    }
    let route = "POST /v1/people:batchCreateContacts";
    let lost =
        json!({"provider": GOOGLE, "route": route, "times": 1, "fault": {"kind": "lost_answer"}});
    world.sandbox.fault(lost).await?;
    let slow =
        json!({"provider": GOOGLE, "route": route, "fault": {"kind": "delay_ms", "ms": 300}});
    world.sandbox.fault(slow).await?;
    let connection = world.connect(json!({})).await?;
    let run = world.api.begin(&connection).await?;
    let some = async |world: &World, least: u64| {
        until("something created", 60, async || {
            let now = world.api.run(&run).await?;
            Ok((did(&now, "created") >= least).then_some(()))
        })
        .await
    };
    some(&world, 1).await?;
    world.crash().await?;
    some(&world, 6).await?;
    let path = format!("/v1/connections/{connection}");
    world
        .api
        .post(&format!("{path}/pause"), Value::Null)
        .await?;
    let broken_off = world.api.ended(&run).await?;
    ensure!(broken_off["state"] == "cancelled", "{broken_off}");
    world.sandbox.mend().await?;
    world
        .api
        .post(&format!("{path}/resume"), Value::Null)
        .await?;
    let run = world.api.sync(&connection).await?;
    let there = world.sandbox.live(GOOGLE).await?.len();
    assert_eq!(there, 20, "{broken_off} {run}");
    assert_eq!(counted(&run)[2], 40, "{run}");
    let run = world.api.sync(&connection).await?;
    assert_eq!(counted(&run), [1, 0, 39, 0], "{run}");
    Ok(())
}

/// What waits is carried over by the next run at its time, or when somebody asks; an end of the limits takes all of it.
#[tokio::test]
async fn who_waits_does_so_until_the_next_run() -> anyhow::Result<()> {
    let mut world = with_plans(SMALL, &[]).await?;
    add(&world, ZOHO, &CRM).await?;
    let connection = world.connect(json!({"schedule": {"every": "1h"}})).await?;
    let first = succeeded(world.api.first_run(&connection).await?)?;
    assert_eq!(counted(&first), [4, 0, 4, 0], "{first}");
    let shown = world
        .api
        .run(first["id"].as_str().unwrap_or_default())
        .await?;
    let (created, next) = (&shown["created_at"], &shown["next_run_at"]);
    ensure!(next.as_str() > created.as_str(), "{shown}");
    // The scheduler ticks every 100 ms.
    tokio::time::sleep(std::time::Duration::from_millis(700)).await;
    let runs = format!("/v1/connections/{connection}/runs");
    assert_eq!(world.api.list(&runs).await?.len(), 1);
    let run = world.api.sync(&connection).await?;
    assert_eq!(counted(&run), [1, 0, 3, 0], "{run}");
    world.stop().await?;
    world.set_plans("[plans.enterprise]\npaid = true")?;
    world.start_again().await?;
    let run = world.api.sync(&connection).await?;
    assert_eq!(counted(&run), [3, 0, 0, 0], "{run}");
    world.quiet(&connection).await?;
    Ok(())
}

/// Zoho's numbers, each a hundredth of what it is: a first sync of more than 25,000 on each side, then 5,000 into the CRM and
/// 1,000 into Google. With `SYNCLINE_PLANS_SCALE=100` they are what they are, on the built-in plan `standard`.
#[tokio::test]
async fn a_first_sync_in_zohos_measure() -> anyhow::Result<()> {
    let scale = std::env::var_os("SYNCLINE_PLANS_SCALE");
    let scale: u64 = scale
        .and_then(|text| text.into_string().ok())
        .map_or(Ok(1), |text| text.parse())?;
    let mut world = World::start(290 * scale).await?;
    if scale == 100 {
        ensure!(put_on(&world, "standard").await?.success);
    } else {
        let [first, later, google] = [250, 50, 10].map(|number| number * scale);
        world.stop().await?;
        world.set_plans(&format!(
            "[plans.enterprise]\npaid = true\nlimits.first = {first}\nlimits.later = {later}\n\
             limits.into.google_contacts.later = {google}"
        ))?;
        world.start_again().await?;
    }
    let connection = world.connect(json!({})).await?;
    let mut run = world.api.begin(&connection).await?;
    let mut most = [250 * scale; 2];
    for round in 1.. {
        let began = std::time::Instant::now();
        let over = until("the end of a run", 3600, async || {
            let now = world.api.run(&run).await?;
            Ok((!now["finished_at"].is_null()).then_some(now))
        });
        let over = succeeded(over.await?)?;
        let [to_google, to_crm, google_waits, crm_waits] = counted(&over);
        println!(
            "run {round}: {:?} after {:?}",
            counted(&over),
            began.elapsed()
        );
        for (written, waits, most) in [
            (to_google, google_waits, most[0]),
            (to_crm, crm_waits, most[1]),
        ] {
            assert!(written == most || (written < most && waits == 0), "{over}");
        }
        if google_waits + crm_waits == 0 {
            ensure!(round > 1, "nobody had to wait: {over}");
            break;
        }
        most = [10 * scale, 50 * scale];
        run = world.api.begin(&connection).await?;
    }
    world.whole(&connection).await
}

/// The operator puts the customer on a plan.
async fn put_on(world: &World, plan: &str) -> anyhow::Result<Printed> {
    world.operate(&["plans", "set", OWNER, plan]).await
}

fn refused(status: u16, body: &Value, words: &[&str]) {
    assert_eq!(
        (status, &body["code"]),
        (403, &json!("plan_limit")),
        "{body}"
    );
    for word in words {
        let detail = body["detail"].as_str().unwrap_or_default();
        assert!(detail.contains(word), "`{word}`: {body}");
    }
}

/// What the built-in plan `free` does not allow is refused, with its name, what it allows and what to do; a connection of
/// before that has more is paused with the same words, and runs again on a plan that allows it.
#[tokio::test]
async fn what_the_plan_does_not_allow_is_refused_by_name() -> anyhow::Result<()> {
    let world = World::start(0).await?;
    add(&world, ZOHO, &["Ann"]).await?;
    assert_eq!(world.api.get("/v1/plan").await?["name"], "enterprise");
    let hourly = json!({"schedule": {"every": "1h"}});
    let connection = world.connected(hourly).await?;
    let unknown = put_on(&world, "gold").await?;
    ensure!(
        !unknown.success && unknown.stderr.contains("there are: enterprise, free"),
        "{unknown:?}"
    );
    let nobody = world
        .operate(&["plans", "set", "nobody@test.example", "free"])
        .await?;
    ensure!(
        !nobody.success && nobody.stderr.contains("neither"),
        "{nobody:?}"
    );
    let done = put_on(&world, "free").await?;
    ensure!(done.success, "{done:?}");
    let shown = world.operate(&["plans", "get", OWNER]).await?;
    assert_eq!(shown.stdout.trim(), "free");
    let plan = world.api.get("/v1/plan").await?;
    assert_eq!(
        (&plan["name"], &plan["paid"], &plan["connections"]),
        (&json!("free"), &json!(false), &json!(1))
    );
    let records = &plan["records_per_run"];
    assert_eq!(
        (&records["first"], &records["later"]),
        (&json!(25_000), &json!(5_000))
    );
    assert_eq!(
        records["into"]["google_contacts"],
        json!({"first": 25_000, "later": 1_000})
    );

    let another = "/v1/connections";
    let ask = async |changes: Value| {
        let wish = world.wish(&changes)?;
        world.api.call(Method::POST, another, Some(&wish)).await
    };
    let made = world
        .sandbox
        .act(GOOGLE, "actions/group", json!({"name": "Zoho"}))
        .await?;
    let group = format!("group:{}", text(&made, "/resourceName")?);
    let group = json!({"account": world.b, "collection": group});
    let name = json!({"a": "Last_Name", "b": "names.familyName"});
    let vip = json!({"from": "a", "then": [{"set": "userDefined.rank", "to": "VIP"}]});
    for (changes, words) in [
        (
            json!({"schedule": {"every": "5m"}}),
            ["`free`", "`1d`", "manual"],
        ),
        (
            json!({"mapping": [name]}),
            ["`free`", "mapping", "`default`"],
        ),
        (json!({"rules": [vip]}), ["`free`", "actions", "`then`"]),
        // The one that there is.
        (
            json!({"b": group}),
            ["`free`", "1 connection", "delete one"],
        ),
    ] {
        let answer = ask(changes).await?;
        refused(answer.status, &answer.body, &words);
    }
    // What was there before may be edited, towards what the plan allows.
    let path = format!("/v1/connections/{connection}");
    world
        .api
        .patch(&connection, json!({"name": "Mine"}))
        .await?;
    let shorter = world
        .api
        .patch(&connection, json!({"schedule": {"every": "5m"}}))
        .await;
    let shorter = format!(
        "{:#}",
        shorter
            .err()
            .map_or_else(String::new, |error| error.to_string())
    );
    assert!(shorter.contains("plan_limit"), "{shorter}");
    let run = world.api.begin(&connection).await?;
    let run = world.api.ended(&run).await?;
    assert_eq!(run["state"], "failed", "{run}");
    let paused = world.api.get(&path).await?;
    let reason = paused["status"]["reason"].as_str().unwrap_or_default();
    assert!(
        reason.contains("`free`") && reason.contains("`1d`"),
        "{paused}"
    );
    let resume = format!("{path}/resume");
    let answer = world.api.call(Method::POST, &resume, None).await?;
    refused(answer.status, &answer.body, &["`free`", "`1d`", "`1h`"]);
    ensure!(put_on(&world, "standard").await?.success);
    world.api.post(&resume, Value::Null).await?;
    world.api.sync(&connection).await?;
    world.quiet(&connection).await?;
    Ok(())
}

/// A partner's edition has limits of its own on top, and is for paid plans only: that is said when an account is added, when
/// a connection is made, and by the run of one that was there before.
#[tokio::test]
async fn an_edition_for_paid_plans_only() -> anyhow::Result<()> {
    let plans = format!(
        "{SMALL}
        [plans.free]
        paid = false
        [editions.small_business]
        paid_plans_only = true
        limits.first = 3
        limits.later = 1
        "
    );
    let mut world = with_plans(&plans, &[]).await?;
    let base = world.sandbox.base().to_owned();
    for (key, value) in [
        ("PROFILE_OF", "zoho_crm".to_owned()),
        ("NAME", "Acme CRM".to_owned()),
        ("EDITION", "small_business".to_owned()),
        ("API_BASE", base.clone()),
        ("AUTH_URL", format!("{base}/oauth/v2/auth")),
        ("TOKEN_URL", format!("{base}/oauth/v2/token")),
        ("CLIENT_ID", "1000.SANDBOX".to_owned()),
        ("CLIENT_SECRET", "sandbox-zoho-secret".to_owned()),
    ] {
        world.set(&format!("SYNCLINE__PROVIDERS__ACME_CRM__{key}"), &value);
    }
    world.stop().await?;
    world.start_again().await?;
    let shown = world.api.get("/v1/providers/acme_crm").await?;
    assert_eq!(shown["paid_plans_only"], true, "{shown}");
    let words = ["`free`", "Acme CRM", "paid plan"];
    ensure!(put_on(&world, "free").await?.success);
    let wish = json!({"provider": "acme_crm"});
    let answer = world
        .api
        .call(Method::POST, "/v1/accounts", Some(&wish))
        .await?;
    refused(answer.status, &answer.body, &words);

    ensure!(put_on(&world, "enterprise").await?.success);
    world.a = world.api.authorise("acme_crm", ZOHO_LOGIN).await?;
    add(&world, ZOHO, &CRM).await?;
    let connection = world.connect(json!({})).await?;
    let first = succeeded(world.api.first_run(&connection).await?)?;
    assert_eq!(counted(&first), [3, 0, 5, 0], "{first}");

    ensure!(put_on(&world, "free").await?.success);
    let run = world.api.begin(&connection).await?;
    let run = world.api.ended(&run).await?;
    assert_eq!(run["state"], "failed", "{run}");
    let path = format!("/v1/connections/{connection}");
    let paused = world.api.get(&path).await?;
    let reason = paused["status"]["reason"].as_str().unwrap_or_default();
    for word in words {
        assert!(reason.contains(word), "{paused}");
    }
    let resume = format!("{path}/resume");
    let answer = world.api.call(Method::POST, &resume, None).await?;
    refused(answer.status, &answer.body, &words);
    world.api.call(Method::DELETE, &path, None).await?.ok()?;
    let answer = world
        .api
        .call(
            Method::POST,
            "/v1/connections",
            Some(&world.wish(&json!({}))?),
        )
        .await?;
    refused(answer.status, &answer.body, &words);
    Ok(())
}
