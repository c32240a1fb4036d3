-- Mapping entries that rest because their fields are not as they were, as the last run found it.

alter table connections add column paused_entries text not null default '[]';
