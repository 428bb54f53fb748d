create or replace function scheduler.status_of_certifications()
returns setof scheduler.component_status
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  with required as (
    select count(distinct required.organisation_id) as organisations
    from scheduler.required_certifications as required
  ),
  unheard_of as (
    select string_agg(distinct quote_literal(required.name), ', ') as names
    from scheduler.required_certifications as required
    where not exists (
      select from scheduler.held_certification as held where lower(held.name) = lower(required.name)
    )
  ),
  refused as (
    select
      by_reason.source,
      string_agg(format('%s %s', by_reason.rows, by_reason.reason), ', ' order by by_reason.rows desc, by_reason.reason) as said,
      -- A portal may know more people than there are mentors.
      bool_or(by_reason.reason not in ('unknown_member', 'duplicate')) as is_worth_a_look
    from (
      select reject.source, reject.reason, count(*) as rows
      from scheduler.certification_rejects as reject
      group by reject.source, reject.reason
    ) as by_reason
    group by by_reason.source
  )
  select
    'certifications',
    case when unheard_of.names is null then 'ok' else 'warn' end,
    case
      when required.organisations = 0 then 'no organisation requires one, so that nobody is paused for one: scheduler.required_certifications'
      when unheard_of.names is not null then format('nobody ever had %s: is that how scheduler.required_certifications has to spell it?', unheard_of.names)
      else format('required by %s organisations', required.organisations)
    end
  from required, unheard_of

  union all
  select
    'portal ' || sync.source,
    case
      when sync.completed_at is null or sync.completed_at < now() - interval '50 hours' or refused.is_worth_a_look then 'warn'
      else 'ok'
    end,
    case
      when sync.completed_at is null then 'not fetched from to the end yet'
      else format('as it was at %s', sync.completed_at::timestamptz(0))
    end
      || case
        when sync.round_started_at is not null then format(', since %s on the way again, at page %s', sync.round_started_at::timestamptz(0), sync.round_page)
        else ''
      end
      || coalesce('; not taken over: ' || refused.said || ' (select * from scheduler.certification_rejects;)', '')
  from scheduler.portal_syncs as sync
  left join refused on refused.source = sync.source;
$$;

comment on function scheduler.status_of_certifications() is
  'For scheduler_status(): what is required, and how far the certifications of portals have come.';
