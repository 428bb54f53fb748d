-- Where pages are applied, it is judged whether a portal has an end.

set lock_timeout = '5s';

alter table scheduler.portal_syncs add column if not exists round_idle_pages integer not null default 0;
comment on column scheduler.portal_syncs.round_idle_pages is 'So many pages, one after the other, named nothing new: a portal may go round in circles.';

-- The number of rows that a round named said less of that. Only the engine's own functions read it.
-- squawk-ignore ban-drop-column
alter table scheduler.portal_syncs drop column if exists round_seen;
