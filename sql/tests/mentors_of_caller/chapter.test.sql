begin;
select plan(9);

select tests.staff() as coordinator \gset
select tests.staff() as colleague \gset
select tests.chapter(:'coordinator') as north \gset
select tests.chapter(:'coordinator') as south \gset
select tests.chapter(:'colleague') as west \gset
select tests.mentor() as northern \gset
select tests.mentor() as southern \gset
select tests.mentor() as western \gset
select tests.mentor() as of_no_chapter \gset
select tests.placed(:'north', :'northern'), tests.placed(:'south', :'southern'), tests.placed(:'west', :'western');

select is(tests.reach(:'coordinator'), tests.sorted(:'northern', :'southern'), 'a coordinator reaches the mentors of each of her chapters, and of no other');
insert into public.chapter_coordinators (coordinator_id, chapter_id) values (:'colleague', :'north');
select is(tests.reach(:'colleague'), tests.sorted(:'northern', :'western'), 'a chapter may have several coordinators');
select is(tests.reach(:'coordinator'), tests.sorted(:'northern', :'southern'), 'which takes nobody from the others');

-- A mentor moves.
select tests.placed(:'west', :'northern');
select is(tests.reach(:'coordinator'), array[:'southern']::uuid[], 'a mentor who moved to another chapter is out of reach');
select is(tests.reach(:'colleague'), tests.sorted(:'northern', :'western'), 'and in the reach of who coordinates that');
select tests.placed(null, :'southern');
select is(tests.reach(:'coordinator'), '{}', 'one who left the chapters is in the reach of none');
select tests.placed(:'south', :'of_no_chapter');
select is(tests.reach(:'coordinator'), array[:'of_no_chapter']::uuid[], 'one who joined a chapter is at once');

delete from public.chapter_coordinators where coordinator_id = :'coordinator';
select is(tests.reach(:'coordinator'), '{}', 'a coordinator without a chapter reaches none of its mentors');
select is(tests.reach(:'colleague'), tests.sorted(:'northern', :'western'), 'her colleague still does');

select * from finish();
rollback;
