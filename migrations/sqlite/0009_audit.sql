-- Who did what, when and from where: rows are added and never changed; they go only with their tenant.

create table audit (
    tenant_id blob not null references tenants (tenant_id) on delete cascade,
    id blob not null,
    at text not null,
    actor text,
    action text not null,
    subject text,
    status integer not null,
    network text,
    primary key (tenant_id, id)
) strict;

create trigger audit_stays_as_it_is before update on audit
begin
    select raise(abort, 'the audit log is only added to');
end;
create trigger audit_stays before delete on audit
when exists (select 1 from tenants where tenant_id = old.tenant_id)
begin
    select raise(abort, 'the audit log is only added to');
end;
