-- The outbox is claimed and settled by a number of its own, which SQLite finds in one step, and a lease is no longer a part
-- of the index of what is due.
create table push_deliveries_of_now (
    seq bigserial primary key,
    id text not null unique,
    push_id text not null references pushes (id),
    callback_id text not null references callbacks (id),
    device_id text not null references devices (id),
    provider text not null,
    lane text not null,
    event text not null,
    occasion bigint not null,
    withdrawn bigint not null,
    version bigint not null,
    -- 0 goes first.
    urgency bigint not null,
    -- What is shown, in which words.
    content text,
    state text not null,
    due_at bigint not null,
    -- Until when it belongs to whoever claimed it.
    leased_to bigint not null default 0,
    expires_at bigint not null,
    fence bigint not null,
    attempts bigint not null,
    status bigint,
    reason text,
    provider_id text,
    action_spent_at bigint,
    created_at bigint not null,
    sent_at bigint,
    received_at bigint,
    opened_at bigint,
    answered_at bigint,
    changed_at bigint not null,
    unique (push_id, device_id)
);
insert into push_deliveries_of_now (id, push_id, callback_id, device_id, provider, lane, event, occasion, withdrawn,
    version, urgency, content, state, due_at, expires_at, fence, attempts, status, reason, provider_id, action_spent_at,
    created_at, sent_at, received_at, opened_at, answered_at, changed_at)
    select id, push_id, callback_id, device_id, provider, lane, event, occasion, withdrawn,
    version, urgency, content, state, due_at, expires_at, fence, attempts, status, reason, provider_id, action_spent_at,
    created_at, sent_at, received_at, opened_at, answered_at, changed_at from push_deliveries order by created_at;

create table push_attempts_of_now (
    delivery_id text not null references push_deliveries_of_now (id),
    fence bigint not null,
    at bigint not null,
    took_us bigint not null,
    status bigint,
    outcome text not null,
    reason text not null,
    primary key (delivery_id, fence)
);
insert into push_attempts_of_now (delivery_id, fence, at, took_us, status, outcome, reason)
    select delivery_id, fence, at, took_us, status, outcome, reason from push_attempts;

drop table push_attempts;
drop table push_deliveries;
alter table push_deliveries_of_now rename to push_deliveries;
alter table push_attempts_of_now rename to push_attempts;

create index push_deliveries_due on push_deliveries (lane, urgency, due_at) where state = 'pending';
create index push_deliveries_expiry on push_deliveries (expires_at) where state = 'pending';
create index push_deliveries_of_callback on push_deliveries (callback_id);
create index push_deliveries_of_device on push_deliveries (device_id);
-- What waits is found by the indexes above: this one is of what staff look back at, and a delivery enters it when it is
-- over.
create index push_deliveries_latest on push_deliveries (changed_at) where state <> 'pending';
