//! The statements that the two databases word differently: rows and lists in bulk, and locks on a row, which SQLite has
//! no need of. Few, side by side, and no others.
//!
//! `$1` is the tenant throughout. On PostgreSQL, columns arrive as arrays and are unnested; on SQLite, rows arrive as
//! one JSON text, with bytes and ids in hexadecimal digits. Where a conflict clause follows a select, SQLite wants a
//! `where` before it. SQLite's `cross join` fixes the order of a join: left to itself, its planner
//! walks the whole table once for every row given; `materialized` keeps it from undoing that. A list of which each item
//! is wanted once has no item twice.

/// Declares pairs of statements and `STATEMENTS` that lists them.
macro_rules! pairs {
    ($($(#[$doc:meta])* $name:ident { postgres: $postgres:expr, sqlite: $sqlite:expr $(,)? })*) => {
        $($(#[$doc])* pub(crate) const $name: crate::statement::Statement = crate::statement::Statement {
            name: stringify!($name),
            home: crate::statement::Home::Tenant,
            postgres: $postgres,
            sqlite: $sqlite,
        };)*
        pub(crate) const STATEMENTS: &[crate::statement::Statement] = &[$($name),*];
    };
}

macro_rules! staged_upsert_tail {
    () => {
        " on conflict (tenant_id, connection_id, side, remote_id) do update set
            version = excluded.version, gone = excluded.gone, body = excluded.body, content = excluded.content,
            phase = case when staged.content = excluded.content then staged.phase else excluded.phase end,
            retry_at = case when staged.content = excluded.content then staged.retry_at
                when staged.phase in ('pending', 'over_a', 'over_b') and excluded.phase = 'pending' then staged.retry_at
                else excluded.retry_at end,
            listing = coalesce(excluded.listing, staged.listing)"
    };
}

macro_rules! link_upsert_tail {
    () => {
        " on conflict (tenant_id, id) do update set
            a_former = case when links.a_remote = excluded.a_remote then links.a_former else links.a_remote end,
            b_former = case when links.b_remote = excluded.b_remote then links.b_former else links.b_remote end,
            a_remote = excluded.a_remote, b_remote = excluded.b_remote,
            a_version = excluded.a_version, b_version = excluded.b_version,
            a_modified_at = excluded.a_modified_at, b_modified_at = excluded.b_modified_at,
            state = excluded.state, state_side = excluded.state_side, body = excluded.body"
    };
}

macro_rules! conflict_upsert_tail {
    () => {
        " on conflict (tenant_id, connection_id, link_id, entry) where status = 'open' do update set
            run_id = excluded.run_id, pair_values = excluded.pair_values"
    };
}

macro_rules! problem_upsert_tail {
    () => {
        " on conflict (tenant_id, connection_id, side, remote_id, reason) where status = 'open' do update set
            run_id = excluded.run_id, message = excluded.message, candidates = excluded.candidates,
            attempts = problems.attempts + 1, retry_at = excluded.retry_at, updated_at = excluded.updated_at"
    };
}

macro_rules! run_claimable {
    () => {
        "select connection_id, epoch from runs where tenant_id = $1 and id = $2
            and ((state = 'queued' and due_at <= $3) or (state = 'running' and lease_until <= $3))"
    };
}

macro_rules! run_fence {
    () => {
        "select counters from runs
            where tenant_id = $1 and id = $2 and epoch = $3 and connection_id = $4 and state = 'running'"
    };
}

macro_rules! staged_select {
    () => {
        "select side, remote_id, version, gone, body, phase, retry_at from staged
         where tenant_id = $1 and connection_id = $2 "
    };
}

macro_rules! link_select {
    () => {
        "select id, pair_id, a_remote, b_remote, a_version, b_version, a_modified_at, b_modified_at, state,
            state_side, body, resolutions, dirty from links where tenant_id = $1 "
    };
}

macro_rules! link_seen_columns {
    () => {
        "select l.id, l.pair_id, l.a_remote, l.b_remote, l.a_version, l.b_version, l.a_modified_at, l.b_modified_at,
            l.state, l.state_side, l.body, l.resolutions, l.dirty, m.left_a, m.left_b,
            exists (select 1 from link_members o where o.tenant_id = l.tenant_id and o.link_id = l.id
                and o.connection_id <> $2 and not o.left_a and not o.left_b) as elsewhere "
    };
}

macro_rules! link_seen_members {
    () => {
        " left join link_members m on m.tenant_id = l.tenant_id and m.connection_id = $2 and m.link_id = l.id
         where l.tenant_id = $1 "
    };
}

/// $2 connection: its membership, and whether another connection follows both records.
macro_rules! link_seen_select {
    () => {
        concat!(link_seen_columns!(), "from links l", link_seen_members!())
    };
}
pub(crate) use {
    link_seen_columns, link_seen_members, link_seen_select, link_select, staged_select,
};

pairs! {
    /// Takes the row's lock until the transaction ends; on SQLite whoever writes has the whole database.
    RUN_CLAIMABLE {
        postgres: concat!(run_claimable!(), " for update"),
        sqlite: run_claimable!(),
    }
    /// The same.
    RUN_FENCE {
        postgres: concat!(run_fence!(), " for update"),
        sqlite: run_fence!(),
    }
    /// $2 connection. An unchanged record keeps its phase.
    STAGED_UPSERT {
        postgres: concat!("insert into staged (tenant_id, connection_id, side, remote_id, version, gone, content, body,
                phase, retry_at, listing)
            select $1, $2, r.* from unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::bytea[], $8::bytea[],
                $9::text[], $10::timestamptz[], $11::bigint[]) as r", staged_upsert_tail!()),
        sqlite: concat!("insert into staged (tenant_id, connection_id, side, remote_id, version, gone, content, body,
                phase, retry_at, listing)
            select $1, $2, value->>0, value->>1, value->>2, value->>3, unhex(value->>4), unhex(value->>5), value->>6,
                value->>7, value->>8 from json_each($3) where true", staged_upsert_tail!()),
    }
    /// $2 connection.
    STAGED_KEYS_INSERT {
        postgres: "insert into staged_keys (tenant_id, connection_id, side, remote_id, hash, rank)
            select $1, $2, r.* from unnest($3::text[], $4::text[], $5::bytea[], $6::int[]) as r",
        sqlite: "insert into staged_keys (tenant_id, connection_id, side, remote_id, hash, rank)
            select $1, $2, value->>0, value->>1, unhex(value->>2), value->>3 from json_each($3)",
    }
    /// $2 connection.
    STAGED_KEYS_DELETE {
        postgres: "delete from staged_keys k using unnest($3::text[], $4::text[]) as r (side, remote_id)
            where k.tenant_id = $1 and k.connection_id = $2 and k.side = r.side and k.remote_id = r.remote_id",
        sqlite: "delete from staged_keys where tenant_id = $1 and connection_id = $2
            and (side, remote_id) in (select value->>0, value->>1 from json_each($3))",
    }
    /// $2 connection.
    STAGED_DELETE {
        postgres: "delete from staged s using unnest($3::text[], $4::text[]) as r (side, remote_id)
            where s.tenant_id = $1 and s.connection_id = $2 and s.side = r.side and s.remote_id = r.remote_id",
        sqlite: "delete from staged where tenant_id = $1 and connection_id = $2
            and (side, remote_id) in (select value->>0, value->>1 from json_each($3))",
    }
    /// $2 connection. Who comes to wait once more keeps the place in the line, if not beside another record ("9999").
    STAGED_PHASE_SET {
        postgres: "update staged s set phase = r.phase, retry_at = case
                when r.phase in ('over_a', 'over_b') and s.phase in ('pending', 'over_a', 'over_b')
                    and r.retry_at < timestamptz '9999-01-01 00:00:00+00' then least(r.retry_at, s.retry_at)
                else r.retry_at end
            from unnest($3::text[], $4::text[], $5::text[], $6::timestamptz[]) as r (side, remote_id, phase, retry_at)
            where s.tenant_id = $1 and s.connection_id = $2 and s.side = r.side and s.remote_id = r.remote_id",
        sqlite: "with f as materialized (
                select s.rowid as row, r.value->>2 as phase, r.value->>3 as retry_at
                from json_each($3) as r cross join staged as s on s.tenant_id = $1 and s.connection_id = $2
                    and s.side = r.value->>0 and s.remote_id = r.value->>1)
            update staged set phase = f.phase, retry_at = case
                when f.phase in ('over_a', 'over_b') and staged.phase in ('pending', 'over_a', 'over_b')
                    and f.retry_at < '9999' then min(f.retry_at, coalesce(staged.retry_at, f.retry_at))
                else f.retry_at end
            from f where staged.rowid = f.row",
    }
    /// $2 connection, $3 side, $4 remote ids.
    STAGED_GET {
        postgres: concat!(staged_select!(), "and side = $3 and remote_id = any($4)"),
        sqlite: "select s.side, s.remote_id, s.version, s.gone, s.body, s.phase, s.retry_at
            from json_each($4) as r cross join staged as s on s.tenant_id = $1 and s.connection_id = $2 and s.side = $3
                and s.remote_id = r.value
            where s.tenant_id = $1",
    }
    /// $2 connection, $3 side, $4 hashes. `cross join` keeps SQLite to the order written: without statistics it would
    /// look at every staged record of the side for every key.
    STAGED_MATCHES {
        postgres: "select k.hash, k.rank, k.remote_id from staged_keys k
            join staged s on s.tenant_id = k.tenant_id and s.connection_id = k.connection_id and s.side = k.side
                and s.remote_id = k.remote_id
            where k.tenant_id = $1 and k.connection_id = $2 and k.side = $3 and k.hash = any($4) and s.gone is null
            order by k.remote_id, k.rank",
        sqlite: "select k.hash, k.rank, k.remote_id from json_each($4) as r
            cross join staged_keys k on k.tenant_id = $1 and k.connection_id = $2 and k.side = $3
                and k.hash = unhex(r.value)
            cross join staged s on s.tenant_id = k.tenant_id and s.connection_id = k.connection_id and s.side = k.side
                and s.remote_id = k.remote_id
            where k.tenant_id = $1 and s.gone is null
            order by k.remote_id, k.rank",
    }
    /// $2 pair, $3 side, $4 remote ids.
    REVIEWS_OF {
        postgres: concat!("select ", crate::reviews::review_columns!(), " from reviews
            where tenant_id = $1 and pair_id = $2 and side = $3 and remote_id = any($4)"),
        sqlite: concat!("select ", crate::reviews::review_columns!(), " from json_each($4) as r
            cross join reviews on reviews.tenant_id = $1 and reviews.pair_id = $2 and reviews.side = $3
                and reviews.remote_id = r.value
            where reviews.tenant_id = $1"),
    }
    /// $2 connection, $3 pair, $4 remote ids.
    LINKS_BY_A {
        postgres: concat!(link_seen_select!(), "and l.pair_id = $3 and l.a_remote = any($4)"),
        sqlite: concat!(link_seen_columns!(), "from json_each($4) as r
            cross join links as l on l.tenant_id = $1 and l.pair_id = $3 and l.a_remote = r.value",
            link_seen_members!()),
    }
    /// $2 connection, $3 pair, $4 remote ids.
    LINKS_BY_B {
        postgres: concat!(link_seen_select!(), "and l.pair_id = $3 and l.b_remote = any($4)"),
        sqlite: concat!(link_seen_columns!(), "from json_each($4) as r
            cross join links as l on l.tenant_id = $1 and l.pair_id = $3 and l.b_remote = r.value",
            link_seen_members!()),
    }
    /// $2 connection, $3 pair, $4 remote ids; with the one that was asked for.
    LINKS_TRACED_A {
        postgres: concat!(link_seen_columns!(), ", r.value as asked from unnest($4::text[]) as r (value)
            join links l on l.tenant_id = $1 and l.pair_id = $3 and (l.a_remote = r.value or l.a_former = r.value)",
            link_seen_members!()),
        sqlite: concat!(link_seen_columns!(), ", r.value as asked from json_each($4) as r
            cross join links as l on l.tenant_id = $1 and l.pair_id = $3
                and (l.a_remote = r.value or l.a_former = r.value)",
            link_seen_members!()),
    }
    /// $2 connection, $3 pair, $4 remote ids; with the one that was asked for.
    LINKS_TRACED_B {
        postgres: concat!(link_seen_columns!(), ", r.value as asked from unnest($4::text[]) as r (value)
            join links l on l.tenant_id = $1 and l.pair_id = $3 and (l.b_remote = r.value or l.b_former = r.value)",
            link_seen_members!()),
        sqlite: concat!(link_seen_columns!(), ", r.value as asked from json_each($4) as r
            cross join links as l on l.tenant_id = $1 and l.pair_id = $3
                and (l.b_remote = r.value or l.b_former = r.value)",
            link_seen_members!()),
    }
    /// $2 ids.
    LINKS_GET {
        postgres: concat!(link_select!(), "and id = any($2)"),
        sqlite: concat!(link_select!(), "and id in (select unhex(value) from json_each($2))"),
    }
    /// All but resolutions and dirty, which answers to conflicts own.
    LINK_UPSERT {
        postgres: concat!("insert into links (tenant_id, id, pair_id, a_remote, b_remote, a_version, b_version,
                a_modified_at, b_modified_at, state, state_side, body)
            select $1, r.* from unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[],
                $8::timestamptz[], $9::timestamptz[], $10::text[], $11::text[], $12::bytea[]) as r",
            link_upsert_tail!()),
        sqlite: concat!("insert into links (tenant_id, id, pair_id, a_remote, b_remote, a_version, b_version,
                a_modified_at, b_modified_at, state, state_side, body)
            select $1, unhex(value->>0), unhex(value->>1), value->>2, value->>3, value->>4, value->>5, value->>6,
                value->>7, value->>8, value->>9, unhex(value->>10) from json_each($2) where true",
            link_upsert_tail!()),
    }
    /// $2 connection.
    MEMBER_UPSERT {
        postgres: "insert into link_members (tenant_id, connection_id, link_id, left_a, left_b)
            select $1, $2, r.* from unnest($3::uuid[], $4::bool[], $5::bool[]) as r
            on conflict (tenant_id, connection_id, link_id) do update set
                left_a = excluded.left_a, left_b = excluded.left_b",
        sqlite: "insert into link_members (tenant_id, connection_id, link_id, left_a, left_b)
            select $1, $2, unhex(value->>0), value->>1, value->>2 from json_each($3) where true
            on conflict (tenant_id, connection_id, link_id) do update set
                left_a = excluded.left_a, left_b = excluded.left_b",
    }
    LINK_DELETE {
        postgres: "delete from links where tenant_id = $1 and id = any($2)",
        sqlite: "delete from links where tenant_id = $1 and id in (select unhex(value->>0) from json_each($2))",
    }
    /// Only up to the answer that was planned for.
    LINK_CLEAN {
        postgres: "update links l set dirty = 0, resolutions = '{}'
            from unnest($2::uuid[], $3::bigint[]) as r (id, mark)
            where l.tenant_id = $1 and l.id = r.id and l.dirty = r.mark",
        sqlite: "update links set dirty = 0, resolutions = '{}'
            where rowid in (select l.rowid from json_each($2) as r cross join links as l
                on l.tenant_id = $1 and l.id = unhex(r.value->>0) and l.dirty = r.value->>1)",
    }
    /// $2 pair, $3 connection: the rows of links whose answers it used up wait in the pair's others for no answer any more.
    STAGED_ANSWERED {
        postgres: "update staged s set phase = 'pending'
            from unnest($4::uuid[], $5::bigint[]) as r (id, mark)
                join links l on l.tenant_id = $1 and l.id = r.id
                join connections c on c.tenant_id = $1 and c.pair_id = $2 and c.id <> $3
                cross join (values ('a'), ('b')) as w (side)
            where s.tenant_id = $1 and s.connection_id = c.id and s.side = w.side
                and s.remote_id = case w.side when 'a' then l.a_remote else l.b_remote end
                and s.phase = 'waiting' and s.retry_at is null",
        sqlite: "update staged set phase = 'pending'
            where rowid in (select s.rowid from json_each($4) as r
                cross join links as l on l.tenant_id = $1 and l.id = unhex(r.value->>0)
                cross join connections as c on c.tenant_id = $1 and c.pair_id = $2 and c.id <> $3
                cross join (select 'a' as side union all select 'b') as w
                cross join staged as s on s.tenant_id = $1 and s.connection_id = c.id and s.side = w.side
                    and s.remote_id = case w.side when 'a' then l.a_remote else l.b_remote end
                    and s.phase = 'waiting' and s.retry_at is null)",
    }
    /// $2 connection, $3 pair. A repeated intention replaces nothing.
    INTENT_INSERT {
        postgres: "insert into intents (tenant_id, connection_id, pair_id, operation_id, side, kind, link_id, source,
                remote, payload, intended_at)
            select $1, $2, $3, r.* from unnest($4::uuid[], $5::text[], $6::text[], $7::uuid[], $8::text[], $9::text[],
                $10::bytea[], $11::timestamptz[]) as r
            on conflict (tenant_id, operation_id) do nothing",
        sqlite: "insert into intents (tenant_id, connection_id, pair_id, operation_id, side, kind, link_id, source,
                remote, payload, intended_at)
            select $1, $2, $3, unhex(value->>0), value->>1, value->>2, unhex(value->>3), value->>4, value->>5,
                unhex(value->>6), value->>7 from json_each($4) where true
            on conflict (tenant_id, operation_id) do nothing",
    }
    /// $2 pair.
    INTENT_DELETE {
        postgres: "delete from intents where tenant_id = $1 and pair_id = $2 and operation_id = any($3)",
        sqlite: "delete from intents where tenant_id = $1 and pair_id = $2
            and operation_id in (select unhex(value->>0) from json_each($3))",
    }
    /// $2 pair. Ordinality keeps `seq` in the order of the batch.
    HISTORY_INSERT {
        postgres: "insert into history (tenant_id, pair_id, run_id, link_id, at, kind, side, remote_id, fields)
            select $1, $2, r.run_id, r.link_id, r.at, r.kind, r.side, r.remote_id, r.fields
            from unnest($3::uuid[], $4::uuid[], $5::timestamptz[], $6::text[], $7::text[], $8::text[], $9::bytea[])
                with ordinality as r (run_id, link_id, at, kind, side, remote_id, fields, n) order by r.n",
        sqlite: "insert into history (tenant_id, pair_id, run_id, link_id, at, kind, side, remote_id, fields)
            select $1, $2, unhex(value->>0), unhex(value->>1), value->>2, value->>3, value->>4, value->>5,
                unhex(value->>6) from json_each($3) order by key",
    }
    /// $2 connection. An open one of the same link and entry keeps its id.
    CONFLICT_UPSERT {
        postgres: concat!("insert into conflicts (tenant_id, connection_id, id, run_id, link_id, entry, pair_values,
                winner, status, at)
            select $1, $2, r.* from unnest($3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::bytea[], $8::text[],
                $9::text[], $10::timestamptz[]) as r", conflict_upsert_tail!()),
        sqlite: concat!("insert into conflicts (tenant_id, connection_id, id, run_id, link_id, entry, pair_values,
                winner, status, at)
            select $1, $2, unhex(value->>0), unhex(value->>1), unhex(value->>2), value->>3, unhex(value->>4),
                value->>5, value->>6, value->>7 from json_each($3) where true", conflict_upsert_tail!()),
    }
    /// $2 connection. Open ones that are no longer conflicts.
    CONFLICT_CLOSE {
        postgres: "update conflicts c set status = 'settled', winner = r.winner
            from unnest($3::uuid[], $4::text[], $5::text[]) as r (link_id, entry, winner)
            where c.tenant_id = $1 and c.connection_id = $2 and c.status = 'open' and c.link_id = r.link_id
                and c.entry = r.entry",
        sqlite: "with f as materialized (
                select c.rowid as row, r.value->>2 as winner
                from json_each($3) as r cross join conflicts as c on c.tenant_id = $1 and c.connection_id = $2
                    and c.link_id = unhex(r.value->>0) and c.entry = r.value->>1 and c.status = 'open')
            update conflicts set status = 'settled', winner = f.winner
            from f where conflicts.rowid = f.row",
    }
    /// $2 connection. One that stands open counts one more attempt.
    PROBLEM_UPSERT {
        postgres: concat!("insert into problems (tenant_id, connection_id, id, run_id, side, remote_id, reason, message,
                candidates, status, attempts, retry_at, created_at, updated_at)
            select $1, $2, r.* from unnest($3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[],
                $9::text[], $10::text[], $11::int[], $12::timestamptz[], $13::timestamptz[], $14::timestamptz[]) as r",
            problem_upsert_tail!()),
        sqlite: concat!("insert into problems (tenant_id, connection_id, id, run_id, side, remote_id, reason, message,
                candidates, status, attempts, retry_at, created_at, updated_at)
            select $1, $2, unhex(value->>0), unhex(value->>1), value->>2, value->>3, value->>4, value->>5, value->>6,
                value->>7, value->>8, value->>9, value->>10, value->>11 from json_each($3) where true",
            problem_upsert_tail!()),
    }
    /// $2 connection, $3 side, $4 remote ids.
    PROBLEM_ATTEMPTS {
        postgres: "select remote_id, reason, attempts from problems
            where tenant_id = $1 and connection_id = $2 and side = $3 and status = 'open' and remote_id = any($4)",
        sqlite: "select p.remote_id, p.reason, p.attempts from json_each($4) as r
            cross join problems as p on p.tenant_id = $1 and p.connection_id = $2 and p.side = $3
                and p.remote_id = r.value and p.status = 'open'
            where p.tenant_id = $1",
    }
    /// $2 connection. Without a reason, whatever is open for the record.
    PROBLEM_CLOSE_BULK {
        postgres: "update problems p set status = 'closed', updated_at = r.at
            from unnest($3::text[], $4::text[], $5::text[], $6::timestamptz[]) as r (side, remote_id, reason, at)
            where p.tenant_id = $1 and p.connection_id = $2 and p.status = 'open' and p.side = r.side
                and p.remote_id = r.remote_id and (r.reason is null or p.reason = r.reason)",
        sqlite: "with f as materialized (
                select p.rowid as row, r.value->>3 as at
                from json_each($3) as r cross join problems as p on p.tenant_id = $1 and p.connection_id = $2
                    and p.side = r.value->>0 and p.remote_id = r.value->>1 and p.status = 'open'
                    and (r.value->>2 is null or p.reason = r.value->>2))
            update problems set status = 'closed', updated_at = f.at
            from f where problems.rowid = f.row",
    }
}
