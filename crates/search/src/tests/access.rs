//! Who may call which endpoint.

use super::Shop;
use serde_json::json;

#[tokio::test]
async fn anyone_may_search_and_only_administrators_may_manage_the_index() {
    let shop = Shop::open().await;
    shop.h.get("/search").send().await.expect(200);
    shop.h.get("/search/suggest?q=a").send().await.expect(200);
    for path in ["/search", "/search/suggest?q=a"] {
        shop.h.get(path).bearer("made-up").send().await.expect_problem(401, "UNAUTHENTICATED");
    }
    let user = shop.h.id();
    shop.h.get("/admin/search").send().await.expect_problem(401, "UNAUTHENTICATED");
    shop.h.get("/admin/search").customer(user).send().await.expect_problem(403, "FORBIDDEN");
    shop.h.get("/admin/search").seller(user).send().await.expect_problem(403, "FORBIDDEN");
    shop.h.get("/admin/search").admin().send().await.expect(200);
    shop.h.post("/admin/search/rebuild", &json!({})).send().await.expect_problem(401, "UNAUTHENTICATED");
    shop.h.post("/admin/search/rebuild", &json!({})).seller(user).send().await.expect_problem(403, "FORBIDDEN");
    shop.h.post("/admin/search/rebuild", &json!({})).admin().send().await.expect(202);
}
