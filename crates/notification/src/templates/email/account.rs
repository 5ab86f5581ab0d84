//! The texts about an account: its beginning, its password and its address.

use super::{API, moment};
use crate::{
    message::{EmailChange, EmailToken, PasswordChange, Reset},
    templates::{EmailContent, How, NextStep, Recipient},
};
use platform::http::encode_text;
use serde_json::{Value, json};

pub fn registered(recipient: &Recipient<'_>) -> EmailContent {
    EmailContent {
        subject: "Welcome to Souk".into(),
        summary: "Your account is ready.".into(),
        heading: "Welcome".into(),
        paragraphs: vec!["Your account is ready. You can fill your cart, follow your orders and choose how we tell you about them.".into()],
        step: recipient.shop_url.map(|url| NextStep { label: "Look around", how: How::Link(url.to_owned()) }),
        closing: vec!["If you did not open this account, someone typed your address by mistake: you need not do anything.".into()],
        ..EmailContent::default()
    }
}

pub fn password_reset(reset: &Reset, recipient: &Recipient<'_>) -> EmailContent {
    let (how, what) = token_step(recipient, "password/reset?token=", "auth/password/reset", &[("newPassword", "…")]);
    EmailContent {
        subject: "Set a new password".into(),
        summary: format!("A {what} that works once."),
        heading: "Set a new password".into(),
        paragraphs: vec![
            "Somebody, hopefully you, asked to set a new password for your account.".into(),
            format!("The {what} works once, until {}.", moment(reset.expires_at)),
        ],
        facts: token_beside_link(recipient),
        step: Some(NextStep { label: "Set a new password", how }),
        closing: vec!["If it was not you, ignore this mail: your password stays as it is. Do not pass this mail on.".into()],
        ..EmailContent::default()
    }
}

pub fn password_changed(change: &PasswordChange, recipient: &Recipient<'_>) -> EmailContent {
    let how = if change.by_reset { "with the token of a reset mail" } else { "with the old password" };
    EmailContent {
        subject: "Your password was changed".into(),
        summary: "If it was you, you need not do anything.".into(),
        heading: "Your password was changed".into(),
        paragraphs: vec![
            format!("The password of your account was changed {how}, on {}. Every other login ended.", moment(change.changed_at)),
            "If it was you, you need not do anything. If not, set a new one now.".into(),
        ],
        step: Some(forgotten_password(recipient)),
        ..EmailContent::default()
    }
}

pub fn email_verification(token: &EmailToken, recipient: &Recipient<'_>) -> EmailContent {
    // A page reads the fragment of its address; no server and no log gets it.
    let (how, what) = token_step(recipient, "email/verify#token=", "auth/email/verify", &[]);
    let why = if token.is_change {
        "Somebody, hopefully you, asked for this address in place of the present one of an account. The account has it once you verify it."
    } else {
        "Somebody, hopefully you, opened an account with this address. Please verify that you read the mails to it."
    };
    EmailContent {
        subject: "Verify your e-mail address".into(),
        summary: format!("A {what} that works once."),
        heading: "Verify your e-mail address".into(),
        paragraphs: vec![why.into(), format!("The {what} works once, until {}.", moment(token.expires_at))],
        facts: token_beside_link(recipient),
        step: Some(NextStep { label: "Verify the address", how }),
        closing: vec![
            "If it was not you, ignore this mail: nothing happens without the ".to_owned() + what + ". Do not pass this mail on.",
        ],
        ..EmailContent::default()
    }
}

pub fn email_change_requested(change: &EmailChange, recipient: &Recipient<'_>) -> EmailContent {
    EmailContent {
        subject: "Another e-mail address was asked for".into(),
        summary: "If it was you, you need not do anything.".into(),
        heading: "Another e-mail address was asked for".into(),
        paragraphs: vec![
            format!(
                "On {} another e-mail address was asked for in place of this one, with the password of your account. It takes effect \
                 once it is verified.",
                moment(change.occurred_at)
            ),
            "If it was not you, set a new password now: that ends the request.".into(),
        ],
        step: Some(forgotten_password(recipient)),
        ..EmailContent::default()
    }
}

pub fn email_changed(change: &EmailChange, recipient: &Recipient<'_>) -> EmailContent {
    EmailContent {
        subject: "The e-mail address of your account was changed".into(),
        summary: "This address belongs to it no longer.".into(),
        heading: "Your e-mail address was changed".into(),
        paragraphs: vec![
            format!("Since {} your account has another e-mail address. This is the last mail to this one.", moment(change.occurred_at)),
            "If it was not you, please tell the shop at once.".into(),
        ],
        step: recipient.shop_url.map(|url| NextStep { label: "Go to the shop", how: How::Link(url.to_owned()) }),
        ..EmailContent::default()
    }
}

/// The token by itself, for the page that a browser without scripts shows: it does not read the fragment of a link.
fn token_beside_link(recipient: &Recipient<'_>) -> Vec<(&'static str, String)> {
    recipient.shop_url.and(recipient.token).map(|token| ("Token", token.to_owned())).into_iter().collect()
}

/// How to use the token of a mail: by a page of the shop at `page`, which ends where the token follows, or by the call of the API
/// with these further fields. Returns also what the reader gets: a link or a token.
fn token_step(recipient: &Recipient<'_>, page: &str, call: &str, more: &[(&str, &str)]) -> (How, &'static str) {
    let token = recipient.token.unwrap_or_default();
    match recipient.shop_url {
        Some(shop) => {
            let mut url = format!("{shop}/{page}");
            encode_text(token, &mut url);
            (How::Link(url), "link")
        }
        None => {
            let fields = [("token", token)].into_iter().chain(more.iter().copied());
            let body: Value = fields.map(|(name, text)| (name.to_owned(), text.into())).collect::<serde_json::Map<_, Value>>().into();
            let call = format!("POST {API}/{call}");
            (How::Call(vec![format!("Token: {token}"), call, "Content-Type: application/json".into(), body.to_string()]), "token")
        }
    }
}

/// How to set a new password without the old one.
pub fn forgotten_password(recipient: &Recipient<'_>) -> NextStep {
    let how = match recipient.shop_url {
        Some(shop) => How::Link(format!("{shop}/password/forgot")),
        None => {
            let body = json!({ "email": "…" }).to_string();
            How::Call(vec![format!("POST {API}/auth/password/forgot"), "Content-Type: application/json".into(), body])
        }
    };
    NextStep { label: "Set a new password", how }
}
