//! Queue messages: a doorbell that carries ids only. The row is the truth.

use chrono::{DateTime, Utc};
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
        /// When it was rung, as far as the sender says.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rung_at: Option<DateTime<Utc>>,
        /// The trace that asked for it, as a `traceparent` (W3C Trace Context), if there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        trace: Option<String>,
    },
}

impl Job {
    /// A ring for a run.
    pub const fn run(tenant: TenantId, run: RunId) -> Self {
        Self::Run {
            tenant,
            run,
            rung_at: None,
            trace: None,
        }
    }

    /// What is to be done, without when and in which trace it was asked for: equal for rings that are one.
    #[must_use]
    pub const fn bell(&self) -> Self {
        let Self::Run { tenant, run, .. } = self;
        Self::run(*tenant, *run)
    }
}
