-- Who was asked to become a member, and has not said yes yet. One for each address of a tenant: asking again replaces it.

create table invitations (
    tenant_id uuid not null references tenants (tenant_id) on delete cascade,
    id uuid not null,
    email text not null,
    role text not null,
    token_hash bytea not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    primary key (tenant_id, id)
);
create unique index invitations_email on invitations (tenant_id, email);
create unique index invitations_token on invitations (token_hash);

alter table invitations enable row level security;
alter table invitations force row level security;
create policy tenant on invitations
    using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy system on invitations for select
    using (current_setting('app.system', true) = 'on');
