use super::*;

/// Sends a request that stays in the service until a permit is added.
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
async fn requests_over_the_limit_are_refused_at_once_and_probes_still_succeed() {
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
async fn waiting_requests_leave_slots_for_others() {
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
async fn a_client_that_disconnects_releases_its_slot() {
    let site = build().set(|settings| settings.max_in_flight = 1.try_into().unwrap()).start();
    let held = hold(&site, false);
    settle().await;
    assert_eq!(site.get("/api/v1/products").await.status, 503);
    held.abort();
    assert!(held.await.unwrap_err().is_cancelled());
    assert_eq!(site.get("/api/v1/products").await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_hangs_times_out_and_its_slot_is_released() {
    let site = build().set(|settings| settings.max_in_flight = 1.try_into().unwrap()).start();
    let held = hold(&site, false);
    settle().await;
    tokio::time::advance(Duration::from_secs(31)).await;
    assert_eq!(held.await.unwrap().status(), 503);
    assert_eq!(site.get("/api/v1/products").await.status, 200);
}
