begin;
select plan(9);

select tests.organisation() as one \gset
select tests.organisation() as other \gset
create temporary table present (organisation uuid, scenario text, id bigint) on commit drop;
insert into present
select organisation, scenario, tests.waiting(tests.mentor(organisation_id => organisation))
from unnest(array[:'one', :'other']::uuid[]) as organisation, unnest(array['inactivity', 'milestone']) as scenario, generate_series(1, 2);
update scheduler.notifications as notification set scenario_type = present.scenario from present where present.id = notification.id;

create function pg_temp.cancelled(filter text) returns bigint[] language plpgsql as $$
declare
  ids bigint[];
begin
  execute format('select coalesce(array_agg(notification_id order by notification_id), ''{}'') from scheduler.cancel_notifications(%s)', filter) into ids;
  update scheduler.notifications set status = 'pending', status_reason = null where status = 'cancelled';
  return ids;
end;
$$;
create function pg_temp.of(condition text) returns bigint[] language plpgsql as $$
declare
  ids bigint[];
begin
  execute format('select array_agg(id order by id) from present where %s', condition) into ids;
  return ids;
end;
$$;

select is(
  pg_temp.cancelled(format('organisation_id => %L', :'one')), pg_temp.of(format('organisation = %L', :'one')),
  'by organisation'
);
select is(pg_temp.cancelled('scenario_type => ''milestone'''), pg_temp.of('scenario = ''milestone'''), 'by scenario');
select is(
  pg_temp.cancelled(format('organisation_id => %L, scenario_type => ''milestone''', :'one')),
  pg_temp.of(format('organisation = %L and scenario = ''milestone''', :'one')),
  'by both: what is of the organisation and of the scenario'
);
select is(
  pg_temp.cancelled('notification_ids => array(select id from present), scenario_type => ''milestone'''),
  pg_temp.of('scenario = ''milestone'''),
  'of the given ones those of a scenario'
);
select is(
  pg_temp.cancelled('notification_ids => array(select min(id) from present)'), pg_temp.of('id = (select min(id) from present)'),
  'by id'
);
select is(pg_temp.cancelled(format('organisation_id => %L', gen_random_uuid())), '{}'::bigint[], 'an organisation that has none is no error');
select is(pg_temp.cancelled('scenario_type => ''birthday'''), '{}'::bigint[], 'nor a scenario that has none');

select throws_ok(
  $$ select * from scheduler.cancel_notifications() $$, '22023', 'nothing says which notifications to cancel', 'no filter at all is refused'
);
select alike(
  tests.hint_of($$ select * from scheduler.cancel_notifications(reason => 'all of them') $$), '%notification_ids, organisation_id or scenario_type%pause%',
  'the hint says what to give, and how to hold everything back'
);

select * from finish();
rollback;
