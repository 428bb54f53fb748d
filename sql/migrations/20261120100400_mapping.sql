-- Where the engine finds the application's data. A project with tables of its
-- own edits this one file; the engine reads nothing else of the application.

set lock_timeout = '5s';

create or replace view scheduler.organisation as
select organisation.id as organisation_id, organisation.timezone, organisation.locale
from public.organisations as organisation;
comment on view scheduler.organisation is 'The zone and language of each organisation.';

-- The range (expires_on, user_id) of what is not revoked is read at every run: index it.
create or replace view scheduler.certification as
select certification.user_id, certification.expires_on
from public.certifications as certification
where certification.revoked_at is null and certification.expires_on is not null;
comment on view scheduler.certification is 'What expires, and when: certifications that are not revoked and not valid without limit.';

create or replace view scheduler.device as
select device.user_id, device.token, device.platform, device.provider
from public.device_tokens as device
where device.disabled_at is null;
comment on view scheduler.device is 'The devices that a push may go to. user_id must be indexed.';

-- No row means yes. (user_id, scenario_type) must be indexed.
create or replace view scheduler.preference as
select preference.user_id, preference.scenario_type, preference.push_enabled
from public.notification_preferences as preference;
comment on view scheduler.preference is 'Which scenarios a mentor wants pushed.';

select scheduler.track_roster(
  source => 'public.peer_mentors',
  user_column => 'id',
  organisation_column => 'organisation_id',
  joined_on_column => 'joined_on',
  active_when => $$status = 'active'$$,
  timezone_column => 'timezone',
  locale_column => 'locale'
);

select scheduler.track_activity(
  source => 'public.activities',
  user_column => 'user_id',
  date_column => 'activity_date'
);

select scheduler.apply_privileges();

-- What staff may see rests on four more views: scheduler.mentor, scheduler.staff,
-- scheduler.follow_up and scheduler.coordinated_chapter. The migration …150000_people
-- makes those that are not made here; they can be replaced later too.
