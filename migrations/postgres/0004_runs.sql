-- Runs and their leases. At most one run of a connection is unfinished. `epoch` is the fencing number: every write of a
-- worker names it, and it grows with every claim. The system policy lets the scheduler see what is due.

create table runs (
    tenant_id uuid not null,
    id uuid not null,
    connection_id uuid not null,
    trigger text not null,
    state text not null check (state in ('queued', 'running', 'succeeded', 'failed', 'parked', 'cancelled')),
    counters jsonb not null,
    guards jsonb not null,
    approved boolean not null,
    due_at timestamptz not null,
    attempts integer not null,
    error text,
    progress jsonb not null,
    created_at timestamptz not null,
    started_at timestamptz,
    finished_at timestamptz,
    epoch bigint not null,
    lease_until timestamptz,
    worker text,
    primary key (tenant_id, id),
    foreign key (tenant_id, connection_id) references connections (tenant_id, id) on delete cascade
);
create unique index runs_unfinished on runs (tenant_id, connection_id) where state in ('queued', 'running');
create index runs_queued on runs (due_at) where state = 'queued';
create index runs_running on runs (lease_until) where state = 'running';
create index runs_connection on runs (tenant_id, connection_id, id);

alter table runs enable row level security;
alter table runs force row level security;
create policy tenant on runs
    using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy system on runs for select using (current_setting('app.system', true) = 'on');
