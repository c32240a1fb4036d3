-- What providers promised: to call us, at an address with a token in it, when something changes in a collection. A row is
-- there before the provider is asked; `remote_id` and the sealed secret are what it answered. At `due_at` it is asked anew.
-- A call has the connections of the collection run at `hinted_for`, also where a run comes before: that may see only half of it.

create table watches (
    tenant_id blob not null references tenants (tenant_id) on delete cascade,
    account_id blob not null,
    collection text not null,
    token_hash blob not null,
    address text not null,
    remote_id text,
    secret blob,
    due_at text not null,
    primary key (tenant_id, account_id, collection),
    foreign key (tenant_id, account_id) references accounts (tenant_id, id) on delete cascade
) strict;
create unique index watches_token on watches (token_hash);

alter table connections add column hinted_for text;
