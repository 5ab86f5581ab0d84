use super::*;

fn limited() -> TestEdge {
    let set = |settings: &mut Settings| {
        settings.login_per_minute = 3.try_into().unwrap();
        settings.guest_carts_per_minute = 6.try_into().unwrap();
        settings.guest_orders_per_minute = 8.try_into().unwrap();
        settings.pictures_per_minute = 7.try_into().unwrap();
        settings.search_per_second = 2.try_into().unwrap();
        settings.writes_per_second = 4.try_into().unwrap();
        settings.reads_per_second = 5.try_into().unwrap();
    };
    build().set(set).limited().start()
}

/// Counts how many requests in a row are accepted.
async fn allowed(site: &TestEdge, address: [u8; 4], method: &str, path: &str, headers: &[(&str, &str)]) -> usize {
    for count in 0..50 {
        let got = site.request_from(address, method, path, headers).await;
        if got.status == 429 {
            got.is_problem("RATE_LIMITED");
            return count;
        }
    }
    50
}

#[tokio::test(start_paused = true)]
async fn each_kind_of_request_has_its_own_limit() {
    let site = limited();
    // Orders are answered at once.
    site.permits.add_permits(100);
    let home = [10, 0, 0, 1];
    for (method, path, limit) in [
        ("POST", "/api/v1/auth/login", 3),
        ("POST", "/api/v1/auth/register", 0),
        ("GET", "/api/v1/search?q=a", 2),
        ("GET", "/api/v1/search/suggest", 0),
        ("POST", "/api/v1/carts", 6),
        ("POST", "/api/v1/orders", 8),
        ("POST", "/api/v1/products/1/images", 7),
        ("POST", "/api/v1/cart/items", 4),
        ("DELETE", "/api/v1/cart", 0),
        ("GET", "/api/v1/products", 5),
        ("HEAD", "/.well-known/jwks.json", 0),
    ] {
        assert_eq!(allowed(&site, home, method, path, &[]).await, limit, "{method} {path}");
    }
    assert_eq!(allowed(&site, [10, 0, 0, 2], "GET", "/api/v1/products", &[]).await, 5, "another address is another caller");
    let (_, customer) = site.customer();
    let order = allowed(&site, home, "POST", "/api/v1/orders", &[("authorization", &customer)]).await;
    assert_eq!(order, 4, "whoever has an account is no guest");
    for page in ["/healthz", "/readyz", "/problems", "/api/v1/openapi.json"] {
        assert_eq!(site.request_from(home, "GET", page, &[]).await.status, 200, "{page}");
    }
}

#[tokio::test(start_paused = true)]
async fn responses_report_the_rate_limit_and_when_to_retry() {
    let site = limited();
    let login = async || site.request("POST", "/api/v1/auth/login", &[]).await;
    let first = login().await;
    assert_eq!(
        (first.status, first.header("ratelimit-policy"), first.header("ratelimit")),
        (200, "\"login\";q=3;w=60", "\"login\";r=2;t=20")
    );
    login().await;
    login().await;
    let refused = login().await;
    refused.is_problem("RATE_LIMITED");
    assert_eq!((refused.status, refused.header("retry-after"), refused.header("ratelimit")), (429, "20", "\"login\";r=0;t=60"));
    assert_eq!(refused.json()["retryable"], true);
    tokio::time::advance(Duration::from_secs(20)).await;
    assert_eq!(login().await.status, 200);
    assert_eq!(login().await.status, 429);
    assert!(!site.get("/healthz").await.headers.contains_key("ratelimit"));
    assert!(site.get("/api/v1/cart").await.header("ratelimit").starts_with("\"read\";r=4"));
}

#[tokio::test(start_paused = true)]
async fn a_user_has_one_quota_at_every_address_and_two_users_at_one_address_have_two() {
    let site = limited();
    let ((_, anna), (_, ben)) = (site.customer(), site.customer());
    let read = async |address, token: &str| allowed(&site, address, "GET", "/api/v1/cart", &[("authorization", token)]).await;
    assert_eq!(read([10, 0, 0, 1], &anna).await, 5);
    assert_eq!(read([10, 0, 0, 2], &anna).await, 0, "the same person");
    assert_eq!(read([10, 0, 0, 1], &ben).await, 5, "another person at the same address");
    assert_eq!(allowed(&site, [10, 0, 0, 1], "GET", "/api/v1/cart", &[]).await, 5, "an anonymous caller at the same address");
}

#[tokio::test(start_paused = true)]
async fn invalid_tokens_and_forwarded_addresses_do_not_give_a_new_quota() {
    let site = limited();
    let mut allowed = 0;
    for n in 0..20 {
        let (token, forwarded) = (format!("Bearer made.up.{n}"), format!("1.2.3.{n}"));
        let got = site.request("GET", "/api/v1/cart", &[("authorization", &token), ("x-forwarded-for", &forwarded)]).await;
        allowed += usize::from(got.status != 429);
    }
    assert_eq!(allowed, 5);
    let mut logins = 0;
    for _ in 0..20 {
        let token = site.customer().1;
        logins += usize::from(site.request("POST", "/api/v1/auth/login", &[("authorization", &token)]).await.status != 429);
    }
    assert_eq!(logins, 3, "logins are limited by address, whatever token they carry");
}

#[tokio::test]
async fn without_rate_limits_every_request_is_accepted() {
    let site = site();
    assert_eq!(allowed(&site, [10, 0, 0, 1], "POST", "/api/v1/auth/login", &[]).await, 50);
    assert!(!site.get("/api/v1/cart").await.headers.contains_key("ratelimit"));
}

#[tokio::test]
async fn the_service_authorizes_with_and_without_rate_limits() {
    for site in [site(), limited()] {
        let (user, token) = site.customer();
        let mine = async |headers: &[(&str, &str)]| site.request("GET", "/api/v1/orders/mine", headers).await;
        assert_eq!(mine(&[("authorization", &token)]).await.text(), user.to_string());
        assert_eq!(mine(&[]).await.status, 401);
        assert_eq!(mine(&[("authorization", &format!("{token}x"))]).await.status, 401);
        let carrier = Claims::service(&site.env, "carrier", "", Duration::from_secs(60));
        assert_eq!(mine(&[("authorization", &format!("Bearer {}", site.key.sign(&carrier)))]).await.status, 403);
    }
}

#[tokio::test(start_paused = true)]
async fn a_costly_search_takes_its_cost_from_the_quota() {
    let site = build().set(|settings| settings.search_per_second = 6.try_into().unwrap()).limited().start();
    let home = [10, 0, 0, 1];
    let costly = site.request_from(home, "GET", "/api/v1/search/costly", &[]).await;
    assert_eq!((costly.status, costly.header("ratelimit")), (200, "\"search\";r=2;t=1"));
    assert!(!costly.headers.contains_key(contracts::search::COST_HEADER));
    let costly = site.request_from(home, "GET", "/api/v1/search/costly", &[]).await;
    assert_eq!((costly.status, costly.header("ratelimit")), (200, "\"search\";r=0;t=1"), "it takes what is left");
    assert_eq!(allowed(&site, home, "GET", "/api/v1/search?q=a", &[]).await, 0);
    assert_eq!(allowed(&site, [10, 0, 0, 2], "GET", "/api/v1/search?q=a", &[]).await, 6);
}
