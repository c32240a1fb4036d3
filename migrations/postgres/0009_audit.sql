-- Who did what, when and from where: rows are added and never changed; they go only with their tenant.

create table audit (
    tenant_id uuid not null references tenants (tenant_id) on delete cascade,
    id uuid not null,
    at timestamptz not null,
    actor text,
    action text not null,
    subject text,
    status integer not null,
    network text,
    primary key (tenant_id, id)
);

alter table audit enable row level security;
alter table audit force row level security;
create policy tenant on audit
    using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);

create function audit_stays() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' then
        if not exists (select from tenants where tenant_id = old.tenant_id) then
            return old;
        end if;
    end if;
    raise exception 'the audit log is only added to';
end
$$;
create trigger audit_stays before update or delete on audit for each row execute function audit_stays();
create trigger audit_stays_whole before truncate on audit for each statement execute function audit_stays();
