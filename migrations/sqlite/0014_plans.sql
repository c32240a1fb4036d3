-- Plans of tenants, and records that wait for the next run because theirs carried over as many as the plan allows: `over_a`
-- for a write on side a, `over_b` for one on side b. Of those, `retry_at` says since when they wait.
-- SQLite cannot change a check: the table is made anew, with the one that refers to it, before the old ones go.

alter table tenants add column plan text not null default 'enterprise';

create table staged_next (
    tenant_id blob not null,
    connection_id blob not null,
    side text not null check (side in ('a', 'b')),
    remote_id text not null,
    version text,
    gone text check (gone in ('deleted', 'left')),
    content blob not null,
    body blob not null,
    phase text not null check (phase in ('pending', 'known', 'held', 'waiting', 'over_a', 'over_b')),
    retry_at text,
    listing integer,
    primary key (tenant_id, connection_id, side, remote_id),
    foreign key (tenant_id, connection_id) references connections (tenant_id, id) on delete cascade
) strict;
insert into staged_next select tenant_id, connection_id, side, remote_id, version, gone, content, body, phase, retry_at,
    listing from staged;

create table staged_keys_next (
    tenant_id blob not null,
    connection_id blob not null,
    side text not null,
    remote_id text not null,
    hash blob not null,
    rank integer not null,
    primary key (tenant_id, connection_id, side, remote_id, hash),
    foreign key (tenant_id, connection_id, side, remote_id)
        references staged_next (tenant_id, connection_id, side, remote_id) on delete cascade
) strict;
insert into staged_keys_next select tenant_id, connection_id, side, remote_id, hash, rank from staged_keys;

drop table staged_keys;
drop table staged;
alter table staged_next rename to staged;
alter table staged_keys_next rename to staged_keys;
create index staged_phase on staged (tenant_id, connection_id, phase, side, remote_id);
create index staged_keys_hash on staged_keys (tenant_id, connection_id, side, hash);
create index staged_over on staged (tenant_id, connection_id, phase, retry_at, side, remote_id)
    where phase in ('over_a', 'over_b');
