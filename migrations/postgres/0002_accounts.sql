-- Accounts at providers, their sealed credentials, and authorizations under way. `oauth_states` is looked up by the
-- hash of `state` when the provider sends a person back: the system policy lets that one statement read it.

create table accounts (
    tenant_id uuid not null references tenants (tenant_id) on delete cascade,
    id uuid not null,
    provider text not null,
    subject text,
    label text,
    status text not null check (status in ('pending', 'active', 'needs_reauthorization')),
    status_reason text,
    credentials bytea,
    credentials_version bigint not null default 0,
    created_at timestamptz not null,
    primary key (tenant_id, id)
);

create table oauth_states (
    tenant_id uuid not null,
    state_hash bytea not null,
    account_id uuid not null,
    redirect_uri text not null,
    verifier bytea not null,
    expires_at timestamptz not null,
    primary key (tenant_id, state_hash),
    foreign key (tenant_id, account_id) references accounts (tenant_id, id) on delete cascade
);
create unique index oauth_states_hash on oauth_states (state_hash);
create index oauth_states_account on oauth_states (tenant_id, account_id);

do $$
declare
    name text;
begin
    foreach name in array array['accounts', 'oauth_states'] loop
        execute format('alter table %I enable row level security', name);
        execute format('alter table %I force row level security', name);
        execute format('create policy tenant on %I
            using (tenant_id = nullif(current_setting(''app.tenant'', true), '''')::uuid)
            with check (tenant_id = nullif(current_setting(''app.tenant'', true), '''')::uuid)', name);
    end loop;
    create policy system on oauth_states for select using (current_setting('app.system', true) = 'on');
end
$$;
