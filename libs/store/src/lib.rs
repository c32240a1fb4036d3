//! Every SQL statement, for PostgreSQL and SQLite.
