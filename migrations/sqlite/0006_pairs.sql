-- Several connections over one pair of accounts. A link belongs to the pair; whether a connection follows it is a
-- membership of its own. One run at a time works on a pair: the pair's row carries that right. Intents hang on the pair,
-- so that they outlive their connection.

alter table pairs add column run_id blob;
alter table pairs add column run_epoch integer;
alter table pairs add column run_until text;
alter table pairs add column next_run_id blob;
alter table pairs add column next_until text;

-- `left_a`, `left_b`: that side's record is not (any more) in the connection's collection or rules.
create table link_members (
    tenant_id blob not null,
    connection_id blob not null,
    link_id blob not null,
    left_a integer not null check (left_a in (0, 1)),
    left_b integer not null check (left_b in (0, 1)),
    primary key (tenant_id, connection_id, link_id),
    foreign key (tenant_id, connection_id) references connections (tenant_id, id) on delete cascade,
    foreign key (tenant_id, link_id) references links (tenant_id, id) on delete cascade
) strict;
create index link_members_link on link_members (tenant_id, link_id);

-- The check of links.state still knows 'frozen', which is written no more: a check cannot be changed in place.
insert into link_members (tenant_id, connection_id, link_id, left_a, left_b)
select l.tenant_id, c.id, l.id, l.state = 'frozen' and l.state_side = 'a', l.state = 'frozen' and l.state_side = 'b'
from links l join connections c on c.tenant_id = l.tenant_id and c.pair_id = l.pair_id;
update links set state = 'live', state_side = null where state = 'frozen';

create table intents_of_pairs (
    tenant_id blob not null,
    operation_id blob not null,
    pair_id blob not null,
    connection_id blob not null,
    side text not null check (side in ('a', 'b')),
    kind text not null,
    link_id blob,
    source text,
    remote text,
    payload blob not null,
    intended_at text not null,
    primary key (tenant_id, operation_id),
    foreign key (tenant_id, pair_id) references pairs (tenant_id, id) on delete cascade
) strict;
insert into intents_of_pairs (tenant_id, operation_id, pair_id, connection_id, side, kind, link_id, source, remote,
    payload, intended_at)
select i.tenant_id, i.operation_id, c.pair_id, i.connection_id, i.side, i.kind, i.link_id, i.source, i.remote,
    i.payload, i.intended_at
from intents i join connections c on c.tenant_id = i.tenant_id and c.id = i.connection_id;
drop table intents;
alter table intents_of_pairs rename to intents;
create index intents_pair on intents (tenant_id, pair_id, operation_id);
