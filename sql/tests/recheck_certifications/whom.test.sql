begin;
select plan(6);
select tests.organisation() as own \gset
select tests.organisation() as theirs \gset
select tests.mentor(organisation_id => :'own') as active \gset
select tests.mentor(organisation_id => :'own') as paused \gset
select tests.mentor(organisation_id => :'own') as inactive \gset
select tests.mentor(organisation_id => :'theirs') as stranger \gset
select tests.given('paused', :'paused'), tests.given('inactive', :'inactive');
delete from scheduler.certification_checks;

select is(scheduler.recheck_certifications(array[:'own'::uuid]), 2::bigint, 'an organisation''s mentors can be looked at again by hand, but those who are inactive');
select set_eq('select user_id from scheduler.certification_checks', tests.sorted(:'active', :'paused'), 'these');
update scheduler.certification_checks set noted_at = '2026-01-01';
select is(scheduler.recheck_certifications(), 3::bigint, 'or everybody''s');
select ok((select bool_and(noted_at >= now()) from scheduler.certification_checks), 'as of now');
select is(scheduler.recheck_certifications('{}'), 0::bigint, 'or nobody''s');
select is(scheduler.recheck_certifications(array[gen_random_uuid()]), 0::bigint, 'as in an organisation that there is not');

select * from finish();
rollback;
