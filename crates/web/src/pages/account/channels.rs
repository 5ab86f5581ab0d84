//! Which messages a customer gets, and how.

use super::messages::kind_words;
use crate::{
    Site,
    api::Failure,
    forms::Faults,
    pages::{Frame, enter, failed, page, refused_page, see_other},
    session::{Notice, Visitor},
};
use askama::Template;
use axum::{Form, extract::State, response::Response};
use contracts::{
    notification::{Channel, NotificationType},
    user::{GET_PREFERENCES, Preferences, REPLACE_PREFERENCES},
};
use serde_json::{Map, Value, json};

type Fields = Vec<(String, String)>;

/// A type of messages with its channels.
struct Row {
    kind: &'static str,
    label: &'static str,
    /// Mail, text message and webhook.
    chosen: [bool; 3],
    /// Its mail is always sent.
    is_mandatory: bool,
}

#[derive(Template)]
#[template(path = "account/preferences.html")]
struct PreferencesPage {
    frame: Frame,
    here: &'static str,
    email: bool,
    sms: bool,
    webhook: String,
    rows: Vec<Row>,
    faults: Faults,
}

const CHANNELS: [Channel; 3] = [Channel::Email, Channel::Sms, Channel::Webhook];

/// The types that customers get. Those of sellers stay as they are: their channels are kept when the form is stored.
fn is_for_customers(kind: NotificationType) -> bool {
    let kind = kind.as_str();
    !["SELLER_", "SALE_", "PAYOUT_", "NEW_SALE"].iter().any(|start| kind.starts_with(start))
}

pub async fn show(State(site): State<Site>, visitor: Visitor) -> Response {
    show_with(&site, visitor, None).await
}

async fn show_with(site: &Site, mut visitor: Visitor, refused: Option<(Fields, Failure)>) -> Response {
    let Some(caller) = visitor.customer() else { return enter(site, &visitor) };
    let preferences = match site.0.api.call(&caller, &GET_PREFERENCES).send().await {
        Ok(preferences) => preferences,
        Err(failure) => return failed(site, &mut visitor, &failure),
    };
    let frame = Frame::of(&mut visitor);
    let typed = refused.as_ref().map(|(fields, _)| fields);
    let has = |fields: &Fields, name: &str| fields.iter().any(|(other, _)| other == name);
    let row = |kind: NotificationType| Row {
        kind: kind.as_str(),
        label: kind_words(frame.t, kind),
        chosen: CHANNELS.map(|channel| match typed {
            Some(fields) => has(fields, &format!("{kind}.{channel}")),
            None => is_chosen(&preferences, kind, channel),
        }),
        is_mandatory: kind.is_mandatory(),
    };
    let template = PreferencesPage {
        here: "preferences",
        email: typed.map_or(preferences.email_enabled, |fields| has(fields, "email")),
        sms: typed.map_or(preferences.sms_enabled, |fields| has(fields, "sms")),
        webhook: typed.map_or_else(|| preferences.webhook_url.clone().unwrap_or_default(), |fields| field(fields, "webhookUrl").to_owned()),
        rows: NotificationType::ALL.iter().copied().filter(|kind| is_for_customers(*kind)).map(row).collect(),
        faults: refused.as_ref().map(|(_, failure)| Faults::of(failure)).unwrap_or_default(),
        frame,
    };
    match refused {
        Some((_, failure)) => refused_page(site, &visitor, failure.status(), &template),
        None => page(site, &visitor, &template),
    }
}

fn field<'a>(fields: &'a Fields, name: &str) -> &'a str {
    fields.iter().find(|(other, _)| other == name).map_or("", |(_, value)| value.trim())
}

/// Whether a type goes over a channel. One without a choice of its own follows the switches.
fn is_chosen(preferences: &Preferences, kind: NotificationType, channel: Channel) -> bool {
    if channel == Channel::Email && kind.is_mandatory() {
        return true;
    }
    match preferences.channels.get(&kind) {
        Some(chosen) => chosen.contains(&channel),
        // Consent is a choice of its own, and is never taken from the switches.
        None if kind.needs_consent() => false,
        None => match channel {
            Channel::Email => preferences.email_enabled,
            Channel::Sms => preferences.sms_enabled,
            Channel::Webhook => preferences.webhook_url.is_some(),
        },
    }
}

pub async fn change(State(site): State<Site>, mut visitor: Visitor, Form(fields): Form<Fields>) -> Response {
    let Some(caller) = visitor.customer() else { return enter(&site, &visitor) };
    let preferences = match site.0.api.call(&caller, &GET_PREFERENCES).send().await {
        Ok(preferences) => preferences,
        Err(failure) => return failed(&site, &mut visitor, &failure),
    };
    let has = |name: &str| fields.iter().any(|(other, _)| other == name);
    let webhook = Some(field(&fields, "webhookUrl")).filter(|url| !url.is_empty());
    let (email, sms) = (has("email"), has("sms"));
    let switches = |channel: &Channel, kind: NotificationType| match channel {
        _ if kind.needs_consent() => false,
        Channel::Email => email || kind.is_mandatory(),
        Channel::Sms => sms,
        Channel::Webhook => webhook.is_some(),
    };
    let mut channels = Map::new();
    for kind in NotificationType::ALL.iter().copied() {
        let of = |is_wanted: &dyn Fn(Channel) -> bool| CHANNELS.into_iter().filter(|channel| is_wanted(*channel)).collect::<Vec<_>>();
        let wanted = of(&|channel| has(&format!("{kind}.{channel}")) || channel == Channel::Email && kind.is_mandatory());
        // What was left as it was shown follows the switches further on, or keeps its own choice.
        let is_untouched = !is_for_customers(kind) || wanted == of(&|channel| is_chosen(&preferences, kind, channel));
        let choice = match is_untouched {
            true => preferences.channels.get(&kind).cloned(),
            false => Some(wanted).filter(|wanted| *wanted != of(&|channel| switches(&channel, kind))),
        };
        if let Some(choice) = choice {
            channels.insert(kind.as_str().to_owned(), choice.iter().map(|channel| Value::from(channel.as_str())).collect());
        }
    }
    let body = json!({"emailEnabled": email, "smsEnabled": sms, "webhookUrl": webhook, "channels": channels});
    match site.0.api.call(&caller, &REPLACE_PREFERENCES).raw_body(&body).send().await {
        Ok(_) => {
            visitor.session.notice = Some(Notice::Saved);
            see_other(&site, &visitor, "/account/preferences")
        }
        Err(failure) if failure.is_about_the_form() => show_with(&site, visitor, Some((fields, failure))).await,
        Err(failure) => failed(&site, &mut visitor, &failure),
    }
}
