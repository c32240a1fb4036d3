-- Tenants, the people and programs that act for them, and answers kept for repeated requests.
-- SQLite has no row-level security: the tenant in every statement of the store is the one wall here.
-- Types: blob is a UUID or bytes, text is a text, JSON or an RFC 3339 time in UTC, integer is a number or a bool.

create table tenants (
    tenant_id blob primary key,
    name text not null,
    data_key blob not null,
    data_key_id text not null,
    created_at text not null
) strict;

create table members (
    tenant_id blob not null references tenants (tenant_id) on delete cascade,
    id blob not null,
    email text not null,
    role text not null,
    password_hash text not null,
    created_at text not null,
    primary key (tenant_id, id)
) strict;
create unique index members_email on members (email);

create table sessions (
    tenant_id blob not null,
    token_hash blob not null,
    family blob not null,
    member_id blob not null,
    created_at text not null,
    expires_at text not null,
    rotated_at text,
    primary key (tenant_id, token_hash),
    foreign key (tenant_id, member_id) references members (tenant_id, id) on delete cascade
) strict;
create unique index sessions_token on sessions (token_hash);
create index sessions_family on sessions (tenant_id, family);
create index sessions_member on sessions (tenant_id, member_id);

create table api_keys (
    tenant_id blob not null references tenants (tenant_id) on delete cascade,
    id blob not null,
    name text not null,
    hash blob not null,
    scopes text not null,
    created_at text not null,
    revoked_at text,
    primary key (tenant_id, id)
) strict;
create unique index api_keys_hash on api_keys (hash);

create table idempotency (
    tenant_id blob not null references tenants (tenant_id) on delete cascade,
    key text not null,
    request_hash blob not null,
    status integer,
    body blob,
    created_at text not null,
    primary key (tenant_id, key)
) strict;
create index idempotency_age on idempotency (tenant_id, created_at);
