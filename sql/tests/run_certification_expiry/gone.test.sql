-- Who is paused for a certification is resumed by another one, and by nothing else.

begin;
select plan(15);
select tests.requires();
create function pg_temp.paused_mentor() returns uuid language plpgsql as $$
declare mentor uuid := tests.mentor();
begin
  perform tests.certified_until(mentor, '2026-03-10');
  perform tests.night('2026-03-11');
  return mentor;
end;
$$;

select pg_temp.paused_mentor() as deleted \gset
delete from public.certifications where user_id = :'deleted';
select is(tests.status_after(:'deleted', '2026-03-12'), 'paused', 'one that is deleted is not renewed');
select is((select certifications from public.mentor_status_history where user_id = :'deleted'), array['certification'], 'the history says which was lacking');
select tests.certified_until(:'deleted', '2027-03-10');
select is(tests.status_after(:'deleted', '2026-03-13'), 'active', 'a new one counts');

select pg_temp.paused_mentor() as renamed \gset
update public.certifications set name = 'certification 2025' where user_id = :'renamed';
select is(tests.status_after(:'renamed', '2026-03-12'), 'paused', 'nor is one that gets another name');
update public.certifications set name = 'CERTIFICATION', expires_on = null where user_id = :'renamed';
select is(tests.status_after(:'renamed', '2026-03-13'), 'active', 'until it has the right one, in whatever case, and is valid');

select pg_temp.paused_mentor() as given_away \gset
update public.certifications set user_id = tests.mentor() where user_id = :'given_away';
select is(tests.status_after(:'given_away', '2026-03-12'), 'paused', 'nor one that goes to another mentor');
truncate public.certifications;
select is(tests.status_after(:'given_away', '2026-03-13'), 'paused', 'nor are all that are gone at once');
delete from scheduler.required_certifications;
select is(tests.status_after(:'given_away', '2026-03-14'), 'active', 'what is not required any more holds nobody back');

-- A person's word on a mentor whom the job has paused.
select tests.requires();
select pg_temp.paused_mentor() as away \gset
select set_config('scheduler.status_reason', 'on leave', true);
select tests.given('paused', :'away');
select set_config('scheduler.status_reason', '', true);
select is(
  tests.history(:'away'),
  E'active to paused by certification-expiry certification_expired\npaused to paused by postgres on leave',
  'who is paused by a person as well has a line for it'
);
update public.certifications set expires_on = '2027-03-10' where user_id = :'away';
select is(tests.status_after(:'away', '2026-03-12'), 'paused', 'and stays paused when it is renewed');
select tests.mentor() as pretended \gset
select tests.certified_until(:'pretended', '2027-03-10');
select set_config('scheduler.status_reason', 'certification_expired', true);
select tests.given('paused', :'pretended');
select set_config('scheduler.status_reason', '', true);
select is(tests.status_after(:'pretended', '2026-03-12'), 'paused', 'a person''s pause with the job''s reason is a person''s');

-- A day to come.
select tests.mentor() as early \gset
select tests.certified_until(:'early', tests.today() + 5);
select tests.night(tests.today());
select is(tests.status_after(:'early', tests.today() + 6), 'paused', 'a run of a day to come judges by that day');
select ok((select checked_until from scheduler.certification_watermarks) <= tests.today(), 'and is not taken for a night that was');
select is(tests.status_after(:'early', tests.today()), 'active', 'the next night judges by its own');
select is_empty('select * from scheduler.certification_checks', 'and leaves nobody to be looked at');

select * from finish();
rollback;
