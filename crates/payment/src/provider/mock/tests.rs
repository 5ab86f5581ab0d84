//! The rules of the mock.

use super::{
    Behaviour, MockProvider,
    ledger::{Charge, Entry},
};
use crate::provider::{Authorization, DeclineReason, Operation, Outcome, PaymentProvider as _, ProviderError};
use contracts::{
    ids::TransactionId,
    payment::{PaymentMethod, TransactionType},
};
use platform::{db::Db, env::Env, master_key::MasterKey, migrations, testing::TempFolder};
use proptest::{collection::vec, prelude::*, sample::select};

fn mock() -> (MockProvider, Env, TempFolder) {
    let (env, folder) = (Env::seeded(7, contracts::time::Timestamp(1)), TempFolder::new());
    let db = Db::open(env.clone(), "payment", folder.path(), migrations!["0001_payments", "0002_mock_provider"]).expect("a database");
    (MockProvider::new(db, &MasterKey::new([7; 32]), Behaviour::default()), env, folder)
}

fn under(authorization: TransactionId, id: TransactionId, amount: i64) -> Operation {
    Operation { transaction_id: id, authorization, amount }
}

#[tokio::test]
async fn a_repeated_request_is_carried_out_once() {
    let (mock, env, _folder) = mock();
    let request = Authorization { transaction_id: env.new_id(), amount: 100, method: PaymentMethod::Ok };
    assert_eq!(mock.lookup(request.transaction_id).await, Ok(None));
    let first = mock.authorize(request).await.expect("it answers");
    assert_eq!(first.decline, None);
    assert_eq!(mock.authorize(request).await, Ok(first.clone()));
    assert_eq!(mock.abandon(request).await, Ok(first.clone()));
    assert_eq!(mock.lookup(request.transaction_id).await, Ok(Some(first)));

    let taken = under(request.transaction_id, env.new_id(), 100);
    let captured = mock.capture(taken).await.expect("it answers");
    assert_eq!(mock.capture(taken).await, Ok(captured));
    let again: Outcome = mock.capture(under(request.transaction_id, env.new_id(), 100)).await.expect("it answers");
    assert_eq!(again.decline, Some(DeclineReason::NothingHeld));
    let void = mock.void(under(request.transaction_id, env.new_id(), 100)).await.expect("it answers");
    assert_eq!(void.decline, Some(DeclineReason::AlreadyCaptured));
}

#[tokio::test]
async fn an_unknown_authorization_holds_nothing() {
    let (mock, env, _folder) = mock();
    let capture = mock.capture(under(env.new_id(), env.new_id(), 1)).await.expect("it answers");
    assert_eq!(capture.decline, Some(DeclineReason::NothingHeld));
    let void = mock.void(under(env.new_id(), env.new_id(), 1)).await.expect("it answers");
    assert_eq!(void.decline, None);
}

#[tokio::test]
async fn pm_flaky_fails_twice_per_operation() {
    let (mock, env, _folder) = mock();
    let request = Authorization { transaction_id: env.new_id(), amount: 100, method: PaymentMethod::Flaky };
    for _ in 0..2 {
        assert_eq!(mock.authorize(request).await, Err(ProviderError::Unavailable));
        assert_eq!(mock.lookup(request.transaction_id).await, Ok(None));
    }
    assert!(mock.authorize(request).await.is_ok());
    let capture = under(request.transaction_id, env.new_id(), 100);
    assert_eq!(mock.capture(capture).await, Err(ProviderError::Unavailable));
}

#[tokio::test]
async fn a_request_is_carried_out_when_its_caller_is_gone() {
    let (mock, env, _folder) = mock();
    let request = Authorization { transaction_id: env.new_id(), amount: 100, method: PaymentMethod::Timeout };
    let caller = env.spawn({
        let mock = mock.clone();
        async move { mock.authorize(request).await }
    });
    while mock.lookup(request.transaction_id).await.expect("it answers").is_none() {
        tokio::task::yield_now().await;
    }
    assert!(!caller.is_finished());
    caller.abort();
    // A repeated request is answered from the ledger.
    assert!(mock.authorize(request).await.is_ok());
}

proptest! {
    #[test]
    fn refunds_never_exceed_the_capture_and_captures_never_the_authorization(
        request in vec((select(TransactionType::ALL.to_vec()), 1_i64..200), 0..30),
        method in select(PaymentMethod::ALL.to_vec()),
    ) {
        let mut entries = vec![Entry { kind: TransactionType::Authorize, amount: 100, decline: None }];
        for (kind, amount) in request.into_iter().filter(|(kind, _)| *kind != TransactionType::Authorize) {
            let decline = Charge::of(&entries).decline_reason(kind, amount, method);
            entries.push(Entry { kind, amount, decline });
            let charge = Charge::of(&entries);
            let done = |kind| entries.iter().filter(|e| e.kind == kind && e.decline.is_none()).count();
            prop_assert!(charge.captured <= 100 && charge.refunded <= charge.captured && charge.held >= 0);
            prop_assert!(done(TransactionType::Capture) <= 1);
            prop_assert!(done(TransactionType::Void) == 0 || charge.captured == 0);
            prop_assert!(charge.held == 0 || charge.captured == 0);
        }
    }
}
