-- CAPTCHA tokens that were used, by keyed hash, until they would be worth nothing anyway.
create table captcha_spent (
    token_hash text primary key,
    expires_at bigint not null
);
create index captcha_spent_over on captcha_spent (expires_at);

-- What providers of CAPTCHAs handed out.
create table captcha_credentials (
    provider text primary key,
    settings_sealed bytea not null,
    created_at bigint not null
);
