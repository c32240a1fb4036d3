-- Which key of the key ring wraps tenants' keys: one row for the whole installation, made by the first sign-up or rotation.
-- Whoever wraps holds it until the end of the transaction. To wrap all of them anew, the system policy lets the store read
-- tenants' wrapped keys, which open with the ring only.

create table wrapping_key (
    one integer primary key check (one = 1),
    key_id text not null
);
create policy system on tenants for select using (current_setting('app.system', true) = 'on');
