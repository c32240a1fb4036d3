-- What a sync observes and does: staged records and their hashed match keys, links, intents, history, conflicts,
-- problems and the count of deletions carried over. Columns named body, payload, fields and pair_values are sealed.

create table staged (
    tenant_id blob not null,
    connection_id blob not null,
    side text not null check (side in ('a', 'b')),
    remote_id text not null,
    version text,
    gone text check (gone in ('deleted', 'left')),
    content blob not null,
    body blob not null,
    phase text not null check (phase in ('pending', 'known', 'held', 'waiting')),
    retry_at text,
    listing integer,
    primary key (tenant_id, connection_id, side, remote_id),
    foreign key (tenant_id, connection_id) references connections (tenant_id, id) on delete cascade
) strict;
create index staged_phase on staged (tenant_id, connection_id, phase, side, remote_id);

create table staged_keys (
    tenant_id blob not null,
    connection_id blob not null,
    side text not null,
    remote_id text not null,
    hash blob not null,
    rank integer not null,
    primary key (tenant_id, connection_id, side, remote_id, hash),
    foreign key (tenant_id, connection_id, side, remote_id)
        references staged (tenant_id, connection_id, side, remote_id) on delete cascade
) strict;
create index staged_keys_hash on staged_keys (tenant_id, connection_id, side, hash);

create table links (
    tenant_id blob not null,
    id blob not null,
    pair_id blob not null,
    a_remote text not null,
    b_remote text not null,
    a_version text,
    b_version text,
    a_modified_at text,
    b_modified_at text,
    state text not null check (state in ('live', 'frozen', 'severed', 'buried')),
    state_side text check (state_side in ('a', 'b')),
    body blob not null,
    resolutions text not null default '{}',
    dirty integer not null default 0,
    primary key (tenant_id, id),
    unique (tenant_id, pair_id, a_remote),
    unique (tenant_id, pair_id, b_remote),
    foreign key (tenant_id, pair_id) references pairs (tenant_id, id) on delete cascade
) strict;
create index links_pair on links (tenant_id, pair_id, id);
create index links_dirty on links (tenant_id, pair_id, id) where dirty > 0;

create table intents (
    tenant_id blob not null,
    operation_id blob not null,
    connection_id blob not null,
    side text not null check (side in ('a', 'b')),
    kind text not null,
    link_id blob,
    source text,
    remote text,
    payload blob not null,
    intended_at text not null,
    primary key (tenant_id, operation_id),
    foreign key (tenant_id, connection_id) references connections (tenant_id, id) on delete cascade
) strict;
create index intents_connection on intents (tenant_id, connection_id, operation_id);

-- History belongs to the pair, as links do: it outlives the connection and the link.
create table history (
    seq integer primary key autoincrement,
    tenant_id blob not null,
    pair_id blob not null,
    run_id blob not null,
    link_id blob not null,
    at text not null,
    kind text not null,
    side text not null check (side in ('a', 'b')),
    remote_id text not null,
    fields blob not null,
    foreign key (tenant_id, pair_id) references pairs (tenant_id, id) on delete cascade
) strict;
create index history_pair on history (tenant_id, pair_id);
create index history_run on history (tenant_id, run_id, seq);
create index history_link on history (tenant_id, link_id, seq);

create table conflicts (
    tenant_id blob not null,
    id blob not null,
    connection_id blob not null,
    run_id blob not null,
    link_id blob not null,
    entry text not null,
    pair_values blob not null,
    winner text check (winner in ('a', 'b')),
    status text not null check (status in ('settled', 'open', 'resolved')),
    at text not null,
    primary key (tenant_id, id),
    foreign key (tenant_id, connection_id) references connections (tenant_id, id) on delete cascade
) strict;
create unique index conflicts_open on conflicts (tenant_id, connection_id, link_id, entry) where status = 'open';
create index conflicts_connection on conflicts (tenant_id, connection_id, id);

create table problems (
    tenant_id blob not null,
    id blob not null,
    connection_id blob not null,
    run_id blob not null,
    side text not null check (side in ('a', 'b')),
    remote_id text not null,
    reason text not null,
    message text not null,
    candidates text not null,
    status text not null check (status in ('open', 'closed')),
    attempts integer not null,
    retry_at text,
    created_at text not null,
    updated_at text not null,
    primary key (tenant_id, id),
    foreign key (tenant_id, connection_id) references connections (tenant_id, id) on delete cascade
) strict;
create unique index problems_open on problems (tenant_id, connection_id, side, remote_id, reason)
    where status = 'open';
create index problems_connection on problems (tenant_id, connection_id, id);

create table deletions (
    tenant_id blob not null,
    connection_id blob not null,
    run_id blob not null,
    side text not null check (side in ('a', 'b')),
    at text not null,
    number integer not null,
    foreign key (tenant_id, connection_id) references connections (tenant_id, id) on delete cascade
) strict;
create index deletions_connection on deletions (tenant_id, connection_id, at);
