-- Which countries and numbers are called. Sealed, because a blocked number is somebody's number.
create table rule_sets (
    name text primary key,
    definition_sealed bytea not null,
    changed_at bigint not null
);

-- The recent uses of a limited subject (a number, a prefix, an installation, an address of a service), by keyed hash:
-- instants as 8-byte little-endian numbers, newest first.
create table limit_uses (
    subject text primary key,
    recent bytea not null,
    version bigint not null,
    newest_at bigint not null,
    expires_at bigint not null
);
create index limit_uses_expired on limit_uses (expires_at);
-- Finds what lies in the future after the clock was put back.
create index limit_uses_newest on limit_uses (newest_at);
