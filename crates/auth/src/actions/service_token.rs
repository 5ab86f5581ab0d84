//! Tokens for services and other programs (RFC 6749, section 4.4).

use crate::{App, domain::client_rules, error::Error, opaque, store};
use contracts::{
    auth::{ClientCredentials, INTERNAL, ServiceToken},
    problem::Fault,
    secret::Secret,
};
use platform::identity::Claims;

/// A client's name and secret, from the header or the form.
pub struct ClientSecret {
    pub client_id: String,
    pub secret: Secret,
}

/// Issues a token to a client with the scopes that it requested, or all that it holds.
///
/// # Errors
/// [`Error::UnsupportedGrantType`], [`Error::InvalidClient`], [`Error::InvalidScope`], [`Error::InvalidTokenRequest`]
/// for a client that names itself twice.
pub async fn grant_service_token(app: &App, in_header: Option<ClientSecret>, form: ClientCredentials) -> Result<ServiceToken, Error> {
    if form.grant_type != "client_credentials" {
        return Err(Error::UnsupportedGrantType);
    }
    let client = match (in_header, form.client_id, form.client_secret) {
        (Some(client), None, None) => client,
        (None, Some(client_id), Some(secret)) => ClientSecret { client_id, secret },
        (Some(_), _, _) => {
            let fault = Fault::parameter("client_id", "GIVEN_TWICE", "is in the Authorization header already");
            return Err(Error::InvalidTokenRequest(vec![fault]));
        }
        _ => return Err(Error::InvalidClient),
    };
    let held = authenticate(app, &client).await?;
    let scope = client_rules::grant(&held, form.scope.as_deref()).ok_or(Error::InvalidScope)?;
    let claims = Claims::service(&app.ctx.env, &client.client_id, &scope, app.settings.service_token());
    Ok(ServiceToken {
        access_token: app.access_token(&claims),
        token_type: "Bearer".to_owned(),
        expires_in: app.settings.service_token_seconds,
        scope,
    })
}

/// Returns the scopes of a client whose secret is right. The secret of a service is derived from its name with the
/// master key; other clients have a stored one.
async fn authenticate(app: &App, client: &ClientSecret) -> Result<String, Error> {
    let given = opaque::hash(client.secret.reveal());
    if opaque::same(&given, &opaque::hash(&app.ctx.master_key.client_secret(&client.client_id))) {
        return Ok(INTERNAL.to_owned());
    }
    let client_id = client.client_id.clone();
    let known = app.ctx.db.read(async move |tx| Ok::<_, Error>(store::clients::find(tx, &client_id).await?)).await?;
    known.filter(|(hash, _)| opaque::same(&given, hash)).map(|(_, scopes)| scopes).ok_or(Error::InvalidClient)
}
