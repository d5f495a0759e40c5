//! Nobody starves: however many more important callbacks keep coming, each is served in bounded time as long as an agent
//! who fits keeps coming back.

use proptest::prelude::*;
use ringback_server::routing::matching::{Ageing, Levels, rank_us};
use ringback_sim::lines::Lines;

const SECOND_US: i64 = 1_000_000;

fn skills(of: &[&str]) -> Levels {
    of.iter().map(|skill| ((*skill).to_owned(), 1)).collect()
}

/// Somebody asks, with a priority, for one of the two requirements.
#[derive(Debug, Clone, Copy)]
struct Asked {
    after_s: i64,
    priority: u32,
    class: usize,
}

fn any_asked() -> impl Strategy<Value = Asked> {
    (0..20_i64, 0..200_u32, 0..2_usize).prop_map(|(after_s, priority, class)| Asked {
        after_s,
        priority,
        class,
    })
}

/// When each was served. Agent 0 speaks English, agent 1 both; each comes back every `spell_s`.
fn serve(asked_us: &[i64], asked: &[Asked], ageing: &Ageing, spell_s: i64) -> Vec<i64> {
    let (english, both) = (skills(&["english"]), skills(&["english", "german"]));
    let required = [english.clone(), skills(&["german"])];
    let mut lines = Lines::new(required.iter(), [&english, &both].into_iter());
    let mut served_us = vec![i64::MAX; asked.len()];
    let (mut entered, mut now_us) = (0, 0);
    while served_us.contains(&i64::MAX) {
        while entered < asked.len() && asked_us[entered] <= now_us {
            let rank_us = rank_us(asked_us[entered], asked[entered].priority, ageing);
            lines.push(lines.of(asked[entered].class), rank_us, entered);
            entered += 1;
        }
        for agent in [0, 1] {
            if let Some(callback) = lines.pop_first_for(agent) {
                assert_eq!(served_us[callback], i64::MAX, "served twice");
                served_us[callback] = now_us;
            }
        }
        now_us += spell_s * SECOND_US;
    }
    served_us
}

proptest! {
    /// The bound: all who asked before it, or within the greatest head start after it, are served by one agent alone.
    /// More come than two agents can serve, so that a static order of priorities would leave some for the very end.
    #[test]
    fn every_callback_is_served_in_bounded_time(
        asked in proptest::collection::vec(any_asked(), 1..150), spell_s in 10..60_i64,
        increment in 1..20_u32, interval_s in 1..60_u32, limit in 0..100_u32,
    ) {
        let ageing = Ageing { increment, interval_s, limit };
        let asked_us: Vec<i64> = asked.iter().scan(0, |now_s, asked| {
            *now_s += asked.after_s;
            Some(*now_s * SECOND_US)
        }).collect();
        let served_us = serve(&asked_us, &asked, &ageing, spell_s);
        for (callback, since_us) in asked_us.iter().enumerate() {
            let last_us = since_us + ageing.head_start_us(limit);
            // The agent who fits is first back within a spell, and then serves one of them in each.
            let before = (0..asked.len()).filter(|other| asked_us[*other] <= last_us && served_us[*other] >= *since_us);
            let bound_us = since_us + (1 + before.count() as i64) * spell_s * SECOND_US;
            prop_assert!(served_us[callback] <= bound_us, "{callback}: {} > {bound_us}", served_us[callback]);
        }
    }
}
