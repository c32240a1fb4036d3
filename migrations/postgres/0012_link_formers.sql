-- Which record stood in a link before the one that does: a deleted one that was made again. Where connections form a ring,
-- others may know somebody by that record still.

alter table links add column a_former text;
alter table links add column b_former text;
create index links_a_former on links (tenant_id, pair_id, a_former) where a_former is not null;
create index links_b_former on links (tenant_id, pair_id, b_former) where b_former is not null;
