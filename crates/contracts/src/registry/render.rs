//! Writes `docs/contracts.md`.

use super::{calls, camel, events, machines, sentence};
use crate::{
    call::{CallSpec, KeyPolicy},
    event::EventSpec,
    machine::{Machine as _, MachineSpec},
    order::{DERIVED_STATUSES, FulfilmentStatus},
    personal::{ENCRYPTED, personal_fields},
    problem::Code,
};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};

const INTRODUCTION: &str = "# Contracts between the services

This page is generated from `crates/contracts`; after a change there, `UPDATE_DOCS=1 cargo test -p contracts` writes it
again. It lists the state machines, the events, the calls between services and the codes of problems. The public paths
are in the OpenAPI description.

Ids are UUIDv7. Times are RFC 3339 in UTC. Amounts are whole numbers of minor units beside an ISO 4217 currency.
";

const DERIVED: &str = "
The status of a confirmed order is derived from its fulfilments. The first row that has the statuses of all of them counts. A REFUNDED
order stays REFUNDED, and an order of one fulfilment keeps its status when the parcel comes back.

| Each fulfilment is one of | Order |
| --- | --- |
";

const EVENTS: &str = "
## Events

An event is a fact that its service committed. Its envelope has the fields `eventId`, `eventType`, `aggregateType`,
`aggregateId`, `sequence`, `payload`, `correlationId`, `causationId`, `actorId`, `producer`, `schemaVersion`, `occurredAt`. It is
delivered at least once; a repetition has the same `eventId`. Within one aggregate `sequence` counts from 1 without gaps, and consumers
see the events in that order; across aggregates there is no order. Fields may be added at any time, and consumers ignore unknown ones.
`souk events` prints the JSON Schemas.
";

const CALLS: &str = "
## Calls between services

Paths are below `/api/v1`. The gateway never routes a path that begins with `/internal`; it needs a service token. A call that
is marked *key* is sent with an `Idempotency-Key`. Repeatable calls are retried within their deadline.

| From | To | Call | Body | Answer | Repeatable | Meaning |
| --- | --- | --- | --- | --- | --- | --- |
";

const PROBLEMS: &str = "
## Problems

Every error answer is an RFC 9457 document with one of these codes. `souk problems` prints them as JSON.

| Code | Status | Retry | Title | What to do |
| --- | --- | --- | --- | --- |
";

/// Returns the text of `docs/contracts.md`.
#[must_use]
pub fn contracts_markdown() -> String {
    let mut page = String::from(INTRODUCTION);
    page.push_str("\n## State machines\n\nA transition without a row is rejected with `ILLEGAL_TRANSITION` or a code of its own.\n");
    for (service, machine) in machines() {
        write_machine(&mut page, service, machine).expect(INFALLIBLE);
        if machine.name == FulfilmentStatus::NAME {
            write_derived_statuses(&mut page).expect(INFALLIBLE);
        }
    }
    page.push_str(EVENTS);
    let mut shapes = BTreeMap::new();
    let mut producer = "";
    for kind in events() {
        if kind.producer != producer {
            producer = kind.producer;
            write!(page, "\n### Published by {producer}\n").expect(INFALLIBLE);
        }
        write_event(&mut page, kind, &mut shapes).expect(INFALLIBLE);
    }
    page.push_str("\n### Types in events\n");
    let shapes = Value::Object(shapes.into_iter().collect());
    for (name, schema) in shapes.as_object().into_iter().flatten() {
        write_shape(&mut page, name, schema, &shapes).expect(INFALLIBLE);
    }
    page.push_str(CALLS);
    for call in calls().filter(|call| !call.from.is_empty()) {
        write_call(&mut page, call).expect(INFALLIBLE);
    }
    page.push_str(PROBLEMS);
    for code in Code::ALL {
        let retry = if code.retryable() { "yes" } else { "" };
        writeln!(page, "| `{}` | {} | {retry} | {} | {} |", code.as_str(), code.status(), code.title(), cell(code.help()))
            .expect(INFALLIBLE);
    }
    page
}

/// Writes the table by which an order's status follows from its fulfilments.
fn write_derived_statuses(page: &mut String) -> std::fmt::Result {
    page.push_str(DERIVED);
    for row in DERIVED_STATUSES {
        let fulfilments: Vec<_> = row.fulfilments.iter().map(|status| format!("`{status}`")).collect();
        writeln!(page, "| {} | `{}` |", fulfilments.join(", "), row.order)?;
    }
    Ok(())
}

const INFALLIBLE: &str = "writing to a string cannot fail";

fn write_machine(page: &mut String, service: &str, machine: &MachineSpec) -> std::fmt::Result {
    let initial = machine.states[0].0;
    write!(page, "\n### {} (service {})\n\n{}\n\n", machine.name.trim_end_matches("Status"), service, sentence(machine.description))?;
    write!(page, "```mermaid\nstateDiagram-v2\n    [*] --> {initial}\n")?;
    for (from, fact, to) in machine.rows {
        writeln!(page, "    {from} --> {to}: {fact}")?;
    }
    let left: BTreeSet<&str> = machine.rows.iter().map(|(from, ..)| *from).collect();
    for (state, _) in machine.states.iter().filter(|(state, _)| !left.contains(state)) {
        writeln!(page, "    {state} --> [*]")?;
    }
    page.push_str("```\n\n| State | Meaning | Resting |\n| --- | --- | --- |\n");
    for (state, description) in machine.states {
        let rests = match (left.contains(state), machine.resting.contains(state)) {
            (false, _) => "final",
            (true, true) => "yes",
            (true, false) => "",
        };
        writeln!(page, "| `{state}` | {} | {rests} |", cell(description))?;
    }
    page.push_str("\n| Fact | Meaning | Transitions |\n| --- | --- | --- |\n");
    for (fact, description) in machine.facts {
        let leads: Vec<String> =
            machine.rows.iter().filter(|(_, by, _)| by == fact).map(|(from, _, to)| format!("`{from}` → `{to}`")).collect();
        writeln!(page, "| {fact} | {} | {} |", cell(description), leads.join("<br>"))?;
    }
    Ok(())
}

fn write_event(page: &mut String, kind: &EventSpec, shapes: &mut BTreeMap<String, Value>) -> std::fmt::Result {
    let schema = (kind.schema)().to_value();
    let (description, key) = (sentence(kind.description), camel(kind.key));
    write!(page, "\n#### {}\n\n{description} Aggregate {} by `{key}`, version {}.\n\n", kind.event_type, kind.aggregate, kind.version)?;
    if let Some(personal) = personal_fields(kind.event_type) {
        let fields: Vec<String> = personal.fields.iter().map(|(field, _)| format!("`{field}`")).collect();
        write!(page, "Encrypted in `{ENCRYPTED}`: {}.\n\n", fields.join(", "))?;
    }
    let definitions = &schema["$defs"];
    write_fields(page, &schema, definitions)?;
    for (name, shape) in definitions.as_object().into_iter().flatten() {
        shapes.insert(name.clone(), shape.clone());
    }
    Ok(())
}

/// Writes the table of an object's fields. A field without a description has that of its type.
fn write_fields(page: &mut String, schema: &Value, definitions: &Value) -> std::fmt::Result {
    page.push_str("| Field | Type | Meaning |\n| --- | --- | --- |\n");
    for (field, schema) in schema["properties"].as_object().into_iter().flatten() {
        let kind = type_of(schema);
        let description = [&schema["description"], &definitions[kind.trim_end_matches(" or null")]["description"]];
        let description = description.into_iter().find_map(Value::as_str).unwrap_or_default();
        writeln!(page, "| `{field}` | {kind} | {} |", cell(description))?;
    }
    Ok(())
}

fn write_shape(page: &mut String, name: &str, schema: &Value, shapes: &Value) -> std::fmt::Result {
    let description = sentence(schema["description"].as_str().unwrap_or_default());
    write!(page, "\n#### {name}\n\n{description}")?;
    if let Some(values) = schema["oneOf"].as_array() {
        page.push_str("\n\n| Value | Meaning |\n| --- | --- |\n");
        for value in values {
            writeln!(
                page,
                "| `{}` | {} |",
                value["const"].as_str().unwrap_or_default(),
                cell(value["description"].as_str().unwrap_or_default())
            )?;
        }
    } else if schema["properties"].is_object() {
        page.push_str("\n\n");
        write_fields(page, schema, shapes)?;
    } else {
        writeln!(page, " Written as {}.", type_of(schema))?;
    }
    Ok(())
}

fn write_call(page: &mut String, call: &CallSpec) -> std::fmt::Result {
    let method = call.method.as_str();
    let body = if call.body == "()" { String::new() } else { format!("`{}`", call.body) };
    let repeatable = match (call.key, call.idempotent) {
        (KeyPolicy::Required, _) => "key",
        (_, true) => "yes",
        (_, false) => "no",
    };
    writeln!(
        page,
        "| {} | {} | `{method} {}` | {body} | `{}` | {repeatable} | {} |",
        call.from.join(", "),
        call.service,
        call.path,
        call.answer,
        cell(call.description)
    )
}

/// Describes a type: `OrderId`, `list of OrderItem`, `string or null`.
fn type_of(schema: &Value) -> String {
    if let Some(reference) = schema["$ref"].as_str() {
        return reference.rsplit('/').next().unwrap_or(reference).to_owned();
    }
    if let Some(options) = schema["anyOf"].as_array() {
        return options.iter().map(type_of).collect::<Vec<_>>().join(" or ");
    }
    match &schema["type"] {
        Value::Array(types) => types.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or "),
        Value::String(kind) if kind == "array" => format!("list of {}", type_of(&schema["items"])),
        Value::String(kind) if kind == "object" && schema["additionalProperties"].is_object() => {
            format!("map to {}", type_of(&schema["additionalProperties"]))
        }
        Value::String(kind) => match schema["format"].as_str() {
            Some(format) if kind == "string" => format!("{kind} ({format})"),
            _ => kind.clone(),
        },
        _ => "any".to_owned(),
    }
}

/// Escapes text for a cell of a table.
fn cell(text: &str) -> String {
    sentence(text).replace('|', "\\|")
}
