//! The ordered lists that the server has in its database: one per requirement, by rank.

use ringback_server::routing::matching::{self, Head, Levels};
use std::collections::BTreeSet;

/// All lines of a centre.
pub struct Lines {
    /// By class of customer: its line.
    line_of: Vec<usize>,
    waiting: Vec<BTreeSet<(i64, usize)>>,
    /// By line: the agents who fit.
    fitting: Vec<Vec<usize>>,
    /// By agent: the lines it serves.
    served: Vec<Vec<usize>>,
}

impl Lines {
    /// One line for each distinct requirement.
    pub fn new<'a>(
        required: impl Iterator<Item = &'a Levels>,
        agents: impl Iterator<Item = &'a Levels>,
    ) -> Self {
        let mut distinct: Vec<&Levels> = Vec::new();
        let line_of = required
            .map(|levels| {
                distinct.iter().position(|known| *known == levels).unwrap_or_else(|| {
                    distinct.push(levels);
                    distinct.len() - 1
                })
            })
            .collect();
        let served: Vec<Vec<usize>> = agents
            .map(|skills| {
                (0..distinct.len()).filter(|line| matching::fits(distinct[*line], skills)).collect()
            })
            .collect();
        let fitting = (0..distinct.len())
            .map(|line| (0..served.len()).filter(|agent| served[*agent].contains(&line)).collect())
            .collect();
        Self { line_of, waiting: vec![BTreeSet::new(); distinct.len()], fitting, served }
    }

    /// How many lines there are.
    pub fn count(&self) -> usize {
        self.waiting.len()
    }

    /// The line of a class.
    pub fn of(&self, class: usize) -> usize {
        self.line_of[class]
    }

    /// The agents who fit.
    pub fn fitting(&self, line: usize) -> &[usize] {
        &self.fitting[line]
    }

    /// Adds a callback.
    pub fn push(&mut self, line: usize, rank_us: i64, callback: usize) {
        self.waiting[line].insert((rank_us, callback));
    }

    /// Takes one out.
    pub fn remove(&mut self, line: usize, rank_us: i64, callback: usize) {
        self.waiting[line].remove(&(rank_us, callback));
    }

    /// The first of a line.
    pub fn head(&self, line: usize) -> Option<usize> {
        self.waiting[line].first().map(|(_, callback)| *callback)
    }

    /// How many are before it in its line.
    pub fn ahead(&self, line: usize, rank_us: i64, callback: usize) -> usize {
        self.waiting[line].range(..(rank_us, callback)).count()
    }

    /// How many in all lines are before it and served by its agents: of another line the share of its agents who fit here.
    pub fn competing(&self, line: usize, rank_us: i64, callback: usize, here: impl Fn(usize) -> bool) -> f64 {
        (0..self.count())
            .map(|other| {
                let before = self.ahead(other, rank_us, callback) as f64;
                if other == line || before == 0.0 {
                    return before;
                }
                let present = || self.fitting[other].iter().filter(|agent| here(**agent));
                let shared = present().filter(|agent| self.served[**agent].contains(&line)).count();
                before * shared as f64 / present().count().max(1) as f64
            })
            .sum()
    }

    /// Takes out the callback that this agent serves next.
    pub fn pop_first_for(&mut self, agent: usize) -> Option<usize> {
        let firsts: Vec<(usize, i64, usize)> = self.served[agent]
            .iter()
            .filter_map(|line| {
                self.waiting[*line].first().map(|(rank_us, callback)| (*line, *rank_us, *callback))
            })
            .collect();
        let heads: Vec<Head> = firsts
            .iter()
            .map(|(_, rank_us, callback)| Head {
                rank_us: *rank_us,
                callback_id: format!("cb_{callback:09}"),
            })
            .collect();
        let (line, rank_us, callback) = firsts[matching::first_in_line(&heads)?];
        self.remove(line, rank_us, callback);
        Some(callback)
    }
}
