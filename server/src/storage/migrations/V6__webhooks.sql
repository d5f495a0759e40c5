-- Who is told of events over HTTP. `event_types` holds words between spaces; null is all. A URL can hold a secret.
create table webhook_endpoints (
    id text primary key,
    name text not null unique,
    url_sealed bytea not null,
    event_types text,
    description text not null,
    enabled bigint not null,
    disabled_reason text,
    disabled_at bigint,
    failing_since bigint,
    secret_sealed bytea not null,
    old_secret_sealed bytea,
    old_secret_until bigint,
    created_at bigint not null
);

-- The webhook outbox: one row for each endpoint that is told of an event. What is told is read from `events`. Of a callback's
-- open rows at an endpoint one is `pending`, the others are `waiting` for it. No row is held by a foreign key: deleting an
-- endpoint must not make an event fail.
create table webhook_deliveries (
    endpoint_id text not null,
    message_id text not null,
    callback_id text,
    version bigint not null,
    event_type text not null,
    state text not null,
    due_at bigint not null,
    fence bigint not null,
    attempts bigint not null,
    created_at bigint not null,
    changed_at bigint not null,
    primary key (endpoint_id, message_id)
);
create index webhook_deliveries_due on webhook_deliveries (endpoint_id, due_at) where state = 'pending';
create index webhook_deliveries_of_callback on webhook_deliveries (callback_id, endpoint_id, version);
create index webhook_deliveries_listed on webhook_deliveries (endpoint_id, created_at, message_id);
create index webhook_deliveries_over on webhook_deliveries (state, changed_at) where state in ('delivered', 'dead');

create table webhook_attempts (
    endpoint_id text not null,
    message_id text not null,
    fence bigint not null,
    at bigint not null,
    duration_ms bigint not null,
    status bigint,
    reason text,
    primary key (endpoint_id, message_id, fence),
    foreign key (endpoint_id, message_id) references webhook_deliveries (endpoint_id, message_id) on delete cascade
);
