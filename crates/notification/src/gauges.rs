//! The gauges of messages that are not sent yet.

use crate::store;
use contracts::notification::Channel;
use platform::{
    db::{Db, Error},
    telemetry::{age_seconds, set_counts},
};

pub async fn set(db: Db) -> Result<(), Error> {
    let now = db.now();
    let unsent = db.read(async |tx| store::count_unsent(tx).await).await?;
    let counts: Vec<_> = unsent.iter().map(|(channel, count, _)| (*channel, *count)).collect();
    set_counts("souk_notifications_unsent", "channel", Channel::ALL, Channel::as_str, &counts);
    for channel in Channel::ALL {
        let oldest = unsent.iter().find(|(found, ..)| found == channel).map(|(_, _, oldest)| *oldest);
        metrics::gauge!("souk_notifications_unsent_age_seconds", "channel" => channel.as_str()).set(age_seconds(oldest, now));
    }
    Ok(())
}
