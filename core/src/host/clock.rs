//! What time it is, and how much of it has passed.

use crate::protocol::Timestamp;

/// What time it is. Tests set it; everybody else takes [`SystemClock`].
pub trait Clock: Send + Sync {
    /// Now, as the device shows it. A person or a network may set it to anything at any time.
    fn now(&self) -> Timestamp;

    /// For how many milliseconds the device has been running, its sleep included. Nobody can set it; it begins anew when
    /// the device starts.
    fn running_ms(&self) -> u64 {
        running_ms()
    }
}

/// The device's own clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        // `Timestamp::now` has the words for a clock beyond the year 9999 in it.
        Timestamp::try_from(std::time::SystemTime::now()).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

#[cfg(unix)]
fn running_ms() -> u64 {
    // `Instant` stands still while a phone sleeps. Apple's monotonic clock does not.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    const RUNNING: rustix::time::ClockId = rustix::time::ClockId::Boottime;
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    const RUNNING: rustix::time::ClockId = rustix::time::ClockId::Monotonic;
    let running = rustix::time::clock_gettime(RUNNING);
    let seconds = u64::try_from(running.tv_sec).unwrap_or(0);
    seconds.saturating_mul(1000).saturating_add(u64::try_from(running.tv_nsec / 1_000_000).unwrap_or(0))
}

/// Since the client's process first asked.
#[cfg(not(unix))]
fn running_ms() -> u64 {
    static FIRST: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    let first = FIRST.get_or_init(std::time::Instant::now);
    u64::try_from(first.elapsed().as_millis()).unwrap_or(u64::MAX)
}
