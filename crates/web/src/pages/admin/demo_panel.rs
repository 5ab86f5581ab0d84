//! The panel of a demonstration: faults of the providers to switch, and parcels to move. Without one the page does not exist.

use super::{
    AdminRequest,
    screens::{Cell, Link, Refused, Row, Sheet, Table},
    sent::Sent,
};
use crate::{
    api::Failure,
    dashboard::{Badge, Head, Tone},
    session::AdminNotice,
};
use axum::{Form, extract::Path, response::Response};
use contracts::{
    machine::Machine as _,
    payment::{GET_PROVIDER_FAULTS, PUT_PROVIDER_FAULTS, ProviderFaults},
    shipping::{ADVANCE_PARCELS, CarrierFaults, GET_CARRIER_FAULTS, LIST_SHIPMENTS, PUT_CARRIER_FAULTS, ParcelStep, ShipmentStatus},
};
use serde_json::json;

pub const PATH: &str = "/admin/demo";
/// Parcels that are counted at most.
const COUNTED: usize = 100;

pub async fn show(request: AdminRequest) -> Response {
    sheet(request, None).await
}

async fn faults(request: &AdminRequest) -> Result<(ProviderFaults, CarrierFaults), Failure> {
    let (provider, carrier) = tokio::join!(request.call(&GET_PROVIDER_FAULTS).send(), request.call(&GET_CARRIER_FAULTS).send());
    Ok((provider?, carrier?))
}

/// How many parcels are in a status; `None` when their service does not answer.
async fn parcels(request: &AdminRequest, status: ShipmentStatus) -> Option<(usize, bool)> {
    let page = request.call(&LIST_SHIPMENTS).query("status", status.as_str()).query("limit", COUNTED).send().await.ok()?;
    Some((page.items.len(), page.next_cursor.is_some()))
}

async fn sheet(request: AdminRequest, refused: Option<Refused>) -> Response {
    let t = request.t;
    let (provider, carrier) = match faults(&request).await {
        Ok(found) => found,
        Err(failure) => return request.failed(&failure),
    };
    let (booked, moving) = tokio::join!(parcels(&request, ShipmentStatus::Created), parcels(&request, ShipmentStatus::InTransit));
    let switch = |name: &str, label, effect: &str, is_on: bool| {
        let (state, button, to) = if is_on {
            (Badge::new(t.fault_on, Tone::Bad), t.switch_off, "off")
        } else {
            (Badge::new(t.fault_off, Tone::Plain), t.switch_on, "on")
        };
        Row::of([Cell::text(label).over(effect), Cell::badge(state), Cell::button(button, format!("{PATH}/{name}/{to}"))])
    };
    let under_way = booked.zip(moving).map_or_else(
        || "–".to_owned(),
        |((booked, more), (moving, others))| format!("{}{}", booked + moving, if more || others { "+" } else { "" }),
    );
    let step = |label, effect: &str, name: &str| {
        Row::of([Cell::text(label).over(effect), Cell::number(&under_way), Cell::button(label, format!("{PATH}/parcels/{name}"))])
    };
    let view = Sheet {
        title: t.demo.to_owned(),
        lead: t.demo_lead.to_owned(),
        faults: Refused::page_faults(refused.as_ref()),
        links: vec![Link { label: t.orders, href: "/admin/orders".into() }, Link { label: t.parcels, href: "/admin/parcels".into() }],
        tables: vec![
            Table {
                id: "faults",
                title: t.faults,
                note: t.faults_note.to_owned(),
                heads: vec![Head::new(t.fault), Head::new(t.status), Head::new(request.d.actions)],
                rows: vec![
                    switch("declines", t.fault_declines, t.fault_declines_effect, provider.declines),
                    switch("slow", t.fault_slow, t.fault_slow_effect, provider.slow),
                    switch("carrier", t.fault_carrier, t.fault_carrier_effect, carrier.down),
                ],
                ..Table::default()
            },
            Table {
                id: "parcels",
                title: t.parcels,
                note: t.demo_parcels_note.to_owned(),
                heads: vec![Head::new(t.what), Head::number(t.under_way), Head::new(request.d.actions)],
                rows: vec![step(t.next_scan, t.next_scan_effect, "scan"), step(t.deliver_now, t.deliver_now_effect, "deliver")],
                ..Table::default()
            },
        ],
        ..Sheet::default()
    };
    request.sheet(view)
}

/// Switches one fault, or moves the parcels.
pub async fn act(request: AdminRequest, Path((what, how)): Path<(String, String)>, Form(sent): Form<Sent>) -> Response {
    let result = match (what.as_str(), how.as_str()) {
        ("parcels", "scan") => advance(&request, ParcelStep::NextScan, &sent).await,
        ("parcels", "deliver") => advance(&request, ParcelStep::Deliver, &sent).await,
        ("declines" | "slow" | "carrier", "on" | "off") => switch(&request, &what, how == "on").await,
        _ => return request.not_found(),
    };
    request.finish(result, ("act", sent), (AdminNotice::Done, PATH), |request, refused| sheet(request, Some(refused))).await
}

async fn advance(request: &AdminRequest, step: ParcelStep, sent: &Sent) -> Result<(), Failure> {
    // One key stands for all forms of the page, and the two steps are different requests.
    let key = format!("{}-{step}", sent.key());
    request.call(&ADVANCE_PARCELS).key(&key).raw_body(&json!({"step": step})).send().await.map(drop)
}

async fn switch(request: &AdminRequest, fault: &str, is_on: bool) -> Result<(), Failure> {
    let (mut provider, mut carrier) = faults(request).await?;
    match fault {
        "declines" => provider.declines = is_on,
        "slow" => provider.slow = is_on,
        _ => carrier.down = is_on,
    }
    match fault {
        "carrier" => request.call(&PUT_CARRIER_FAULTS).raw_body(&json!(carrier)).send().await.map(drop),
        _ => request.call(&PUT_PROVIDER_FAULTS).raw_body(&json!(provider)).send().await.map(drop),
    }
}
