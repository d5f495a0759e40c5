-- What the code that the agent says is made from; only while a call is due.
alter table callbacks add column spoken_salt text;

-- How the code of a click-to-call number gets to the phone: pause, wait or by_hand.
alter table call_in_groups add column code_entry text not null default 'pause';
