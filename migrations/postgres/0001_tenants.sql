-- Tenants, the people and programs that act for them, and answers kept for repeated requests.
--
-- Every table carries tenant_id, every key begins with it, and row-level security (forced, so that the owner obeys
-- too) shows a transaction only the rows of `app.tenant`. Unset, the setting is null or '': no rows, no error.
--
-- A few look-ups must find the tenant first: by e-mail at log-in, by the hash of a token, or what is due. Their tables
-- have a second policy that lets a transaction with `app.system` = 'on' read (never write) across tenants. Only the
-- store's few global statements set it, each in a transaction of its own. Unique indexes without tenant_id stand on
-- those columns only: an e-mail address names one member everywhere (that it is taken is what sign-up has to say),
-- and hashes of random 256-bit tokens cannot be guessed.

create table tenants (
    tenant_id uuid primary key,
    name text not null,
    data_key bytea not null,
    data_key_id text not null,
    created_at timestamptz not null
);

create table members (
    tenant_id uuid not null references tenants (tenant_id) on delete cascade,
    id uuid not null,
    email text not null,
    role text not null,
    password_hash text not null,
    created_at timestamptz not null,
    primary key (tenant_id, id)
);
create unique index members_email on members (email);

create table sessions (
    tenant_id uuid not null,
    token_hash bytea not null,
    family uuid not null,
    member_id uuid not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    rotated_at timestamptz,
    primary key (tenant_id, token_hash),
    foreign key (tenant_id, member_id) references members (tenant_id, id) on delete cascade
);
create unique index sessions_token on sessions (token_hash);
create index sessions_family on sessions (tenant_id, family);
create index sessions_member on sessions (tenant_id, member_id);

create table api_keys (
    tenant_id uuid not null references tenants (tenant_id) on delete cascade,
    id uuid not null,
    name text not null,
    hash bytea not null,
    scopes jsonb not null,
    created_at timestamptz not null,
    revoked_at timestamptz,
    primary key (tenant_id, id)
);
create unique index api_keys_hash on api_keys (hash);

create table idempotency (
    tenant_id uuid not null references tenants (tenant_id) on delete cascade,
    key text not null,
    request_hash bytea not null,
    status integer,
    body bytea,
    created_at timestamptz not null,
    primary key (tenant_id, key)
);
create index idempotency_age on idempotency (tenant_id, created_at);

do $$
declare
    name text;
begin
    foreach name in array array['tenants', 'members', 'sessions', 'api_keys', 'idempotency'] loop
        execute format('alter table %I enable row level security', name);
        execute format('alter table %I force row level security', name);
        execute format('create policy tenant on %I
            using (tenant_id = nullif(current_setting(''app.tenant'', true), '''')::uuid)
            with check (tenant_id = nullif(current_setting(''app.tenant'', true), '''')::uuid)', name);
    end loop;
    foreach name in array array['members', 'sessions', 'api_keys'] loop
        execute format('create policy system on %I for select
            using (current_setting(''app.system'', true) = ''on'')', name);
    end loop;
end
$$;
