//! A session: the tokens of a login.

use crate::{
    App,
    domain::device::Device,
    error::Error,
    opaque,
    store::{
        accounts::{self, Credential},
        refresh_tokens::{self, RefreshToken},
        seller_records, sessions,
    },
};
use contracts::{
    auth::{Role, Tokens},
    ids::{UserId, Uuid},
    secret::Secret,
};
use platform::{db::Tx, identity::Claims};
use std::time::Duration;

/// The result of a transaction, signed after its commit.
#[derive(Debug, Clone)]
pub struct Session {
    pub user_id: UserId,
    email: String,
    roles: Vec<Role>,
    has_seller_record: bool,
    family_id: Uuid,
    refresh_token: Secret,
}

/// Inserts a new refresh token: in this family, or in a new one, which is a new login, and stores the use by `device`. The caller
/// has locked the account.
pub async fn open(tx: &mut Tx, account: &Credential, family: Option<Uuid>, lifetime: Duration, device: &Device) -> Result<Session, Error> {
    let refresh_token = opaque::token(tx.random_bytes());
    let family_id = family.unwrap_or_else(|| tx.new_id());
    let row = RefreshToken {
        token_id: tx.new_id(),
        family_id,
        user_id: account.user_id,
        expires_at: tx.now().after(lifetime),
        used_at: None,
        revoked_at: None,
    };
    sessions::put(tx, family_id, account.user_id, device).await?;
    refresh_tokens::insert(tx, &row, opaque::hash(refresh_token.reveal())).await?;
    let roles = accounts::roles(tx, account.user_id).await?;
    let has_seller_record = seller_records::exists(tx, account.user_id).await?;
    Ok(Session { user_id: account.user_id, email: account.email.to_string(), roles, has_seller_record, family_id, refresh_token })
}

impl App {
    /// Returns the answer of a login.
    pub fn tokens(&self, session: Session) -> Tokens {
        let claims = Claims {
            email: Some(session.email),
            seller_id: session.has_seller_record.then_some(session.user_id),
            sid: Some(session.family_id),
            ..Claims::user(&self.ctx.env, session.user_id, &session.roles, self.settings.access_token())
        };
        Tokens {
            user_id: session.user_id,
            access_token: self.access_token(&claims),
            refresh_token: session.refresh_token,
            token_type: "Bearer".to_owned(),
            expires_in: self.settings.access_token_seconds,
        }
    }

    pub fn access_token(&self, claims: &Claims) -> Secret {
        Secret::parse(self.keyring.sign(claims)).expect("a JWT is a few hundred characters of base64url")
    }
}
