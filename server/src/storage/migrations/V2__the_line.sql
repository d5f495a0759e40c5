-- Rises with every change of queues, skills, services, calendars, capacities and rules, so that a node knows when what it
-- remembers of them is old.
create table setup (
    id bigint primary key,
    version bigint not null
);
insert into setup (id, version) values (1, 1);

-- Counts that many transactions change at once. Each connection has its own shard, so that none waits for another; the
-- count is the sum.
create table tallies (
    key text not null,
    shard bigint not null,
    n bigint not null,
    primary key (key, shard)
);

insert into tallies (key, shard, n)
    select 'line/' || queue_id || '/' || requirement_id, 0, count(*) from callbacks where state = 'queued'
    group by queue_id, requirement_id;
insert into tallies (key, shard, n)
    select 'open/' || service_id, 0, count(*) from callbacks where state <> 'completed' group by service_id;

alter table agent_skills add column level bigint not null default 1;
alter table requirement_skills add column level bigint not null default 1;
alter table agent_requirements add column surplus bigint not null default 0;
create index agent_requirements_of_agent on agent_requirements (agent_id, requirement_id);

-- The state an agent on a call has chosen for afterwards, and when wrap-up ends by itself.
alter table agents add column then_state text;
alter table agents add column then_reason text;
alter table agents add column wrap_up_by bigint;
-- Since when, and for which line, the agent is busy with a callback: asking, ringing, talking, wrap-up.
alter table agents add column spell_since bigint;
alter table agents add column spell_requirement_id text references requirements (id);
create index agents_ready on agents (state_since, id) where state = 'ready';
create index agents_wrapping_up on agents (wrap_up_by) where wrap_up_by is not null;

-- A service as it was set up, in the words of the staff API.
alter table services add column policy text not null default '';
update services set policy = '{"name":"' || name || '","queue":"' || (select q.name from queues q where q.id = queue_id)
    || '","skills":' || (select case r.skill_names when '' then '{}'
        else '{"' || replace(r.skill_names, ',', '":1,"') || '":1}' end from requirements r where r.id = requirement_id)
    || ',"direction":"' || direction || '","ask_customer":' || case ask_customer when 1 then 'true' else 'false' end
    || ',"confirm_window_s":' || confirm_window_s || ',"confirm_timeout":"' || confirm_timeout
    || '","confirm_attempts":' || confirm_attempts
    || case when call_in_group_id is null then ''
        else ',"call_in_group":"' || (select g.name from call_in_groups g where g.id = call_in_group_id) || '"' end
    || '}';
alter table services drop column direction;
alter table services drop column ask_customer;
alter table services drop column confirm_window_s;
alter table services drop column confirm_timeout;
alter table services drop column confirm_attempts;
-- Taking no requests until then; 0 is "until told otherwise".
alter table services add column paused_until bigint;

drop index callbacks_asked;
drop index callbacks_snoozed;
drop index callbacks_one_open;
alter table callbacks rename column confirm_by to phase_by;
alter table callbacks add column priority bigint not null default 0;
-- A service may allow a number several open callbacks: each has a place of its own.
alter table callbacks add column open_place bigint not null default 0;
alter table callbacks add column attempts bigint not null default 0;
alter table callbacks add column journey_sealed bytea;
alter table callbacks add column note_sealed bytea;
-- When the call was promised: the instant, and what the person saw on the wall where.
alter table callbacks add column scheduled_at bigint;
alter table callbacks add column scheduled_zone text;
alter table callbacks add column scheduled_local text;
-- The seat it holds.
alter table callbacks add column capacity_rule_id text;
alter table callbacks add column slot_start bigint;
alter table callbacks add column expires_at bigint;
-- The earliest of all its deadlines.
alter table callbacks add column due_at bigint;
-- The wait as it was told at request time, and when agent and customer began to talk: promised and kept.
alter table callbacks add column promise text;
-- What the promise was reckoned from, until it is held against what came.
alter table callbacks add column promise_model text;
-- Since when it is in line, this time.
alter table callbacks add column entered_at bigint;
alter table callbacks add column began_at bigint;
-- Whoever says "no" is not offered the same callback again before being ready anew.
alter table callbacks add column rejected_by text references agents (id);
-- A word from now on; what agents want to say besides is `note_sealed`.
update callbacks set disposition = 'handled' where disposition is not null;
update callbacks set due_at = phase_by where phase_by is not null;
update callbacks set due_at = not_before where not_before is not null and (due_at is null or not_before < due_at);
create unique index callbacks_one_open on callbacks (service_id, number_hash, open_place) where state <> 'completed';
create index callbacks_due on callbacks (due_at) where due_at is not null;
create index callbacks_ahead on callbacks (requirement_id, rank_us, id) where state = 'routing' and agent_id is null;
create index callbacks_rejected on callbacks (rejected_by) where rejected_by is not null;
create index callbacks_of_number on callbacks (number_hash) where state <> 'completed';
create index callbacks_ended on callbacks (changed_at) where state = 'completed';

-- Each call to a customer, and what came of it.
create table attempts (
    callback_id text not null references callbacks (id),
    attempt bigint not null,
    service_id text not null references services (id),
    agent_id text references agents (id),
    began_at bigint not null,
    ended_at bigint,
    result text,
    primary key (callback_id, attempt)
);

create index attempts_latest on attempts (service_id, ended_at) where ended_at is not null;

-- What happened in a line, and what agents did with their time: what waits are estimated from.
create table line_facts (
    id text primary key,
    requirement_id text not null references requirements (id),
    at bigint not null,
    fact text not null
);
create index line_facts_age on line_facts (at);
create table agent_spells (
    id text primary key,
    agent_id text not null references agents (id),
    at bigint not null,
    occupation text not null,
    for_us bigint not null
);
create index agent_spells_age on agent_spells (at);

-- Shifts of a queue's agents that begin or end, as far as they are known.
create table planned_changes (
    queue_id text not null references queues (id),
    at bigint not null,
    agents bigint not null,
    primary key (queue_id, at)
);

-- Ended callbacks without number and name. What the app knew stays sealed until it is erased.
create table callbacks_archive (
    id text primary key,
    service_id text not null,
    queue_id text not null,
    reason text not null,
    disposition text,
    attempts bigint not null,
    created_at bigint not null,
    scheduled_at bigint,
    began_at bigint,
    ended_at bigint not null,
    promise text,
    context_sealed bytea,
    journey_sealed bytea,
    erase_at bigint
);
create index callbacks_archive_erase on callbacks_archive (erase_at) where erase_at is not null;
create index callbacks_archive_ended on callbacks_archive (service_id, ended_at);
