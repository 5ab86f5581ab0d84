use super::*;

/// A request that stays in the service until the gate opens.
fn hold(site: &TestEdge, waits: bool) -> tokio::task::JoinHandle<Response> {
    let (router, env) = (site.router.clone(), site.env.clone());
    let mut request = Request::builder().method(Method::POST).uri("/api/v1/orders");
    if waits {
        request = request.header("prefer", "wait=5");
    }
    let request = request.body(Body::empty()).unwrap();
    env.spawn(async move { router.oneshot(request).await.unwrap() })
}

#[tokio::test(start_paused = true)]
async fn what_is_too_much_is_refused_at_once_and_probes_still_answer() {
    let site = build().set(|settings| settings.max_in_flight = 2.try_into().unwrap()).start();
    let held = [hold(&site, false), hold(&site, false)];
    settle().await;
    let refused = site.get("/api/v1/products").await;
    refused.is_problem("OVERLOADED");
    assert_eq!((refused.status, refused.header("retry-after")), (503, "1"));
    assert_eq!(site.get("/problems").await.status, 503);
    assert_eq!((site.get("/healthz").await.status, site.get("/readyz").await.status), (200, 200));
    site.permits.add_permits(2);
    for request in held {
        assert_eq!(request.await.unwrap().status(), 201);
    }
    assert_eq!(site.get("/api/v1/products").await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn buyers_who_wait_leave_room_for_the_rest() {
    let site = build().set(|settings| settings.max_in_flight = 4.try_into().unwrap()).start();
    let held: Vec<_> = (0..3).map(|_| hold(&site, true)).collect();
    settle().await;
    assert_eq!(hold(&site, true).await.unwrap().status(), 503, "three of four wait");
    assert_eq!(site.get("/api/v1/products").await.status, 200, "and one is for the rest");
    site.permits.add_permits(3);
    for request in held {
        assert_eq!(request.await.unwrap().status(), 201);
    }
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_goes_away_gives_its_place_back() {
    let site = build().set(|settings| settings.max_in_flight = 1.try_into().unwrap()).start();
    let held = hold(&site, false);
    settle().await;
    assert_eq!(site.get("/api/v1/products").await.status, 503);
    held.abort();
    assert!(held.await.unwrap_err().is_cancelled());
    assert_eq!(site.get("/api/v1/products").await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_hangs_is_given_up_and_its_place_is_free_again() {
    let site = build().set(|settings| settings.max_in_flight = 1.try_into().unwrap()).start();
    let held = hold(&site, false);
    settle().await;
    tokio::time::advance(Duration::from_secs(31)).await;
    assert_eq!(held.await.unwrap().status(), 503);
    assert_eq!(site.get("/api/v1/products").await.status, 200);
}
