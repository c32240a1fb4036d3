//! A field that is gone at its provider reads as empty, and cannot be written. Before anything is cleared for that, and
//! before a record is blamed for it, the fields are looked at once more: what is remembered of an account may be an hour
//! old.
//!
//! Not here: what becomes of a mapping whose field is gone (`Policy::compile_rest`, `context`).

use syncline_engine::{Operation, Outcome, Plan};
use syncline_model::{FieldDescriptor, FieldName, ProblemReason, Side, Value};

use super::context::RunContext;
use super::push::Pushed;
use crate::Trouble;

/// Whether the fields from which a plan clears others are still there. If not, the next slice finds the account as it is.
pub async fn before(context: &RunContext<'_>, plan: &Plan) -> Result<bool, Trouble> {
    for side in Side::BOTH {
        let clears = plan
            .operations()
            .any(|(_, operation)| operation.side() == side.other() && clears(operation));
        if clears && !are_there(context, side).await? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether the fields are still there of which a provider refused some writes. If not, these are as good as never sent,
/// and the next slice finds the account as it is.
pub async fn after(
    context: &RunContext<'_>,
    plan: &Plan,
    pushed: &mut Pushed,
) -> Result<bool, Trouble> {
    let mut all = true;
    for side in Side::BOTH {
        let mut refused: Vec<&mut Outcome> = plan
            .operations()
            .zip(&mut pushed.outcomes)
            .filter(|((_, operation), outcome)| operation.side() == side && is_rejected(outcome))
            .map(|(_, outcome)| outcome)
            .collect();
        if !refused.is_empty() && !are_there(context, side).await? {
            for outcome in &mut refused {
                **outcome = Outcome::Later;
            }
            all = false;
        }
    }
    Ok(all)
}

/// Whether a side's fields are those for which the connection was compiled; asked once a slice. If not, the account is
/// forgotten.
async fn are_there(context: &RunContext<'_>, side: Side) -> Result<bool, Trouble> {
    if context.has_looked(side) {
        return Ok(true);
    }
    let open = context.sides.get(side);
    let fields = open.connector.fields(&open.session).await;
    let fields = fields.map_err(|error| Trouble::Provider { side, error })?;
    let all = open.fields.iter().all(|name| is_there(&fields, name));
    if all {
        context.looked(side);
    } else {
        tracing::info!(%side, "a field is gone");
        let account = context.connection.sides.get(side).account;
        context.tools.shapes.forget(account);
    }
    Ok(all)
}

const fn is_rejected(outcome: &Outcome) -> bool {
    matches!(
        outcome,
        Outcome::Refused {
            reason: ProblemReason::Rejected,
            ..
        }
    )
}

fn clears(operation: &Operation) -> bool {
    let Operation::Update { changes, .. } = operation else {
        return false;
    };
    changes.values().any(|value| match value {
        Value::List(items) => items.is_empty(),
        value => value.is_empty(),
    })
}

fn is_there(fields: &[FieldDescriptor], name: &FieldName) -> bool {
    let mut fields = fields.iter();
    fields.any(|field| field.name == *name || field.named(name).is_some())
}
