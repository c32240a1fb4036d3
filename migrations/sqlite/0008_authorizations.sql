-- Whose browser an authorization under way belongs to (the hash of a secret that the browser has in a cookie) and who
-- began it. Null in those of a version before: they are completed only after the person has agreed on a page of ours.

alter table oauth_states add column browser_hash blob;
alter table oauth_states add column begun_by text;
