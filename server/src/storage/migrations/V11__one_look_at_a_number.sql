-- One index finds the open callbacks of a number, of a service or of all, and keeps a service from having too many of them:
-- numbers are spread over all its pages, and each request touches one of them in place of two.
drop index callbacks_of_number;
drop index callbacks_one_open;
create unique index callbacks_one_open on callbacks (number_hash, service_id, open_place) where state <> 'completed';
