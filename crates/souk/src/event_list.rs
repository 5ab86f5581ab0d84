//! `souk events list`: the newest events of the outboxes, which are kept for a week at least.

use crate::{
    admin::open,
    config::ToolFlags,
    style::{bold, dim},
};
use anyhow::{Context as _, Result};
use clap::{Args, builder::PossibleValuesParser};
use contracts::{event::Envelope, ids::Uuid, time::Timestamp};
use platform::outbox::{self, EventFilter, Published};
use serde::Serialize;

#[derive(Args)]
pub struct ListEvents {
    /// Only events of this service
    #[arg(long, value_name = "SERVICE", value_parser = PossibleValuesParser::new(contracts::SERVICE_NAMES))]
    service: Option<String>,
    /// Only events of this type, such as OrderCreated
    #[arg(long = "type", value_name = "TYPE", value_parser = parse_type)]
    event_type: Option<String>,
    /// Only events of this order, product, payment …
    #[arg(long, value_name = "ID")]
    aggregate: Option<Uuid>,
    /// Only events that the request with this correlation id caused
    #[arg(long, value_name = "ID")]
    correlation: Option<String>,
    /// Only events that occurred at this instant or later (RFC 3339)
    #[arg(long, value_name = "TIME")]
    since: Option<Timestamp>,
    /// How many events at most; the newest are listed
    #[arg(long, value_name = "NUMBER", default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    limit: u16,
    /// Print each event whole, as one line of JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    flags: ToolFlags,
}

/// Refuses a type that no service announces: the list would be empty for a typing error.
fn parse_type(text: &str) -> Result<String, String> {
    match contracts::registry::events().any(|spec| spec.event_type == text) {
        true => Ok(text.to_owned()),
        false => Err("there is no such type; `souk events` prints all".to_owned()),
    }
}

/// An event as a line of JSON.
#[derive(Serialize)]
struct Line<'a> {
    position: i64,
    #[serde(flatten)]
    envelope: &'a Envelope,
}

pub async fn run(list: ListEvents) -> Result<()> {
    let ListEvents { service, event_type, aggregate, correlation, since, limit, json, flags } = list;
    let (_, databases) = open(flags)?;
    let filter = EventFilter { event_type, aggregate, correlation_id: correlation, since };
    let mut found = Vec::new();
    for db in databases.values().filter(|db| service.as_deref().is_none_or(|wanted| wanted == db.service())) {
        found.extend(outbox::list(db, filter.clone(), limit.into()).await?);
    }
    for event in newest(found, limit.into()) {
        if json {
            let line = Line { position: event.position, envelope: &event.envelope };
            println!("{}", serde_json::to_string(&line).context("an event cannot be written as JSON")?);
        } else {
            print(&event);
        }
    }
    Ok(())
}

/// The newest events of all services, oldest of them first. Those of one service at one instant stay in the order of their positions.
fn newest(mut events: Vec<Published>, limit: usize) -> Vec<Published> {
    events.sort_by_key(|event| std::cmp::Reverse(event.envelope.occurred_at));
    events.truncate(limit);
    events.reverse();
    events
}

fn print(Published { position, envelope, fault }: &Published) {
    let Envelope { event_id, event_type, aggregate_type, aggregate_id, sequence, producer, occurred_at, correlation_id, .. } = envelope;
    println!("{}  {}  {aggregate_type} {aggregate_id} #{sequence}", dim(occurred_at), bold(event_type));
    println!("  {}", dim(format_args!("{producer} {position}, event {event_id}, request {correlation_id}")));
    if let Some(fault) = fault {
        println!("  {fault}");
    }
}
