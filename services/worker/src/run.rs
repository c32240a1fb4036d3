//! One slice of one run: claim, recover, pull, plan, push, settle, checkpoint.
//!
//! Every step can be repeated after a crash. The order between two steps is what keeps the promises: a page is
//! committed before its token moves on, an operation is recorded before its provider is called, and what became of
//! it is settled in one transaction with clearing that record.

mod absent;
mod batch;
mod cluster;
mod context;
mod guards;
mod notes;
mod pull;
mod push;
mod recover;
mod settle;

use std::time::Duration;

use chrono::{DateTime, Utc};
use syncline_coordination::Phase;
use syncline_model::{ConnectionStatus, Counters, Run, RunId, RunState, Side, TenantId};
use syncline_platform::clock::later;
use syncline_store::{Finish, Lease, Release, Scope};

use crate::trouble::Verdict;
use crate::{Tools, Trouble};
use context::RunContext;

/// Attempts in a row without any progress after which a run is given up.
const MAX_ATTEMPTS: i32 = 12;
/// Longest wait between two attempts.
const MAX_WAIT: Duration = Duration::from_mins(5);

/// How a slice ended.
#[derive(Debug, PartialEq, Eq)]
enum Ended {
    /// Nothing is left to do.
    Done,
    /// A guard holds something.
    Parked,
    /// The slice's time is used up.
    SliceOver,
    /// Something has to wait until then.
    Wait(DateTime<Utc>, String),
}

/// Executes one slice of a run, if it is due and nobody else holds it. Says whether more is due at once.
pub async fn execute(tools: &Tools, tenant: TenantId, run: RunId) -> Result<bool, Trouble> {
    let scope = tools.store.scope(tenant).await?;
    let now = tools.clock.now();
    let until = later(now, tools.settings.lease);
    let Some(lease) = scope.run_claim(run, now, until, "worker").await? else {
        return Ok(false);
    };
    let run = scope.run_get(run).await?;
    let span = tracing::info_span!(
        "run",
        tenant.id = %tenant,
        connection.id = %run.connection,
        run.id = %run.id,
    );
    let slice = Slice {
        tools,
        scope,
        lease,
        run,
    };
    let id = slice.run.id;
    let again = slice.scope.clone();
    Box::pin(tracing::Instrument::instrument(slice.execute(), span)).await?;
    let run = again.run_get(id).await?;
    Ok(run.state == RunState::Queued && run.due_at <= tools.clock.now())
}

struct Slice<'a> {
    tools: &'a Tools,
    scope: Scope,
    lease: Lease,
    run: Run,
}

impl Slice<'_> {
    async fn execute(self) -> Result<(), Trouble> {
        let connection = self.scope.connection_get(self.run.connection).await?;
        if let ConnectionStatus::Paused { reason } = &connection.status {
            let why = format!("the connection is paused: {reason}");
            return self.finish(RunState::Cancelled, Some(why), None).await;
        }
        let opened = RunContext::open(
            self.tools,
            self.scope.clone(),
            self.lease,
            &self.run,
            connection,
        );
        let context = match opened.await {
            Ok(context) => context,
            Err(trouble) => return self.trouble(trouble, None).await,
        };
        context.tell(RunState::Running, Phase::Claim).await;
        let ended = tokio::select! {
            ended = steps(&context) => ended,
            lost = self.keep_alive() => Err(lost),
        };
        match ended {
            Ok(Ended::Done) => self.finish(RunState::Succeeded, None, Some(&context)).await,
            Ok(Ended::Parked) => {
                let why = "a guard holds part of the plan until a person approves it".to_owned();
                self.finish(RunState::Parked, Some(why), Some(&context))
                    .await
            }
            Ok(Ended::SliceOver) => {
                let now = self.tools.clock.now();
                self.release(now, None, 0, Some(&context)).await
            }
            Ok(Ended::Wait(until, why)) => self.wait(until, why, Some(&context)).await,
            Err(trouble) => self.trouble(trouble, Some(&context)).await,
        }
    }

    /// Prolongs the lease while the slice works. Ends only when the lease is lost.
    async fn keep_alive(&self) -> Trouble {
        let (clock, lease) = (&self.tools.clock, self.tools.settings.lease);
        let mut ours_until = later(clock.now(), lease);
        loop {
            clock.sleep(lease / 3).await;
            let until = later(clock.now(), lease);
            match self.scope.run_heartbeat(&self.lease, until).await {
                Ok(()) => ours_until = until,
                Err(error @ syncline_store::StoreError::Fenced) => return error.into(),
                // The next beat may come through, as long as the run is still ours.
                Err(error) if clock.now() < ours_until => {
                    tracing::warn!(%error, "the lease was not prolonged");
                }
                Err(_) => return syncline_store::StoreError::Fenced.into(),
            }
        }
    }

    async fn trouble(
        &self,
        trouble: Trouble,
        context: Option<&RunContext<'_>>,
    ) -> Result<(), Trouble> {
        tracing::debug!(causes = trouble.causes(), "the slice stopped");
        match trouble.verdict() {
            Verdict::LetGo => {
                tracing::warn!("another worker holds this run now");
                Ok(())
            }
            Verdict::Later(wait) => {
                let until = later(self.tools.clock.now(), wait);
                self.wait(until, trouble.to_string(), context).await
            }
            Verdict::Repull(side) => {
                tracing::info!(%side, "the cursor has expired: everything is read again");
                self.scope.cursor_clear(self.run.connection, side).await?;
                if let Some(context) = context {
                    context.restart_pull(side).await;
                }
                self.wait(self.tools.clock.now(), trouble.to_string(), context)
                    .await
            }
            Verdict::Pause(reason) => {
                tracing::warn!(reason, "the connection is paused");
                let status = ConnectionStatus::Paused {
                    reason: reason.clone(),
                };
                let now = self.tools.clock.now();
                let connection = self.run.connection;
                self.finish(RunState::Failed, Some(reason), context).await?;
                self.scope
                    .connection_status_set(connection, &status, now)
                    .await?;
                // This one has stopped writing: nobody has to wait for the lease's end.
                Ok(self.scope.run_let_go(&self.lease).await?)
            }
        }
    }

    /// Gives the run back until an instant; after too many attempts without progress, gives it up.
    async fn wait(
        &self,
        until: DateTime<Utc>,
        why: String,
        context: Option<&RunContext<'_>>,
    ) -> Result<(), Trouble> {
        let moved = context.is_some_and(RunContext::moved);
        let attempts = if moved { 1 } else { self.run.attempts + 1 };
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
        self.release(until.max(earliest), Some(why), attempts, context)
            .await
    }

    async fn release(
        &self,
        due_at: DateTime<Utc>,
        error: Option<String>,
        attempts: i32,
        context: Option<&RunContext<'_>>,
    ) -> Result<(), Trouble> {
        let progress = match context {
            Some(context) => context.notes.lock().await.write(),
            None => self.run.progress.clone(),
        };
        let release = Release {
            due_at,
            progress,
            error,
            attempts,
        };
        self.scope.run_release(&self.lease, &release).await?;
        if let Some(context) = context {
            context.tell(RunState::Queued, Phase::Rest).await;
        }
        Ok(())
    }

    async fn finish(
        &self,
        state: RunState,
        error: Option<String>,
        context: Option<&RunContext<'_>>,
    ) -> Result<(), Trouble> {
        let guards = match context {
            Some(context) => context.notes.lock().await.guards.clone(),
            None => self.run.guards.clone(),
        };
        let finish = Finish {
            state,
            error,
            counters: Counters::default(),
            guards,
            now: self.tools.clock.now(),
        };
        self.scope.run_finish(&self.lease, &finish).await?;
        let run = self.scope.run_get(self.run.id).await?;
        context::announce(self.tools, &run, Phase::Rest).await;
        tracing::info!(state = state.as_str(), "the run ended");
        Ok(())
    }
}

/// The steps of a run, each skipped where the notes say that it is done.
async fn steps(context: &RunContext<'_>) -> Result<Ended, Trouble> {
    if let Some((until, why)) = recover::recover(context).await? {
        return Ok(Ended::Wait(until, why));
    }
    let (a, b) = tokio::join!(pull::pull(context, Side::A), pull::pull(context, Side::B));
    if !(a? & b?) {
        return Ok(Ended::SliceOver);
    }
    for side in Side::BOTH {
        absent::look_for(context, side).await?;
    }
    guards::evaluate(context).await?;
    let pass = batch::work_off(context).await?;
    if pass.slice_over {
        return Ok(Ended::SliceOver);
    }
    if let Some((until, why)) = pass.wait {
        return Ok(Ended::Wait(until, why));
    }
    if context
        .scope
        .staged_counts(context.connection.id)
        .await?
        .held
        > 0
    {
        return Ok(Ended::Parked);
    }
    Ok(Ended::Done)
}
