//! Plays a history: people, runs, crashes; then everything calms down, and what must hold is looked at.

use std::time::Duration;

use futures::FutureExt as _;
use syncline_model::{
    ConflictStatus, Connection, ConnectionId, ConnectionStatus, Job, RunId, RunState, Side,
    TenantId,
};
use syncline_platform::Clock as _;
use syncline_store::turns;
use syncline_worker::Scheduler;

use crate::chance::Chance;
use crate::check;
use crate::history::{Class, History, Op, Ride};
use crate::office::{Bench, Office};
use crate::stats::Stats;
use crate::turns::{Driven, Place, Verdict, drive};
use crate::world::{Weather, World};

/// Rounds after the last fault within which everything must be quiet.
const ROUNDS: usize = 12;
/// Slices worked off in a round at most.
const SLICES: usize = 60;

/// A history that broke a law.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Its seed.
    pub seed: u64,
    /// Its kind.
    pub class: Class,
    /// Which laws, in words.
    pub broken: Vec<String>,
    /// What happened, if it was asked for.
    pub lines: Vec<String>,
}

/// Plays a history on a bench.
pub fn play(bench: &Bench, history: &History, loud: bool) -> Result<Stats, Failure> {
    bench.runtime.block_on(async {
        let office = Office::open(bench, history.seed, &history.setup, loud).await;
        let mut player = Player {
            bench,
            history,
            office,
            stats: Stats::new(history.class),
            stuck: false,
            chance: Chance::new(history.seed ^ 0xabcd),
        };
        let mut broken = player.play().await;
        let (mut stats, office) = (player.stats, player.office);
        let lines = {
            let world = office.world.lock();
            broken.extend(world.broken.iter().cloned());
            stats.take(&world);
            world.trace.lines().to_vec()
        };
        office.close().await;
        if broken.is_empty() {
            Ok(stats)
        } else {
            Err(Failure {
                seed: history.seed,
                class: history.class,
                broken,
                lines,
            })
        }
    })
}

struct Player<'a> {
    bench: &'a Bench,
    history: &'a History,
    office: Office,
    stats: Stats,
    stuck: bool,
    chance: Chance,
}

impl Player<'_> {
    async fn play(&mut self) -> Vec<String> {
        for op in &self.history.ops {
            self.say(|| format!("{op:?}"));
            self.op(op).await;
            if self.stuck {
                return vec!["a run waits for something that never happens".into()];
            }
        }
        self.calm().await
    }

    fn world(&self) -> &World {
        &self.office.world
    }

    fn say(&self, line: impl FnOnce() -> String) {
        self.world().lock().trace.say(line);
    }

    async fn op(&mut self, op: &Op) {
        match op {
            Op::Person(act) => self.world().lock().act(act),
            Op::Run(ride) => self.run(ride).await,
            Op::Wait(seconds) => self.world().clock.advance(Duration::from_secs(*seconds)),
            Op::Toggle(connection) => self.toggle(*connection).await,
            Op::Answer { chance } => {
                let mut chance = Chance::new(*chance);
                self.answer(&mut chance).await;
                self.approve().await;
            }
            Op::Patch { connection, chance } => {
                self.patch(*connection, &mut Chance::new(*chance)).await;
            }
            Op::Expire(account) => self.world().lock().accounts[*account].epoch += 1,
            Op::Foreign { chance } => self.foreign(&mut Chance::new(*chance)),
        }
    }

    // ---- runs ----

    async fn run(&mut self, ride: &Ride) {
        if ride.stormy {
            self.world().lock().weather = Weather::storm();
        }
        let mut turn = 0;
        let mut crash = ride.crash;
        let mut chance = Chance::new(ride.chance);
        self.world().clock.advance(Duration::from_mins(5));
        for _ in 0..ride.slices {
            let due = self.due().await;
            if due.is_empty() {
                break;
            }
            for (tenant, run) in due {
                let died = self
                    .slice(tenant, run, ride, &mut turn, &mut crash, &mut chance)
                    .await;
                if died {
                    self.stats.crashes += 1;
                    self.world().lock().struck.crashes += 1;
                    self.say(|| "  the worker died".into());
                    self.office.restart(self.bench, &self.history.setup);
                    self.world().clock.advance(Duration::from_secs(61));
                    break;
                }
            }
            if chance.percent(70) {
                self.skip_wait().await;
            }
        }
        self.stats.turns = u64::from(turn);
        self.world().lock().weather = Weather::default();
    }

    /// The schedule comes round: the runs that are due.
    async fn due(&mut self) -> Vec<(TenantId, RunId)> {
        let ticked = Scheduler::new(self.office.tools.clone()).tick().await;
        ticked.expect("the scheduler's tick");
        let mut due = Vec::new();
        while let Some(delivery) = self.office.tools.queue.receive().now_or_never() {
            let Job::Run { tenant, run, .. } = delivery.expect("a job that was rung").job;
            due.push((tenant, run));
        }
        due.retain(|(tenant, _)| {
            self.office
                .tenants
                .iter()
                .any(|scope| scope.tenant() == *tenant)
        });
        due.sort_unstable_by_key(|(_, run)| run.uuid());
        due
    }

    async fn connection_of(&self, tenant: TenantId, run: RunId) -> ConnectionId {
        let mut scopes = self.office.tenants.iter();
        let scope = scopes.find(|scope| scope.tenant() == tenant);
        let run = scope.expect("a tenant of the history").run_get(run).await;
        run.expect("a run that was rung").connection
    }

    /// The connections whose links a connection shares, itself among them.
    fn twins(&self, of: ConnectionId) -> Vec<ConnectionId> {
        let connections = &self.office.connections;
        let pair = connections
            .iter()
            .find(|one| one.id == of)
            .map(|one| one.pair);
        let twins = connections.iter().filter(|one| Some(one.pair) == pair);
        twins.map(|one| one.id).collect()
    }

    /// Executes one slice of a run; says whether the worker died in it.
    async fn slice(
        &mut self,
        tenant: TenantId,
        run: RunId,
        ride: &Ride,
        turn: &mut u32,
        crash: &mut Option<(u32, bool)>,
        chance: &mut Chance,
    ) -> bool {
        let world = self.world().clone();
        let runs = self.connection_of(tenant, run).await;
        {
            let mut inner = world.lock();
            inner.before_slice = inner.calls;
            inner.runs = runs;
            inner.twins = self.twins(runs);
        }
        let tools = self.office.tools.clone();
        let future = Box::pin(syncline_worker::execute(&tools, tenant, run));
        let judge = |place: Place| {
            let now = *turn;
            *turn += 1;
            let mut inner = world.lock();
            inner.trace.note(u64::from(place.number));
            inner.trace.say(|| {
                let file = place.what.rsplit('/').next().unwrap_or_default();
                format!("    turn {now}: {file}:{}", place.number)
            });
            for (_, act) in ride.during.iter().filter(|(at, _)| *at == now) {
                inner.act(act);
            }
            drop(inner);
            world.clock.advance(Duration::from_millis(5));
            match *crash {
                Some((at, after)) if at == now => {
                    *crash = None;
                    if after {
                        Verdict::DieAfter
                    } else {
                        Verdict::DieBefore
                    }
                }
                _ => Verdict::Go,
            }
        };
        let keeper: std::sync::Arc<dyn turns::Keeper> = world.table.clone();
        turns::keep(Some(keeper));
        let choose = |count: usize| chance.below(count as u64) as usize;
        let driven = drive(&world.table, future, choose, judge).await;
        turns::keep(None);
        world.clock.forget();
        self.stats.slices += 1;
        match driven {
            Driven::Ended(Ok(_)) => false,
            Driven::Ended(Err(trouble)) => {
                self.say(|| format!("  a slice failed: {trouble}"));
                false
            }
            Driven::Died => true,
            Driven::Stuck => {
                self.stuck = true;
                false
            }
        }
    }

    /// Lets the time pass until the next unfinished run is due.
    async fn skip_wait(&mut self) {
        let mut next = None;
        for index in 0..self.office.connections.len() {
            for run in self.runs(index).await {
                if run.state == RunState::Queued && next.is_none_or(|next| run.due_at < next) {
                    next = Some(run.due_at);
                }
            }
        }
        if let Some(next) = next {
            self.world().clock.advance_to(next);
        }
    }

    async fn runs(&self, connection: usize) -> Vec<syncline_model::Run> {
        let id = self.office.connections[connection].id;
        let runs = self.office.scope(connection).run_list(id, None, 3).await;
        runs.expect("the runs")
    }

    // ---- people at the console ----

    async fn toggle(&mut self, connection: usize) {
        let connection = connection % self.office.connections.len();
        let before = self.connection(connection).await;
        if before.status == ConnectionStatus::Active {
            let status = ConnectionStatus::Paused {
                reason: "Paused by a person.".into(),
            };
            self.status(connection, &status).await;
            for run in self.runs(connection).await {
                if !run.state.is_final() {
                    let now = self.world().clock.now();
                    let scope = self.office.scope(connection);
                    scope.run_cancel(run.id, now).await.expect("it is not over");
                }
            }
        } else {
            self.resume(connection).await;
        }
    }

    async fn connection(&self, connection: usize) -> Connection {
        let id = self.office.connections[connection].id;
        let found = self.office.scope(connection).connection_get(id).await;
        found.expect("the connection")
    }

    async fn status(&self, connection: usize, status: &ConnectionStatus) {
        let id = self.office.connections[connection].id;
        let now = self.world().clock.now();
        let scope = self.office.scope(connection);
        let set = scope.connection_status_set(id, status, now).await;
        set.expect("the connection");
    }

    /// Mends what a person has to mend, and lets the connection go on.
    async fn resume(&mut self, connection: usize) {
        let wish = &self.history.setup.wishes[connection];
        for account in wish.accounts {
            self.world().lock().accounts[account].authorized = true;
        }
        if self.connection(connection).await.status != ConnectionStatus::Active {
            self.status(connection, &ConnectionStatus::Active).await;
            let id = self.office.connections[connection].id;
            let now = self.world().clock.now();
            let scope = self.office.scope(connection);
            let next = scope.connection_schedule_next(id, Some(now)).await;
            next.expect("the connection");
        }
    }

    /// Answers every open question. Gives how many there were.
    async fn answer(&mut self, chance: &mut Chance) -> u64 {
        let mut answered = 0;
        for index in 0..self.office.connections.len() {
            let id = self.office.connections[index].id;
            let scope = self.office.scope(index);
            let open = Some(ConflictStatus::Open);
            let conflicts = scope.conflict_list(id, open, None, 100).await;
            for conflict in conflicts.expect("the conflicts") {
                let winner = *chance.pick(&Side::BOTH);
                let now = self.world().clock.now();
                let resolved = scope.conflict_resolve(conflict.id, winner, now).await;
                resolved.expect("an open conflict");
                answered += 1;
            }
        }
        self.stats.answers += answered;
        answered
    }

    /// Approves what guards hold. Gives how many runs that were.
    async fn approve(&mut self) -> u64 {
        let mut approved = 0;
        for index in 0..self.office.connections.len() {
            let runs = self.runs(index).await;
            let Some(run) = runs.first().filter(|run| run.state == RunState::Parked) else {
                continue;
            };
            let now = self.world().clock.now();
            let scope = self.office.scope(index);
            if scope.run_approve(run.id, now).await.is_ok() {
                approved += 1;
                self.world().lock().approved.get_or_insert(now);
                self.say(|| format!("  approved: {:?}", run.guards));
            }
        }
        self.stats.approvals += approved;
        approved
    }

    async fn patch(&mut self, connection: usize, chance: &mut Chance) {
        use syncline_model::ConflictPolicy::{AWins, Ask, BWins, MostRecent, MostRecentOrB};
        let connection = connection % self.office.connections.len();
        let mut wanted = self.connection(connection).await;
        let revision = wanted.revision;
        let conflict = *chance.pick(&[AWins, BWins, MostRecent, MostRecentOrB, Ask]);
        let reguard = conflict != wanted.conflict;
        let reread = chance.percent(50);
        wanted.conflict = conflict;
        wanted.updated_at = self.world().clock.now();
        let scope = self.office.scope(connection);
        let effects = syncline_store::EditEffects {
            replan: reread,
            reguard,
            next_run_at: None,
        };
        let updated = scope.connection_update(&wanted, revision, &effects).await;
        updated.expect("nobody else edits it");
        self.stats.patches += 1;
    }

    /// Another tool copies a field from one account to the other for people whom it knows.
    fn foreign(&mut self, chance: &mut Chance) {
        self.world().lock().foreign(chance);
        self.stats.foreign += 1;
    }

    // ---- the end ----

    /// Faults stop, people mend what they have to. Then nothing may happen any more, and everything must hold.
    async fn calm(&mut self) -> Vec<String> {
        // What was refused for good is tried again after a day at the latest.
        self.world().clock.advance(Duration::from_hours(25));
        let ride = Ride {
            chance: self.chance.next(),
            stormy: false,
            crash: None,
            during: Vec::new(),
            slices: 0,
        };
        let mut quiet = 0;
        let mut last = check::Rows::default();
        // Where a run may write little, what waits takes more of them.
        let rounds = match self.history.setup.limit {
            Some(_) => 5 * ROUNDS,
            None => ROUNDS,
        };
        for round in 0..rounds {
            self.say(|| format!("round {round}"));
            let before = self.world().lock().writes;
            for connection in 0..self.office.connections.len() {
                self.resume(connection).await;
            }
            let mut chance = self.chance.fork();
            let answered = self.answer(&mut chance).await + self.approve().await;
            self.world().clock.advance(Duration::from_secs(400));
            let over = self.work_off(&ride).await;
            if self.stuck {
                return vec!["a run waits for something that never happens".into()];
            }
            let rows = check::Rows::read(&self.office).await;
            let wrote = self.world().lock().writes - before;
            let still = over && wrote == 0 && answered == 0 && rows == last && rows.all_over();
            self.say(|| format!("  over {over}, wrote {wrote}, answered {answered}"));
            last = rows;
            quiet = if still { quiet + 1 } else { 0 };
            if quiet == 2 {
                self.stats.rounds = round as u64;
                let world = self.world().clone();
                return check::check(&self.office, &self.history.setup, &last, &world).await;
            }
        }
        vec![format!(
            "I-2: not quiet after {rounds} rounds: {}",
            last.unrest()
        )]
    }

    /// Works off what is due until nothing is. Says whether that came to an end.
    async fn work_off(&mut self, ride: &Ride) -> bool {
        let mut chance = Chance::new(ride.chance);
        for _ in 0..SLICES {
            let due = self.due().await;
            if due.is_empty() {
                let before = self.world().clock.now();
                self.skip_wait().await;
                if self.world().clock.now() == before {
                    return true;
                }
                continue;
            }
            for (tenant, run) in due {
                let mut turn = 1_000_000;
                self.slice(tenant, run, ride, &mut turn, &mut None, &mut chance)
                    .await;
            }
        }
        false
    }
}
