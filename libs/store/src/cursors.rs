//! Cursors: where the next pull of a side resumes.

use syncline_model::{ConnectionId, Counters, Side, Sides};

use crate::db::{Tx, execute, fetch_all, transaction};
use crate::leases::checkpoint;
use crate::staged::{forget_unseen, side_of};
use crate::statement::statements;
use crate::{Lease, Result, Scope};

statements! {
    Tenant CURSORS_GET = "select side, cursor from cursors where tenant_id = $1 and connection_id = $2";
    Tenant CURSOR_PUT = "insert into cursors (tenant_id, connection_id, side, cursor) values ($1, $2, $3, $4)
        on conflict (tenant_id, connection_id, side) do update set cursor = excluded.cursor";
    Tenant CURSOR_DELETE = "delete from cursors where tenant_id = $1 and connection_id = $2 and side = $3";
}

impl Scope {
    /// Where the next pull of each side resumes; `None` reads everything.
    pub async fn cursors_get(&self, connection: ConnectionId) -> Result<Sides<Option<String>>> {
        let rows = transaction!(self.read_one(), tx => {
            fetch_all!(tx, (String, String), CURSORS_GET, self.id(), connection.uuid())
        })?;
        let mut cursors = Sides::default();
        for (side, cursor) in rows {
            *cursors.get_mut(side_of(&side)?) = Some(cursor);
        }
        Ok(cursors)
    }

    /// Ends a side's pull, once what it brought is committed: if it was a complete listing, present records of the side
    /// that it did not stage are forgotten; the next pull resumes at `cursor`; and the worker's notes say so. All of it
    /// in one transaction.
    pub async fn pull_end(
        &self,
        lease: &Lease,
        side: Side,
        complete_listing: Option<i64>,
        cursor: Option<&str>,
        progress: &serde_json::Value,
    ) -> Result<()> {
        let connection = lease.connection;
        transaction!(self.write(), tx => {
            let counters = self.fence(tx, lease).await?;
            if let Some(listing) = complete_listing {
                forget_unseen(tx, self, connection, side, listing).await?;
            }
            if let Some(cursor) = cursor {
                execute!(tx, CURSOR_PUT, self.id(), connection.uuid(), side.as_str(), cursor)?;
            }
            checkpoint(tx, lease, counters, &Counters::default(), progress).await
        })
    }

    /// Forgets a cursor: the next pull of the side reads everything.
    pub async fn cursor_clear(&self, connection: ConnectionId, side: Side) -> Result<()> {
        transaction!(self.write_one(), tx => {
            forget(tx, self, connection, side).await
        })?;
        Ok(())
    }
}

/// Forgets a cursor, if there is one. How many there were.
pub(crate) async fn forget(
    tx: &mut Tx,
    scope: &Scope,
    connection: ConnectionId,
    side: Side,
) -> Result<u64> {
    execute!(
        tx,
        CURSOR_DELETE,
        scope.id(),
        connection.uuid(),
        side.as_str()
    )
}
