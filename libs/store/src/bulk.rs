//! Many rows in one statement: columns as arrays for PostgreSQL's `unnest`, rows as JSON for SQLite's `json_each`.

use std::fmt::Write as _;

use chrono::{DateTime, SecondsFormat, Utc};
use uuid::Uuid;

/// A value inside a JSON row. Bytes and ids go as hexadecimal digits, for `unhex`.
pub(crate) trait Cell {
    fn write(&self, out: &mut String);
}

impl Cell for Vec<u8> {
    fn write(&self, out: &mut String) {
        hex(self, out);
    }
}

impl Cell for Uuid {
    fn write(&self, out: &mut String) {
        hex(self.as_bytes(), out);
    }
}

impl Cell for String {
    fn write(&self, out: &mut String) {
        text(self, out);
    }
}

impl Cell for &'static str {
    fn write(&self, out: &mut String) {
        text(self, out);
    }
}

impl Cell for bool {
    fn write(&self, out: &mut String) {
        out.push_str(if *self { "true" } else { "false" });
    }
}

impl Cell for i32 {
    fn write(&self, out: &mut String) {
        out.push_str(&self.to_string());
    }
}

impl Cell for i64 {
    fn write(&self, out: &mut String) {
        out.push_str(&self.to_string());
    }
}

impl Cell for DateTime<Utc> {
    /// The very form that single times are bound in, so that texts compare as times do.
    fn write(&self, out: &mut String) {
        text(&self.to_rfc3339_opts(SecondsFormat::AutoSi, false), out);
    }
}

impl<T: Cell> Cell for Option<T> {
    fn write(&self, out: &mut String) {
        match self {
            Some(value) => value.write(out),
            None => out.push_str("null"),
        }
    }
}

/// Sixteen bytes at a time: digit by digit takes ten times as long in a debug build, and bodies are most of a row.
fn hex(bytes: &[u8], out: &mut String) {
    out.push('"');
    out.reserve(bytes.len() * 2 + 1);
    let (chunks, rest) = bytes.as_chunks();
    for chunk in chunks {
        let _ = write!(out, "{:032x}", u128::from_be_bytes(*chunk));
    }
    for byte in rest {
        let _ = write!(out, "{byte:02x}");
    }
    out.push('"');
}

fn text(text: &str, out: &mut String) {
    out.push_str(&serde_json::Value::from(text).to_string());
}

/// A JSON array of single values.
pub(crate) fn json_list<T: Cell>(items: impl AsRef<[T]>) -> String {
    let mut out = String::from("[");
    for (n, item) in items.as_ref().iter().enumerate() {
        if n > 0 {
            out.push(',');
        }
        item.write(&mut out);
    }
    out.push(']');
    out
}

/// Declares a row for bulk statements. The statement's first bindings are ids common to all rows; then come, on
/// PostgreSQL, one array a column and, on SQLite, one JSON text of rows.
macro_rules! bulk {
    ($(#[$doc:meta])* $name:ident { $($field:ident: $type:ty),* $(,)? }) => {
        $(#[$doc])*
        pub(crate) struct $name { $(pub(crate) $field: $type),* }

        impl $crate::bulk::Cell for $name {
            fn write(&self, out: &mut String) {
                out.push('[');
                $(self.$field.write(out); out.push(',');)*
                out.pop();
                out.push(']');
            }
        }

        impl $name {
            /// Executes the statement for all rows, `BATCH` at a time: rows affected.
            pub(crate) async fn execute(
                tx: &mut $crate::db::Tx,
                statement: $crate::statement::Statement,
                common: &[uuid::Uuid],
                rows: &[Self],
            ) -> $crate::Result<u64> {
                let mut affected = 0;
                for rows in rows.chunks($crate::db::BATCH) {
                    affected += match &mut *tx {
                        $crate::db::Tx::Postgres(tx) => {
                            let mut query = sqlx::query(statement.postgres);
                            for id in common {
                                query = query.bind(*id);
                            }
                            query
                                $(.bind(rows.iter().map(|row| row.$field.clone()).collect::<Vec<$type>>()))*
                                .execute(&mut **tx).await?.rows_affected()
                        }
                        $crate::db::Tx::Sqlite(tx) => {
                            let mut query = sqlx::query(statement.sqlite);
                            for id in common {
                                query = query.bind(*id);
                            }
                            query
                                .bind($crate::bulk::json_list(rows))
                                .execute(&mut **tx).await?.rows_affected()
                        }
                    };
                }
                Ok(affected)
            }
        }
    };
}
pub(crate) use bulk;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells() {
        let check = |cell: &dyn Cell, want: &str| {
            let mut out = String::new();
            cell.write(&mut out);
            assert_eq!(out, want);
        };
        check(&vec![0_u8, 0xff, 0x1a], "\"00ff1a\"");
        check(
            &(0..18_u8).collect::<Vec<u8>>(),
            "\"000102030405060708090a0b0c0d0e0f1011\"",
        );
        check(&"a\"b\n".to_owned(), "\"a\\\"b\\n\"");
        check(&None::<i32>, "null");
        check(&Some(-7_i64), "-7");
        check(&true, "true");
        check(
            &DateTime::<Utc>::UNIX_EPOCH,
            "\"1970-01-01T00:00:00+00:00\"",
        );
    }
}
