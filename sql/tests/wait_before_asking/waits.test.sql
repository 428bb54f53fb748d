begin;
select plan(11);

select is(scheduler.wait_before_asking(1, '12 hours'), '0 minutes', 'after the first time, the next tick asks again');
select is(scheduler.wait_before_asking(2, '12 hours'), '10 minutes', 'after the second, it waits');
select is(scheduler.wait_before_asking(3, '12 hours'), '3 hours', 'after the third, a quarter of the time in which it can be made up for');
select is(scheduler.wait_before_asking(3, '1 day'), '6 hours', 'which may be longer');
select is(scheduler.wait_before_asking(2, '20 minutes'), '5 minutes', 'what can be made up for in less than forty minutes waits no longer the second time');
select is(scheduler.wait_before_asking(3, '20 minutes'), '5 minutes', 'than the third');
select is(scheduler.wait_before_asking(4, '12 hours'), null, 'the fourth was the last');
select is(scheduler.wait_before_asking(5, '12 hours'), null, 'and so is any after it');
select is(scheduler.wait_before_asking(2, null), '0', 'a job that comes again in a minute does not wait');
select is(scheduler.wait_before_asking(3, null), '0', 'however often it was asked');
select is(scheduler.wait_before_asking(4, null), null, 'but no oftener');

select * from finish();
rollback;
