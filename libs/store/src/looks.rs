//! Looks at all records of a side anew, where time alone changes who takes part.

use chrono::{DateTime, Utc};
use syncline_model::Side;

use crate::cursors::forget;
use crate::db::{execute, transaction};
use crate::statement::statements;
use crate::{Lease, Result, Scope};

statements! {
    Tenant CONNECTION_LOOKED = "update connections set looked_at = $3 where tenant_id = $1 and id = $2";
    /// Those that are linked are not staged: they come with the reading.
    Tenant STAGED_JUDGE_AGAIN = "update staged set phase = 'pending'
        where tenant_id = $1 and connection_id = $2 and side = $3 and phase = 'known'";
}

impl Scope {
    /// Begins a look, for a run that has not begun to pull: the sides are read in full, who was left out there is judged
    /// again, and the look counts as done `now`. Whoever breaks it off leaves the sides without their cursors, so that
    /// the next run goes on with it. Whether the sides had been read before.
    pub async fn connection_look_again(
        &self,
        lease: &Lease,
        sides: &[Side],
        now: DateTime<Utc>,
    ) -> Result<bool> {
        let connection = lease.connection.uuid();
        transaction!(self.write(), tx => {
            self.fence(tx, lease).await?;
            execute!(tx, CONNECTION_LOOKED, self.id(), connection, now)?;
            let mut known = 0;
            for side in sides {
                known += forget(tx, self, lease.connection, *side).await?;
                execute!(tx, STAGED_JUDGE_AGAIN, self.id(), connection, side.as_str())?;
            }
            Ok(known > 0)
        })
    }
}
