-- Which key of the key ring wraps tenants' keys: one row for the whole installation, made by the first sign-up or rotation.
-- Whoever wraps holds it until the end of the transaction.

create table wrapping_key (
    one integer primary key check (one = 1),
    key_id text not null
) strict;
