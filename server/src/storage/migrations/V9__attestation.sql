-- The key with which an installation signs what it changes; nothing for those that never registered one.
alter table installations add column key_algorithm text;
alter table installations add column public_key bytea;

-- Whether installations of an app need a key.
alter table api_keys add column needs_installation_key bigint not null default 0;

-- Nonces of signatures that brought something about, for as long as the signature could come again.
create table signature_nonces (
    installation_id text not null references installations (id),
    nonce text not null,
    expires_at bigint not null,
    primary key (installation_id, nonce)
);
create index signature_nonces_over on signature_nonces (expires_at);

-- Challenges for attestation that were used, until they would be worth nothing anyway.
create table attestation_spent (
    nonce text primary key,
    expires_at bigint not null
);
create index attestation_spent_over on attestation_spent (expires_at);

-- What the last evidence said of an installation's app and device.
create table attestations (
    installation_id text primary key references installations (id),
    provider text not null,
    verdict text not null,
    reason text,
    checked_at bigint not null,
    expires_at bigint not null,
    key_id text,
    public_key bytea,
    counter bigint not null
);
create unique index attestations_key on attestations (key_id);
