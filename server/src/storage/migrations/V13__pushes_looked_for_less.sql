-- Each index that a delivery leaves or enters while it is claimed and settled costs as much as writing the row.
-- Staff look back at pushes by when they were said, which never changes.
drop index push_deliveries_latest;
create index push_deliveries_said on push_deliveries (created_at);
-- What came too late is found among what is due: the look-out needs no row but those that it marks.
drop index push_deliveries_expiry;
drop index push_deliveries_due;
create index push_deliveries_due on push_deliveries (lane, urgency, due_at, expires_at) where state = 'pending';
