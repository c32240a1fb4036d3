-- Who invited: an invitation is good only as long as they may give its role. One from before nobody stands for: it is
-- refused, and made again by asking again.
alter table invitations add column invited_by text;
create index invitations_by on invitations (tenant_id, invited_by);
