//! What a verifier makes of the list of revoked tokens.

use super::*;
use crate::env::{Env, LockUnpoisoned as _};
use contracts::{
    auth::{PresentRoles, Revocations, RevokedSession},
    ids::{UserId, Uuid},
    time::Timestamp,
};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

const HOUR: Duration = Duration::from_secs(3600);
const SECOND: Duration = Duration::from_secs(1);
const MARA: UserId = UserId(Uuid::from_u128(7));
const SESSION: Uuid = Uuid::from_u128(70);

/// A list that a test writes, and what it was asked for.
#[derive(Default)]
struct Auth {
    answers: Mutex<Vec<Result<Revocations, String>>>,
    asked: Mutex<Vec<Option<Timestamp>>>,
}

struct Setup {
    env: Env,
    key: SigningKey,
    verifier: Verifier,
    auth: Arc<Auth>,
}

fn setup() -> Setup {
    let env = Env::seeded(1, "2026-01-01T00:00:00Z".parse::<Timestamp>().unwrap());
    let key = SigningKey::generate(&env);
    let auth = Arc::new(Auth::default());
    let (jwks, of) = (Jwks { keys: vec![key.public()] }, auth.clone());
    let keys: KeySource = Arc::new(move || {
        let jwks = jwks.clone();
        Box::pin(async move { Ok(jwks) })
    });
    let revocations: RevocationSource = Arc::new(move |since| {
        of.asked.lock_unpoisoned().push(since);
        let answer = of.answers.lock_unpoisoned().pop().unwrap_or_else(|| Ok(answer(Vec::new(), Vec::new())));
        Box::pin(async move { answer })
    });
    let verifier = Verifier::fetching(env.clone(), keys, Some(revocations));
    Setup { env, key, verifier, auth }
}

fn answer(sessions: Vec<RevokedSession>, roles: Vec<PresentRoles>) -> Revocations {
    Revocations { sessions, roles, token_seconds: 3600, next: Timestamp(5), is_complete: true }
}

impl Setup {
    fn token(&self, roles: &[Role]) -> String {
        self.key.sign(&Claims { sid: Some(SESSION), ..Claims::user(&self.env, MARA, roles, HOUR) })
    }

    async fn roles(&self, token: &str) -> Result<Vec<Role>, Refused> {
        self.verifier.verify(token).await.map(|identity| identity.roles.clone())
    }

    /// Auth's next answer; it is asked for after a second.
    fn answers(&self, answer: Result<Revocations, String>) {
        self.auth.answers.lock_unpoisoned().push(answer);
        self.env.advance(SECOND);
    }
}

#[tokio::test]
async fn the_tokens_of_an_ended_login_are_refused_after_a_second() {
    let setup = setup();
    let token = setup.token(&[Role::Customer]);
    setup.verifier.verify(&token).await.unwrap();
    setup.answers(Ok(answer(vec![RevokedSession { session: SESSION, revoked_at: setup.env.now() }], Vec::new())));
    assert_eq!(setup.roles(&token).await, Err(Refused::Revoked));
    setup.env.advance(SECOND);
    assert_eq!(setup.roles(&token).await, Err(Refused::Revoked), "an entry stays when later answers do not repeat it");
    let other = setup.key.sign(&Claims { sid: Some(Uuid::from_u128(71)), ..Claims::user(&setup.env, MARA, &[Role::Customer], HOUR) });
    assert_eq!(setup.roles(&other).await, Ok(vec![Role::Customer]));
}

#[tokio::test]
async fn a_role_that_was_taken_away_counts_no_longer_and_the_others_do() {
    let setup = setup();
    let token = setup.token(&[Role::Customer, Role::Admin]);
    assert_eq!(setup.roles(&token).await, Ok(vec![Role::Customer, Role::Admin]));
    let changed = |roles: &[Role]| PresentRoles { user_id: MARA, roles: roles.to_vec(), changed_at: setup.env.now() };
    setup.answers(Ok(answer(Vec::new(), vec![changed(&[Role::Customer, Role::Seller])])));
    assert_eq!(setup.roles(&token).await, Ok(vec![Role::Customer]), "a new role is in the next token");
    setup.env.advance(SECOND * 2);
    assert_eq!(setup.roles(&setup.token(&[Role::Admin])).await, Ok(vec![Role::Admin]), "a later token is newer than the entry");
    setup.answers(Ok(answer(Vec::new(), vec![changed(&[Role::Customer, Role::Admin])])));
    assert_eq!(setup.roles(&token).await, Ok(vec![Role::Customer, Role::Admin]), "a role that was given back");
}

#[tokio::test]
async fn auth_is_asked_once_a_second_and_for_users_only() {
    let setup = setup();
    let (user, service) = (setup.token(&[]), setup.key.sign(&Claims::service(&setup.env, "order", "internal", HOUR)));
    for _ in 0..3 {
        setup.verifier.verify(&service).await.unwrap();
    }
    assert!(setup.auth.asked.lock_unpoisoned().is_empty());
    for _ in 0..3 {
        setup.verifier.verify(&user).await.unwrap();
    }
    setup.env.advance(SECOND);
    setup.verifier.verify(&user).await.unwrap();
    assert_eq!(*setup.auth.asked.lock_unpoisoned(), [None, Some(Timestamp(5))]);
    // The answer is long: its rest is asked for at once.
    setup.answers(Ok(Revocations { is_complete: false, next: Timestamp(6), ..answer(Vec::new(), Vec::new()) }));
    setup.verifier.verify(&user).await.unwrap();
    assert_eq!(setup.auth.asked.lock_unpoisoned()[2..], [Some(Timestamp(5)), Some(Timestamp(6))]);
}

#[tokio::test]
async fn while_auth_cannot_be_asked_tokens_count_as_they_are_signed() {
    let setup = setup();
    let token = setup.token(&[Role::Admin]);
    setup.answers(Err("down".to_owned()));
    assert_eq!(setup.roles(&token).await, Ok(vec![Role::Admin]));
    setup.answers(Ok(answer(vec![RevokedSession { session: SESSION, revoked_at: setup.env.now() }], Vec::new())));
    assert_eq!(setup.roles(&token).await, Err(Refused::Revoked));
}
