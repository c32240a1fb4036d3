//! How the databases find what is due: by the index, whatever else is in the table.

use anyhow::{Context as _, ensure};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _, SqliteConnection};
use syncline_platform::{Clock as _, SystemClock};

use super::fill::Database;

/// The index that the scheduler's query must walk.
const INDEX: &str = "connections_due";
/// Rows that a tick asks for.
const LIMIT: i64 = 500;

impl Database {
    /// Fails unless the query for what is due walks its index and nothing else of the table.
    pub async fn check_plan(&self) -> anyhow::Result<()> {
        let census = syncline_store::census();
        let statement = census
            .iter()
            .find(|statement| statement.name == "CONNECTIONS_DUE");
        let statement = statement.context("the statement")?;
        let plan = match self {
            Self::Postgres(_) => {
                let mut connection = PgConnection::connect(&self.url()?).await?;
                let mut plans = String::new();
                // As it is planned at first, and once the statement was executed often.
                for mode in ["force_custom_plan", "force_generic_plan"] {
                    let set = "select set_config('app.system', 'on', false), set_config('plan_cache_mode', $1, false)";
                    sqlx::query(set).bind(mode).execute(&mut connection).await?;
                    let explain = AssertSqlSafe(format!("explain {}", statement.postgres));
                    let rows = sqlx::query(explain)
                        .bind(SystemClock.now())
                        .bind(LIMIT)
                        .fetch_all(&mut connection)
                        .await?;
                    for row in rows {
                        plans += &row.try_get::<String, _>(0)?;
                        plans.push('\n');
                    }
                }
                plans
            }
            Self::Sqlite(url) => {
                let mut connection = SqliteConnection::connect(url).await?;
                let explain = AssertSqlSafe(format!("explain query plan {}", statement.sqlite));
                let rows = sqlx::query(explain)
                    .bind(SystemClock.now())
                    .bind(LIMIT)
                    .fetch_all(&mut connection)
                    .await?;
                let lines = rows.iter().map(|row| row.try_get::<String, _>("detail"));
                lines.collect::<Result<Vec<_>, _>>()?.join("\n") + "\n"
            }
        };
        let found = plan.matches(INDEX).count();
        let expected = if matches!(self, Self::Postgres(_)) {
            2
        } else {
            1
        };
        ensure!(found == expected, "not by the index:\n{plan}");
        println!("what is due is found by the index {INDEX}");
        Ok(())
    }
}
