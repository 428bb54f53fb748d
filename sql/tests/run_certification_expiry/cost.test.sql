-- The cost follows what expires: how many rows a run looks at.

begin;
select plan(6);
select tests.requires();
select tests.mentor() as first \gset
insert into public.peer_mentors (id, organisation_id)
select md5('mentor ' || n)::uuid, 'aaaaaaaa-0000-4000-8000-000000000000' from generate_series(1, 4999) as n;
insert into public.certifications (user_id, expires_on)
select mentor.id, date '2026-01-01' + (row_number() over (order by mentor.id) / 10)::integer from public.peer_mentors as mentor;
select tests.night('2026-01-01');
analyze public.peer_mentors, public.certifications, scheduler.certification_checks;

create function pg_temp.looked_at() returns bigint language sql as $$
  select sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::bigint
  from pg_stat_xact_user_tables
  where relid in ('public.certifications'::regclass, 'public.peer_mentors'::regclass);
$$;
-- Of certifications and the roster, in one run. The planner looks at the ends of indexes, which are a few.
create function pg_temp.cost(day date) returns bigint language plpgsql as $$
declare
  before constant bigint := pg_temp.looked_at();
begin
  perform public.run_certification_expiry(as_of => (day + time '02:00') at time zone 'UTC');
  return pg_temp.looked_at() - before;
end;
$$;

select cmp_ok(pg_temp.cost('2026-01-01'), '<', 10::bigint, 'a night on which nothing expired looks at nobody');
select cmp_ok(pg_temp.cost('2026-01-02'), '<', 200::bigint, 'one on which 9 of 5,000 did looks at few rows');
select is((select count(*) from public.peer_mentors where status = 'paused'), 9::bigint, 'and pauses these');
update public.certifications set expires_on = '2026-12-31' where user_id = (select id from public.peer_mentors where status = 'paused' limit 1);
select cmp_ok(pg_temp.cost('2026-01-02'), '<', 30::bigint, 'one on which one was renewed looks at hers');
delete from scheduler.required_certifications;
select tests.night('2026-01-02');
select cmp_ok(pg_temp.cost('2026-06-01'), '<', 10::bigint, 'where nothing is required nobody is looked at');

-- Another organisation that required something a year ago.
insert into public.organisations (id, name) values ('bbbbbbbb-0000-4000-8000-000000000000', 'Organisation');
select tests.requires('driving', 'bbbbbbbb-0000-4000-8000-000000000000');
select tests.night('2026-01-02');
delete from scheduler.required_certifications;
select tests.requires();
select tests.night('2026-08-01');
select cmp_ok(pg_temp.cost('2026-08-01'), '<', 10::bigint, 'an organisation that requires nothing any more does not make the others'' nights longer');

select * from finish();
rollback;
