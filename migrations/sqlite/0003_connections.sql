-- Pairs (what links belong to, so that they outlive a connection), connections, and their cursors.

create table pairs (
    tenant_id blob not null references tenants (tenant_id) on delete cascade,
    id blob not null,
    a_account blob not null,
    b_account blob not null,
    object text not null,
    primary key (tenant_id, id),
    unique (tenant_id, a_account, b_account, object),
    foreign key (tenant_id, a_account) references accounts (tenant_id, id) on delete cascade,
    foreign key (tenant_id, b_account) references accounts (tenant_id, id) on delete cascade
) strict;
create index pairs_b_account on pairs (tenant_id, b_account);

create table connections (
    tenant_id blob not null references tenants (tenant_id) on delete cascade,
    id blob not null,
    pair_id blob not null,
    name text not null,
    object text not null,
    a_account blob not null,
    a_collection text,
    b_account blob not null,
    b_collection text,
    settings text not null,
    status text not null check (status in ('active', 'paused')),
    status_reason text,
    revision integer not null,
    next_run_at text,
    repull integer not null,
    created_at text not null,
    updated_at text not null,
    primary key (tenant_id, id),
    foreign key (tenant_id, pair_id) references pairs (tenant_id, id),
    foreign key (tenant_id, a_account) references accounts (tenant_id, id),
    foreign key (tenant_id, b_account) references accounts (tenant_id, id)
) strict;
create index connections_due on connections (next_run_at) where status = 'active';
create index connections_pair on connections (tenant_id, pair_id);
create index connections_a_account on connections (tenant_id, a_account);
create index connections_b_account on connections (tenant_id, b_account);

create table cursors (
    tenant_id blob not null,
    connection_id blob not null,
    side text not null check (side in ('a', 'b')),
    cursor text not null,
    primary key (tenant_id, connection_id, side),
    foreign key (tenant_id, connection_id) references connections (tenant_id, id) on delete cascade
) strict;
