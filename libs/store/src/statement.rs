//! How SQL is written down: once, as a constant, in a list that the census can walk.

/// Whose rows a statement touches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Home {
    /// One tenant's: it names `tenant_id`.
    Tenant,
    /// A look-up that has to find the tenant, or nothing of a tenant at all.
    Global,
}

/// One statement, in the words of both databases.
#[derive(Clone, Copy, Debug)]
pub struct Statement {
    /// The constant's name.
    pub name: &'static str,
    /// Whose rows it touches.
    pub home: Home,
    /// For PostgreSQL.
    pub postgres: &'static str,
    /// For SQLite.
    pub sqlite: &'static str,
}

/// Declares statements that are the same text on both databases, and `STATEMENTS` that lists them.
macro_rules! statements {
    ($($(#[$doc:meta])* $home:ident $name:ident = $sql:expr;)*) => {
        $($(#[$doc])* const $name: $crate::statement::Statement = $crate::statement::Statement {
            name: stringify!($name),
            home: $crate::statement::Home::$home,
            postgres: $sql,
            sqlite: $sql,
        };)*
        pub(crate) const STATEMENTS: &[$crate::statement::Statement] = &[$($name),*];
    };
}
pub(crate) use statements;

/// Every statement that the crate can execute.
pub fn census() -> Vec<Statement> {
    [
        crate::accounts::STATEMENTS,
        crate::api_keys::STATEMENTS,
        crate::audit::STATEMENTS,
        crate::conflicts::STATEMENTS,
        crate::connections::STATEMENTS,
        crate::cursors::STATEMENTS,
        crate::db::STATEMENTS,
        crate::dialect::STATEMENTS,
        crate::history::STATEMENTS,
        crate::idempotency::STATEMENTS,
        crate::intents::STATEMENTS,
        crate::invitations::STATEMENTS,
        crate::keys::STATEMENTS,
        crate::leases::STATEMENTS,
        crate::links::STATEMENTS,
        crate::members::STATEMENTS,
        crate::looks::STATEMENTS,
        crate::oauth_states::STATEMENTS,
        crate::pairs::STATEMENTS,
        crate::problems::STATEMENTS,
        crate::records::STATEMENTS,
        crate::reviews::STATEMENTS,
        crate::runs::STATEMENTS,
        crate::sessions::STATEMENTS,
        crate::settle::STATEMENTS,
        crate::staged::STATEMENTS,
        crate::tenants::STATEMENTS,
        crate::vitals::STATEMENTS,
        crate::watches::STATEMENTS,
    ]
    .concat()
}
