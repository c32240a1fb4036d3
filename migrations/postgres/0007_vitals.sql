-- For those who watch: how many intents are open and how old the oldest is, and which tenants were the first and the
-- newest. Only numbers and one id leave the store.

create index intents_age on intents (intended_at);
create index members_age on members (id);
create policy system on intents for select using (current_setting('app.system', true) = 'on');
