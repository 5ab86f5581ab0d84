//! Webhooks to users, sent as [`platform::webhooks`] says. The id of the notification is the `webhook-id`.

use crate::{
    domain::{DeliveryError, OutgoingMessage},
    settings::Settings,
};
use contracts::ids::UserId;
use platform::{
    env::Env,
    https::Reach,
    master_key::MasterKey,
    webhooks::{Failure, SigningKey, Webhook, WebhookSender},
};
use serde_json::json;

/// Returns the key that signs the webhooks of `user`. It is derived from the master key and not stored.
#[must_use]
pub fn secret_of(master_key: &MasterKey, user: UserId) -> SigningKey {
    SigningKey(master_key.key_for(&format!("webhook:{user}")))
}

/// Posts webhooks.
pub struct Webhooks {
    master_key: MasterKey,
    sender: WebhookSender,
}

impl Webhooks {
    pub fn new(env: Env, master_key: MasterKey, settings: &Settings) -> Webhooks {
        let reach = if settings.allow_private_webhooks { Reach::Any } else { Reach::Public };
        Webhooks { master_key, sender: WebhookSender::new(env, reach, settings.webhook_time()) }
    }

    /// Posts a message to `url`. Every 2xx is success.
    pub async fn send(&self, outgoing: &OutgoingMessage, url: &str) -> Result<(), DeliveryError> {
        let body = json!({ "type": outgoing.kind, "timestamp": outgoing.created_at, "data": outgoing.payload }).to_string();
        let (id, keys) = (outgoing.notification_id.to_string(), [secret_of(&self.master_key, outgoing.user_id)]);
        let sent = self.sender.send(Webhook { url, id: &id, body: body.into_bytes(), keys: &keys }).await;
        sent.map(|_| ()).map_err(|failure| error_of(&failure))
    }
}

fn error_of(failure: &Failure) -> DeliveryError {
    let detail = failure.to_string();
    match failure {
        Failure::BadAddress => DeliveryError::permanent(detail),
        Failure::PrivateAddress | Failure::Unreachable(_) | Failure::TooSlow(_) => DeliveryError::unreachable(detail),
        Failure::Gone => {
            DeliveryError { is_gone: true, ..DeliveryError::permanent(format!("{detail}, until another one or none is saved")) }
        }
        Failure::Refused { retry_after, .. } => DeliveryError { retry_after: *retry_after, ..DeliveryError::temporary(detail) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contracts::ids::Uuid;

    #[test]
    fn each_user_has_a_secret_of_their_own() {
        let master_key = MasterKey::new([7; 32]);
        let of = |id: u128| secret_of(&master_key, UserId(Uuid::from_u128(id))).to_text();
        assert_eq!(of(1), of(1));
        assert_ne!(of(1), of(2));
        assert!(of(1).reveal().starts_with("whsec_"));
        assert_eq!(of(1).reveal().len(), 50);
    }
}
