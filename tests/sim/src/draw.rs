//! Chance, from a fixed seed.

use rand_distr::{Distribution, Exp, LogNormal, StandardUniform, Weibull};
use rand_pcg::{Pcg64Mcg, rand_core::SeedableRng};

/// A stream of random draws that is the same in every run.
pub(crate) struct Draw(Pcg64Mcg);

impl Draw {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Pcg64Mcg::seed_from_u64(seed))
    }

    /// Between 0 and 1.
    pub(crate) fn unit(&mut self) -> f64 {
        StandardUniform.sample(&mut self.0)
    }

    pub(crate) fn between(&mut self, from: f64, to: f64) -> f64 {
        from + (to - from) * self.unit()
    }

    pub(crate) fn exponential(&mut self, mean: f64) -> f64 {
        Exp::new(1.0 / mean).map_or(mean, |law| law.sample(&mut self.0))
    }

    /// By mean and coefficient of variation.
    pub(crate) fn lognormal(&mut self, mean: f64, variation: f64) -> f64 {
        LogNormal::from_mean_cv(mean, variation).map_or(mean, |law| law.sample(&mut self.0))
    }

    /// By mean; shape 1.2, that is, a little more likely to leave the longer they have waited.
    pub(crate) fn patience(&mut self, mean: f64) -> f64 {
        const SHAPE: f64 = 1.2;
        /// Γ(1 + 1/1.2)
        const MEAN_OF_SCALE_1: f64 = 0.940_655_7;
        Weibull::new(mean / MEAN_OF_SCALE_1, SHAPE).map_or(mean, |law| law.sample(&mut self.0))
    }
}
