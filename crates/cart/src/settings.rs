//! The settings of this service.

use contracts::{body::BoundedInt, money::Currency, text::Quantity};
use schemars::JsonSchema;
use serde::Deserialize;
use std::{
    num::{NonZeroU16, NonZeroU32},
    time::Duration,
};

/// The section `[cart]`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The currency that an empty cart shows; the first product decides.
    pub currency: Currency,
    /// How many units one line of a cart may hold.
    pub max_line_quantity: BoundedInt<1, { Quantity::MAX as i64 }>,
    /// After how many hours without a read or change by its owner a cart is ABANDONED.
    #[schemars(range(min = 1, max = 87_600))]
    pub abandoned_after_hours: NonZeroU32,
    /// After how many hours without a use of its token the cart of a guest is deleted. One that was never used is deleted after a day.
    #[schemars(range(min = 1, max = 8_760))]
    pub guest_idle_hours: NonZeroU32,
    /// How many seconds after its last change a cart counts as left, for customers who chose to be reminded.
    pub reminder_after_seconds: BoundedInt<1, 7_776_000>,
    /// How many days ordered and abandoned carts are kept.
    #[schemars(range(min = 1, max = 3_650))]
    pub closed_kept_days: NonZeroU16,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            currency: Currency::EUR,
            max_line_quantity: BoundedInt::new(999).expect("a default is within its bounds"),
            abandoned_after_hours: NonZeroU32::new(720).expect("720 is not zero"),
            guest_idle_hours: NonZeroU32::new(336).expect("336 is not zero"),
            reminder_after_seconds: BoundedInt::new(86_400).expect("a day is within the bounds"),
            closed_kept_days: NonZeroU16::new(90).expect("90 is not zero"),
        }
    }
}

impl Settings {
    #[must_use]
    pub fn max_line_quantity(&self) -> u32 {
        u32::try_from(self.max_line_quantity.get()).unwrap_or(Quantity::MAX)
    }

    #[must_use]
    pub fn abandoned_after(&self) -> Duration {
        Duration::from_secs(u64::from(self.abandoned_after_hours.get()) * 3600)
    }

    #[must_use]
    pub fn reminder_after(&self) -> Duration {
        Duration::from_secs(self.reminder_after_seconds.get().unsigned_abs())
    }

    #[must_use]
    pub fn guest_idle(&self) -> Duration {
        Duration::from_secs(u64::from(self.guest_idle_hours.get()) * 3600)
    }

    /// How long a guest's cart is kept that nobody used.
    #[must_use]
    pub fn unused_guest(&self) -> Duration {
        self.guest_idle().min(Duration::from_secs(86_400))
    }

    /// Returns how old `seen_at` may get before a read updates it. A tenth of the limit keeps most reads free of
    /// writes.
    #[must_use]
    pub fn seen_at_precision(&self) -> Duration {
        self.abandoned_after() / 10
    }

    #[must_use]
    pub fn closed_kept(&self) -> Duration {
        Duration::from_secs(u64::from(self.closed_kept_days.get()) * 86_400)
    }
}
