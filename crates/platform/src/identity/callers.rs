//! Extractors that determine who may call. A caller without a token is 401, another kind of caller is 403.

use super::{
    claims::Identity,
    verifier::{Refused, Verifier},
};
use crate::{
    context::Context,
    http::{
        BASE, Problem,
        describe::{DescribeArg, OperationBuilder},
        openapi::Grant,
        request_layers,
    },
};
use axum::{
    extract::{FromRequestParts, MatchedPath},
    http::{Method, header, request::Parts},
};
use contracts::{
    auth::{INTERNAL, Role, key_scope},
    ids::UserId,
    problem::Code,
};
use std::{marker::PhantomData, ops::Deref, sync::Arc};

/// The identity of the request's token, verified once per request; `None` without a token.
///
/// # Errors
/// 401 for a token that is not valid, 403 for one of an API key that does not open the operation, 503 when its key is unknown and
/// cannot be fetched.
pub async fn identify(parts: &mut Parts) -> Result<Option<Arc<Identity>>, Problem> {
    let identity = verified(parts).await?;
    if let Some(identity) = identity.as_ref().filter(|identity| identity.is_api_key) {
        check_scope(identity, parts)?;
    }
    Ok(identity)
}

/// Refuses an API key that lacks the scope of the operation. Every caller of every service passes here, so that no operation can
/// forget it.
fn check_scope(identity: &Identity, parts: &Parts) -> Result<(), Problem> {
    let path = parts.extensions.get::<MatchedPath>().map_or(parts.uri.path(), MatchedPath::as_str);
    // Services have no prefix; the gateway's own operation has it.
    let path = path.strip_prefix(BASE).unwrap_or(path);
    let refused = |detail: String| Err(Problem::new(Code::FORBIDDEN).detail(detail));
    match key_scope(matches!(parts.method, Method::GET | Method::HEAD), path) {
        None => refused("API keys are not taken here".to_owned()),
        Some(scope) if !identity.has_scope(&scope) => refused(format!("the API key lacks the scope {scope}")),
        Some(_) => Ok(()),
    }
}

async fn verified(parts: &mut Parts) -> Result<Option<Arc<Identity>>, Problem> {
    if let Some(identity) = parts.extensions.get::<Arc<Identity>>() {
        return Ok(Some(identity.clone()));
    }
    if !parts.headers.contains_key(header::AUTHORIZATION) {
        return Ok(None);
    }
    let refused = |detail: &'static str| Problem::new(Code::UNAUTHENTICATED).detail(detail);
    let token = request_layers::bearer(&parts.headers).ok_or_else(|| refused("send the token as Authorization: Bearer"))?;
    let verifier = parts.extensions.get::<Verifier>().ok_or_else(|| refused("no token is taken here"))?;
    let identity = verifier.verify(token).await.map_err(|error| match error {
        Refused::Invalid => refused("the access token is not valid"),
        Refused::Expired => refused("the access token has expired"),
        Refused::Revoked => refused("the access token was revoked"),
        Refused::KeysUnavailable => Problem::new(Code::DEPENDENCY_UNAVAILABLE),
    })?;
    if let Some(user) = identity.user {
        Context::set_actor(user);
    }
    parts.extensions.insert(identity.clone());
    Ok(Some(identity))
}

/// A kind of caller.
pub trait Caller: Sized {
    /// This caller, if the identity is of that kind.
    fn admit(identity: &Arc<Identity>) -> Option<Self>;
    /// This kind of caller in the description.
    fn grants() -> Vec<Grant>;
}

pub(super) async fn admitted<C: Caller>(parts: &mut Parts) -> Result<C, Problem> {
    let identity = identify(parts).await?.ok_or_else(|| Problem::new(Code::UNAUTHENTICATED))?;
    C::admit(&identity).ok_or_else(|| Problem::new(Code::FORBIDDEN))
}

macro_rules! extracted {
    ([$($param:ident: $bound:ident),*] $name:ty) => {
        impl<S: Send + Sync, $($param: $bound),*> FromRequestParts<S> for $name {
            type Rejection = Problem;
            async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
                admitted(parts).await
            }
        }
        impl<$($param: $bound),*> DescribeArg for $name {
            fn describe(operation: &mut OperationBuilder<'_>) {
                for grant in <$name as Caller>::grants() {
                    operation.grant(grant);
                }
            }
        }
    };
}

macro_rules! users {
    ($($(#[$doc:meta])* $name:ident [$($grant:expr),*] $who:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone)]
        pub struct $name {
            pub id: UserId,
            identity: Arc<Identity>,
        }

        impl Deref for $name {
            type Target = Identity;
            fn deref(&self) -> &Identity {
                &self.identity
            }
        }

        impl Caller for $name {
            fn admit(identity: &Arc<Identity>) -> Option<Self> {
                let fits: fn(&Identity) -> bool = $who;
                identity.user.filter(|_| fits(identity)).map(|id| $name { id, identity: identity.clone() })
            }
            fn grants() -> Vec<Grant> {
                vec![$($grant),*]
            }
        }
        extracted!([] $name);
    )*};
}

users! {
    /// Any user who is logged in. `email` and `roles` are those of the [`Identity`].
    User [Grant::User] |_| true;
    /// A user who buys.
    Customer [Grant::Role(Role::Customer)] |identity| identity.has_role(Role::Customer);
    /// A user who sells products: one whose seller's record is APPROVED.
    Seller [Grant::Role(Role::Seller)] |identity| identity.has_role(Role::Seller);
    /// A user who runs the marketplace.
    Admin [Grant::Role(Role::Admin)] |identity| identity.has_role(Role::Admin);
    /// A seller for their own data, an admin for all: [`owner`](Self::owner) goes into the query.
    SellerOrAdmin [Grant::Role(Role::Seller), Grant::Role(Role::Admin)] |identity| identity.has_role(Role::Seller) || identity.has_role(Role::Admin);
    /// A user with a seller's record that is APPROVED or SUSPENDED. A suspended seller reads sales and serves open orders, but does
    /// not sell; `id` is the `sellerId`.
    SellerOfRecord [Grant::SellerOfRecord] |identity| identity.seller.is_some();
    /// A [`SellerOfRecord`] for their own data, an admin for all: [`owner`](Self::owner) goes into the query.
    SellerOfRecordOrAdmin [Grant::SellerOfRecord, Grant::Role(Role::Admin)] |identity| identity.seller.is_some() || identity.has_role(Role::Admin);
    /// Any user for their own data, an admin for all: [`owner`](Self::owner) goes into the query.
    Viewer [Grant::User] |_| true;
}

impl SellerOrAdmin {
    /// The owner of the data: the seller, or `None` (any owner) for an admin.
    #[must_use]
    pub fn owner(&self) -> Option<UserId> {
        if self.has_role(Role::Admin) { None } else { Some(self.id) }
    }
}

impl SellerOfRecordOrAdmin {
    /// The owner of the data: the seller, or `None` (any owner) for an admin.
    #[must_use]
    pub fn owner(&self) -> Option<UserId> {
        if self.has_role(Role::Admin) { None } else { Some(self.id) }
    }
}

impl Viewer {
    /// The owner of the data: the caller, or `None` (any owner) for an admin.
    #[must_use]
    pub fn owner(&self) -> Option<UserId> {
        if self.has_role(Role::Admin) { None } else { Some(self.id) }
    }
}

/// Any service of the platform, with its own token.
#[derive(Debug, Clone)]
pub struct Service {
    /// Its client id, such as `order`.
    pub client: String,
    pub scopes: Vec<String>,
}

impl Caller for Service {
    fn admit(identity: &Arc<Identity>) -> Option<Self> {
        let client = identity.client.clone().filter(|_| identity.has_scope(INTERNAL))?;
        Some(Service { client, scopes: identity.scopes.clone() })
    }
    fn grants() -> Vec<Grant> {
        vec![Grant::Service]
    }
}
extracted!([] Service);

/// Names the callers of [`ServiceOf`]: the services of `CLIENTS`, and every client that has `SCOPE`.
pub trait ClientMarker: Send + Sync + 'static {
    const CLIENTS: &'static [&'static str];
    const SCOPE: Option<&'static str> = None;
}

/// One of the services or clients that `M` names. The platform's own services have the scope [`INTERNAL`] as well, which no
/// other client gets: a client cannot impersonate a service by its name.
#[derive(Debug, Clone)]
pub struct ServiceOf<M> {
    /// Its client id, such as `order`.
    pub client: String,
    marker: PhantomData<fn() -> M>,
}

impl<M: ClientMarker> Caller for ServiceOf<M> {
    fn admit(identity: &Arc<Identity>) -> Option<Self> {
        let client = identity.client.clone()?;
        let by_name = M::CLIENTS.contains(&client.as_str()) && identity.has_scope(INTERNAL);
        let fits = by_name || M::SCOPE.is_some_and(|scope| identity.has_scope(scope));
        fits.then_some(ServiceOf { client, marker: PhantomData })
    }
    fn grants() -> Vec<Grant> {
        M::CLIENTS.iter().map(|client| Grant::Client(client)).chain(M::SCOPE.map(Grant::Scope)).collect()
    }
}
extracted!([M: ClientMarker] ServiceOf<M>);

/// An `A`, or else a `B`.
#[derive(Debug, Clone)]
pub enum Either<A, B> {
    A(A),
    B(B),
}

impl<A: Caller, B: Caller> Caller for Either<A, B> {
    fn admit(identity: &Arc<Identity>) -> Option<Self> {
        A::admit(identity).map(Either::A).or_else(|| B::admit(identity).map(Either::B))
    }
    fn grants() -> Vec<Grant> {
        A::grants().into_iter().chain(B::grants()).collect()
    }
}
extracted!([A: Caller, B: Caller] Either<A, B>);

/// A user or a caller without a token. A token that is not valid is 401.
#[derive(Debug, Clone)]
pub struct MaybeUser(pub Option<User>);

impl MaybeUser {
    #[must_use]
    pub fn id(&self) -> Option<UserId> {
        self.0.as_ref().map(|user| user.id)
    }
    #[must_use]
    pub fn has_role(&self, role: Role) -> bool {
        self.0.as_ref().is_some_and(|user| user.has_role(role))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for MaybeUser {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Ok(MaybeUser(identify(parts).await?.as_ref().and_then(User::admit)))
    }
}

impl DescribeArg for MaybeUser {
    fn describe(operation: &mut OperationBuilder<'_>) {
        operation.grant(Grant::User);
        operation.allow_anonymous();
    }
}
