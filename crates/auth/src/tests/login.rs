use super::*;
use crate::hashing::COMPARED;
use contracts::auth::{AccountStatus, UserLocked, UserUnlocked};
use std::sync::Arc;

#[tokio::test]
async fn a_login_takes_the_address_in_upper_and_lower_case() {
    let auth = start().await;
    let registered = auth.register("mara").await;
    let body = json!({"email": "MARA@example.com", "password": PASSWORD});
    let answer = auth.post("/auth/login", &body).send().await.expect(200);
    let tokens: Tokens = answer.read();
    assert_eq!(tokens.user_id, registered.user_id);
    assert_ne!(tokens.refresh_token, registered.refresh_token);
    assert_eq!(answer.header("cache-control"), "no-store");
}

#[tokio::test]
async fn a_refused_login_does_not_say_why() {
    let auth = start().await;
    let admin = auth.admin("ada").await;
    auth.register("mara").await;
    let locked = auth.register("lea").await;
    auth.act(&admin, locked.user_id, "lock").await.expect(200);

    let wrong = auth.try_login("mara", WRONG).await.expect_problem(401, "INVALID_CREDENTIALS");
    let unknown = auth.try_login("unknown", WRONG).await;
    let locked_wrong = auth.try_login("lea", WRONG).await;
    let locked_right = auth.try_login("lea", PASSWORD).await;
    auth.fail_logins("mara", 10).await;
    // A lock of five minutes that started 16 seconds ago.
    let too_early = auth.try_login("mara", PASSWORD).await;
    for answer in [unknown, locked_wrong, locked_right, too_early] {
        assert_eq!(bare(&answer), bare(&wrong));
    }
}

/// Stored rows must not reveal accounts either: an address without an account is counted and delayed like any other.
#[tokio::test]
async fn login_attempts_are_counted_whether_or_not_there_is_an_account() {
    let auth = start().await;
    auth.register("mara").await;
    for name in ["mara", "unknown"] {
        auth.fail_logins(name, 3).await;
    }
    // For each address one counter for the network and one for the address as a whole.
    let counts = "SELECT COUNT(*) FROM failed_logins WHERE failed_count = 3";
    assert_eq!(auth.count(counts).await, 4);
    // The address itself is not stored.
    assert_eq!(auth.count("SELECT COUNT(*) FROM credentials").await, 1);
}

#[tokio::test]
async fn an_attempt_that_is_not_counted_leaves_no_counter() {
    let auth = start().await;
    auth.register("mara").await;
    auth.login("mara").await;
    let counters = async || auth.count("SELECT COUNT(*) FROM failed_logins").await;
    assert_eq!(counters().await, 0);
    for _ in 0..5 {
        auth.try_login_from("6.6.6.6", "mara", WRONG).await.expect(401);
    }
    assert_eq!(counters().await, 2);
    // The success of the owner deletes the counter of the account, and a blocked attempt adds none.
    auth.try_login_from("1.2.3.4", "mara", PASSWORD).await.expect(200);
    auth.try_login_from("6.6.6.6", "mara", PASSWORD).await.expect(401);
    assert_eq!(counters().await, 1);
}

#[tokio::test]
async fn many_failures_lock_for_minutes() {
    let auth = start().await;
    let admin = auth.admin("ada").await;
    let mara = auth.register("mara").await;
    auth.fail_logins("mara", 9).await;
    assert_eq!(auth.account(&admin, mara.user_id).await.status, AccountStatus::Active);
    auth.fail_logins("mara", 1).await;
    let account = auth.account(&admin, mara.user_id).await;
    assert_eq!((account.status, account.failed_login_count), (AccountStatus::Locked, 10));
    assert_eq!(auth.emitted_of::<UserLocked>().await, [UserLocked { user_id: mara.user_id, locked_by: None }]);

    // The right password is refused, existing logins work, and attempts prolong nothing.
    auth.try_login("mara", PASSWORD).await.expect_problem(401, "INVALID_CREDENTIALS");
    let mara = auth.refresh(&mara).await;
    for _ in 0..20 {
        auth.try_login("mara", WRONG).await.expect(401);
    }
    assert_eq!(auth.account(&admin, mara.user_id).await.failed_login_count, 10);
    auth.complete().await;
    assert!(auth.emitted_of::<UserUnlocked>().await.is_empty());

    auth.advance(5 * MINUTE - Duration::from_secs(16));
    auth.complete().await;
    assert_eq!(auth.emitted_of::<UserUnlocked>().await, [UserUnlocked { user_id: mara.user_id, unlocked_by: None }]);
    auth.login("mara").await;
    let account = auth.account(&admin, mara.user_id).await;
    assert_eq!((account.status, account.failed_login_count), (AccountStatus::Active, 0));
}

#[tokio::test]
async fn the_end_of_a_lock_is_announced_once_by_the_worker_or_the_login() {
    let auth = start().await;
    let mara = auth.register("mara").await;
    auth.fail_logins("mara", 10).await;
    auth.advance(5 * MINUTE);
    // The worker did not run in time: the login announces the end.
    auth.login("mara").await;
    auth.complete().await;
    assert_eq!(auth.emitted_of::<UserUnlocked>().await, [UserUnlocked { user_id: mara.user_id, unlocked_by: None }]);
    let kinds: Vec<String> = auth.emitted().await.into_iter().map(|event| event.event_type).collect();
    assert_eq!(kinds, ["UserRegistered", "EmailVerificationRequested", "UserLocked", "UserUnlocked"]);
}

#[tokio::test]
async fn an_attacker_locks_out_itself_and_not_the_owner() {
    let auth = start().await;
    let mara = auth.register("mara").await;
    // Attempts at the end of each wait, for an hour: enough for several locks.
    for _ in 0..200 {
        auth.try_login_from("6.6.6.6", "mara", WRONG).await.expect_problem(401, "INVALID_CREDENTIALS");
        auth.advance(Duration::from_secs(18));
    }
    assert!(!auth.emitted_of::<UserLocked>().await.is_empty());
    let tokens: Tokens = auth.try_login_from("1.2.3.4", "mara", PASSWORD).await.expect(200).read();
    assert_eq!(tokens.user_id, mara.user_id);

    // The success of the owner does not clear the network of the attacker.
    for _ in 0..10 {
        auth.try_login_from("6.6.6.6", "mara", WRONG).await.expect(401);
        auth.advance(Duration::from_secs(18));
    }
    auth.try_login_from("6.6.6.6", "mara", PASSWORD).await.expect(401);
}

/// A hundred failures are an attack; further ones prolong no wait.
#[tokio::test]
async fn the_owner_of_an_account_under_attack_gets_in_after_one_locks_minutes() {
    let auth = start().await;
    auth.register("mara").await;
    let attack = async |name: &str| {
        for number in 0..50 {
            for _ in 0..2 {
                auth.try_login_from(&format!("2001:db8:{number}::1"), name, WRONG).await.expect(401);
            }
        }
    };
    for name in ["mara", "unknown"] {
        attack(name).await;
    }
    let right = async |address: &'static str| auth.try_login_from(address, "mara", PASSWORD).await;
    let unknown = auth.try_login_from("1.2.3.4", "unknown", PASSWORD).await;
    let held = right("1.2.3.4").await.expect_problem(401, "INVALID_CREDENTIALS");
    assert_eq!(bare(&held), bare(&unknown));
    assert_eq!(auth.count("SELECT COUNT(*) FROM failed_logins WHERE failed_count = 0").await, 2);
    for _ in 0..4 {
        auth.advance(MINUTE);
        right("1.2.3.4").await.expect(401);
        attack("mara").await;
    }
    auth.advance(MINUTE);
    right("1.2.3.4").await.expect(200);
    // The success ends the attack.
    right("5.6.7.8").await.expect(200);
}

#[tokio::test]
async fn existing_logins_continue_and_an_unlock_ends_every_wait_during_an_attack() {
    let auth = start().await;
    let admin = auth.admin("ada").await;
    let mara = auth.register("mara").await;
    for number in 0..100 {
        auth.try_login_from(&format!("10.0.0.{number}"), "mara", WRONG).await.expect(401);
    }
    auth.try_login_from("1.2.3.4", "mara", PASSWORD).await.expect(401);
    auth.refresh(&mara).await;
    assert_eq!(auth.account(&admin, mara.user_id).await.failed_login_count, 100);
    auth.act(&admin, mara.user_id, "unlock").await.expect(200);
    assert_eq!(auth.count("SELECT COUNT(*) FROM failed_logins").await, 0);
    auth.try_login_from("1.2.3.4", "mara", PASSWORD).await.expect(200);
}

#[tokio::test]
async fn locks_of_several_networks_are_announced_as_one() {
    let auth = start().await;
    let mara = auth.register("mara").await;
    for _ in 0..10 {
        for address in ["6.6.6.6", "7.7.7.7"] {
            auth.try_login_from(address, "mara", WRONG).await.expect(401);
        }
        auth.advance(Duration::from_secs(16));
    }
    assert_eq!(auth.emitted_of::<UserLocked>().await.len(), 1);
    auth.advance(5 * MINUTE);
    auth.complete().await;
    assert_eq!(auth.emitted_of::<UserUnlocked>().await, [UserUnlocked { user_id: mara.user_id, unlocked_by: None }]);
}

#[tokio::test]
async fn login_attempts_at_once_gain_nothing() {
    let auth = Arc::new(start().await);
    let admin = auth.admin("ada").await;
    let mara = auth.register("mara").await;
    let mut tasks = auth.env.task_set();
    for _ in 0..60 {
        let auth = auth.clone();
        tasks.spawn(async move { auth.try_login("mara", WRONG).await.expect(401) });
    }
    tasks.join_all().await;
    // The fifth failure started a wait: the other attempts were not checked.
    assert_eq!(auth.account(&admin, mara.user_id).await.failed_login_count, 5);
    auth.try_login("mara", PASSWORD).await.expect(401);
    auth.advance(Duration::from_secs(1));
    auth.login("mara").await;
}

#[tokio::test]
async fn one_person_may_log_in_from_many_places_at_once() {
    let auth = Arc::new(start().await);
    auth.register("mara").await;
    let mut tasks = auth.env.task_set();
    for _ in 0..20 {
        let auth = auth.clone();
        tasks.spawn(async move { auth.login("mara").await });
    }
    for tokens in tasks.join_all().await {
        auth.refresh(&tokens).await;
    }
}

#[tokio::test]
async fn a_hash_of_former_parameters_is_made_anew_at_login() {
    let auth = start().await;
    let ada = auth.account_of_former_settings("ada").await;
    let in_use = async || auth.db().read(async |tx| crate::store::accounts::parameters_in_use(tx).await).await.unwrap();
    assert_eq!(in_use().await, [("$argon2id$v=19$m=16,t=2,p=1".to_owned(), 1)]);
    auth.login("ada").await;
    let hash = auth.db().read(async move |tx| crate::store::accounts::find(tx, ada).await).await.unwrap().unwrap().password_hash;
    assert!(hash.starts_with("$argon2id$v=19$m=8,t=1,p=1$"), "{hash}");
    assert_eq!(in_use().await, [("$argon2id$v=19$m=16,t=2,p=1".to_owned(), 0), ("$argon2id$v=19$m=8,t=1,p=1".to_owned(), 1)]);
    auth.login("ada").await;
}

impl Auth {
    /// Creates an account from before a change of the argon2 settings.
    async fn account_of_former_settings(&self, name: &str) -> UserId {
        let former = Settings { argon2_memory_kib: 16, argon2_iterations: 2, ..Settings::default() };
        let (address, password) = (Email::parse(&email(name)).unwrap(), NewPassword::parse(PASSWORD).unwrap());
        operator::create_admin(self.db(), &former, address, &password, Name::parse(name).unwrap()).await.unwrap()
    }
}

#[tokio::test]
async fn logins_beyond_the_hashing_queue_are_refused_with_retry_after() {
    let auth = Arc::new(Auth(Harness::of(service()).setting("hashing_parallelism", 1).setting("hashing_queue", 1).start().await));
    let mut tasks = auth.env.task_set();
    for number in 0..12 {
        let auth = auth.clone();
        tasks.spawn(async move { auth.try_login(&format!("unknown{number}"), WRONG).await });
    }
    let answers = tasks.join_all().await;
    let refused: Vec<_> = answers.into_iter().filter(|answer| answer.status == 503).collect();
    assert!((1..12).contains(&refused.len()), "{} were refused", refused.len());
    for answer in refused {
        let answer = answer.expect_problem(503, "OVERLOADED");
        assert_eq!(answer.header("retry-after"), "1");
    }
}

#[tokio::test]
async fn the_end_of_a_lock_by_failures_keeps_the_lock_of_an_administrator() {
    let auth = start().await;
    let admin = auth.admin("ada").await;
    let mara = auth.register("mara").await;
    auth.fail_logins("mara", 10).await;
    auth.act(&admin, mara.user_id, "lock").await.expect(200);
    auth.advance(5 * MINUTE);
    auth.complete().await;
    assert!(auth.emitted_of::<UserUnlocked>().await.is_empty());
    auth.try_login("mara", PASSWORD).await.expect(401);
}

/// Returns the parameters of the hashes that a wrong password is compared with: at an account, and at addresses without
/// one. The time that a comparison takes depends on nothing else.
async fn compared_parameters(auth: &Auth, name: &str) -> [Vec<String>; 2] {
    let mut compared = [const { Vec::new() }; 2];
    for round in 0..12 {
        for (name, compared) in [name.to_owned(), format!("unknown{round}")].iter().zip(&mut compared) {
            COMPARED.take();
            auth.try_login_from(&format!("10.0.0.{round}"), name, WRONG).await.expect(401);
            compared.append(&mut COMPARED.take());
        }
    }
    compared
}

#[tokio::test]
async fn an_unknown_address_takes_as_long_as_a_wrong_password() {
    let auth = Auth(cheap().setting("argon2_iterations", 3).start().await);
    auth.register("mara").await;
    let present = vec!["$argon2id$v=19$m=8,t=3,p=1".to_owned(); 12];
    assert_eq!(compared_parameters(&auth, "mara").await, [present.clone(), present]);
}

#[tokio::test]
async fn changed_settings_do_not_reveal_which_addresses_have_an_account() {
    let auth = start().await;
    auth.account_of_former_settings("ada").await;
    let former = vec!["$argon2id$v=19$m=16,t=2,p=1".to_owned(); 12];
    assert_eq!(compared_parameters(&auth, "ada").await, [former.clone(), former]);
}
