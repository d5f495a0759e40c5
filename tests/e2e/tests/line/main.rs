//! The line over the wire: who is called, when, what follows, and what happens when much happens at once.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test's helpers fail the test")]

use ringback_server::storage::Engine;

mod desk;
mod hall;
mod inbound;
mod order;
mod seats;
#[path = "../support/mod.rs"]
mod support;
mod times;
use support::Failure;

support::on_both_engines! {
    the_last_seat_has_one_winner => |engine| seats::the_last_seat_has_one_winner(engine);
    previews => |engine| desk::previews(engine);
    each_result_has_its_retries => |engine| desk::each_result_has_its_retries(engine);
    the_customer_chooses_another_time_on_the_phone => |engine| desk::the_customer_chooses_another_time_on_the_phone(engine);
    an_agent_leaves => |engine| desk::an_agent_leaves(engine);
    customers_are_called_ahead => |engine| desk::customers_are_called_ahead(engine);
    the_urgent_come_first => |engine| order::the_urgent_come_first(engine);
    skills_decide_who_can => |engine| order::skills_decide_who_can(engine);
    a_snooze_keeps_the_place_or_gives_it_up => |engine| order::a_snooze_keeps_the_place_or_gives_it_up(engine);
    the_doors_close => |engine| order::the_doors_close(engine);
    three_ways_to_ask_one_question => |engine| order::three_ways_to_ask_one_question(engine);
    somebody_who_waits_calls_in => |engine| inbound::somebody_who_waits_calls_in(engine);
    numbers_to_dial_are_accounted_for => |engine| inbound::numbers_to_dial_are_accounted_for(engine);
    a_promise_is_kept_and_not_before_its_time => |engine| times::a_promise_is_kept_and_not_before_its_time(engine);
    the_server_is_away_at_the_promised_time => |engine| times::the_server_is_away_at_the_promised_time(engine);
    another_time_and_back_to_now => |engine| times::another_time_and_back_to_now(engine);
    a_thousand_expire_in_one_second => |engine| times::a_thousand_expire_in_one_second(engine);
    shifts_are_planned => |engine| times::shifts_are_planned(engine);
}
