-- One text for both engines: ids and words are text, numbers are bigint, instants are microseconds since 1970,
-- flags are 0 or 1, `*_sealed` columns are encrypted, `*_hash` columns are for looking up what must not be read.

-- One sealed word: whoever cannot open it has another key, and must not write.
create table seal_check (
    id bigint primary key,
    word_sealed bytea not null
);

create table queues (
    id text primary key,
    name text not null unique,
    created_at bigint not null
);

create table skills (
    id text primary key,
    name text not null unique,
    created_at bigint not null
);

create table agents (
    id text primary key,
    name text not null unique,
    state text not null,
    reason text,
    state_since bigint not null,
    created_at bigint not null
);

create table agent_queues (
    agent_id text not null references agents (id),
    queue_id text not null references queues (id),
    primary key (agent_id, queue_id)
);

create table agent_skills (
    agent_id text not null references agents (id),
    skill_id text not null references skills (id),
    primary key (agent_id, skill_id)
);

-- A queue and a set of skills: what a callback needs. There are few, however many callbacks wait.
create table requirements (
    id text primary key,
    queue_id text not null references queues (id),
    skill_names text not null,
    unique (queue_id, skill_names)
);

create table requirement_skills (
    requirement_id text not null references requirements (id),
    skill_id text not null references skills (id),
    primary key (requirement_id, skill_id)
);

-- Who fits what, kept up to date when agents, skills or requirements change, so that matching never compares sets.
create table agent_requirements (
    requirement_id text not null references requirements (id),
    agent_id text not null references agents (id),
    primary key (requirement_id, agent_id)
);

create table call_in_groups (
    id text primary key,
    name text not null unique,
    selection text not null,
    code_digits bigint not null,
    expires_after_s bigint not null,
    next_number bigint not null,
    created_at bigint not null
);

create table call_in_numbers (
    group_id text not null references call_in_groups (id),
    place bigint not null,
    number text not null,
    primary key (group_id, place)
);

create table services (
    id text primary key,
    name text not null unique,
    queue_id text not null references queues (id),
    requirement_id text not null references requirements (id),
    call_in_group_id text references call_in_groups (id),
    direction text not null,
    ask_customer bigint not null,
    confirm_window_s bigint not null,
    confirm_timeout text not null,
    confirm_attempts bigint not null,
    created_at bigint not null
);

create table api_keys (
    id text primary key,
    kind text not null,
    name text not null unique,
    role text,
    agent_id text references agents (id),
    secret_hash bytea,
    created_at bigint not null,
    revoked_at bigint
);

create table push_credentials (
    id text primary key,
    provider text not null,
    name text not null unique,
    settings_sealed bytea not null,
    created_at bigint not null
);

create table installations (
    id text primary key,
    app_key_id text not null references api_keys (id),
    secret_hash bytea not null unique,
    token_hash bytea not null,
    event_seq bigint not null,
    created_at bigint not null
);

create table devices (
    id text primary key,
    installation_id text not null references installations (id),
    provider text not null,
    kind text not null,
    topic text,
    token_hash text not null,
    token_sealed bytea not null,
    state text not null,
    state_reason text,
    registered_at bigint not null,
    unique (installation_id, provider)
);

create table callbacks (
    id text primary key,
    installation_id text not null references installations (id),
    service_id text not null references services (id),
    queue_id text not null references queues (id),
    requirement_id text not null references requirements (id),
    number_hash text not null,
    number_sealed bytea not null,
    name_sealed bytea,
    context_sealed bytea,
    direction text not null,
    state text not null,
    phase text,
    reason text,
    disposition text,
    agent_id text references agents (id),
    waiting_since bigint not null,
    rank_us bigint not null,
    not_before bigint,
    asked bigint not null,
    confirm_by bigint,
    created_at bigint not null,
    changed_at bigint not null,
    version bigint not null
);

-- An agent has at most one callback, whatever happens above (I2).
create unique index callbacks_one_per_agent on callbacks (agent_id) where agent_id is not null;
-- One open callback per service and number (I3).
create unique index callbacks_one_open on callbacks (service_id, number_hash) where state <> 'completed';
create index callbacks_line on callbacks (requirement_id, rank_us, id) where state = 'queued' and not_before is null;
create index callbacks_place on callbacks (queue_id, rank_us, id) where state = 'queued';
create index callbacks_snoozed on callbacks (not_before) where not_before is not null;
create index callbacks_asked on callbacks (confirm_by) where confirm_by is not null;
create index callbacks_confirmed on callbacks (changed_at) where phase = 'confirmed';
create index callbacks_mine on callbacks (installation_id, id);
create index callbacks_state on callbacks (state, id);

-- Append-only. The snapshot is the callback as its owner saw it; it holds nothing private.
create table events (
    installation_id text not null references installations (id),
    seq bigint not null,
    callback_id text not null references callbacks (id),
    version bigint not null,
    kind text not null,
    actor text not null,
    at bigint not null,
    snapshot text not null,
    primary key (installation_id, seq)
);
create unique index events_of_callback on events (callback_id, version);

-- The push outbox: what is to be said, and one delivery for each device.
create table pushes (
    id text primary key,
    callback_id text not null references callbacks (id),
    event text not null,
    asked bigint not null,
    expires_at bigint not null,
    created_at bigint not null,
    unique (callback_id, event, asked)
);

create table push_deliveries (
    id text primary key,
    push_id text not null references pushes (id),
    callback_id text not null references callbacks (id),
    device_id text not null references devices (id),
    provider text not null,
    state text not null,
    due_at bigint not null,
    fence bigint not null,
    attempts bigint not null,
    reason text,
    provider_id text,
    action_spent_at bigint,
    changed_at bigint not null,
    unique (push_id, device_id)
);
create index push_deliveries_due on push_deliveries (due_at) where state = 'pending';
create index push_deliveries_of_callback on push_deliveries (callback_id);

create table call_ins (
    id text primary key,
    installation_id text not null references installations (id),
    service_id text not null references services (id),
    callback_id text references callbacks (id),
    number text not null,
    access_code_hash text not null,
    access_code_sealed bytea not null,
    caller_hash text,
    caller_sealed bytea,
    name_sealed bytea,
    context_sealed bytea,
    state text not null,
    created_at bigint not null,
    expires_at bigint not null,
    matched_at bigint
);
create unique index call_ins_code on call_ins (number, access_code_hash) where state = 'waiting';
create index call_ins_caller on call_ins (number, caller_hash) where state = 'waiting';
create index call_ins_waiting on call_ins (expires_at) where state = 'waiting';
create index call_ins_of_callback on call_ins (callback_id) where state = 'waiting';

create table idempotency (
    owner text not null,
    key text not null,
    request_hash bytea not null,
    status bigint not null,
    answer_sealed bytea,
    created_at bigint not null,
    primary key (owner, key)
);
create index idempotency_age on idempotency (created_at);
