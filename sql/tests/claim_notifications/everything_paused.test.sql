begin;
select plan(5);

select tests.organisation() as own \gset
select tests.waiting() as one \gset
select tests.waiting(tests.mentor(organisation_id => :'own')) as other \gset

-- An organisation's own row says nothing against a pause of everything.
update scheduler.organisation_settings set paused = true where organisation_id is null;
insert into scheduler.organisation_settings (organisation_id, paused) values (:'own', false);
select is(tests.claimed(), '{}'::bigint[], 'while everything is paused nothing is handed out');
select is(tests.became(:one), 'cancelled: organisation_paused', 'what is due while everything is paused is cancelled');
select is(tests.became(:other), 'cancelled: organisation_paused', 'in every organisation');
select is_empty('select * from scheduler.scenario_cooldowns', 'and the windows are released');

update scheduler.organisation_settings set paused = false;
select tests.waiting() as later \gset
select is(tests.claimed(), array[:later]::bigint[], 'afterwards pushes go out again');

select * from finish();
rollback;
