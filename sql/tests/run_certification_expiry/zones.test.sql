-- The day is that of the organisation, around its midnight.

begin;
select plan(18);

-- In an organisation of this zone, with a certification until 10 March 2026, in the second before its midnight and at it.
create function pg_temp.around_midnight(zone text, midnight timestamptz, rule text) returns setof text language plpgsql as $$
declare
  organisation constant uuid := tests.organisation(timezone => zone);
  mentor constant uuid := tests.mentor(organisation_id => organisation);
begin
  perform tests.requires(organisation_id => organisation);
  perform tests.certified_until(mentor, '2026-03-10');
  perform public.run_certification_expiry(as_of => midnight - interval '1 second');
  return next is((select status from public.peer_mentors where id = mentor), 'active', 'the second before midnight is good ' || rule);
  perform public.run_certification_expiry(as_of => midnight);
  return next is((select status from public.peer_mentors where id = mentor), 'paused', 'midnight is not ' || rule);
  delete from public.organisations where id = organisation;
  delete from scheduler.required_certifications;
  delete from scheduler.certification_watermarks;
end;
$$;
select pg_temp.around_midnight('Europe/Oslo', '2026-03-10 23:00Z', 'in Oslo');
select pg_temp.around_midnight('Pacific/Kiritimati', '2026-03-10 10:00Z', 'fourteen hours ahead');
select pg_temp.around_midnight('Pacific/Pago_Pago', '2026-03-11 11:00Z', 'eleven hours behind');
select pg_temp.around_midnight('Asia/Kolkata', '2026-03-10 18:30Z', 'half an hour off');
select pg_temp.around_midnight('UTC', '2026-03-11 00:00Z', 'in UTC');
select pg_temp.around_midnight('Norway/Atlantis', '2026-03-10 23:00Z', 'in a zone that there is not: Oslo stands in');
select pg_temp.around_midnight(null, '2026-03-10 23:00Z', 'without a zone');

-- Side by side, in one run.
select tests.organisation('Pacific/Kiritimati') as ahead \gset
select tests.organisation('Pacific/Pago_Pago') as behind \gset
select tests.mentor(organisation_id => :'ahead') as early \gset
select tests.mentor(organisation_id => :'behind') as late \gset
select tests.requires(organisation_id => :'ahead'), tests.requires(organisation_id => :'behind');
select tests.certified_until(:'early', '2026-03-10'), tests.certified_until(:'late', '2026-03-10');
select public.run_certification_expiry(as_of => '2026-03-10 02:00Z');
create function pg_temp.paused_at(at timestamptz) returns uuid[] language sql as $$
  select coalesce(array_agg(change.user_id), '{}') from public.run_certification_expiry(as_of => at) as change;
$$;
select is(pg_temp.paused_at('2026-03-11 02:00Z'), array[:'early'::uuid], 'where the day began the mentor is paused');
select is((select status from public.peer_mentors where id = :'late'), 'active', 'where it did not she is not');
select is(pg_temp.paused_at('2026-03-12 02:00Z'), array[:'late'::uuid], 'her turn comes the night after');

-- The mentor's own zone has no say.
select tests.organisation() as organisation \gset
select tests.requires(organisation_id => :'organisation');
select tests.mentor(organisation_id => :'organisation', timezone => 'Pacific/Kiritimati') as traveller \gset
select tests.certified_until(:'traveller', '2026-03-15');
select is(pg_temp.paused_at('2026-03-15 20:00Z'), '{}', 'the zone in which a mentor lives is not asked');

select * from finish();
rollback;
