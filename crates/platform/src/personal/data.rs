//! What a service keeps about persons beside its events: to be exported, and to be erased.
//!
//! Every service that keeps such data declares it by [`PersonalData`]. The platform answers the calls of the service `user` with it,
//! and erases a person when auth says so ([`UserErased`]), in the commit that records the event as consumed. An order of a guest, who
//! has no account, is erased in the same way when the order service says so ([`OrderPersonalDataErased`]).

use super::erase_person;
use crate::{
    db::{Db, Error, Tx},
    http::{Json, NoContent, Path, Problem, Routes, State},
    identity::{ClientMarker, ServiceOf},
    inbox::{Consumers, Received},
};
use contracts::{
    auth::UserErased,
    call::Call,
    ids::UserId,
    order::OrderPersonalDataErased,
    personal::{PERSONAL, PersonalRecords},
    problem::Code,
};
use serde::Serialize;
use serde_json::Value;
use std::{future::Future, pin::Pin, sync::Arc};

/// Returns these as records of an export, as the API writes them.
#[must_use]
pub fn records<T: Serialize>(values: impl IntoIterator<Item = T>) -> Vec<Value> {
    // Only a map with other keys than text cannot be written as JSON, and no body has one.
    values.into_iter().filter_map(|value| serde_json::to_value(value).ok()).collect()
}

type InTx<T, A = UserId> = Arc<dyn for<'a> Fn(&'a mut Tx, A) -> Pin<Box<dyn Future<Output = Result<T, Error>> + 'a>> + Send + Sync>;

/// What one service does about the data of a user. Cheap to clone.
#[derive(Clone)]
pub struct PersonalData {
    export: InTx<PersonalRecords>,
    erase: InTx<()>,
    obstacle: InTx<Option<Code>>,
    erase_order: InTx<(), OrderPersonalDataErased>,
    erase_guest: InTx<()>,
    /// Whether the service erases a user by itself.
    is_erased_by_service: bool,
}

fn boxed<T: 'static, A: 'static, F>(work: F) -> InTx<T, A>
where
    F: AsyncFn(&mut Tx, A) -> Result<T, Error> + Send + Sync + 'static,
{
    let work = Arc::new(work);
    Arc::new(move |tx, about| {
        let work = work.clone();
        Box::pin(async move { work(tx, about).await })
    })
}

impl PersonalData {
    /// `export` returns everything that the service keeps about a user. `erase` deletes it, or replaces it where something else needs
    /// the row; it finds nothing to do the second time.
    pub fn new<X, D>(export: X, erase: D) -> PersonalData
    where
        X: AsyncFn(&mut Tx, UserId) -> Result<PersonalRecords, Error> + Send + Sync + 'static,
        D: AsyncFn(&mut Tx, UserId) -> Result<(), Error> + Send + Sync + 'static,
    {
        PersonalData {
            export: boxed(export),
            erase: boxed(erase),
            obstacle: boxed(async |_: &mut Tx, _| Ok(None)),
            erase_order: boxed(async |_: &mut Tx, _| Ok(())),
            erase_guest: boxed(async |_: &mut Tx, _| Ok(())),
            is_erased_by_service: false,
        }
    }

    /// Declares why a user cannot be erased at present, such as an open order.
    #[must_use]
    pub fn obstacle<F>(mut self, find: F) -> PersonalData
    where
        F: AsyncFn(&mut Tx, UserId) -> Result<Option<Code>, Error> + Send + Sync + 'static,
    {
        self.obstacle = boxed(find);
        self
    }

    /// Declares how the service erases what it keeps about an order of a guest. Every service that reads what orders say about persons
    /// deletes its keys and answers then, whether it declares this or not.
    #[must_use]
    pub fn orders<F>(mut self, erase: F) -> PersonalData
    where
        F: AsyncFn(&mut Tx, OrderPersonalDataErased) -> Result<(), Error> + Send + Sync + 'static,
    {
        self.erase_order = boxed(erase);
        self
    }

    /// Declares how the service erases what a user did as a guest with the address that the account verified. It gets the id of the
    /// guest, which others may have again.
    #[must_use]
    pub fn guests<F>(mut self, erase: F) -> PersonalData
    where
        F: AsyncFn(&mut Tx, UserId) -> Result<(), Error> + Send + Sync + 'static,
    {
        self.erase_guest = boxed(erase);
        self
    }

    /// Declares that the service erases a user by itself, and not when [`UserErased`] arrives.
    #[must_use]
    pub fn erased_by_service(mut self) -> PersonalData {
        self.is_erased_by_service = true;
        self
    }

    /// Adds what erases a user to the events that the service consumes.
    pub(crate) fn consumed_by(&self, consumers: Consumers) -> Consumers {
        if self.is_erased_by_service {
            return consumers;
        }
        let (erase, erase_order, erase_guest) = (self.erase.clone(), self.erase_order.clone(), self.erase_guest.clone());
        let reads_orders = PERSONAL.iter().any(|personal| personal.order.is_some() && consumers.reads_personal_fields(personal.event_type));
        let consumers = match reads_orders {
            true => consumers.on::<OrderPersonalDataErased, _, _>(async move |tx: &mut Tx, event: Received<OrderPersonalDataErased>| {
                let order = event.order_id;
                erase_order(tx, event.event).await?;
                erase_person(tx, order.into()).await
            }),
            false => consumers,
        };
        consumers.on::<UserErased, _, _>(async move |tx: &mut Tx, event: Received<UserErased>| {
            let UserErased { user_id: user, guest_id } = event.event;
            erase(tx, user).await?;
            if let Some(guest) = guest_id {
                erase_guest(tx, guest).await?;
            }
            erase_person(tx, user.into()).await
        })
    }

    /// The routes, the same in every service that keeps personal data.
    pub(crate) fn routes() -> Routes<Keeper> {
        Routes::new("personal-data").get(EXPORT, export, "Everything that a service keeps about a user").get(
            OBSTACLE,
            find_obstacle,
            "Why a service cannot erase a user at present",
        )
    }
}

/// How large the export of one service may be, in bytes.
pub const LARGEST_EXPORT: usize = 32 * 1024 * 1024;

const EXPORT: &str = "/internal/personal-data/{userId}";
const OBSTACLE: &str = "/internal/personal-data/{userId}/obstacle";

/// Asks a service for everything that it keeps about a user.
#[must_use]
pub const fn export_of(service: &'static str) -> Call<(), PersonalRecords> {
    Call::get(service, EXPORT)
}

/// Asks a service whether it can erase a user at present; a refusal says why not.
#[must_use]
pub const fn obstacle_of(service: &'static str) -> Call<(), ()> {
    Call::get(service, OBSTACLE)
}

/// A service with its database.
#[derive(Clone)]
pub(crate) struct Keeper {
    pub db: Db,
    pub data: PersonalData,
}

/// The service that exports and erases on behalf of a user.
struct User;
impl ClientMarker for User {
    const CLIENTS: &'static [&'static str] = &["user"];
}

async fn export(_: ServiceOf<User>, State(keeper): State<Keeper>, Path(user): Path<UserId>) -> Result<Json<PersonalRecords>, Problem> {
    let export = keeper.data.export;
    Ok(Json(keeper.db.read(async move |tx| export(tx, user).await).await?))
}

async fn find_obstacle(_: ServiceOf<User>, State(keeper): State<Keeper>, Path(user): Path<UserId>) -> Result<NoContent, Problem> {
    let obstacle = keeper.data.obstacle;
    match keeper.db.read(async move |tx| obstacle(tx, user).await).await? {
        Some(code) => Err(code.into()),
        None => Ok(NoContent),
    }
}
