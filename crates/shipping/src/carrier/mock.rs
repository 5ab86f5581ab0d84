//! The built-in carrier. It has a table of its own and commits in transactions of its own, so that a booking exists although
//! its answer was lost.

mod parcel_store;

use self::parcel_store::{lock_parcel, save_parcel};
use super::{BookingRequest, CarrierError, CarrierFuture, ParcelCarrier};
use contracts::{
    ids::FulfilmentId,
    shipping::{Carrier, CarrierFaults},
    user::AddressSnapshot,
};
use platform::{
    db::{Db, Error, Tx},
    env::LockUnpoisoned as _,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

/// How often [`Mode::Flaky`] refuses a parcel.
const REFUSALS: u32 = 2;

/// The behaviour of the mock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Books and answers at once.
    Ok,
    /// Books nothing.
    Fail,
    /// Refuses a parcel twice, then books it.
    Flaky,
    /// Books, and the first answer is lost.
    Timeout,
    /// Books, and the first answer is slow.
    Slow,
}

impl Mode {
    /// The mode in the `complement` of an address, such as `carrier:fail`.
    fn of_address(address: &AddressSnapshot) -> Option<Mode> {
        match address.complement.to_ascii_lowercase().strip_prefix("carrier:")?.trim() {
            "ok" => Some(Mode::Ok),
            "fail" => Some(Mode::Fail),
            "flaky" => Some(Mode::Flaky),
            "timeout" => Some(Mode::Timeout),
            "slow" => Some(Mode::Slow),
            _ => None,
        }
    }
}

/// A carrier that keeps its bookings in a database.
#[derive(Clone)]
pub struct MockCarrier {
    db: Db,
    mode: Mode,
    slow: Duration,
    /// In addition to the mode, if they can be switched.
    faults: Option<Arc<Mutex<CarrierFaults>>>,
}

impl MockCarrier {
    /// A carrier with this mode, unless an address has another one. `slow` is the delay of [`Mode::Slow`].
    #[must_use]
    pub fn new(db: Db, mode: Mode, slow: Duration) -> MockCarrier {
        MockCarrier { db, mode, slow, faults: None }
    }

    /// The same with faults that are switched on and off while it runs; all are off.
    #[must_use]
    pub fn with_switchable_faults(self) -> MockCarrier {
        MockCarrier { faults: Some(Arc::default()), ..self }
    }

    /// Refuses while the carrier is switched off.
    fn check_up(&self) -> Result<(), CarrierError> {
        let is_down = self.faults.as_ref().is_some_and(|faults| faults.lock_unpoisoned().down);
        if is_down { Err(CarrierError::Refused("it is switched off".into())) } else { Ok(()) }
    }

    async fn write_booking(&self, request: BookingRequest) -> Result<String, CarrierError> {
        self.check_up()?;
        let mode = Mode::of_address(&request.address).unwrap_or(self.mode);
        let entry = self.db.write(async move |tx| book_in(tx, request.fulfilment_id, mode).await).await.map_err(unavailable)?;
        match entry {
            Entry::Refused(why) => Err(CarrierError::Refused(why.to_owned())),
            Entry::Booked { first: true, .. } if mode == Mode::Timeout => std::future::pending().await,
            Entry::Booked { tracking_number, first } => {
                if first && mode == Mode::Slow {
                    self.db.env().sleep(self.slow).await;
                }
                Ok(tracking_number)
            }
        }
    }

    async fn write_cancellation(&self, fulfilment_id: FulfilmentId) -> Result<(), CarrierError> {
        self.check_up()?;
        self.db
            .write(async move |tx| {
                let mut parcel = lock_parcel(tx, fulfilment_id).await?;
                parcel.is_cancelled = true;
                save_parcel(tx, &parcel).await
            })
            .await
            .map_err(unavailable)
    }
}

impl ParcelCarrier for MockCarrier {
    fn name(&self) -> Carrier {
        Carrier::Mock
    }

    fn book(&self, request: BookingRequest) -> CarrierFuture<'_, String> {
        Box::pin(self.write_booking(request))
    }

    fn cancel(&self, fulfilment_id: FulfilmentId) -> CarrierFuture<'_, ()> {
        Box::pin(self.write_cancellation(fulfilment_id))
    }

    fn faults(&self) -> Option<&Mutex<CarrierFaults>> {
        self.faults.as_deref()
    }
}

#[expect(clippy::needless_pass_by_value, reason = "map_err hands it over")]
fn unavailable(error: Error) -> CarrierError {
    CarrierError::Refused(error.to_string())
}

/// The result of a booking.
enum Entry {
    Booked { tracking_number: String, first: bool },
    Refused(&'static str),
}

async fn book_in(tx: &mut Tx, fulfilment_id: FulfilmentId, mode: Mode) -> Result<Entry, Error> {
    let mut parcel = lock_parcel(tx, fulfilment_id).await?;
    if parcel.is_cancelled {
        return Ok(Entry::Refused("the parcel was cancelled"));
    }
    if let Some(tracking_number) = parcel.tracking_number {
        return Ok(Entry::Booked { tracking_number, first: false });
    }
    if mode == Mode::Fail || (mode == Mode::Flaky && parcel.refusals < REFUSALS) {
        parcel.refusals += 1;
        save_parcel(tx, &parcel).await?;
        return Ok(Entry::Refused("no capacity"));
    }
    let tracking_number = tracking_number(tx.random_bytes());
    parcel.tracking_number = Some(tracking_number.clone());
    save_parcel(tx, &parcel).await?;
    Ok(Entry::Booked { tracking_number, first: true })
}

/// Letters and digits that people do not confuse.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

fn tracking_number(random: [u8; 12]) -> String {
    let digits = random.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)]));
    format!("MOCK-{}", digits.collect::<String>())
}
