//! Queue messages: a doorbell that carries ids only. The row is the truth.

use serde::{Deserialize, Serialize};

use crate::{RunId, TenantId};

/// A message to workers. Unknown kinds are acknowledged and logged by a worker that is older than the sender.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Job {
    /// A run has work that is due.
    Run {
        /// The tenant that owns it.
        tenant: TenantId,
        /// The run.
        run: RunId,
    },
}
