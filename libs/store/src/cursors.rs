//! Cursors: where the next pull of a side resumes.

use syncline_model::{ConnectionId, Side};

use crate::db::{execute, fetch_optional, transaction};
use crate::statement::statements;
use crate::{Lease, Result, Scope};

statements! {
    Tenant CURSOR_GET = "select cursor from cursors where tenant_id = $1 and connection_id = $2 and side = $3";
    Tenant CURSOR_PUT = "insert into cursors (tenant_id, connection_id, side, cursor) values ($1, $2, $3, $4)
        on conflict (tenant_id, connection_id, side) do update set cursor = excluded.cursor";
    Tenant CURSOR_DELETE = "delete from cursors where tenant_id = $1 and connection_id = $2 and side = $3";
}

impl Scope {
    /// Where the next pull resumes; `None` reads everything.
    pub async fn cursor_get(&self, connection: ConnectionId, side: Side) -> Result<Option<String>> {
        let row = transaction!(self.read(), tx => {
            fetch_optional!(tx, (String,), CURSOR_GET, self.id(), connection.uuid(), side.as_str())
        })?;
        Ok(row.map(|(cursor,)| cursor))
    }

    /// Saves where the next pull resumes, once what it covers is committed.
    pub async fn cursor_put(&self, lease: &Lease, side: Side, cursor: &str) -> Result<()> {
        transaction!(self.write(), tx => {
            self.fence(tx, lease).await?;
            execute!(tx, CURSOR_PUT, self.id(), lease.connection.uuid(), side.as_str(), cursor)
        })?;
        Ok(())
    }

    /// Forgets a cursor: the next pull of the side reads everything.
    pub async fn cursor_clear(&self, connection: ConnectionId, side: Side) -> Result<()> {
        transaction!(self.write(), tx => {
            execute!(tx, CURSOR_DELETE, self.id(), connection.uuid(), side.as_str())
        })?;
        Ok(())
    }
}
