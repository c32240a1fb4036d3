//! `GET /v1/runs/{id}/events`: a run as it goes on, as server-sent events.
//!
//! Reports of progress may be lost on their way; the row is the truth. So the stream begins with the row, looks at it
//! again whenever nothing was heard for a while, and ends with the row once the run is over.

use std::time::Duration;

use actix_web::http::header;
use actix_web::web::{self, Bytes};
use actix_web::{Error, HttpResponse};
use futures::stream::{self, Stream};
use serde::Serialize;
use syncline_coordination::{ProgressEvent, Subscription};
use syncline_model::{Counters, Run, RunId, RunState};
use syncline_store::Scope;
use utoipa::ToSchema;

use crate::auth::CanRead;
use crate::extract::Id;
use crate::problem::Problem;
use crate::schema;
use crate::state::State;
use crate::wire::RunJson;

/// How long nothing may be heard before the row is looked at.
const SILENCE: Duration = Duration::from_secs(5);
/// Longest stream; a client that wants more comes back.
const LONGEST: Duration = Duration::from_hours(1);

/// The data of a `progress` event.
#[derive(Serialize, ToSchema)]
#[schema(as = Progress)]
pub struct ProgressJson {
    /// The run.
    #[schema(value_type = schema::RunId)]
    run: RunId,
    /// Where it is.
    #[schema(value_type = schema::RunState)]
    state: RunState,
    /// Which step it is at: `claim`, `recover`, `pull`, `plan`, `push`, `settle` or `rest`.
    #[schema(value_type = String)]
    phase: syncline_coordination::Phase,
    /// What it did so far.
    #[schema(value_type = schema::Counters)]
    counters: Counters,
}

/// Follow a run
///
/// Server-sent events: `run` (a whole run: the first event, and the last once the run is over) and `progress` between.
#[utoipa::path(get, path = "/v1/runs/{id}/events", operation_id = "follow_run", tag = "runs",
    params(("id" = schema::RunId, Path)),
    responses((status = 200, description = "A stream that ends when the run is over", body = String, content_type = "text/event-stream")))]
pub async fn handle(
    state: web::Data<State>,
    CanRead(caller): CanRead,
    Id(id): Id<RunId>,
) -> Result<HttpResponse, Problem> {
    // Watching begins before the row is read, so that nothing falls between.
    let watch = state.progress.subscribe(id).await.map_err(|error| {
        tracing::error!(%error, "a run cannot be watched");
        Problem::new(crate::problem::Code::Unavailable, "Try again in a moment.")
    })?;
    let run = caller.rows.run_get(id).await?;
    let follower = Follower {
        state,
        rows: caller.rows,
        watch: Some(watch),
        next: Step::Show(Box::new(run)),
        until: tokio::time::Instant::now() + LONGEST,
    };
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/event-stream"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header(("x-accel-buffering", "no"))
        .streaming(follow(follower)))
}

struct Follower {
    state: web::Data<State>,
    rows: Scope,
    watch: Option<Subscription>,
    next: Step,
    until: tokio::time::Instant,
}

enum Step {
    Show(Box<Run>),
    Listen(RunId),
    End,
}

fn follow(follower: Follower) -> impl Stream<Item = Result<Bytes, Error>> {
    stream::unfold(follower, |mut follower| async move {
        let sent = match std::mem::replace(&mut follower.next, Step::End) {
            Step::Show(run) => {
                if !run.state.is_final() {
                    follower.next = Step::Listen(run.id);
                }
                event("run", &RunJson::from(*run))
            }
            Step::Listen(id) => follower.listen(id).await?,
            Step::End => return None,
        };
        Some((Ok(sent), follower))
    })
}

impl Follower {
    /// The next thing to say about a run that goes on; nothing when the stream is to end.
    async fn listen(&mut self, id: RunId) -> Option<Bytes> {
        let heard = tokio::select! {
            () = self.state.shutdown.triggered() => return None,
            () = tokio::time::sleep_until(self.until) => return None,
            heard = heard(&mut self.watch) => heard,
        };
        if let Some(report) = heard
            && !report.state.is_final()
        {
            self.next = Step::Listen(id);
            return Some(event("progress", &ProgressJson::from(report)));
        }
        // Over, as it says, or silent: the row knows. A run that cannot be read any more has nothing more to say.
        let run = self.rows.run_get(id).await.ok()?;
        if run.state.is_final() {
            return Some(event("run", &RunJson::from(run)));
        }
        self.next = Step::Listen(id);
        Some(Bytes::from_static(b": still going on\n\n"))
    }
}

/// The next report, or nothing after a while.
async fn heard(watch: &mut Option<Subscription>) -> Option<ProgressEvent> {
    let Some(open) = watch else {
        tokio::time::sleep(SILENCE).await;
        return None;
    };
    match tokio::time::timeout(SILENCE, open.next()).await {
        Ok(Some(report)) => Some(report),
        Ok(None) => {
            *watch = None;
            None
        }
        Err(_) => None,
    }
}

fn event(name: &str, data: &impl Serialize) -> Bytes {
    let data = serde_json::to_string(data).unwrap_or_default();
    format!("event: {name}\ndata: {data}\n\n").into()
}

impl From<ProgressEvent> for ProgressJson {
    fn from(report: ProgressEvent) -> Self {
        Self {
            run: report.run,
            state: report.state,
            phase: report.phase,
            counters: report.counters,
        }
    }
}
