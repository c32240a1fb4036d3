-- What people said about records that could be any of several. Kept with the pair, as links are. `apart`: the answer was
-- taken back, and the link that it led to is still to be taken apart, by whoever next holds the pair's lease.

create table reviews (
    tenant_id uuid not null,
    id uuid not null,
    pair_id uuid not null,
    side text not null check (side in ('a', 'b')),
    remote_id text not null,
    candidates text not null,
    answer text check (answer in ('link', 'keep_apart', 'create')),
    link_with text,
    apart integer not null default 0,
    at timestamptz not null,
    primary key (tenant_id, id),
    unique (tenant_id, pair_id, side, remote_id),
    check ((answer is not null and answer = 'link') = (link_with is not null)),
    foreign key (tenant_id, pair_id) references pairs (tenant_id, id) on delete cascade
);
create index reviews_pair on reviews (tenant_id, pair_id, id);
create index reviews_apart on reviews (tenant_id, pair_id) where apart <> 0;

alter table reviews enable row level security;
alter table reviews force row level security;
create policy tenant on reviews
    using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
