-- Several devices for each installation, several kinds of push, lanes. Pushes under way when this runs are dropped: they
-- are questions of half a minute, and are put again when nobody answers.
drop table push_deliveries;
drop table pushes;

create table devices_of_now (
    id text primary key,
    installation_id text not null references installations (id),
    -- What kind of target it is: `apns`, `activity_start`, `activity`, `activity_ended`, `fcm`, `web_push`.
    channel text not null,
    -- What the app calls it; of an activity, its callback.
    name text not null,
    provider text not null,
    kind text not null,
    topic text,
    -- Which credential's connections its pushes leave by.
    lane text not null,
    token_hash text not null,
    token_sealed bytea not null,
    locale text,
    app_version text,
    has_texts bigint not null,
    state text not null,
    state_reason text,
    registered_at bigint not null,
    seen_at bigint not null,
    unique (installation_id, channel, name)
);
insert into devices_of_now (id, installation_id, channel, name, provider, kind, topic, lane, token_hash, token_sealed,
    has_texts, state, state_reason, registered_at, seen_at)
    select id, installation_id, provider, '', provider, kind, topic,
    case provider when 'apns' then 'apns/' || kind || '/' || coalesce(topic, '') else provider end,
    token_hash, token_sealed, 0, state, state_reason, registered_at, registered_at from devices;
drop table devices;
alter table devices_of_now rename to devices;
create index devices_by_token on devices (token_hash);
create index devices_activities on devices (id) where channel = 'activity' and state = 'active';

-- One row for each part of all tokens: whoever registers a token holds its row, so that of two who register the same at
-- once the later one finds the other's device and takes it over.
create table device_locks (part text primary key, taken bigint not null);

-- What is to be said.
create table pushes (
    id text primary key,
    callback_id text not null references callbacks (id),
    event text not null,
    -- Tells apart what is said again: how often it was asked, attempted, promised, told.
    occasion bigint not null,
    -- 1 when it takes back what was said.
    withdrawn bigint not null,
    -- The callback's version when it was said.
    version bigint not null,
    expires_at bigint not null,
    created_at bigint not null,
    unique (callback_id, event, occasion, withdrawn)
);

-- The same for one device: the outbox.
create table push_deliveries (
    id text primary key,
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
    -- What a Live Activity is to show, or what started or ends it.
    content text,
    state text not null,
    due_at bigint not null,
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
create index push_deliveries_due on push_deliveries (lane, urgency, due_at) where state = 'pending';
create index push_deliveries_expiry on push_deliveries (expires_at) where state = 'pending';
create index push_deliveries_of_callback on push_deliveries (callback_id);
create index push_deliveries_of_device on push_deliveries (device_id);
create index push_deliveries_latest on push_deliveries (changed_at);

-- Tries that did not get through; the one that did is in the delivery itself.
create table push_attempts (
    delivery_id text not null references push_deliveries (id),
    fence bigint not null,
    at bigint not null,
    took_us bigint not null,
    status bigint,
    outcome text not null,
    reason text not null,
    primary key (delivery_id, fence)
);

-- What was told about a wait, so that it is corrected and not repeated.
alter table callbacks add column upcoming_told bigint not null default 0;
alter table callbacks add column upcoming_at bigint;
