-- Runs and their leases. At most one run of a connection is unfinished. `epoch` is the fencing number: every write of a
-- worker names it, and it grows with every claim.

create table runs (
    tenant_id blob not null,
    id blob not null,
    connection_id blob not null,
    trigger text not null,
    state text not null check (state in ('queued', 'running', 'succeeded', 'failed', 'parked', 'cancelled')),
    counters text not null,
    guards text not null,
    approved integer not null,
    due_at text not null,
    attempts integer not null,
    error text,
    progress text not null,
    created_at text not null,
    started_at text,
    finished_at text,
    epoch integer not null,
    lease_until text,
    worker text,
    primary key (tenant_id, id),
    foreign key (tenant_id, connection_id) references connections (tenant_id, id) on delete cascade
) strict;
create unique index runs_unfinished on runs (tenant_id, connection_id) where state in ('queued', 'running');
create index runs_queued on runs (due_at) where state = 'queued';
create index runs_running on runs (lease_until) where state = 'running';
create index runs_connection on runs (tenant_id, connection_id, id);
