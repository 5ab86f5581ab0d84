//! Checks the event broker: the server, the stream of each service, and where each consumer stands in it.

use super::{Check, or_fault};
use crate::{
    config::Config,
    platform_run::{self, Databases},
};
use anyhow::Result;
use platform::{
    bus::{Broker, OLDEST_SERVER, StreamState, stream_name},
    db::Db,
    inbox, outbox,
};

/// Returns the checks of the server and those of the streams; none when events stay within the process.
pub async fn check(config: &Config, databases: &Databases) -> (Vec<Check>, Vec<Check>) {
    let broker = match platform_run::broker(config).await {
        Ok(Some(broker)) => broker,
        Ok(None) => return (Vec::new(), Vec::new()),
        Err(error) => return (vec![Check::new("NATS", or_fault(Err(error)))], Vec::new()),
    };
    let report = match broker.report().await {
        Ok(report) => report,
        Err(error) => return (vec![Check::new("NATS", vec![format!("{error}; events wait in the outboxes meanwhile")])], Vec::new()),
    };
    let mut server = Check::new(format!("NATS {}", report.version), Vec::new());
    if !report.is_supported {
        let (major, minor, patch) = OLDEST_SERVER;
        server.faults.push(format!("it is older than {major}.{minor}.{patch}, and may lose events that it confirmed; update it"));
    }
    if !report.has_jetstream {
        server.faults.push("JetStream is off, or not allowed for this account: add `jetstream {}` to its configuration".to_owned());
        return (vec![server], Vec::new());
    }
    match report.syncs_always {
        Some(true) => {}
        Some(false) => server.faults.push(
            "it confirms events before they are on disk: set `sync_interval: always` in its block `jetstream`. What a power failure takes is \
             published again from the outboxes"
                .to_owned(),
        ),
        None => server.notes.push("this account cannot see whether `sync_interval: always` is set in its block `jetstream`".to_owned()),
    }
    let mut streams = Vec::new();
    for (service, db) in databases {
        let check = match stream_of(&broker, db, databases).await {
            Ok(check) => check,
            Err(error) => Check::new(stream_name(service), or_fault(Err(error))),
        };
        streams.push(check);
    }
    (vec![server], streams)
}

async fn stream_of(broker: &Broker, producer: &Db, databases: &Databases) -> Result<Check> {
    let service = producer.service();
    let mut check = Check::new(format!("stream {}", stream_name(service)), Vec::new());
    let newest = outbox::newest_position(producer).await?;
    let Some(stream) = broker.find_stream(service).await? else {
        if newest > 0 {
            check.faults.push(format!("it does not exist; a process that runs {service} makes it of the outbox"));
        }
        return Ok(check);
    };
    if stream.database != Some(producer.identity()) {
        let what = "it holds the events of another database";
        check.faults.push(format!("{what}: give this installation a server or an account of its own, or delete the stream"));
    }
    check.faults.extend(stream.differences.iter().map(|difference| format!("{difference}; a process that runs {service} sets it right")));
    if stream.last > newest {
        check.faults.push(format!(
            "it ends with event {}, and the database with {newest}: a process that runs {service} makes it anew of the database",
            stream.last
        ));
    } else if stream.last < newest {
        check.notes.push(format!("{} events of the outbox are not published yet", newest - stream.last));
    }
    for (name, consumer) in databases {
        let positions = consumer.read(async |tx| inbox::progress(tx).await).await?;
        if let Some((position, _)) = positions.get(service) {
            consumer_of(name, *position, service, &stream, &mut check);
        }
    }
    Ok(check)
}

fn consumer_of(name: &str, position: i64, producer: &str, stream: &StreamState, check: &mut Check) {
    if position > 0 && stream.first > position + 1 {
        check.faults.push(format!(
            "{name} stands at {position}, and the stream begins with event {}: the events between are gone. `souk events replay` brings back \
             what the outbox of {producer} still has; `souk events skip --consumer {name} --producer {producer}` goes on without them",
            stream.first
        ));
    } else if stream.last > position {
        // The position is not stored for each event that the consumer passes over.
        check.notes.push(format!("{name} stored a position {} events of {producer} before the newest", stream.last - position));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(first: i64, last: i64) -> StreamState {
        StreamState::of(first, last)
    }

    #[test]
    fn a_consumer_whose_next_event_is_gone_is_a_fault_and_one_that_is_behind_is_not() {
        for (position, first, last, faults, notes) in
            [(10, 11, 20, 0, 1), (10, 12, 20, 1, 0), (20, 11, 20, 0, 0), (0, 12, 20, 0, 1), (20, 21, 20, 0, 0)]
        {
            let mut check = Check::new("", Vec::new());
            consumer_of("cart", position, "order", &stream(first, last), &mut check);
            assert_eq!((check.faults.len(), check.notes.len()), (faults, notes), "{position} {first} {last}");
        }
        let mut check = Check::new("", Vec::new());
        consumer_of("cart", 10, "order", &stream(12, 20), &mut check);
        assert!(check.faults[0].contains("souk events skip --consumer cart --producer order"), "{}", check.faults[0]);
    }
}
