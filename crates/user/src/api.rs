//! Entry point 1: HTTP.

use crate::{
    App, Error,
    actions::{self, Caller},
    domain::{NewUser, Versioned, address_rules},
    store,
};
use contracts::{
    body::UpdateIntegratorData,
    ids::{AddressId, UserId},
    user::{
        Address, AddressSnapshot, EmailLookup, EnsureUser, PersonalExport, PostalAddress, Preferences, UpdateProfile, User, UserContact,
        UserFilter, UserIds, UserSort, WriteAddress, WritePreferences,
    },
};
use platform::{
    db::Tx,
    http::{
        Body, Created, Idempotent, IfMatch, Json, MaybeIdempotencyKey, NoContent, Paged, Paging, Path, Problem, Query, Routes, State,
        Tagged,
    },
    identity::{self, Admin, ClientMarker, ServiceOf},
};

pub fn routes() -> Routes<App> {
    Routes::new("user")
        .get("/users/me", get_profile, "The caller's profile")
        .patch("/users/me", update_profile, "Changes the caller's profile")
        .delete("/users/me", erase_user, "Erases the caller in every service")
        .get("/users/me/export", export_user, "Everything that the services keep about the caller")
        .get("/users/me/addresses", list_addresses, "The caller's addresses, the newest first")
        .post("/users/me/addresses", add_address, "Adds an address")
        .get("/users/me/addresses/{addressId}", get_address, "One of the caller's addresses")
        .put("/users/me/addresses/{addressId}", replace_address, "Replaces an address")
        .delete("/users/me/addresses/{addressId}", delete_address, "Deletes an address")
        .get("/users/me/preferences", get_preferences, "The caller's notification preferences")
        .put("/users/me/preferences", write_preferences, "Replaces the caller's notification preferences")
        .get("/users", search_users, "Users by the words of their e-mail and name, role and status, the newest first")
        .get("/users/{userId}", get_user, "One user's profile")
        .patch("/users/{userId}", update_user, "Changes what integrators saved with a user")
        .put("/internal/users/{userId}", ensure_user, "Creates a profile unless it exists")
        .get("/internal/users/{userId}/addresses/{addressId}", get_address_of, "One address of a user")
        .get("/internal/users/{userId}/default-address", get_default_address, "The default shipping address of a user")
        .get("/internal/users/{userId}/contact", get_contact, "How to reach a user")
        .post("/internal/addresses/check", check_address, "An address in the spelling of its country")
        .post("/internal/users/by-email", find_by_email, "The users with an e-mail address")
}

/// The service that owns accounts.
struct Auth;
impl ClientMarker for Auth {
    const CLIENTS: &'static [&'static str] = &["auth"];
}

/// The service that takes snapshots of addresses.
struct Order;
impl ClientMarker for Order {
    const CLIENTS: &'static [&'static str] = &["order"];
}

/// The service that writes to users.
struct Notification;
impl ClientMarker for Notification {
    const CLIENTS: &'static [&'static str] = &["notification"];
}

fn caller_of(caller: &identity::User) -> Caller {
    let new = caller.email.clone().map(|email| NewUser {
        user_id: caller.id,
        email,
        name: None,
        // A role that this version does not know arrives with the account's event once it does.
        roles: caller.roles.clone(),
    });
    Caller { id: caller.id, new }
}

fn tagged<T>(found: Versioned<T>) -> Tagged<Json<T>> {
    Tagged(found.etag(), Json(found.value))
}

async fn get_profile(caller: identity::User, State(app): State<App>) -> Result<Tagged<Json<User>>, Problem> {
    Ok(tagged(actions::get_profile(&app.ctx.db, caller_of(&caller)).await?))
}

async fn update_profile(
    caller: identity::User,
    State(app): State<App>,
    if_match: IfMatch,
    Body(body): Body<UpdateProfile>,
) -> Result<Tagged<Json<User>>, Problem> {
    Ok(tagged(actions::update_profile(&app.ctx.db, caller_of(&caller), if_match, body).await?))
}

async fn erase_user(caller: identity::User, State(app): State<App>) -> Result<NoContent, Problem> {
    actions::erase_user(&app, caller.id).await?;
    Ok(NoContent)
}

async fn export_user(caller: identity::User, State(app): State<App>) -> Result<Json<PersonalExport>, Problem> {
    Ok(Json(actions::export_user(&app, caller.id).await?))
}

async fn list_addresses(caller: identity::User, State(app): State<App>, paging: Paging) -> Result<Paged<Address>, Problem> {
    let owner = caller.id;
    let read = async move |tx: &mut Tx, after, rows| store::list_addresses(tx, owner, after, rows).await;
    paging.list(&app.ctx.db, &format!("addresses of {owner}"), read, |address| address.address_id).await.map(Paged)
}

async fn add_address(
    caller: identity::User,
    State(app): State<App>,
    key: MaybeIdempotencyKey,
    Body(body): Body<WriteAddress>,
) -> Result<Idempotent<Tagged<Created<Address>>>, Problem> {
    actions::add_address(&app.ctx.db, caller_of(&caller), key, body).await
}

async fn find_address(app: &App, owner: UserId, id: AddressId) -> Result<Versioned<Address>, Problem> {
    let found = app.ctx.db.read(async move |tx| store::find_address(tx, owner, id).await).await?;
    Ok(found.ok_or(Error::NotFound)?)
}

async fn get_address(caller: identity::User, State(app): State<App>, Path(id): Path<AddressId>) -> Result<Tagged<Json<Address>>, Problem> {
    find_address(&app, caller.id, id).await.map(tagged)
}

async fn replace_address(
    caller: identity::User,
    State(app): State<App>,
    Path(id): Path<AddressId>,
    if_match: IfMatch,
    Body(body): Body<WriteAddress>,
) -> Result<Tagged<Json<Address>>, Problem> {
    Ok(tagged(actions::replace_address(&app.ctx.db, caller_of(&caller), id, if_match, body).await?))
}

async fn delete_address(
    caller: identity::User,
    State(app): State<App>,
    Path(id): Path<AddressId>,
    if_match: IfMatch,
) -> Result<NoContent, Problem> {
    actions::delete_address(&app.ctx.db, caller_of(&caller), id, if_match).await?;
    Ok(NoContent)
}

async fn get_preferences(caller: identity::User, State(app): State<App>) -> Result<Tagged<Json<Preferences>>, Problem> {
    let owner = caller.id;
    Ok(tagged(app.ctx.db.read(async move |tx| store::get_preferences(tx, owner).await).await?))
}

async fn write_preferences(
    caller: identity::User,
    State(app): State<App>,
    if_match: IfMatch,
    Body(body): Body<WritePreferences>,
) -> Result<Tagged<Json<Preferences>>, Problem> {
    Ok(tagged(actions::write_preferences(&app.ctx.db, caller_of(&caller), if_match, body, app.webhooks).await?))
}

async fn search_users(_: Admin, State(app): State<App>, Query(filter): Query<UserFilter>, paging: Paging) -> Result<Paged<User>, Problem> {
    let tag = format!("users {filter:?}");
    let sort = filter.sort.unwrap_or(UserSort::Newest);
    let read = async move |tx: &mut Tx, after, rows| store::search_index::list_users(tx, filter.clone(), after, rows).await;
    paging.list(&app.ctx.db, &tag, read, |user| store::search_index::list_key(sort, user)).await.map(Paged)
}

async fn get_user(_: Admin, State(app): State<App>, Path(id): Path<UserId>) -> Result<Tagged<Json<User>>, Problem> {
    let found = app.ctx.db.read(async move |tx| store::find_user(tx, id).await).await?;
    Ok(tagged(found.ok_or(Error::NotFound)?))
}

async fn update_user(
    _: Admin,
    State(app): State<App>,
    Path(id): Path<UserId>,
    if_match: IfMatch,
    Body(body): Body<UpdateIntegratorData>,
) -> Result<Tagged<Json<User>>, Problem> {
    Ok(tagged(actions::update_integrator_data(&app.ctx.db, id, if_match, body).await?))
}

async fn ensure_user(
    _: ServiceOf<Auth>,
    State(app): State<App>,
    Path(user_id): Path<UserId>,
    Body(body): Body<EnsureUser>,
) -> Result<Json<User>, Problem> {
    let EnsureUser { email, name, roles } = body;
    let new = NewUser { user_id, email: email.into_string(), name: Some(name.into_string()), roles };
    Ok(Json(actions::ensure_user(&app.ctx.db, new).await?.value))
}

async fn get_address_of(
    _: ServiceOf<Order>,
    State(app): State<App>,
    Path((owner, id)): Path<(UserId, AddressId)>,
) -> Result<Json<Address>, Problem> {
    let mut address = find_address(&app, owner, id).await?.value;
    if address.recipient.is_none() {
        let user = app.ctx.db.read(async move |tx| store::find_user(tx, owner).await).await?;
        address.recipient = user.map(|user| user.value.name);
    }
    Ok(Json(address))
}

async fn get_default_address(_: ServiceOf<Order>, State(app): State<App>, Path(owner): Path<UserId>) -> Result<Json<Address>, Problem> {
    let found = app.ctx.db.read(async move |tx| store::find_default_address(tx, owner).await).await?;
    Ok(Json(found.ok_or(Error::NotFound)?.value))
}

async fn get_contact(_: ServiceOf<Notification>, State(app): State<App>, Path(id): Path<UserId>) -> Result<Json<UserContact>, Problem> {
    let read = async move |tx: &mut Tx| Ok::<_, Error>((store::find_user(tx, id).await?, store::get_preferences(tx, id).await?));
    let (user, preferences) = app.ctx.db.read(read).await?;
    let User { email, name, phone, .. } = user.ok_or(Error::NotFound)?.value;
    Ok(Json(UserContact { email, name, phone, preferences: preferences.value }))
}

async fn check_address(_: ServiceOf<Order>, Body(body): Body<PostalAddress>) -> Result<Json<AddressSnapshot>, Problem> {
    let address = address_rules::check(body.into()).map_err(Error::Invalid)?;
    Ok(Json(address.into()))
}

async fn find_by_email(_: ServiceOf<Order>, State(app): State<App>, Body(body): Body<EmailLookup>) -> Result<Json<UserIds>, Problem> {
    let user_ids = app.ctx.db.read(async move |tx| store::list_by_email(tx, &body.email).await).await?;
    Ok(Json(UserIds { user_ids }))
}
