begin;
select plan(27);

select tests.organisation() as organisation \gset
create function pg_temp.open() returns text language sql as $$
  select string_agg(concat_ws(' ', coalesce(job_name, organisation_id::text, 'everything'), 'by', paused_by, coalesce(reason, '-')), ', ' order by job_name nulls last, organisation_id)
  from scheduler.pauses where resumed_at is null;
$$;

-- A job.
select matches(
  scheduler.pause(job_name => 'scenario-evaluation', reason => 'summer', paused_by => 'Kari'),
  '^scenario-evaluation: paused since .* by Kari \(summer\)$', 'pausing a job says what is paused, since when, by whom and why'
);
select is(pg_temp.open(), 'scenario-evaluation by Kari summer', 'and keeps it');
select matches(
  scheduler.pause(job_name => 'scenario-evaluation', reason => 'winter', paused_by => 'Ola'),
  '^scenario-evaluation: paused since .* by Kari \(summer\)$', 'pausing it again says who paused it'
);
select is(pg_temp.open(), 'scenario-evaluation by Kari summer', 'and leaves that as it is');
select matches(scheduler.resume(job_name => 'scenario-evaluation', resumed_by => 'Ola'), '^scenario-evaluation: resumed, was paused since .* by Kari \(summer\)$', 'resuming says so');
select results_eq(
  'select job_name, paused_by, reason, resumed_at, resumed_by from scheduler.pauses',
  $$ values ('scenario-evaluation', 'Kari', 'summer', now(), 'Ola') $$, 'the pause is kept, with its end'
);
select is(scheduler.resume(job_name => 'scenario-evaluation'), 'scenario-evaluation: was not paused', 'resuming what is not paused says so');
select matches(scheduler.pause(job_name => 'scenario-evaluation'), 'by postgres \(no reason given\)', 'who pauses is who is logged in, if not said');
select is((select count(*) from scheduler.pauses), 2::bigint, 'each pause is a row');
select scheduler.resume(job_name => 'scenario-evaluation');
select is(scheduler.pause(job_name => 'scenario-evaluation', reason => '  ', paused_by => null) ~ 'by postgres \(no reason given\)', true, 'a blank reason is none');
select scheduler.resume(job_name => 'scenario-evaluation');

-- The jobs of an entry.
select is(
  (select count(*) from regexp_split_to_table(scheduler.pause(job_name => 'nightly-scheduler', reason => 'maintenance'), E'\n')), 2::bigint,
  'an entry''s name pauses its jobs'
);
select is(pg_temp.open(), 'certification-expiry by postgres maintenance, hlf-sync by postgres maintenance', 'all of them');
select matches(scheduler.resume(job_name => 'hlf-sync'), '^hlf-sync: resumed', 'of which one may be resumed');
select matches(scheduler.pause(job_name => 'nightly-scheduler', reason => 'again'), 'by postgres \(maintenance\)\nhlf-sync.*\(again\)', 'and paused again for its own reason');
select matches(scheduler.resume(job_name => 'nightly-scheduler'), '^certification-expiry: resumed.*\nhlf-sync: resumed', 'and all be resumed at once');
select is(pg_temp.open(), null, 'then none is paused');

-- An organisation.
select matches(
  scheduler.pause(organisation_id => :'organisation', reason => 'merging', paused_by => 'Kari'),
  format('^organisation %s: paused since .* by Kari \(merging\)$', :'organisation'), 'an organisation can be paused'
);
select is((select paused from scheduler.organisation_settings where organisation_id = :'organisation'), true, 'evaluation and sending heed that');
select is((select paused from scheduler.organisation_settings where organisation_id is null), false, 'others go on');
select is(pg_temp.open(), format('%s by Kari merging', :'organisation'), 'with one row of who and why');
select matches(scheduler.resume(organisation_id => :'organisation'), 'resumed', 'and resumed');
select is((select paused from scheduler.organisation_settings where organisation_id = :'organisation'), false, 'then it goes on');

-- Everything.
select matches(scheduler.pause(reason => 'incident 7', paused_by => 'Kari'), '^everything: paused since .* by Kari \(incident 7\)$', 'without either it is everything');
select is((select paused from scheduler.organisation_settings where organisation_id is null), true, 'sending stops too');
select is(pg_temp.open(), 'everything by Kari incident 7', 'that is one row');
select matches(scheduler.resume(), '^everything: resumed', 'and is resumed');
select is(
  (select count(*) from scheduler.pauses where resumed_at is null) + (select count(*) from scheduler.organisation_settings where paused), 0::bigint,
  'nothing is paused'
);

select * from finish();
rollback;
