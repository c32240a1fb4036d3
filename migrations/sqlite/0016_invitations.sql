-- Who was asked to become a member, and has not said yes yet. One for each address of a tenant: asking again replaces it.

create table invitations (
    tenant_id blob not null references tenants (tenant_id) on delete cascade,
    id blob not null,
    email text not null,
    role text not null,
    token_hash blob not null,
    created_at text not null,
    expires_at text not null,
    primary key (tenant_id, id)
) strict;
create unique index invitations_email on invitations (tenant_id, email);
create unique index invitations_token on invitations (token_hash);
