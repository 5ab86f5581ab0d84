use super::*;
use platform::env::Env;
use std::{future::Future, time::Duration};
use tokio::task::JoinHandle;

fn at(last: u8) -> Network {
    Network::of([192, 0, 2, last].into())
}

fn now<F: Future>(work: F) -> Option<F::Output> {
    match std::pin::pin!(work).poll(&mut std::task::Context::from_waker(std::task::Waker::noop())) {
        std::task::Poll::Ready(value) => Some(value),
        std::task::Poll::Pending => None,
    }
}

/// Takes slots until a request would have to wait.
fn fill(admission: &Admission, priority: Priority, client: Network) -> Vec<Slot> {
    std::iter::from_fn(|| admission.take_or_queue(priority, client).and_then(Result::ok)).collect()
}

/// A request that notes its name when its turn comes, and keeps its slot.
fn queue(admission: &Admission, priority: Priority, client: Network, name: &'static str, turns: &Turns) -> JoinHandle<Option<Slot>> {
    let (admission, turns) = (admission.clone(), turns.clone());
    Env::system().spawn(async move {
        let slot = admission.enter(priority, client).await.ok()?;
        turns.lock().unwrap().push(name);
        Some(slot)
    })
}

type Turns = Arc<Mutex<Vec<&'static str>>>;

async fn settle() {
    for _ in 0..32 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_waits_for_a_slot_and_is_refused_when_its_time_is_over() {
    let admission = Admission::new(1, 1, 100);
    let slot = admission.enter(Priority::Order, at(1)).await.unwrap();
    for priority in Priority::ALL.into_iter().filter(|priority| *priority != Priority::WaitingOrder) {
        let began = Instant::now();
        let refused = admission.enter(priority, at(2)).await.map(drop).unwrap_err();
        assert_eq!((refused.code(), refused.wait()), (Code::OVERLOADED, Some(Duration::from_secs(1))));
        assert!(began.elapsed() >= priority.queue_time(), "{priority:?}");
    }
    assert!(!admission.0.state.lock_unpoisoned().someone_waits());
    drop(slot);
    admission.enter(Priority::PublicRead, at(2)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_highest_priority_goes_first() {
    let (admission, turns) = (Admission::new(1, 1, 100), Turns::default());
    let slot = admission.enter(Priority::Order, at(1)).await.unwrap();
    let mut queued = Vec::new();
    for (name, priority) in
        [("list", Priority::PublicRead), ("search", Priority::Search), ("login", Priority::Login), ("read", Priority::OwnRead)]
    {
        queued.push(queue(&admission, priority, at(2), name, &turns));
    }
    queued.push(queue(&admission, Priority::Change, at(3), "add", &turns));
    queued.push(queue(&admission, Priority::Order, at(4), "order", &turns));
    settle().await;
    drop(slot);
    // Each gives its slot back when its turn has come.
    for request in queued.into_iter().rev() {
        drop(request.await.unwrap().unwrap());
    }
    assert_eq!(*turns.lock().unwrap(), ["order", "add", "read", "login", "search", "list"]);
}

#[tokio::test(start_paused = true)]
async fn clients_take_turns_however_many_requests_one_has() {
    let (admission, turns) = (Admission::new(1, 1, 100), Turns::default());
    let slot = admission.enter(Priority::Order, at(9)).await.unwrap();
    let many: Vec<_> = (0..20).map(|_| queue(&admission, Priority::Change, at(1), "many", &turns)).collect();
    settle().await;
    let one = queue(&admission, Priority::Change, at(2), "one", &turns);
    settle().await;
    drop(slot);
    let mut many = many.into_iter();
    let first = many.next().unwrap().await.unwrap();
    drop(first);
    drop(one.await.unwrap());
    drop(many.next().unwrap().await.unwrap());
    assert_eq!(turns.lock().unwrap()[..3], ["many", "one", "many"]);
}

#[tokio::test(start_paused = true)]
async fn the_newest_goes_first_once_the_queue_stands() {
    let (admission, turns) = (Admission::new(1, 1, 100), Turns::default());
    let slot = admission.enter(Priority::Order, at(9)).await.unwrap();
    let mut queued = Vec::new();
    for name in ["first", "second", "third"] {
        queued.push(queue(&admission, Priority::Change, at(1), name, &turns));
        settle().await;
    }
    tokio::time::advance(Duration::from_millis(201)).await;
    drop(slot);
    for request in queued.into_iter().rev() {
        drop(request.await.unwrap());
    }
    assert_eq!(*turns.lock().unwrap(), ["third", "second", "first"]);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_disconnects_leaves_the_queue_and_returns_its_slot() {
    let (admission, turns) = (Admission::new(1, 1, 100), Turns::default());
    let slot = admission.enter(Priority::Order, at(1)).await.unwrap();
    let gone = queue(&admission, Priority::Order, at(2), "gone", &turns);
    let next = queue(&admission, Priority::Order, at(3), "next", &turns);
    settle().await;
    gone.abort();
    assert!(gone.await.is_err_and(|error| error.is_cancelled()));
    // The turn of this one comes while it is dropped.
    let mut dropped = Box::pin(admission.enter(Priority::Order, at(4)));
    assert!(now(&mut dropped).is_none());
    drop(slot);
    let slot = next.await.unwrap().unwrap();
    drop(slot);
    drop(dropped);
    drop(admission.enter(Priority::Order, at(5)).await.unwrap());
    let state = admission.0.state.lock_unpoisoned();
    assert_eq!((state.all.taken, state.all.by_client.len(), state.someone_waits()), (0, 0, false));
}

#[tokio::test(start_paused = true)]
async fn neither_one_client_nor_three_take_every_slot() {
    let admission = Admission::new(1024, 512, 100);
    let alone = fill(&admission, Priority::Order, at(1));
    assert_eq!(alone.len(), 512);
    drop(alone);
    let mut held = Vec::new();
    loop {
        let before = held.len();
        for client in 1..=3 {
            held.extend(admission.take_or_queue(Priority::Order, at(client)).and_then(Result::ok));
        }
        if held.len() == before {
            break;
        }
    }
    assert!((765..=775).contains(&held.len()), "{}", held.len());
    for client in 4..20 {
        assert!(admission.take_or_queue(Priority::Change, at(client)).is_some_and(|taken| taken.is_ok()), "{client}");
    }
}

#[tokio::test(start_paused = true)]
async fn waiting_orders_leave_slots_for_the_requests_that_complete_them() {
    let admission = Admission::new(8, 8, 100);
    let waiting: Vec<Slot> = (0..8).flat_map(|client| admission.take_or_queue(Priority::WaitingOrder, at(client))?.ok()).collect();
    assert_eq!(waiting.len(), 6, "of eight");
    let more = admission.take_or_queue(Priority::WaitingOrder, at(9)).unwrap();
    assert!(more.is_err());
    drop(more);
    let reads: Vec<Slot> = (0..8).flat_map(|client| admission.take_or_queue(Priority::OwnRead, at(client))?.ok()).collect();
    assert_eq!(reads.len(), 2);
    assert_eq!(Admission::new(1, 1, 1).0.state.lock_unpoisoned().waiting.total, 0, "a single slot is never for waiting");
}

#[tokio::test(start_paused = true)]
async fn no_cart_is_filled_while_the_orders_of_its_client_wait() {
    let (admission, turns) = (Admission::new(80, 80, 100), Turns::default());
    let mut orders = fill(&admission, Priority::WaitingOrder, at(1));
    let order = queue(&admission, Priority::WaitingOrder, at(1), "order", &turns);
    settle().await;
    let add = queue(&admission, Priority::Change, at(1), "add", &turns);
    let other = queue(&admission, Priority::Change, at(2), "other", &turns);
    settle().await;
    assert_eq!(*turns.lock().unwrap(), ["other"], "another client is not kept from it");
    drop(orders.pop());
    let _order = order.await.unwrap().unwrap();
    settle().await;
    assert_eq!(*turns.lock().unwrap(), ["other", "order"], "there is no room for another order");
    drop(orders);
    let _held = (add.await.unwrap().unwrap(), other.await.unwrap().unwrap());
    assert_eq!(*turns.lock().unwrap(), ["other", "order", "add"]);
}

#[tokio::test(start_paused = true)]
async fn a_cart_is_filled_only_while_there_is_room_for_its_order() {
    let admission = Admission::new(80, 80, 100);
    let orders: Vec<Slot> = (0..20).flat_map(|_| admission.take_or_queue(Priority::WaitingOrder, at(1))?.ok()).collect();
    let changes = fill(&admission, Priority::Change, at(1));
    assert_eq!((orders.len(), changes.len()), (20, 11), "of 60 slots for waiting orders, a client gets half");
    assert!(!fill(&admission, Priority::Change, at(2)).is_empty());
    drop(orders);
    drop(changes);
    assert_eq!(admission.0.state.lock_unpoisoned().changes.taken, 0);
}

#[tokio::test(start_paused = true)]
async fn a_late_scheduler_leaves_the_processors_to_those_who_are_further_along() {
    let admission = Admission::new(1024, 1024, 100);
    {
        let mut state = admission.0.state.lock_unpoisoned();
        let mut now = Instant::now();
        for _ in 0..100 {
            now += Duration::from_millis(100);
            state.concurrency.record(Duration::from_millis(50), now);
        }
    }
    let lists: Vec<Slot> = (0..100).flat_map(|client| admission.take_or_queue(Priority::PublicRead, at(client))?.ok()).collect();
    assert_eq!(lists.len(), 20, "five eighths of the least limit");
    let orders: Vec<Slot> = (0..100).flat_map(|client| admission.take_or_queue(Priority::Order, at(client))?.ok()).collect();
    assert_eq!(orders.len(), 100, "orders are not limited by it");
}

#[tokio::test(start_paused = true)]
async fn the_queues_have_a_bound_and_one_client_cannot_fill_them() {
    let (admission, turns) = (Admission::new(1, 1, 10), Turns::default());
    let _slot = admission.enter(Priority::Order, at(9)).await.unwrap();
    let queued: Vec<_> = (0..10).map(|_| queue(&admission, Priority::Order, at(1), "many", &turns)).collect();
    settle().await;
    assert_eq!(queued.iter().filter(|request| request.is_finished()).count(), 4, "six of ten places, as many as were free");
    let other = queue(&admission, Priority::Order, at(2), "other", &turns);
    settle().await;
    assert!(!other.is_finished(), "it waits");
}
