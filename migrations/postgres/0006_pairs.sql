-- Several connections over one pair of accounts. A link belongs to the pair; whether a connection follows it is a
-- membership of its own. One run at a time works on a pair: the pair's row carries that right. Intents hang on the pair,
-- so that they outlive their connection.

alter table pairs
    add column run_id uuid,
    add column run_epoch bigint,
    add column run_until timestamptz,
    add column next_run_id uuid,
    add column next_until timestamptz;

-- `left_a`, `left_b`: that side's record is not (any more) in the connection's collection or rules.
create table link_members (
    tenant_id uuid not null,
    connection_id uuid not null,
    link_id uuid not null,
    left_a boolean not null,
    left_b boolean not null,
    primary key (tenant_id, connection_id, link_id),
    foreign key (tenant_id, connection_id) references connections (tenant_id, id) on delete cascade,
    foreign key (tenant_id, link_id) references links (tenant_id, id) on delete cascade
);
create index link_members_link on link_members (tenant_id, link_id);

-- The owner of these tables is bound by row-level security as well; this migration speaks of every tenant.
alter table links no force row level security;
alter table connections no force row level security;
alter table intents no force row level security;
alter table pairs no force row level security;

insert into link_members (tenant_id, connection_id, link_id, left_a, left_b)
select l.tenant_id, c.id, l.id, l.state = 'frozen' and l.state_side = 'a', l.state = 'frozen' and l.state_side = 'b'
from links l join connections c on c.tenant_id = l.tenant_id and c.pair_id = l.pair_id;
update links set state = 'live', state_side = null where state = 'frozen';
alter table links drop constraint links_state_check;
alter table links add constraint links_state_check check (state in ('live', 'severed', 'buried'));

alter table intents add column pair_id uuid;
update intents i set pair_id = c.pair_id from connections c where c.tenant_id = i.tenant_id and c.id = i.connection_id;
alter table intents alter column pair_id set not null;
alter table intents drop constraint intents_tenant_id_connection_id_fkey;
alter table intents add foreign key (tenant_id, pair_id) references pairs (tenant_id, id) on delete cascade;
drop index intents_connection;
create index intents_pair on intents (tenant_id, pair_id, operation_id);

alter table links force row level security;
alter table connections force row level security;
alter table intents force row level security;
alter table pairs force row level security;
alter table link_members enable row level security;
alter table link_members force row level security;
create policy tenant on link_members
    using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
