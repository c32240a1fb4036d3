-- When a connection last began to look at all records that rules on their age are about.
alter table connections add column looked_at text;

-- By how many microseconds the clock of an account's provider is ahead of ours, as last measured, give or take.
alter table accounts add column clock_ahead integer;
alter table accounts add column clock_doubt integer;

-- People list who waits for a run that may write more by side and id.
create index staged_over_list on staged (tenant_id, connection_id, side, remote_id) where phase in ('over_a', 'over_b');
