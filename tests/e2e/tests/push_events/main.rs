//! What is said by push besides the question, over the wire: to whom, when, in which words, and when nothing.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test's helpers fail the test")]

use ringback_server::storage::Engine;

mod answers;
mod changed;
#[allow(dead_code, reason = "other tests use the rest of it")]
#[path = "../line/hall.rs"]
mod hall;
mod manners;
mod missed;
mod progress;
mod quiet;
mod reminder;
mod stage;
#[path = "../support/mod.rs"]
mod support;
mod upcoming;
use support::Failure;

support::on_both_engines! {
    the_contact_centre_changes_it => |engine| changed::the_contact_centre_changes_it(engine);
    what_the_person_did_is_no_news => |engine| changed::what_the_person_did_is_no_news(engine);
    on_the_phone_they_agreed => |engine| changed::on_the_phone_they_agreed(engine);
    there_will_be_another_call => |engine| missed::there_will_be_another_call(engine);
    nobody_said_ready => |engine| missed::nobody_said_ready(engine);
    who_declined_was_reached => |engine| missed::who_declined_was_reached(engine);
    reminded_once => |engine| reminder::reminded_once(engine);
    nearer_than_the_reminder => |engine| reminder::nearer_than_the_reminder(engine);
    reminded_of_what_still_is => |engine| reminder::reminded_of_what_still_is(engine);
    reminded_in_line => |engine| reminder::reminded_in_line(engine);
    soon_and_not_so_soon => |engine| upcoming::soon_and_not_so_soon(engine);
    soon_was_said_in_the_answer => |engine| upcoming::soon_was_said_in_the_answer(engine);
    a_service_that_says_nothing_is_in_the_way => |engine| upcoming::a_service_that_says_nothing_is_in_the_way(engine);
    from_start_to_end => |engine| progress::from_start_to_end(engine);
    steps_are_paced => |engine| progress::steps_are_paced(engine);
    a_promised_call_comes_into_line => |engine| progress::a_promised_call_comes_into_line(engine);
    apple_is_unwell_at_the_start => |engine| progress::apple_is_unwell_at_the_start(engine);
    each_service_has_its_manners => |engine| manners::each_service_has_its_manners(engine);
    an_event_is_off => |engine| manners::an_event_is_off(engine);
    nothing_of_what_is_over => |engine| quiet::nothing_of_what_is_over(engine);
    nothing_to_who_left => |engine| quiet::nothing_to_who_left(engine);
    the_other_device_stops_asking => |engine| answers::the_other_device_stops_asking(engine);
    two_answers_at_the_same_moment => |engine| answers::two_answers_at_the_same_moment(engine);
}
