-- Pairs (what links belong to, so that they outlive a connection), connections, and their cursors. The scheduler looks
-- over all tenants for what is due: the system policy lets it read ids, on the index over next_run_at.

create table pairs (
    tenant_id uuid not null references tenants (tenant_id) on delete cascade,
    id uuid not null,
    a_account uuid not null,
    b_account uuid not null,
    object text not null,
    primary key (tenant_id, id),
    unique (tenant_id, a_account, b_account, object),
    foreign key (tenant_id, a_account) references accounts (tenant_id, id) on delete cascade,
    foreign key (tenant_id, b_account) references accounts (tenant_id, id) on delete cascade
);
create index pairs_b_account on pairs (tenant_id, b_account);

create table connections (
    tenant_id uuid not null references tenants (tenant_id) on delete cascade,
    id uuid not null,
    pair_id uuid not null,
    name text not null,
    object text not null,
    a_account uuid not null,
    a_collection text,
    b_account uuid not null,
    b_collection text,
    settings jsonb not null,
    status text not null check (status in ('active', 'paused')),
    status_reason text,
    revision bigint not null,
    next_run_at timestamptz,
    repull boolean not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (tenant_id, id),
    foreign key (tenant_id, pair_id) references pairs (tenant_id, id),
    foreign key (tenant_id, a_account) references accounts (tenant_id, id),
    foreign key (tenant_id, b_account) references accounts (tenant_id, id)
);
create index connections_due on connections (next_run_at) where status = 'active';
create index connections_pair on connections (tenant_id, pair_id);
create index connections_a_account on connections (tenant_id, a_account);
create index connections_b_account on connections (tenant_id, b_account);

create table cursors (
    tenant_id uuid not null,
    connection_id uuid not null,
    side text not null check (side in ('a', 'b')),
    cursor text not null,
    primary key (tenant_id, connection_id, side),
    foreign key (tenant_id, connection_id) references connections (tenant_id, id) on delete cascade
);

do $$
declare
    name text;
begin
    foreach name in array array['pairs', 'connections', 'cursors'] loop
        execute format('alter table %I enable row level security', name);
        execute format('alter table %I force row level security', name);
        execute format('create policy tenant on %I
            using (tenant_id = nullif(current_setting(''app.tenant'', true), '''')::uuid)
            with check (tenant_id = nullif(current_setting(''app.tenant'', true), '''')::uuid)', name);
    end loop;
    create policy system on connections for select using (current_setting('app.system', true) = 'on');
end
$$;
