//! Entry point 1: HTTP.

mod token;

use crate::{
    App, actions,
    domain::device::{self, Client, Device},
    store,
};
use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderValue, header, request::Parts},
    response::{IntoResponse, Response},
};
use contracts::{
    auth::{
        Account, ApiKey, ApiKeyToken, ChangeEmail, ChangePassword, CheckPassword, CreateApiKey, CreatedApiKey, ExchangeApiKey,
        ForgotPassword, Jwk, Jwks, Login, Logout, PasswordCheck, RefreshTokens, RegisterUser, ResendVerification, ResetPassword,
        RevocationFilter, Revocations, ServiceToken, Session, SetRoles, Tokens, VerifyEmail,
    },
    ids::{ApiKeyId, SessionId, UserId},
    problem::Code,
};
use platform::{
    db::{self, Tx},
    http::{
        Accepted, Body, Created, DescribeAnswer, Json, MaybeBody, Network, NoContent, Paged, Paging, Path, Problem, Query, Routes, State,
        UnstoredIdempotencyKey,
        describe::{DescribeArg, OperationBuilder},
    },
    identity::{Admin, CartTokenHeader, ClientMarker, MaybeGuestToken, MaybeUser, Service, ServiceOf, User},
};
use token::TokenForm;

pub fn routes() -> Routes<App> {
    Routes::new("auth")
        .post("/auth/register", register, "Opens an account and logs in")
        .post("/auth/login", log_in, "Logs in with e-mail and password")
        .post("/auth/refresh", refresh, "Exchanges a refresh token for new tokens")
        .post("/auth/logout", log_out, "Ends the login of a refresh token")
        .post("/auth/password/forgot", forgot_password, "Requests a mail to set a new password")
        .post("/auth/password/reset", reset_password, "Sets a new password with the token of the mail")
        .post("/auth/password/change", change_password, "Changes the caller's password")
        .post("/auth/email/verify", verify_email, "Verifies an e-mail address with the token of the mail")
        .post("/auth/email/verify/resend", resend_verification, "Mails another token")
        .post("/auth/email/change", change_email, "Asks for another e-mail address")
        .get("/auth/sessions", list_sessions, "The caller's logins that have not ended, the newest first")
        .delete("/auth/sessions/{sessionId}", end_session, "Ends a login of the caller")
        .post("/api-keys", create_api_key, "Makes an API key")
        .get("/api-keys", list_api_keys, "The caller's API keys, the newest first")
        .delete("/api-keys/{apiKeyId}", delete_api_key, "Deletes an API key")
        .post("/internal/auth/api-keys/exchange", exchange_api_key, "Exchanges an API key for an access token")
        .post("/auth/token", grant_service_token, "Issues a token to a service or another client")
        .put("/auth/users/{userId}/roles", set_roles, "Replaces the roles of a user")
        .post("/auth/users/{userId}/lock", lock_account, "Locks an account and ends its logins")
        .post("/auth/users/{userId}/unlock", unlock_account, "Unlocks an account")
        .post("/internal/auth/users/{userId}/password-check", check_password, "Whether this is the password of a user")
        .delete("/internal/auth/users/{userId}", erase_account, "Deletes an account; every service erases its user")
        .get("/internal/auth/revocations", list_revocations, "What ends access tokens before they expire")
        .get("/.well-known/jwks.json", list_keys, "The public keys that verify access tokens")
}

/// The key of a registration.
struct RegistrationKey(UnstoredIdempotencyKey);

impl<S: Send + Sync> FromRequestParts<S> for RegistrationKey {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        UnstoredIdempotencyKey::from_request_parts(parts, state).await.map(RegistrationKey)
    }
}

impl DescribeArg for RegistrationKey {
    fn describe(operation: &mut OperationBuilder<'_>) {
        UnstoredIdempotencyKey::describe_as(
            operation,
            "A repetition with the same key and body logs in to the account that the first request opened, and answers as that one did, with tokens of its own: answers that hold tokens are not kept. Another e-mail or name under the key is 422 `IDEMPOTENCY_KEY_REUSED`, another password 409 `EMAIL_TAKEN`.",
        );
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Client {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let network = Network::from_request_parts(parts, state).await?;
        let user_agent = parts.headers.get(header::USER_AGENT).and_then(|value| device::shorten(value.to_str().ok()?));
        Ok(Client { network, device: Device { user_agent, network: device::coarse(network) } })
    }
}

/// It is not a parameter of the API.
impl DescribeArg for Client {
    fn describe(_: &mut OperationBuilder<'_>) {}
}

async fn register(
    client: Client,
    State(app): State<App>,
    RegistrationKey(UnstoredIdempotencyKey(key)): RegistrationKey,
    MaybeGuestToken(cart): MaybeGuestToken<CartTokenHeader>,
    Body(body): Body<RegisterUser>,
) -> Result<Created<Tokens>, Problem> {
    let tokens = actions::register(&app, client, key.as_deref(), body).await?;
    actions::merge_cart(&app, tokens.user_id, cart).await;
    Ok(Created::at("/users/me", tokens))
}

async fn log_in(
    client: Client,
    State(app): State<App>,
    _: UnstoredIdempotencyKey,
    MaybeGuestToken(cart): MaybeGuestToken<CartTokenHeader>,
    Body(body): Body<Login>,
) -> Result<Json<Tokens>, Problem> {
    let tokens = actions::log_in(&app, client, body.email.into(), body.password).await?;
    actions::merge_cart(&app, tokens.user_id, cart).await;
    Ok(Json(tokens))
}

async fn refresh(
    client: Client,
    State(app): State<App>,
    _: UnstoredIdempotencyKey,
    Body(body): Body<RefreshTokens>,
) -> Result<Json<Tokens>, Problem> {
    Ok(Json(actions::refresh(&app, client.device, body).await?))
}

async fn log_out(State(app): State<App>, _: UnstoredIdempotencyKey, Body(body): Body<Logout>) -> Result<NoContent, Problem> {
    actions::log_out(&app, body).await?;
    Ok(NoContent)
}

async fn forgot_password(State(app): State<App>, _: UnstoredIdempotencyKey, Body(body): Body<ForgotPassword>) -> Result<Accepted, Problem> {
    actions::request_reset(&app, body).await?;
    Ok(Accepted)
}

async fn reset_password(State(app): State<App>, _: UnstoredIdempotencyKey, Body(body): Body<ResetPassword>) -> Result<NoContent, Problem> {
    actions::reset_password(&app, body).await?;
    Ok(NoContent)
}

async fn change_password(
    user: User,
    State(app): State<App>,
    _: UnstoredIdempotencyKey,
    Body(body): Body<ChangePassword>,
) -> Result<NoContent, Problem> {
    actions::change_password(&app, user.id, user.session, body).await?;
    Ok(NoContent)
}

async fn verify_email(State(app): State<App>, _: UnstoredIdempotencyKey, Body(body): Body<VerifyEmail>) -> Result<NoContent, Problem> {
    actions::verify_email(&app, body).await?;
    Ok(NoContent)
}

async fn resend_verification(
    caller: MaybeUser,
    State(app): State<App>,
    _: UnstoredIdempotencyKey,
    MaybeBody(body): MaybeBody<ResendVerification>,
) -> Result<Accepted, Problem> {
    match (caller.id(), body.email) {
        (Some(user), None) => actions::resend_own(&app, user).await?,
        (_, Some(email)) => actions::request_resend(&app, email.into()).await?,
        (None, None) => return Err(Problem::new(Code::UNAUTHENTICATED).detail("send an access token, or the e-mail address")),
    }
    Ok(Accepted)
}

async fn change_email(
    user: User,
    State(app): State<App>,
    _: UnstoredIdempotencyKey,
    Body(body): Body<ChangeEmail>,
) -> Result<Accepted, Problem> {
    actions::change_email(&app, user.id, body).await?;
    Ok(Accepted)
}

async fn list_sessions(user: User, State(app): State<App>, paging: Paging) -> Result<Paged<Session>, Problem> {
    let (owner, current) = (user.id, user.session);
    let read = async move |tx: &mut Tx, after, rows| {
        let found = store::sessions::list_live(tx, owner, after, rows).await?;
        let shown = found.into_iter().map(|stored| Session {
            session_id: stored.session_id.into(),
            created_at: stored.created_at,
            last_used_at: stored.last_used_at,
            user_agent: stored.device.user_agent,
            network: stored.device.network,
            is_current: current == Some(stored.session_id),
        });
        Ok::<_, db::Error>(shown.collect())
    };
    paging.list(&app.ctx.db, &format!("sessions of {owner}"), read, |session: &Session| session.session_id.0).await.map(Paged)
}

async fn end_session(user: User, State(app): State<App>, Path(session): Path<SessionId>) -> Result<NoContent, Problem> {
    actions::end_session(&app.ctx.db, user.id, session.0).await?;
    Ok(NoContent)
}

async fn create_api_key(
    user: User,
    State(app): State<App>,
    _: UnstoredIdempotencyKey,
    Body(body): Body<CreateApiKey>,
) -> Result<Created<CreatedApiKey>, Problem> {
    let key = actions::create_api_key(&app, user.id, body).await?;
    Ok(Created::at(format!("/api-keys/{}", key.api_key_id), key))
}

async fn list_api_keys(user: User, State(app): State<App>, paging: Paging) -> Result<Paged<ApiKey>, Problem> {
    let owner = user.id;
    let read = async move |tx: &mut Tx, after, rows| store::api_keys::list(tx, owner, after, rows).await;
    paging.list(&app.ctx.db, &format!("API keys of {owner}"), read, |key: &ApiKey| key.api_key_id).await.map(Paged)
}

async fn delete_api_key(user: User, State(app): State<App>, Path(key): Path<ApiKeyId>) -> Result<NoContent, Problem> {
    actions::delete_api_key(&app.ctx.db, user.id, key).await?;
    Ok(NoContent)
}

/// The edge, which gets the keys.
struct Gateway;
impl ClientMarker for Gateway {
    const CLIENTS: &'static [&'static str] = &["gateway"];
}

async fn exchange_api_key(
    _: ServiceOf<Gateway>,
    State(app): State<App>,
    Body(body): Body<ExchangeApiKey>,
) -> Result<Json<ApiKeyToken>, Problem> {
    Ok(Json(actions::exchange_api_key(&app, body.key).await?))
}

async fn grant_service_token(
    State(app): State<App>,
    _: UnstoredIdempotencyKey,
    headers: HeaderMap,
    TokenForm(form): TokenForm,
) -> Result<Json<ServiceToken>, Problem> {
    Ok(Json(actions::grant_service_token(&app, token::basic(&headers)?, form).await?))
}

async fn set_roles(
    admin: Admin,
    State(app): State<App>,
    Path(user): Path<UserId>,
    Body(body): Body<SetRoles>,
) -> Result<Json<Account>, Problem> {
    Ok(Json(actions::set_roles(&app, admin.id, user, body).await?))
}

async fn lock_account(
    admin: Admin,
    State(app): State<App>,
    _: UnstoredIdempotencyKey,
    Path(user): Path<UserId>,
) -> Result<Json<Account>, Problem> {
    Ok(Json(actions::lock_account(&app, admin.id, user).await?))
}

async fn unlock_account(
    admin: Admin,
    State(app): State<App>,
    _: UnstoredIdempotencyKey,
    Path(user): Path<UserId>,
) -> Result<Json<Account>, Problem> {
    Ok(Json(actions::unlock_account(&app, admin.id, user).await?))
}

/// The services that check a password before a change.
struct PasswordCheckers;
impl ClientMarker for PasswordCheckers {
    const CLIENTS: &'static [&'static str] = &["seller"];
}

async fn check_password(
    _: ServiceOf<PasswordCheckers>,
    State(app): State<App>,
    Path(user): Path<UserId>,
    Body(body): Body<CheckPassword>,
) -> Result<Json<PasswordCheck>, Problem> {
    Ok(Json(actions::check_password(&app, user, body.password).await?))
}

/// The service that erases users.
struct Eraser;
impl ClientMarker for Eraser {
    const CLIENTS: &'static [&'static str] = &["user"];
}

async fn erase_account(_: ServiceOf<Eraser>, State(app): State<App>, Path(user): Path<UserId>) -> Result<NoContent, Problem> {
    actions::erase_account(&app, user).await?;
    Ok(NoContent)
}

async fn list_revocations(
    _: Service,
    State(app): State<App>,
    Query(RevocationFilter { since }): Query<RevocationFilter>,
) -> Result<Json<Revocations>, Problem> {
    Ok(Json(actions::list_revocations(&app, since).await?))
}

async fn list_keys(State(app): State<App>) -> PublicKeys {
    let keys = app.keyring.public().into_iter();
    let keys = keys.map(|key| Jwk { kty: key.kty, crv: key.crv, alg: key.alg, r#use: key.r#use, kid: key.kid, x: key.x });
    PublicKeys(Jwks { keys: keys.collect() })
}

/// The public keys with their caching time: half of the time that a new key is published before it signs.
struct PublicKeys(Jwks);

impl IntoResponse for PublicKeys {
    fn into_response(self) -> Response {
        let mut response = Json(self.0).into_response();
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
        response
    }
}

impl DescribeAnswer for PublicKeys {
    fn describe(operation: &mut OperationBuilder<'_>) {
        operation.answer::<Jwks>(200, "The key that signs now first.");
        operation.answer_header("Cache-Control", "How long they may be kept.");
    }
}
