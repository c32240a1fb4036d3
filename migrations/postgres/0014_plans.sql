-- Plans of tenants, and records that wait for the next run because theirs carried over as many as the plan allows: `over_a`
-- for a write on side a, `over_b` for one on side b. Of those, `retry_at` says since when they wait.

alter table tenants add column plan text not null default 'enterprise';

alter table staged drop constraint staged_phase_check;
alter table staged add constraint staged_phase_check
    check (phase in ('pending', 'known', 'held', 'waiting', 'over_a', 'over_b'));
create index staged_over on staged (tenant_id, connection_id, phase, retry_at, side, remote_id)
    where phase in ('over_a', 'over_b');
