//! The export and the erasure of a user, across all services.

use crate::{App, store};
use contracts::{
    auth::ERASE_ACCOUNT,
    ids::UserId,
    personal::{KEEPERS, PersonalRecords, WITH_OBSTACLES},
    user::{NAME, PersonalExport},
};
use platform::{
    client::CallError,
    context::Context,
    http::Problem,
    personal::{LARGEST_EXPORT, export_of, obstacle_of},
};
use std::collections::BTreeMap;

/// Returns everything that the services keep about a user. They are asked at the same time, and all of them have to answer.
///
/// # Errors
/// That a service did not answer, or has more than [`LARGEST_EXPORT`].
pub async fn export_user(app: &App, user: UserId) -> Result<PersonalExport, Problem> {
    let mut asked = app.ctx.env.task_set();
    for service in KEEPERS.iter().copied().filter(|service| *service != NAME) {
        let client = app.ctx.client.clone();
        asked.spawn(Context::current().scope(async move {
            let records = client.call(&export_of(service)).path(&[&user]).largest_answer(LARGEST_EXPORT).send().await?;
            Ok::<(&str, PersonalRecords), CallError>((service, records))
        }));
    }
    let own = app.ctx.db.read(async move |tx| store::personal::export(tx, user).await).await?;
    let mut services = BTreeMap::from([(NAME.to_owned(), own)]);
    for answer in asked.join_all().await {
        let (service, records) = answer?;
        services.insert(service.to_owned(), records);
    }
    Ok(PersonalExport { user_id: user, exported_at: app.ctx.db.now(), services })
}

/// Erases a user. Nothing is changed unless every service that may refuse it agrees, also for what the user did as a guest with the
/// verified address; auth then ends the account at once, and its
/// event lets every service erase what it keeps. A repetition succeeds.
///
/// # Errors
/// `OPEN_ORDERS`, `OPEN_FULFILMENTS`, `OPEN_BALANCE`, `LAST_ADMIN`, and that a service did not answer.
pub async fn erase_user(app: &App, user: UserId) -> Result<(), Problem> {
    let profile = app.ctx.db.read(async move |tx| store::find_user(tx, user).await).await?.map(|found| found.value);
    let guest = profile.filter(|profile| profile.email_verified).map(|profile| app.ctx.master_key.guest_of(&profile.email));
    let mut asked = app.ctx.env.task_set();
    for service in WITH_OBSTACLES.iter().copied() {
        for id in [Some(user), guest].into_iter().flatten() {
            let client = app.ctx.client.clone();
            asked.spawn(Context::current().scope(async move { client.call(&obstacle_of(service)).path(&[&id]).send().await }));
        }
    }
    for answer in asked.join_all().await {
        answer?;
    }
    Ok(app.ctx.client.call(&ERASE_ACCOUNT).path(&[&user]).send().await?)
}
