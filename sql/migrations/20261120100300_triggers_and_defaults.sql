-- The triggers that guard the settings and keep the hints, and the three
-- scenarios with their default configuration and texts.

set lock_timeout = '5s';

-- Each on the columns that it is about: every evaluation writes to these tables
-- what it counted, and must not be stopped by a setting, or wait for one, at its end.
create or replace trigger scenarios_are_valid
  before insert or update of detector, param_kinds, default_params on scheduler.scenarios
  for each row execute function scheduler.check_scenario();

create or replace trigger scenarios_have_a_default_config
  after insert on scheduler.scenarios
  for each row execute function scheduler.add_default_config();

create or replace trigger scenarios_milestones
  after update of default_params on scheduler.scenarios
  for each statement execute function scheduler.note_milestones();

create or replace trigger scenario_config_is_valid
  before insert or update of scenario_type, params, cooldown_days, priority, ttl_hours on scheduler.scenario_config
  for each row execute function scheduler.check_scenario_config();

create or replace trigger scenario_config_milestones
  after insert or update of scenario_type, params on scheduler.scenario_config
  for each statement execute function scheduler.note_milestones();

create or replace trigger organisation_settings_are_valid
  before insert or update on scheduler.organisation_settings
  for each row execute function scheduler.check_organisation_settings();

create or replace trigger scenario_templates_are_valid
  before insert or update on scheduler.scenario_templates
  for each row execute function scheduler.check_template();

create or replace trigger scenario_cooldowns_remember
  after insert on scheduler.scenario_cooldowns
  referencing new table as new_rows
  for each statement execute function scheduler.remember_windows();

create or replace trigger scenario_cooldowns_forget_changed
  after update on scheduler.scenario_cooldowns
  referencing old table as old_rows
  for each statement execute function scheduler.forget_windows();

create or replace trigger scenario_cooldowns_forget_released
  after delete on scheduler.scenario_cooldowns
  referencing old table as old_rows
  for each statement execute function scheduler.forget_windows();

create or replace trigger scenario_cooldowns_forget_all
  after truncate on scheduler.scenario_cooldowns
  for each statement execute function scheduler.forget_windows();

create or replace trigger notifications_release_cancelled
  after update on scheduler.notifications
  referencing old table as old_rows new table as new_rows
  for each statement execute function scheduler.release_windows();

create or replace trigger notifications_forget_deleted
  after delete on scheduler.notifications
  referencing old table as old_rows
  for each statement execute function scheduler.forget_windows();

create or replace trigger notifications_forget_all
  after truncate on scheduler.notifications
  for each statement execute function scheduler.forget_windows();

insert into scheduler.organisation_settings
  (organisation_id, daily_cap, weekly_cap, quiet_start, quiet_end, on_ambiguous, timezone, locale)
values (null, 1, 3, '21:00', '08:00', 'resend', 'Europe/Oslo', 'nb')
on conflict on constraint one_settings_row_per_organisation do nothing;

insert into scheduler.scenarios (
  scenario_type, detector, description,
  param_kinds, default_params, default_cooldown_days, default_priority, placeholders
)
values
  (
    'expiry', 'scheduler.detect_expiry', 'A certification is about to expire.',
    '{"lead_days": "days"}', '{"lead_days": [60, 30, 7]}', 1, 10, array['days_left', 'expires_on']
  ),
  (
    'inactivity', 'scheduler.detect_inactivity', 'A mentor has recorded no activity for a while.',
    '{"threshold_days": "count", "max_reminders": "count_or_null"}', '{"threshold_days": 30, "max_reminders": 3}',
    30, 20, array['days_silent']
  ),
  (
    'milestone', 'scheduler.detect_milestone', 'A mentor has reached a number of activities.',
    '{"milestones": "counts", "lookback_days": "count"}', '{"milestones": [1, 10, 25, 50, 100, 250, 500], "lookback_days": 14}',
    1, 30, array['milestone']
  )
on conflict on constraint scenarios_pkey do nothing;

-- Only into an empty table: a text that an operator took away stays away.
insert into scheduler.scenario_templates (scenario_type, locale, title, body)
select shipped.scenario_type, shipped.locale, shipped.title, shipped.body
from (
  values
    ('inactivity', 'nb', 'Det er en stund siden sist', 'Vi setter pris på det du gjør. Åpne appen når det passer for deg.'),
    ('inactivity', 'nn', 'Det er ei stund sidan sist', 'Vi set pris på det du gjer. Opne appen når det passar for deg.'),
    ('inactivity', 'en', 'It has been a while', 'We value what you do. Open the app whenever it suits you.'),
    ('milestone', 'nb', 'Tusen takk for innsatsen', 'Antall aktiviteter du har registrert: {{milestone}}. Det betyr mye for dem du møter.'),
    ('milestone', 'nn', 'Tusen takk for innsatsen', 'Talet på aktivitetar du har registrert: {{milestone}}. Det betyr mykje for dei du møter.'),
    ('milestone', 'en', 'Thank you for your time', 'Activities you have recorded so far: {{milestone}}. It matters to those you meet.'),
    ('expiry', 'nb', 'Noe hos deg går snart ut', 'Åpne appen før {{expires_on}} for å se hva som må fornyes.'),
    ('expiry', 'nn', 'Noko hos deg går snart ut', 'Opne appen før {{expires_on}} for å sjå kva som må fornyast.'),
    ('expiry', 'en', 'Something of yours expires soon', 'Open the app before {{expires_on}} to see what needs renewing.')
) as shipped (scenario_type, locale, title, body)
where not exists (select from scheduler.scenario_templates);
