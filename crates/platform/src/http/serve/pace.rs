//! How fast a client has to send.

use std::time::Duration;
use tokio::time::Instant;

/// The time for something that a client sends: `grace`, and one second more for each `bytes_per_second` that arrived, as the
/// request time-outs of Apache count it. A client that sends hardly anything is cut off after `grace`; a large body on a slow line is not.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    pub grace: Duration,
    pub bytes_per_second: u32,
}

impl Pace {
    /// When what began at `began` must be complete, or must have made progress.
    pub(super) fn deadline(self, began: Instant, received: u64) -> Instant {
        let millis = received.saturating_mul(1000) / u64::from(self.bytes_per_second.max(1));
        // A day bounds the sum for any number of bytes.
        began + self.grace + Duration::from_millis(millis.min(86_400_000))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_byte_that_arrived_extends_the_time() {
        let (pace, began) = (Pace { grace: Duration::from_secs(5), bytes_per_second: 1000 }, Instant::now());
        for (received, millis) in [(0, 5_000), (1, 5_001), (1000, 6_000), (60_000, 65_000), (u64::MAX, 86_405_000)] {
            assert_eq!(pace.deadline(began, received) - began, Duration::from_millis(millis), "{received}");
        }
    }
}
