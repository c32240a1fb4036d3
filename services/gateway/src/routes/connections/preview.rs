//! `POST /v1/connections/{id}/preview`: what an edit would do, before it is made. Nothing is stored and nobody's records are read.

use actix_web::HttpRequest;
use actix_web::web::{self, Json};
use serde::Serialize;
use syncline_model::{
    ConflictPolicy, Connection, ConnectionId, ConnectionStatus, DeletionPolicy, OnLeave, Side,
};
use utoipa::ToSchema;

use super::edit::Edit;
use crate::audit;
use crate::auth::CanWrite;
use crate::extract::{Body, Id};
use crate::problem::Problem;
use crate::schema;
use crate::state::State;
use crate::wire::{ConnectionJson, ConnectionPatch};

/// What an edit would do.
#[derive(Serialize, ToSchema)]
pub struct Preview {
    /// The connection as it would be.
    connection: ConnectionJson,
    /// What would be different, by the names of a connection's fields. None: the edit changes nothing.
    changed: Vec<&'static str>,
    /// Pairs of records that are kept in step now.
    links: u64,
    /// What would happen to records, in words.
    consequences: Vec<String>,
    /// What to mind, in words for a customer: sides whose records stay where they are, though `on_leave` is `leave`.
    warnings: Vec<String>,
}

/// See what a change would do
///
/// Takes what `PATCH /v1/connections/{id}` takes and refuses what that would refuse, but stores nothing. Says in words what
/// would happen to records: which are looked at again, what becomes of those that take no part any more, and what is never
/// touched. How many leave is not said, since nobody's records are read: the run that follows counts them, and parks before
/// it takes out more than the guards let pass.
#[utoipa::path(post, path = "/v1/connections/{id}/preview", operation_id = "preview_connection", tag = "connections",
    params(("id" = schema::ConnectionId, Path)),
    request_body = ConnectionPatch,
    responses((status = 200, description = "What it would do", body = Preview),
              (status = 403, description = "`forbidden`; `plan_limit`: the plan does not allow it", body = crate::problem::ProblemBody, content_type = "application/problem+json")))]
pub async fn handle(
    state: web::Data<State>,
    CanWrite(caller): CanWrite,
    Id(id): Id<ConnectionId>,
    request: HttpRequest,
    Body(body): Body<ConnectionPatch>,
) -> Result<Json<Preview>, Problem> {
    let before = caller.rows.connection_get(id).await?;
    let Edit {
        wanted,
        changed,
        live,
        ..
    } = Edit::of(&state, &caller, &before, body).await?;
    let links = caller.rows.record_counts(id).await?.live;
    let warnings = live.map(|live| live.warnings(&wanted));
    audit::looked(&request);
    Ok(Json(Preview {
        warnings: warnings.transpose()?.unwrap_or_default(),
        changed,
        links,
        consequences: consequences(&before, &wanted, links),
        connection: ConnectionJson::from(wanted),
    }))
}

/// What would happen to records, one thing a sentence or two.
fn consequences(before: &Connection, after: &Connection, links: u64) -> Vec<String> {
    let mut all = Vec::new();
    let mut say = |what: &str| all.push(what.to_owned());
    let rules = before.rules != after.rules;
    let judged = rules || before.direction != after.direction || before.on_leave != after.on_leave;
    let read = before.mapping != after.mapping || before.matching != after.matching;
    if judged || read {
        say(&format!(
            "Every record is looked at anew, the {links} pairs that are kept in step among them: {}.",
            beginning(after)
        ));
    }
    if judged {
        say(leaving(before, after));
        if after.on_leave == OnLeave::Leave {
            say(
                "How many leave is not known before the records are looked at: the run counts them, and if they are more than the guards let pass it parks with the number in its `guards`.",
            );
        }
        say(
            "Records that come to match are linked with their equals on the other side, or created there if there is none.",
        );
    }
    if rules && before.rules.iter().any(|rule| rule.reverse_on_exit) {
        say(
            "What a rule with `reverse_on_exit` did to records that it is not about any more is undone, as far as nobody changed it since.",
        );
    }
    for side in Side::BOTH {
        let from = side.other();
        if before.direction.from_side(from) && !after.direction.from_side(from) {
            say(&format!(
                "Nothing is written to side {side} any more; what was written there stays."
            ));
        }
    }
    if before.mapping != after.mapping {
        say(
            "Fields that are not mapped any more stay as they are on both sides. Where newly mapped fields differ, the side that wins conflicts is copied over the other one; a guard holds that back if it concerns too many records.",
        );
    }
    if before.matching != after.matching {
        say("Records that are linked stay linked. Those that are not are matched by the new keys.");
    }
    if before.conflict != after.conflict {
        say(&format!(
            "Edits that meet from now on are decided in the new way, unless a mapping entry has its own: {}. What was decided before stays.",
            winning(after.conflict)
        ));
    }
    if before.deletions != after.deletions {
        for gone in Side::BOTH {
            let policy = deleting(after.deletions.on(gone));
            say(&format!(
                "What is deleted on side {gone} from now on {policy}."
            ));
        }
        say("What was deleted before is not looked at again.");
    }
    if before.schedule != after.schedule {
        say(match after.schedule.every_seconds {
            Some(_) => "A run begins at once, and then by the new schedule.",
            None => "No run begins by itself any more.",
        });
    }
    if before.guards != after.guards {
        say(
            "The guards look at the next run as they are now; what they hold by then is judged anew.",
        );
    }
    all
}

/// When the next run begins.
fn beginning(after: &Connection) -> &'static str {
    match (&after.status, after.schedule.every_seconds) {
        (ConnectionStatus::Active, Some(_)) => "by a run that begins at once",
        (ConnectionStatus::Active, None) => "by the next run that somebody asks for",
        _ => "by the first run once the connection is resumed",
    }
}

fn leaving(before: &Connection, after: &Connection) -> &'static str {
    if after.on_leave == OnLeave::Freeze {
        "Records that do not match any more stay as they are on both sides and are not updated until they match again. Nothing is deleted."
    } else if before.on_leave == after.on_leave {
        "The partners of records that do not match any more are taken out of the collection, group or tag that marks them, and are not updated until they match again. Nothing is deleted."
    } else {
        "From now on the partners of records that leave are taken out of the collection, group or tag that marks them; whoever left before stays where they are. Nothing is deleted."
    }
}

const fn winning(policy: ConflictPolicy) -> &'static str {
    match policy {
        ConflictPolicy::AWins => "side a wins",
        ConflictPolicy::BWins => "side b wins",
        ConflictPolicy::MostRecent => {
            "the record that was changed last wins, and side a where the clocks of the two apps leave that open"
        }
        ConflictPolicy::MostRecentOrB => {
            "the record that was changed last wins, and side b where the clocks of the two apps leave that open"
        }
        ConflictPolicy::Ask => "both stay as they are until a person says which wins",
    }
}

const fn deleting(policy: DeletionPolicy) -> &'static str {
    match policy {
        DeletionPolicy::Ignore => "stays on the other side",
        DeletionPolicy::Unlink => {
            "leaves the collection on the other side, and stays there as a record"
        }
        DeletionPolicy::Mark => "is marked on the other side, and stays there as a record",
        DeletionPolicy::Delete => "is deleted on the other side, as far as the guards let pass",
    }
}
