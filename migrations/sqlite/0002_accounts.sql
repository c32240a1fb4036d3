-- Accounts at providers, their sealed credentials, and authorizations under way.

create table accounts (
    tenant_id blob not null references tenants (tenant_id) on delete cascade,
    id blob not null,
    provider text not null,
    subject text,
    label text,
    status text not null check (status in ('pending', 'active', 'needs_reauthorization')),
    status_reason text,
    credentials blob,
    credentials_version integer not null default 0,
    created_at text not null,
    primary key (tenant_id, id)
) strict;

create table oauth_states (
    tenant_id blob not null,
    state_hash blob not null,
    account_id blob not null,
    redirect_uri text not null,
    verifier blob not null,
    expires_at text not null,
    primary key (tenant_id, state_hash),
    foreign key (tenant_id, account_id) references accounts (tenant_id, id) on delete cascade
) strict;
create unique index oauth_states_hash on oauth_states (state_hash);
create index oauth_states_account on oauth_states (tenant_id, account_id);
