//! Preferences.

use super::start;
use contracts::{
    ids::UserId,
    notification::{Channel, NotificationType},
    user::PreferencesChanged,
};
use serde_json::json;

const PATH: &str = "/users/me/preferences";

#[tokio::test]
async fn by_default_only_mails_are_sent() {
    let h = start().await;
    let usual = h.get(PATH).customer(h.id()).send().await.expect(200);
    assert_eq!(usual.json(), json!({"emailEnabled": true, "smsEnabled": false, "webhookUrl": null, "channels": {}}));
}

#[tokio::test]
async fn a_change_is_kept_and_announced_once_with_the_number() {
    let h = start().await;
    let user: UserId = h.id();
    h.patch("/users/me", &json!({"phone": "+49 421 123456"})).customer(user).send().await.expect(200);
    let wanted =
        json!({"emailEnabled": false, "smsEnabled": true, "webhookUrl": "https://example.com/hook", "channels": {"SHIPPED": ["SMS"]}});
    let first = h.put(PATH, &wanted).customer(user).send().await.expect(200);
    assert_eq!(first.json(), wanted);
    let again = h.put(PATH, &wanted).customer(user).send().await.expect(200);
    assert_eq!(again.header("etag"), first.header("etag"));
    assert_eq!(h.get(PATH).customer(user).send().await.json(), wanted);

    let emitted = h.emitted_of::<PreferencesChanged>().await;
    let last = emitted.last().unwrap();
    assert_eq!((emitted.len(), last.user_id, last.email_enabled, last.sms_enabled), (2, user, false, true));
    assert_eq!(last.channels[&NotificationType::Shipped], [Channel::Sms]);
    assert_eq!((last.webhook_url.as_deref(), last.phone.as_deref()), (Some("https://example.com/hook"), Some("+49 421 123456")));

    let without_hook = h.put(PATH, &json!({"emailEnabled": false, "smsEnabled": true})).customer(user).send().await.expect(200);
    assert_eq!(without_hook.json()["webhookUrl"], json!(null));
    h.put(PATH, &wanted).customer(user).header("if-match", first.header("etag")).send().await.expect_problem(412, "PRECONDITION_FAILED");
}

#[tokio::test]
async fn preferences_are_written_as_a_whole_and_within_bounds() {
    let h = start().await;
    let user: UserId = h.id();
    for (bad, pointer) in [
        (json!({"emailEnabled": true, "smsEnabled": 1}), "/smsEnabled"),
        (json!({"emailEnabled": true, "smsEnabled": true, "webhookUrl": "ftp://example.com"}), "/webhookUrl"),
        (json!({"emailEnabled": true, "smsEnabled": true, "webhookUrl": "https://user@example.com"}), "/webhookUrl"),
        (json!({"emailEnabled": true, "smsEnabled": true, "phone": "123456"}), "/phone"),
    ] {
        let refused = h.put(PATH, &bad).customer(user).send().await.expect_problem(422, "INVALID_REQUEST");
        assert_eq!(refused.json()["errors"][0]["pointer"], pointer, "{bad}");
    }
    h.put(PATH, &json!({"emailEnabled": true})).customer(user).send().await.expect_problem(422, "INVALID_REQUEST");
    assert_eq!(h.get(PATH).customer(user).send().await.json()["emailEnabled"], true);
    assert!(h.emitted().await.is_empty());
}

#[tokio::test]
async fn text_messages_without_a_phone_are_not_the_only_channel() {
    let h = start().await;
    let user: UserId = h.id();
    let only_text = json!({"emailEnabled": false, "smsEnabled": true});
    let refused = h.put(PATH, &only_text).customer(user).send().await.expect_problem(422, "INVALID_REQUEST");
    assert_eq!(
        (&refused.json()["errors"][0]["pointer"], &refused.json()["errors"][0]["code"]),
        (&json!("/smsEnabled"), &json!("PHONE_REQUIRED"))
    );
    for others in [
        json!({"emailEnabled": true, "smsEnabled": true}),
        json!({"emailEnabled": false, "smsEnabled": true, "webhookUrl": "https://example.com"}),
        json!({"emailEnabled": false, "smsEnabled": false}),
    ] {
        h.put(PATH, &others).customer(user).send().await.expect(200);
    }
    h.patch("/users/me", &json!({"phone": "+49 421 123456"})).customer(user).send().await.expect(200);
    h.put(PATH, &only_text).customer(user).send().await.expect(200);
    let refused = h.patch("/users/me", &json!({"phone": null})).customer(user).send().await.expect_problem(422, "INVALID_REQUEST");
    assert_eq!(refused.json()["errors"][0]["pointer"], "/phone");
    assert_eq!(h.get("/users/me").customer(user).send().await.json()["phone"], "+49 421 123456");
}

#[tokio::test]
async fn a_webhook_to_a_private_address_is_refused_unless_the_settings_allow_it() {
    let h = start().await;
    let user: UserId = h.id();
    for host in ["localhost", "127.0.0.1:8080", "10.0.0.1", "[::1]", "2130706433", "0x7f.1", "169.254.169.254", "db.internal", "intranet"] {
        let wanted = json!({"emailEnabled": true, "smsEnabled": false, "webhookUrl": format!("http://{host}/hook")});
        let refused = h.put(PATH, &wanted).customer(user).send().await.expect_problem(422, "INVALID_REQUEST");
        assert_eq!(refused.json()["errors"][0]["pointer"], "/webhookUrl", "{host}");
    }
    assert!(h.emitted().await.is_empty());
    let allowed = crate::domain::WebhookPolicy { allow_private_webhooks: true };
    let preferences =
        contracts::user::Preferences { webhook_url: Some("http://127.0.0.1/".into()), ..crate::domain::default_preferences() };
    let profile = h.get("/users/me").customer(user).send().await.expect(200).read();
    assert!(crate::domain::check_preferences(&preferences, &profile, allowed).is_ok());
}

#[tokio::test]
async fn channels_are_chosen_by_type_and_mandatory_mails_stay() {
    let h = start().await;
    let user: UserId = h.id();
    let put = async |channels: serde_json::Value| {
        let body = json!({"emailEnabled": true, "smsEnabled": false, "channels": channels});
        h.put(PATH, &body).customer(user).send().await
    };
    for (channels, pointer, code) in [
        (json!({"PASSWORD_RESET": []}), "/channels/PASSWORD_RESET", "MANDATORY"),
        (json!({"EMAIL_VERIFICATION": []}), "/channels/EMAIL_VERIFICATION", "MANDATORY"),
        (json!({"ORDER_CONFIRMED": []}), "/channels/ORDER_CONFIRMED", "MANDATORY"),
        (json!({"PASSWORD_RESET": ["EMAIL", "SMS"]}), "/channels/PASSWORD_RESET/1", "NOT_AVAILABLE"),
        (json!({"SHIPPED": ["EMAIL", "EMAIL"]}), "/channels/SHIPPED/1", "DUPLICATE"),
        (json!({"SHIPPED": ["SMS"]}), "/channels/SHIPPED", "PHONE_REQUIRED"),
        (json!({"SHIPPED": ["WEBHOOK"]}), "/channels/SHIPPED", "WEBHOOK_URL_REQUIRED"),
        (json!({"SHIPPED": ["PIGEON"]}), "/channels/SHIPPED/0", "UNKNOWN_VALUE"),
    ] {
        let refused = put(channels.clone()).await.expect_problem(422, "INVALID_REQUEST").json();
        assert_eq!(
            (&refused["errors"][0]["pointer"], &refused["errors"][0]["code"]),
            (&json!(pointer), &json!(code)),
            "{channels}: {refused}"
        );
    }
    let both = put(json!({"PASSWORD_RESET": [], "SHIPPED": ["SMS"]})).await.expect_problem(422, "INVALID_REQUEST").json();
    assert_eq!(both["errors"].as_array().unwrap().len(), 2, "all faults at once");
    put(json!({"LUNCH": ["EMAIL"]})).await.expect_problem(422, "INVALID_REQUEST");
    assert!(h.emitted().await.is_empty());

    let chosen = json!({"ORDER_CONFIRMED": ["EMAIL", "WEBHOOK"], "SHIPPED": [], "PASSWORD_RESET": ["EMAIL"]});
    assert_eq!(put(chosen.clone()).await.expect(200).json()["channels"], chosen);
    assert_eq!(h.get(PATH).customer(user).send().await.json()["channels"], chosen);
    assert_eq!(put(json!({})).await.expect(200).json()["channels"], json!({}), "they are replaced as a whole");

    h.patch("/users/me", &json!({"phone": "+49 421 123456"})).customer(user).send().await.expect(200);
    put(json!({"SHIPPED": ["SMS"]})).await.expect(200);
    let refused = h.patch("/users/me", &json!({"phone": null})).customer(user).send().await.expect_problem(422, "INVALID_REQUEST");
    assert_eq!(refused.json()["errors"][0]["pointer"], "/phone");
}
