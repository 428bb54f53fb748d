begin;
select plan(26);
select tests.mentor() as mentor \gset

-- What is required.
select is(tests.status_of('certifications'), 'ok', 'where nothing is required all is well');
select matches(tests.detail_of('certifications'), '^no organisation requires one, so that nobody is paused for one: scheduler\.required_certifications$', 'which is said');
select tests.certified(:'mentor', 'First Aid', '2027-01-01');
select tests.requires('first aid');
select is(tests.status_of('certifications') || ': ' || tests.detail_of('certifications'), 'ok: required by 1 organisations', 'what somebody has may be required, however it is written');
select tests.requires('driving', tests.organisation());
select is(tests.status_of('certifications'), 'warn', 'one that nobody ever had is a warning');
select matches(tests.detail_of('certifications'), '^nobody ever had ''driving'': is that how scheduler\.required_certifications has to spell it\?$', 'which names it');
select tests.requires('conversation');
select matches(tests.detail_of('certifications'), '''conversation'', ''driving''', 'or all of them');
select tests.certified(:'mentor', 'driving', '2020-01-01'), tests.certified(:'mentor', 'conversation');
update public.certifications set revoked_at = now() where name = 'conversation';
select is(tests.status_of('certifications') || ': ' || tests.detail_of('certifications'), 'ok: required by 2 organisations', 'that it ran out or is revoked is no matter');

-- A portal.
create function pg_temp.portal() returns text language sql as $$ select tests.status_of('portal hlf') || ': ' || tests.detail_of('portal hlf') $$;
select is(pg_temp.portal(), null, 'a portal that was never asked has no line');
select tests.page(jsonb_build_array(tests.portal_row('C1', :'mentor')), next_cursor => 'two');
select matches(pg_temp.portal(), '^warn: not fetched from to the end yet, since 20.* on the way again, at page 1$', 'one that was never fetched from to the end is a warning');
select tests.page('[]');
select matches(pg_temp.portal(), '^ok: as it was at 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d\S*$', 'one that was is ok, and says of when it is');
update scheduler.portal_syncs set completed_at = now() - interval '50 hours';
select matches(pg_temp.portal(), '^ok: ', 'two nights may fail');
update scheduler.portal_syncs set completed_at = now() - interval '50 hours 1 second';
select matches(pg_temp.portal(), '^warn: as it was at ', 'then it is a warning');
select public.begin_portal_sync(source => 'hlf');
select matches(pg_temp.portal(), '^warn: as it was at .*, since 20.* on the way again, at page 0$', 'also if it is on the way');
select tests.page('[]');
select matches(pg_temp.portal(), '^ok: ', 'to the end');

-- What was not taken over.
select tests.page(jsonb_build_array(tests.portal_row('C2', gen_random_uuid()), tests.portal_row('C3', gen_random_uuid())));
select matches(pg_temp.portal(), '^ok: .*; not taken over: 2 unknown_member \(select \* from scheduler\.certification_rejects;\)$', 'people of the portal who are no mentors are told of, and are well');
select tests.page(jsonb_build_array(tests.portal_row('C4', :'mentor'), tests.portal_row('C4', :'mentor')));
select matches(pg_temp.portal(), '^ok: .*: 2 unknown_member, 1 duplicate ', 'as are duplicates');
select tests.page(jsonb_build_array(tests.portal_row('C5', :'mentor', 'never')));
select matches(pg_temp.portal(), '^warn: as it was at .*: 2 unknown_member, 1 duplicate, 1 malformed_date ', 'what can''t be read is a warning');
select tests.page(jsonb_build_array(tests.portal_row('C5', :'mentor')));
select matches(pg_temp.portal(), '^ok: ', 'until it can');
delete from scheduler.certification_rejects;
create function pg_temp.refused(why text) returns text language plpgsql as $$
begin
  delete from scheduler.certification_rejects;
  insert into scheduler.certification_rejects (source, external_id, reason) values ('hlf', '', why);
  return tests.status_of('portal hlf');
end;
$$;
select is(pg_temp.refused(why), 'warn', why || ' is a warning') from unnest(array['no_external_id', 'no_member', 'no_name', 'malformed_modified_on', 'malformed_removed', 'no_object']) as why;

-- Another portal.
insert into scheduler.portal_syncs (source, completed_at) values ('another', now());
select is(tests.status_of('portal another'), 'ok', 'another portal has a line of its own');
delete from scheduler.certification_rejects;
select unalike(tests.detail_of('portal another') || tests.detail_of('portal hlf'), '%' || :'mentor' || '%', 'nobody is named');

select * from finish();
rollback;
