begin;
select plan(8);

select is(scheduler.wait_before_asking(1, '12 hours'), '0 minutes', 'after the first time, the next tick asks again');
select is(scheduler.wait_before_asking(2, '12 hours'), '5 minutes', 'after the second, it waits');
select is(scheduler.wait_before_asking(3, '12 hours'), '30 minutes', 'after the third, longer');
select is(scheduler.wait_before_asking(4, '12 hours'), null, 'the fourth was the last');
select is(scheduler.wait_before_asking(5, '12 hours'), null, 'and so is any after it');
select is(scheduler.wait_before_asking(2, null), '0', 'a job that comes again in a minute does not wait');
select is(scheduler.wait_before_asking(3, null), '0', 'however often it was asked');
select is(scheduler.wait_before_asking(4, null), null, 'but no oftener');

select * from finish();
rollback;
