-- What no window holds any more, and what lies in the future after the clock was put back, is looked for once an hour in the
-- whole table. Two indexes for it were written four times with every request.
drop index limit_uses_expired;
drop index limit_uses_newest;
