//! One slice of one run: claim, recover, pull, plan, push, settle, checkpoint.
//!
//! Every step can be repeated after a crash. The order between two steps is what keeps the promises: a page is
//! committed before its token moves on, an operation is recorded before its provider is called, and what became of
//! it is settled in one transaction with clearing that record.

mod absent;
mod backoff;
mod batch;
mod clocks;
mod cluster;
mod contended;
mod context;
mod guards;
mod held;
mod kin;
mod limit;
mod merged;
mod neighbours;
mod notes;
mod pull;
mod push;
mod recover;
mod reread;
mod settle;
mod stale;
mod vanished;
mod watches;

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use syncline_coordination::Phase;
use syncline_model::{
    Connection, ConnectionStatus, Counters, Run, RunId, RunState, Side, Sides, TenantId,
};
use syncline_platform::{Shutdown, clock::between, clock::later};
use syncline_store::{Finish, Lease, OpenedConnection, Release, Scope};

use crate::trouble::Verdict;
use crate::{Tools, Trouble};
use context::RunContext;
use held::Held;
use notes::Notes;

/// Attempts in a row without any progress after which a run is given up.
const MAX_ATTEMPTS: i32 = 12;
/// Longest wait between two attempts.
const MAX_WAIT: Duration = Duration::from_mins(5);

/// Intentions looked through at the end of a run.
const INTENTS: u32 = 1000;

/// How a slice ended.
#[derive(Debug, PartialEq, Eq)]
enum Ended {
    /// Nothing is left to do.
    Done,
    /// A guard holds something.
    Parked,
    /// The slice ends here: its time is used up, the worker is to stop, or the connection was edited.
    SliceOver,
    /// The worker is to stop and cannot wait for the slice any longer: it ended where it stood.
    CutOff,
    /// Rows or intentions are left that should not be.
    Left(String),
    /// Something has to wait until then.
    Wait(DateTime<Utc>, String),
}

/// Executes one slice of a run, if it is due and nobody else holds it. Says whether more is due at once.
pub async fn execute(tools: &Tools, tenant: TenantId, run: RunId) -> Result<bool, Trouble> {
    execute_until(tools, &Shutdown::new(), tenant, run, None).await
}

/// As `execute`, in the trace that asked for it if there is one. Once `stop` is triggered the slice ends at its next
/// border, and after `Settings::grace` wherever it stands; in both cases the run is given back, so that another worker
/// can claim it at once.
pub async fn execute_until(
    tools: &Tools,
    stop: &Shutdown,
    tenant: TenantId,
    run: RunId,
    trace: Option<&str>,
) -> Result<bool, Trouble> {
    let scope = tools.store.scope(tenant).await?;
    let now = tools.clock.now();
    let until = later(now, tools.settings.lease);
    let Some((lease, run)) = scope.run_claim(run, now, until, "worker").await? else {
        return Ok(false);
    };
    let span = tracing::info_span!(
        "run",
        tenant.id = %tenant,
        connection.id = %run.connection,
        run.id = %run.id,
        trace.id = tracing::field::Empty,
    );
    syncline_platform::trace::follow(&span, trace);
    let slice = Slice {
        tools,
        stop,
        scope,
        lease,
        claimed: now,
        run,
    };
    let again = slice.scope.clone();
    let ended = Box::pin(tracing::Instrument::instrument(slice.execute(), span)).await;
    let took = between(now, tools.clock.now());
    metrics::histogram!("syncline_slice_seconds").record(took.as_secs_f64());
    if ended.is_err() {
        // Nothing of this slice is under way any more: nobody has to wait for the lease's end.
        count_slice("error");
        again.run_let_go(&lease).await?;
    }
    let rest = ended?;
    count_slice(match rest {
        Rest::Over(state) => state.as_str(),
        Rest::Until(_) => RunState::Queued.as_str(),
        Rest::Lost => "lost",
    });
    Ok(matches!(rest, Rest::Until(due_at) if due_at <= tools.clock.now()))
}

fn count_slice(outcome: &'static str) {
    metrics::counter!("syncline_slices_total", "outcome" => outcome).increment(1);
}

/// Why a slice did not begin.
enum Unopened {
    /// Of an account, of the connection, or with the lease.
    Trouble(Trouble),
    /// The worker is to stop.
    CutOff,
}

/// What became of a run whose slice ended.
enum Rest {
    /// It is over, or parked.
    Over(RunState),
    /// It is queued, and due then.
    Until(DateTime<Utc>),
    /// Somebody else has it.
    Lost,
}

struct Slice<'a> {
    tools: &'a Tools,
    stop: &'a Shutdown,
    scope: Scope,
    lease: Lease,
    claimed: DateTime<Utc>,
    run: Run,
}

impl Slice<'_> {
    async fn execute(mut self) -> Result<Rest, Trouble> {
        let id = self.run.connection;
        let OpenedConnection {
            mut connection,
            repull,
            looked_at,
            paused,
            plan,
        } = self.scope.connection_open(id).await?;
        if repull {
            let anew = Notes::read(&self.run.progress).anew().write();
            let taken = self.scope.connection_take_repull(&self.lease, &anew);
            if taken.await? {
                tracing::info!("everything is read again, as asked");
                self.run.progress = anew;
            }
            // Read after that: an edit in between is compiled now and read for once more, not the reverse.
            connection = self.scope.connection_get(id).await?;
        }
        if let ConnectionStatus::Paused { reason } = &connection.status {
            let why = format!("the connection is paused: {reason}");
            return self.finish(RunState::Cancelled, Some(why), None).await;
        }
        if !self.tools.tariffs.has(&plan) {
            tracing::warn!(
                plan,
                "the tenant's plan is not there: what new tenants get holds"
            );
        }
        self.look_again(&connection, looked_at).await?;
        // From here on: opening asks the providers, who may take longer than a lease lasts.
        let held = Arc::new(Held::new(
            &self.tools.clock,
            self.tools.settings.lease,
            self.claimed,
        ));
        let worked = {
            let mut lost = std::pin::pin!(self.keep_alive(&held));
            let mut cut_off = std::pin::pin!(self.cut_off());
            let opening = RunContext::open(
                self.tools,
                self.stop,
                self.scope.clone(),
                self.lease,
                &self.run,
                (connection, paused, self.tools.tariffs.of(&plan)),
                held.clone(),
            );
            let opened = tokio::select! {
                opened = opening => opened.map_err(Unopened::Trouble),
                lost = &mut lost => Err(Unopened::Trouble(lost)),
                () = &mut cut_off => Err(Unopened::CutOff),
            };
            match opened {
                Ok(context) => {
                    context.tell(RunState::Running, Phase::Claim).await;
                    let ended = tokio::select! {
                        ended = steps(&context) => ended,
                        lost = &mut lost => Err(lost),
                        () = &mut cut_off => Ok(Ended::CutOff),
                    };
                    Ok((context, ended))
                }
                Err(unopened) => Err(unopened),
            }
            // A heartbeat that is under way ends here: it may hold rows that are now to be written.
        };
        match worked {
            Ok((context, ended)) => self.end(ended, &context).await,
            Err(Unopened::Trouble(trouble)) => self.trouble(trouble, None).await,
            Err(Unopened::CutOff) => self.give_back(None).await,
        }
    }

    /// Where rules are about the age of records, a run that begins looks at all of them from time to time: one that only
    /// grows older is in no pull.
    async fn look_again(
        &self,
        connection: &Connection,
        looked_at: Option<DateTime<Utc>>,
    ) -> Result<(), Trouble> {
        let now = self.tools.clock.now();
        let pull = Notes::read(&self.run.progress).pull;
        let is_due = looked_at.is_none_or(|at| later(at, self.tools.settings.relook) <= now);
        if !is_due || pull.a.begun || pull.b.begun {
            return Ok(());
        }
        let ages = |side: &Side| {
            let mut rules = connection.rules.iter();
            rules.any(|rule| rule.from == *side && rule.ages())
        };
        let sides: Vec<Side> = Side::BOTH.into_iter().filter(ages).collect();
        if sides.is_empty() {
            return Ok(());
        }
        let looks = self.scope.connection_look_again(&self.lease, &sides, now);
        if looks.await? {
            metrics::counter!("syncline_relooks_total").increment(1);
            tracing::info!("all records are read again: rules are about their age");
        }
        Ok(())
    }

    /// Writes how the slice ended. What is noted in memory counts only where the steps came to an end by themselves: a
    /// step that was stopped may have noted what it did not write.
    async fn end(
        &self,
        ended: Result<Ended, Trouble>,
        context: &RunContext<'_>,
    ) -> Result<Rest, Trouble> {
        let notes = context.notes.lock().await.write();
        // How clocks stand is measured again; how the slice ended is not.
        if let Err(error) = context.keep_clocks().await {
            tracing::warn!(%error, "how the providers' clocks stand is not kept");
        }
        match ended {
            Ok(Ended::Done) => self.finish(RunState::Succeeded, None, Some(context)).await,
            Ok(Ended::Parked) => {
                let why = "a guard holds part of the plan until a person approves it".to_owned();
                self.finish(RunState::Parked, Some(why), Some(context))
                    .await
            }
            Ok(Ended::SliceOver) => {
                let release = self.release_now(0, notes);
                self.release(release, Some(context)).await
            }
            Ok(Ended::CutOff) => self.give_back(Some(context)).await,
            Ok(Ended::Wait(until, why)) => {
                let attempts = if context.moved() {
                    1
                } else {
                    self.run.attempts + 1
                };
                self.wait(until, why, attempts, notes, Some(context)).await
            }
            Ok(Ended::Left(why)) => {
                let (now, attempts) = (self.tools.clock.now(), self.run.attempts + 1);
                self.wait(now, why, attempts, notes, Some(context)).await
            }
            Err(trouble) => self.trouble(trouble, Some(context)).await,
        }
    }

    /// Prolongs the lease while the slice works. Ends only when the lease is lost.
    async fn keep_alive(&self, held: &Held) -> Trouble {
        let (clock, lease) = (&self.tools.clock, self.tools.settings.lease);
        let mut ours_until = later(self.claimed, lease);
        loop {
            clock.sleep(lease / 3).await;
            let now = clock.now();
            let until = later(now, lease);
            match self.scope.run_heartbeat(&self.lease, until).await {
                Ok(()) => {
                    ours_until = until;
                    held.prolong(now);
                }
                Err(error @ syncline_store::StoreError::Fenced) => return error.into(),
                // The next beat may come through, as long as the run is still ours.
                Err(error) if clock.now() < ours_until => {
                    tracing::warn!(%error, "the lease was not prolonged");
                }
                Err(_) => return syncline_store::StoreError::Fenced.into(),
            }
        }
    }

    /// Ends when the worker is to stop and its grace is over.
    async fn cut_off(&self) {
        self.stop.triggered().await;
        self.tools.clock.sleep(self.tools.settings.grace).await;
    }

    /// Gives the run back as the rows have it, because the worker stops.
    async fn give_back(&self, context: Option<&RunContext<'_>>) -> Result<Rest, Trouble> {
        tracing::info!("the worker stops: the run is given back where it stands");
        let release = self.release_now(self.run.attempts, self.noted().await?);
        self.release(release, context).await
    }

    /// The notes as they stand in the row.
    async fn noted(&self) -> Result<serde_json::Value, Trouble> {
        Ok(self.scope.run_get(self.run.id).await?.progress)
    }

    async fn trouble(
        &self,
        trouble: Trouble,
        context: Option<&RunContext<'_>>,
    ) -> Result<Rest, Trouble> {
        tracing::debug!(causes = trouble.causes(), "the slice stopped");
        match trouble.verdict() {
            Verdict::LetGo => {
                tracing::warn!("another worker holds this run now");
                // This one has stopped writing: nobody has to wait for the lease's end.
                self.scope.run_let_go(&self.lease).await?;
                Ok(Rest::Lost)
            }
            Verdict::Later(wait) => {
                let until = later(self.tools.clock.now(), wait);
                let notes = self.noted().await?;
                self.wait_after(until, &trouble, notes, context).await
            }
            Verdict::Repull(side) => {
                tracing::info!(%side, "the cursor has expired: everything is read again");
                // The notes go first: a cursor without notes is found expired once more, notes without their cursor
                // would go on with a page of a listing that is over.
                let mut notes = Notes::read(&self.noted().await?);
                notes.restart_pull(side);
                let notes = notes.write();
                self.scope.run_note(&self.lease, &notes).await?;
                self.scope.cursor_clear(self.run.connection, side).await?;
                let now = self.tools.clock.now();
                self.wait_after(now, &trouble, notes, context).await
            }
            Verdict::Pause(reason) => {
                tracing::warn!(reason, "the connection is paused");
                let status = ConnectionStatus::Paused {
                    reason: reason.clone(),
                };
                let now = self.tools.clock.now();
                let connection = self.run.connection;
                let rest = self.finish(RunState::Failed, Some(reason), context).await?;
                self.scope
                    .connection_status_set(connection, &status, now)
                    .await?;
                Ok(rest)
            }
        }
    }

    async fn wait_after(
        &self,
        until: DateTime<Utc>,
        trouble: &Trouble,
        progress: serde_json::Value,
        context: Option<&RunContext<'_>>,
    ) -> Result<Rest, Trouble> {
        let moved = context.is_some_and(RunContext::moved);
        let attempts = if moved { 1 } else { self.run.attempts + 1 };
        self.wait(until, trouble.to_string(), attempts, progress, context)
            .await
    }

    /// Gives the run back until an instant; after too many attempts without progress, gives it up.
    async fn wait(
        &self,
        until: DateTime<Utc>,
        why: String,
        attempts: i32,
        progress: serde_json::Value,
        context: Option<&RunContext<'_>>,
    ) -> Result<Rest, Trouble> {
        if attempts > MAX_ATTEMPTS {
            let why = format!("given up after {MAX_ATTEMPTS} attempts: {why}");
            return self.finish(RunState::Failed, Some(why), context).await;
        }
        let doubling = u32::try_from(attempts - 1).unwrap_or(0).min(10);
        let own = Duration::from_millis(250)
            .saturating_mul(1 << doubling)
            .min(MAX_WAIT);
        let earliest = later(self.tools.clock.now(), own);
        tracing::info!(why, attempts, "the run waits");
        let release = Release {
            due_at: until.max(earliest),
            progress,
            error: Some(why),
            attempts,
        };
        self.release(release, context).await
    }

    fn release_now(&self, attempts: i32, progress: serde_json::Value) -> Release {
        Release {
            due_at: self.tools.clock.now(),
            progress,
            error: None,
            attempts,
        }
    }

    async fn release(
        &self,
        mut release: Release,
        context: Option<&RunContext<'_>>,
    ) -> Result<Rest, Trouble> {
        // A run of a paused connection has nothing to wait for: its next slice cancels it.
        let connection = self.scope.connection_get(self.run.connection).await?;
        if connection.status != ConnectionStatus::Active {
            release.due_at = self.tools.clock.now();
        }
        self.scope.run_release(&self.lease, &release).await?;
        if let Some(context) = context {
            context.tell(RunState::Queued, Phase::Rest).await;
        }
        Ok(Rest::Until(release.due_at))
    }

    async fn finish(
        &self,
        state: RunState,
        error: Option<String>,
        context: Option<&RunContext<'_>>,
    ) -> Result<Rest, Trouble> {
        // Guards that hold something, or what a person agreed to.
        let guards = match (state, context) {
            (RunState::Parked, Some(context)) => context.notes.lock().await.guards.clone(),
            _ => self.run.guards.clone(),
        };
        let finish = Finish {
            state,
            error,
            counters: Counters::default(),
            guards,
            now: self.tools.clock.now(),
        };
        self.scope.run_finish(&self.lease, &finish).await?;
        metrics::counter!("syncline_runs_total", "outcome" => state.as_str()).increment(1);
        let counters = context.map_or(self.run.counters, RunContext::counters);
        context::announce(self.tools, self.run.id, state, counters, Phase::Rest).await;
        tracing::info!(state = state.as_str(), "the run ended");
        Ok(Rest::Over(state))
    }
}

/// The steps of a run, each skipped where the notes say that it is done.
async fn steps(context: &RunContext<'_>) -> Result<Ended, Trouble> {
    if let Some((until, why)) = recover::recover(context).await? {
        return Ok(Ended::Wait(until, why));
    }
    // What changes from now on is told of, or read now.
    if !context.has_begun_to_pull().await {
        Box::pin(watches::keep(context)).await;
    }
    if !Box::pin(pull::pull(context)).await? {
        return Ok(Ended::SliceOver);
    }
    for side in Side::BOTH {
        absent::look_for(context, side).await?;
    }
    let pass = batch::work_off(context).await?;
    if pass.slice_over {
        return Ok(Ended::SliceOver);
    }
    if let Some((until, why)) = pass.wait {
        return Ok(Ended::Wait(until, why));
    }
    // What was done was done for the connection as it was; as it is now, more may be to do.
    if context.edited().await? {
        return Ok(Ended::SliceOver);
    }
    conclude(context).await
}

/// What the rows say of a run whose steps are done.
async fn conclude(context: &RunContext<'_>) -> Result<Ended, Trouble> {
    let connection = context.connection.id;
    let open = context
        .scope
        .intents_open(context.connection.pair, INTENTS)
        .await?;
    if open.iter().any(|open| open.connection == connection) {
        let why = "nobody knows yet whether a write was done".to_owned();
        return Ok(Ended::Left(why));
    }
    let counts = context.scope.staged_counts(connection).await?;
    if counts.held > 0 {
        return Ok(Ended::Parked);
    }
    let pending = counts.pending.a + counts.pending.b;
    if pending > 0 {
        return Ok(Ended::Left(format!("{pending} records were not planned")));
    }
    if counts.over != Sides::default() {
        let Sides { a, b } = counts.over;
        tracing::info!(
            to_a = a,
            to_b = b,
            "records wait for the next run: the plan allows no more in this one"
        );
    }
    Ok(Ended::Done)
}
