//! The simulated day: who comes, who serves, what happens when. Matching and estimates are the server's own code.

use crate::centre::Centre;
use crate::draw::Draw;
use crate::lines::Lines;
use crate::outcome::{Day, Outcome, Watched};
use crate::people::{Agent, Callback, Doing, Event, State};
use crate::quotes::{Quotes, Said, View};
use crate::rivals::seconds;
use ringback_server::routing::matching::{self, Candidate};
use ringback_server::wait::{Fact, Occupation};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

/// Microseconds in an hour.
pub(crate) const HOUR_US: i64 = 3_600_000_000;
/// How often waiting customers are quoted again.
const LOOK_US: i64 = 30_000_000;
/// One callback in so many is watched for the stability of its quotes.
const WATCHED: usize = 8;
/// Seconds from the reservation to the customer's phone being answered, and until an agent gives up.
const ASK_S: (f64, f64) = (10.0, 30.0);
const NO_ANSWER_S: (f64, f64) = (40.0, 70.0);
/// A customer who did not answer is tried again after this time, once.
const RETRY_S: f64 = 300.0;
const ATTEMPTS: u32 = 2;

fn us(seconds: f64) -> i64 {
    (seconds * 1e6).round() as i64
}

/// A centre at work.
pub(crate) struct World<'a> {
    centre: &'a Centre,
    draw: Draw,
    now_us: i64,
    end_us: i64,
    events: BinaryHeap<Reverse<(i64, u64, Event)>>,
    scheduled: u64,
    agents: Vec<Agent>,
    callbacks: Vec<Callback>,
    lines: Lines,
    live_waiting: VecDeque<usize>,
    live_calls: usize,
    quotes: Quotes,
    day: Day,
    watched: Vec<Watched>,
}

/// Simulates so many hours, after others whose outcomes are left out.
pub fn simulate(centre: &Centre, seed: u64, warm_up_h: i64, hours: i64) -> Day {
    let mut world = World::new(centre, seed, (warm_up_h + hours) * HOUR_US);
    world.run();
    world.day.outcomes.retain(|outcome| outcome.asked_us >= warm_up_h * HOUR_US);
    world.day
}

impl<'a> World<'a> {
    fn new(centre: &'a Centre, seed: u64, end_us: i64) -> Self {
        let mut agents = Vec::new();
        for team in &centre.teams {
            for _ in 0..team.agents {
                agents.push(Agent {
                    skills: team.skills.clone(),
                    live: team.live,
                    doing: Doing::Offline,
                    since_us: 0,
                    leaves: false,
                    break_due: false,
                });
            }
        }
        let lines = Lines::new(
            centre.classes.iter().map(|class| &class.required),
            agents.iter().map(|agent| &agent.skills),
        );
        let quotes = Quotes::new(lines.count(), agents.len());
        Self {
            centre,
            draw: Draw::new(seed),
            now_us: 0,
            end_us,
            events: BinaryHeap::new(),
            scheduled: 0,
            agents,
            callbacks: Vec::new(),
            lines,
            live_waiting: VecDeque::new(),
            live_calls: 0,
            quotes,
            day: Day::default(),
            watched: Vec::new(),
        }
    }

    fn at(&mut self, at_us: i64, event: Event) {
        self.scheduled += 1;
        self.events.push(Reverse((at_us, self.scheduled, event)));
    }

    fn after(&mut self, seconds: f64, event: Event) {
        self.at(self.now_us + us(seconds), event);
    }

    fn run(&mut self) {
        self.roster();
        self.next_arrival(Event::CallbackAsked, self.centre.callbacks_per_hour);
        self.next_arrival(Event::LiveCall, self.centre.live_per_hour);
        self.after(0.0, Event::Look);
        while let Some(Reverse((at_us, _, event))) = self.events.pop() {
            if at_us > self.end_us {
                break;
            }
            self.now_us = at_us;
            self.happen(event);
        }
    }

    /// All shifts of all days.
    fn roster(&mut self) {
        let mut agent = 0;
        for team in &self.centre.teams {
            for _ in 0..team.agents {
                if team.shifts.is_empty() {
                    self.at(0, Event::LogIn { agent });
                }
                for day in 0..=self.end_us / (24 * HOUR_US) {
                    for shift in &team.shifts {
                        let start_us = day * 24 * HOUR_US;
                        let (from_us, to_us) =
                            (start_us + us(shift.from_h * 3600.0), start_us + us(shift.to_h * 3600.0));
                        self.at(from_us, Event::LogIn { agent });
                        self.at(to_us, Event::LogOut { agent });
                        for (at_us, change, planned) in
                            [(from_us, 1.0, shift.planned.0), (to_us, -1.0, shift.planned.1)]
                        {
                            if planned {
                                self.quotes.plan(at_us, agent, change);
                            }
                        }
                    }
                }
                agent += 1;
            }
        }
    }

    /// The next of a Poisson stream whose rate follows the profile: by thinning.
    fn next_arrival(&mut self, event: Event, per_hour: f64) {
        let highest = self.centre.profile.iter().copied().fold(0.0, f64::max);
        if per_hour <= 0.0 {
            return;
        }
        let mut at_us = self.now_us;
        loop {
            at_us += us(self.draw.exponential(3600.0 / (per_hour * highest)));
            let hour = at_us as f64 / HOUR_US as f64;
            let (from, part) = (hour.floor() as usize % 24, hour.fract());
            let level =
                self.centre.profile[from] * (1.0 - part) + self.centre.profile[(from + 1) % 24] * part;
            if self.draw.unit() * highest < level {
                return self.at(at_us, event);
            }
        }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::CallbackAsked => {
                self.next_arrival(event, self.centre.callbacks_per_hour);
                self.ask();
            }
            Event::LiveCall => {
                self.next_arrival(event, self.centre.live_per_hour);
                self.live_call();
            }
            Event::Cancels { callback } => self.cancel(callback),
            Event::GivesUp { live } => self.live_waiting.retain(|waiting| *waiting != live),
            Event::Free { agent } => self.free(agent),
            Event::LogIn { agent } => self.log_in(agent),
            Event::LogOut { agent } => match self.agents[agent].doing {
                Doing::Ready | Doing::Break => self.turn(agent, Doing::Offline),
                Doing::Callback { .. } | Doing::Live => self.agents[agent].leaves = true,
                Doing::Offline => {}
            },
            Event::BreakDue { agent } => match self.agents[agent].doing {
                Doing::Ready => self.take_break(agent),
                Doing::Callback { .. } | Doing::Live => self.agents[agent].break_due = true,
                Doing::Offline | Doing::Break => {}
            },
            Event::Returns { callback } => {
                if self.callbacks[callback].state == State::Snoozed {
                    self.enter(callback);
                }
            }
            Event::Look => {
                self.after(seconds(LOOK_US), Event::Look);
                self.look();
            }
        }
    }

    // Customers.

    fn ask(&mut self) {
        let mut left = self.draw.unit();
        let class = self.centre.classes.iter().position(|class| {
            left -= class.share;
            left < 0.0
        });
        let class = class.unwrap_or(0);
        let rank_us =
            matching::rank_us(self.now_us, self.centre.classes[class].priority, &self.centre.ageing);
        let callback = self.callbacks.len();
        self.callbacks.push(Callback {
            class,
            asked_us: self.now_us,
            entered_us: self.now_us,
            rank_us,
            attempts: 0,
            state: State::Waiting,
        });
        self.day.outcomes.push(Outcome {
            asked_us: self.now_us,
            class,
            delayed: false,
            said: Said::default(),
            reached_after_s: None,
            served: false,
        });
        self.day.outcomes[callback].said = self.quote(callback).1;
        self.enter(callback);
        if self.callbacks[callback].state == State::Waiting {
            self.day.outcomes[callback].delayed = true;
            if callback.is_multiple_of(WATCHED) {
                self.watched.push(Watched::new(callback));
            }
            let patience_s = self.draw.patience(self.centre.patience_s);
            self.after(patience_s, Event::Cancels { callback });
        }
    }

    /// Place in line and what is said of it.
    fn quote(&mut self, callback: usize) -> (usize, Said) {
        let view = self.view(callback);
        let (position, agents) = (view.ahead_here + 1, view.present.len());
        let said = self.quotes.ask(&view);
        self.day.unstaffed.count(agents, &said);
        (position, said)
    }

    /// What a server sees of a callback's place in line.
    fn view(&self, callback: usize) -> View<'_> {
        let waiting = &self.callbacks[callback];
        let line = self.lines.of(waiting.class);
        let here = |agent: usize| self.agents[agent].doing != Doing::Offline;
        let fitting = self.lines.fitting(line);
        let head = self.lines.head(line).map(|head| &self.callbacks[head]);
        View {
            now_us: self.now_us,
            line,
            waited_s: seconds(self.now_us - waiting.asked_us),
            lead_s: seconds(self.now_us - waiting.rank_us),
            ahead_here: self.lines.ahead(line, waiting.rank_us, callback),
            ahead: self.lines.competing(line, waiting.rank_us, callback, here),
            fitting,
            present: fitting.iter().copied().filter(|agent| here(*agent)).collect(),
            ready: fitting.iter().filter(|agent| self.agents[**agent].doing == Doing::Ready).count(),
            head_waited_s: head.map_or(0.0, |head| seconds(self.now_us - head.entered_us)),
        }
    }

    fn enter(&mut self, callback: usize) {
        let line = self.lines.of(self.callbacks[callback].class);
        let entering = &mut self.callbacks[callback];
        entering.entered_us = self.now_us;
        entering.state = State::Waiting;
        let rank_us = entering.rank_us;
        self.quotes.record(line, self.now_us, &Fact::Entered { lead_s: seconds(self.now_us - rank_us) });
        let candidates: Vec<(usize, Candidate)> = self
            .lines
            .fitting(line)
            .iter()
            .copied()
            .filter(|agent| self.agents[*agent].doing == Doing::Ready)
            .map(|agent| (agent, self.candidate(agent, callback)))
            .collect();
        let offered: Vec<Candidate> = candidates.iter().map(|(_, candidate)| candidate.clone()).collect();
        match matching::choose_agent(&offered, self.centre.choice) {
            Some(chosen) => self.reserve(candidates[chosen].0, callback),
            None => self.lines.push(line, rank_us, callback),
        }
    }

    fn candidate(&self, agent: usize, callback: usize) -> Candidate {
        let required = &self.centre.classes[self.callbacks[callback].class].required;
        Candidate {
            agent_id: format!("agent_{agent:04}"),
            idle_since_us: self.agents[agent].since_us,
            surplus: matching::surplus(required, &self.agents[agent].skills),
        }
    }

    fn cancel(&mut self, callback: usize) {
        let leaving = &mut self.callbacks[callback];
        if leaving.state == State::Waiting {
            let waited_s = seconds(self.now_us - leaving.entered_us);
            let (line, rank_us) = (self.lines.of(leaving.class), leaving.rank_us);
            self.lines.remove(line, rank_us, callback);
            self.quotes.record(line, self.now_us, &Fact::Left { waited_s });
            self.quotes.rivals(line).left();
        }
        if matches!(leaving.state, State::Waiting | State::Snoozed) {
            self.callbacks[callback].state = State::Over;
        }
    }

    fn live_call(&mut self) {
        let ready = (0..self.agents.len())
            .filter(|agent| self.agents[*agent].live && self.agents[*agent].doing == Doing::Ready)
            .min_by_key(|agent| self.agents[*agent].since_us);
        if let Some(agent) = ready {
            return self.take_live(agent);
        }
        let live = self.live_calls;
        self.live_calls += 1;
        self.live_waiting.push_back(live);
        let patience_s = self.draw.exponential(self.centre.live_patience_s);
        self.after(patience_s, Event::GivesUp { live });
    }

    // Agents.

    /// An agent changes what it does, and the server writes down what it did until now.
    fn turn(&mut self, agent: usize, doing: Doing) {
        let was = &mut self.agents[agent];
        let for_s = seconds(self.now_us - was.since_us);
        let occupation = match was.doing {
            Doing::Offline => None,
            Doing::Ready => Some(Occupation::Ready),
            Doing::Callback { .. } => Some(Occupation::Callback),
            Doing::Live | Doing::Break => Some(Occupation::Elsewhere),
        };
        was.doing = doing;
        was.since_us = self.now_us;
        if let Some(occupation) = occupation {
            self.quotes.spent(agent, occupation, for_s);
        }
    }

    fn log_in(&mut self, agent: usize) {
        self.agents[agent].leaves = false;
        if self.agents[agent].doing != Doing::Offline {
            return;
        }
        if let Some((work_min, _)) = self.centre.breaks_min {
            let work_s = self.draw.between(0.1, 1.5) * work_min * 60.0;
            self.after(work_s, Event::BreakDue { agent });
        }
        self.turn(agent, Doing::Offline);
        self.ready(agent);
    }

    fn take_break(&mut self, agent: usize) {
        self.agents[agent].break_due = false;
        let Some((work_min, break_min)) = self.centre.breaks_min else { return };
        self.turn(agent, Doing::Break);
        let break_s = self.draw.between(0.5, 1.5) * break_min * 60.0;
        let work_s = self.draw.between(0.7, 1.3) * work_min * 60.0;
        self.after(break_s, Event::Free { agent });
        self.after(break_s + work_s, Event::BreakDue { agent });
    }

    fn free(&mut self, agent: usize) {
        if self.agents[agent].doing == Doing::Offline {
            return;
        }
        if let Doing::Callback { callback, answered } = self.agents[agent].doing {
            self.finish(agent, callback, answered);
        }
        if self.agents[agent].leaves {
            self.agents[agent].leaves = false;
            self.agents[agent].break_due = false;
            return self.turn(agent, Doing::Offline);
        }
        if self.agents[agent].break_due {
            return self.take_break(agent);
        }
        self.ready(agent);
    }

    /// Live callers go first, as they hold the line; then whoever is first of all the lines this agent serves.
    fn ready(&mut self, agent: usize) {
        self.turn(agent, Doing::Ready);
        if self.agents[agent].live && self.live_waiting.pop_front().is_some() {
            return self.take_live(agent);
        }
        if let Some(callback) = self.lines.pop_first_for(agent) {
            self.reserve(agent, callback);
        }
    }

    fn take_live(&mut self, agent: usize) {
        self.turn(agent, Doing::Live);
        let (mean, variation) = self.centre.live_talk_s;
        let talk_s = self.draw.lognormal(mean, variation);
        self.after(talk_s, Event::Free { agent });
    }

    fn reserve(&mut self, agent: usize, callback: usize) {
        let answered = self.draw.unit() >= self.centre.no_show;
        self.turn(agent, Doing::Callback { callback, answered });
        let busy_s = if answered {
            let (mean, variation) = self.centre.talk_s;
            self.draw.between(ASK_S.0, ASK_S.1) + self.draw.lognormal(mean, variation)
        } else {
            self.draw.between(NO_ANSWER_S.0, NO_ANSWER_S.1)
        };
        self.after(busy_s, Event::Free { agent });

        let reached = &mut self.callbacks[callback];
        reached.state = State::Reached;
        reached.attempts += 1;
        let waited_s = seconds(self.now_us - reached.entered_us);
        let (line, first) = (self.lines.of(reached.class), reached.attempts == 1);
        let outcome = &mut self.day.outcomes[callback];
        if first {
            outcome.reached_after_s = Some(waited_s);
        }
        let promise = if first { outcome.said.promise } else { None };
        self.quotes.record(line, self.now_us, &Fact::Began { waited_s, promise });
        self.quotes.rivals(line).began(self.now_us, waited_s);
    }

    fn finish(&mut self, agent: usize, callback: usize, answered: bool) {
        let busy_s = seconds(self.now_us - self.agents[agent].since_us);
        let ended = &mut self.callbacks[callback];
        let line = self.lines.of(ended.class);
        self.quotes.record(line, self.now_us, &Fact::Spell { busy_s });
        if answered {
            ended.state = State::Over;
            self.day.outcomes[callback].served = true;
            self.quotes.rivals(line).handled(busy_s);
        } else if ended.attempts < ATTEMPTS {
            ended.state = State::Snoozed;
            self.after(RETRY_S, Event::Returns { callback });
        } else {
            ended.state = State::Over;
        }
    }

    /// Quotes the watched ones again.
    fn look(&mut self) {
        let mut watched = std::mem::take(&mut self.watched);
        watched.retain(|watched| {
            let callback = &self.callbacks[watched.callback];
            callback.state == State::Waiting && callback.attempts == 0
        });
        for watched in &mut watched {
            let (position, said) = self.quote(watched.callback);
            watched.look(self.now_us, position, &said, &mut self.day.stability);
        }
        self.watched = watched;
    }
}
