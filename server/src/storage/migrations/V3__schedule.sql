-- When a centre calls. Definitions are JSON as the API takes them; they are read as a whole.

create table calendars (
    id text primary key,
    name text not null unique,
    definition text not null,
    changed_at bigint not null
);

create table capacity_rules (
    id text primary key,
    name text not null unique,
    definition text not null,
    changed_at bigint not null
);

-- Seats taken, by slot. No row is no seat.
create table slot_bookings (
    capacity_rule_id text not null references capacity_rules (id),
    slot_start bigint not null,
    booked bigint not null,
    primary key (capacity_rule_id, slot_start)
);
-- What is taken in a stretch of time is read from the index alone.
create index slot_bookings_taken on slot_bookings (capacity_rule_id, slot_start, booked);
