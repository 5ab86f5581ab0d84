use super::*;
use contracts::catalog::{CategoryChanged, CategoryDeleted, CategoryTree};

fn url(id: CategoryId) -> String {
    format!("/categories/{id}")
}

#[tokio::test]
async fn the_tree_is_ordered_by_name() {
    let h = catalog().await;
    let empty = h.get("/categories").send().await.expect(200);
    assert_eq!(empty.json(), json!({"items": [], "nextCursor": null}));
    let home = category(&h, "home", None).await;
    category(&h, "Garden", None).await;
    let lamps = category(&h, "Lamps", Some(home)).await;
    category(&h, "chairs", Some(home)).await;
    let first = h.get("/categories").send().await.expect(200);
    let tree: CategoryTree = first.read();
    assert_eq!(tree.items.iter().map(|node| node.name.as_str()).collect::<Vec<_>>(), ["Garden", "home"]);
    assert_eq!(tree.items[1].children.iter().map(|node| node.name.as_str()).collect::<Vec<_>>(), ["chairs", "Lamps"]);
    assert_eq!(tree.items[1].children[1].parent_category_id, Some(home));

    assert_eq!(first.header("cache-control"), "private, no-cache");
    h.get("/categories").header("if-none-match", first.header("etag")).send().await.expect(304);
    h.patch(&url(lamps), &json!({"name": "Lights"})).admin().send().await.expect(200);
    let after = h.get("/categories").header("if-none-match", first.header("etag")).send().await.expect(200);
    assert_eq!(after.read::<CategoryTree>().items[1].children[1].name, "Lights");
}

#[tokio::test]
async fn an_update_without_a_difference_keeps_the_entity_tags() {
    let h = catalog().await;
    let home = category(&h, "Home", None).await;
    let lamps = category(&h, "Lamps", Some(home)).await;
    let tag = async || h.get("/categories").send().await.expect(200).header("etag").to_owned();
    let (before, events_before) = (tag().await, emitted_types(&h).await.len());
    let own = h.get(&url(lamps)).send().await.expect(200).header("etag").to_owned();
    for nothing in [json!({}), json!({"name": "Lamps"}), json!({"name": "Lamps", "parentCategoryId": home})] {
        assert_eq!(h.patch(&url(lamps), &nothing).admin().send().await.expect(200).header("etag"), own);
        assert_eq!(tag().await, before, "{nothing}");
    }
    for (refused, status) in [(json!({"name": ""}), 422), (json!({"parentCategoryId": lamps}), 422)] {
        h.patch(&url(lamps), &refused).admin().send().await.expect(status);
        assert_eq!(tag().await, before, "{refused}");
    }
    assert_eq!(emitted_types(&h).await.len(), events_before);
    let mut seen = std::collections::HashSet::from([before]);
    for change in [json!({"name": "Lights"}), json!({"parentCategoryId": null})] {
        h.patch(&url(lamps), &change).admin().send().await.expect(200);
        assert!(seen.insert(tag().await), "{change}");
    }
    h.delete(&url(lamps)).admin().send().await.expect(204);
    assert!(seen.insert(tag().await));
}

#[tokio::test]
async fn a_category_has_an_address_of_its_own() {
    let h = catalog().await;
    let made = h.post("/categories", &json!({"name": "Lamps"})).admin().key("k").send().await.expect(201);
    let id = made.read::<Category>().category_id;
    assert_eq!(made.header("location"), format!("/api/v1{}", url(id)));
    let shown = h.get(&url(id)).send().await.expect(200);
    assert_eq!(shown.json(), json!({"categoryId": id, "name": "Lamps", "parentCategoryId": null}));
    assert_eq!(shown.header("etag"), made.header("etag"));
    h.get(&url(id)).header("if-none-match", made.header("etag")).send().await.expect(304);
    let again = h.post("/categories", &json!({"name": "Lamps"})).admin().send().await;
    again.expect_problem(409, "CATEGORY_NAME_TAKEN");
    for unknown in [url(h.id()), "/categories/lamps".to_owned()] {
        h.get(&unknown).send().await.expect_problem(404, "NOT_FOUND");
        h.patch(&unknown, &json!({"name": "x"})).admin().send().await.expect_problem(404, "NOT_FOUND");
        h.delete(&unknown).admin().send().await.expect_problem(404, "NOT_FOUND");
    }
    assert_eq!(h.emitted_of::<CategoryChanged>().await.len(), 1);
}

#[tokio::test]
async fn cycles_and_duplicate_names_are_refused() {
    let h = catalog().await;
    let home = category(&h, "Home", None).await;
    let lamps = category(&h, "Lamps", Some(home)).await;
    let desk = category(&h, "Desk", Some(lamps)).await;
    let before = emitted_types(&h).await.len();
    for (id, below) in [(home, home), (home, lamps), (home, desk), (lamps, desk)] {
        let refused = h.patch(&url(id), &json!({"parentCategoryId": below})).admin().send().await.expect_problem(422, "CATEGORY_CYCLE");
        assert_eq!(refused.json()["errors"][0]["pointer"], "/parentCategoryId");
    }
    let unknown = json!({"parentCategoryId": h.id::<Uuid>()});
    h.patch(&url(desk), &unknown).admin().send().await.expect_problem(422, "UNKNOWN_CATEGORY");
    let orphan = json!({"name": "Orphan", "parentCategoryId": h.id::<Uuid>()});
    h.post("/categories", &orphan).admin().send().await.expect_problem(422, "UNKNOWN_CATEGORY");
    for taken in [json!({"name": "HOME"}), json!({"name": "Home", "parentCategoryId": null})] {
        h.post("/categories", &taken).admin().send().await.expect_problem(409, "CATEGORY_NAME_TAKEN");
    }
    category(&h, "Home", Some(desk)).await;
    let twin = category(&h, "lamps", None).await;
    h.patch(&url(twin), &json!({"parentCategoryId": home})).admin().send().await.expect_problem(409, "CATEGORY_NAME_TAKEN");
    h.patch(&url(twin), &json!({"name": "home"})).admin().send().await.expect_problem(409, "CATEGORY_NAME_TAKEN");
    // A category may take its own name in another case.
    h.patch(&url(twin), &json!({"name": "LAMPS"})).admin().send().await.expect(200);
    assert_eq!(emitted_types(&h).await.len(), before + 3);
}

#[tokio::test]
async fn the_tree_has_at_most_ten_levels() {
    let h = catalog().await;
    let mut below = None;
    let mut chain = Vec::new();
    for level in 1..=10 {
        let id = category(&h, &format!("Level {level}"), below).await;
        chain.push(id);
        below = Some(id);
    }
    let eleventh = json!({"name": "Level 11", "parentCategoryId": below});
    h.post("/categories", &eleventh).admin().send().await.expect_problem(422, "CATEGORY_TOO_DEEP");
    let other = category(&h, "Other", None).await;
    let under = category(&h, "Under", Some(other)).await;
    h.patch(&url(other), &json!({"parentCategoryId": chain[8]})).admin().send().await.expect_problem(422, "CATEGORY_TOO_DEEP");
    h.patch(&url(under), &json!({"parentCategoryId": chain[8]})).admin().send().await.expect(200);
    let product = create(&h, h.id(), &lamp_in("LAMP-1", chain[9])).await;
    assert_eq!(product.category_path.len(), 10);
}

#[tokio::test]
async fn a_category_in_use_is_not_deleted() {
    let h = catalog().await;
    let seller = h.id();
    let home = category(&h, "Home", None).await;
    let lamps = category(&h, "Lamps", Some(home)).await;
    let product = create(&h, seller, &lamp_in("LAMP-1", lamps)).await;
    h.delete(&url(home)).admin().send().await.expect_problem(409, "CATEGORY_IN_USE");
    for verb in ["activate", "deactivate"] {
        h.delete(&url(lamps)).admin().send().await.expect_problem(409, "CATEGORY_IN_USE");
        advance(&h, seller, &product, verb).await.expect(200);
    }
    h.delete(&url(lamps)).admin().send().await.expect_problem(409, "CATEGORY_IN_USE");

    // An archived product cannot be moved and does not block the deletion.
    advance(&h, seller, &product, "archive").await.expect(200);
    h.delete(&url(lamps)).admin().send().await.expect(204);
    h.delete(&url(home)).admin().send().await.expect(204);
    h.settle().await;
    let shown: Product = h.get(&path(&product)).admin().send().await.expect(200).read();
    assert_eq!((shown.category_id, shown.category_path.len()), (None, 0));
    for gone in [home, lamps] {
        assert_eq!(skus(&h.get(&format!("/products?category={gone}")).admin().send().await).len(), 0);
    }
    assert_eq!(h.emitted_of::<CategoryDeleted>().await.iter().map(|event| event.name.as_str()).collect::<Vec<_>>(), ["Lamps", "Home"]);
    h.post("/products", &lamp_in("LAMP-2", lamps)).seller(seller).send().await.expect_problem(422, "UNKNOWN_CATEGORY");
    h.patch(&path(&create(&h, seller, &lamp("LAMP-3")).await), &json!({"categoryId": lamps}))
        .seller(seller)
        .send()
        .await
        .expect_problem(422, "UNKNOWN_CATEGORY");
}

#[tokio::test]
async fn products_follow_a_category_that_moves() {
    let h = catalog().await;
    let seller = h.id();
    let home = category(&h, "Home", None).await;
    let office = category(&h, "Office", None).await;
    let lamps = category(&h, "Lamps", Some(home)).await;
    let desk = category(&h, "Desk", Some(lamps)).await;
    // Enough products for more than one step of the worker.
    let product = |n| serde_json::from_value(lamp_in(&format!("LAMP-{n}"), if n % 2 == 0 { lamps } else { desk })).unwrap();
    let products = (0..450).map(|n| crate::import::NewProduct { seller_id: Some(seller), product: product(n) }).collect();
    crate::import::products(h.db(), products).await.unwrap();
    let chair = create_active(&h, seller, &lamp_in("CHAIR", home)).await;

    let moved = h.patch(&url(lamps), &json!({"parentCategoryId": office})).admin().send().await.expect(200);
    assert_eq!(moved.json()["parentCategoryId"], json!(office));
    let path_names: Vec<_> = h.emitted_of::<CategoryChanged>().await.last().unwrap().path.iter().map(|at| at.name.clone()).collect();
    assert_eq!(path_names, ["Office", "Lamps"]);
    // The path is right at once, also for categories below the moved one.
    let shown: Product = h.get("/products/by-sku/LAMP-1").send().await.expect(200).read();
    assert_eq!(shown.category_path.iter().map(|at| at.name.as_str()).collect::<Vec<_>>(), ["Office", "Lamps", "Desk"]);
    // A product that changes its category before the worker reaches it is listed at once too.
    let early: Product = h.get("/products/by-sku/LAMP-449").send().await.expect(200).read();
    h.patch(&path(&early), &json!({"categoryId": home})).seller(seller).send().await.expect(200);

    h.settle().await;
    assert_eq!(count(&h, office).await, 449);
    assert_eq!(count(&h, lamps).await, 449);
    assert_eq!(count(&h, desk).await, 224);
    let home_page = h.get(&format!("/products?category={home}")).send().await;
    assert_eq!(skus(&home_page).len(), 2);
    assert!(skus(&home_page).contains(&chair.sku) && skus(&home_page).contains(&early.sku));
    listing_is_right(&h).await;

    // Moves it to the root and back before the first move is finished.
    h.patch(&url(lamps), &json!({"parentCategoryId": null})).admin().send().await.expect(200);
    h.patch(&url(lamps), &json!({"parentCategoryId": home})).admin().send().await.expect(200);
    h.patch(&url(desk), &json!({"parentCategoryId": office})).admin().send().await.expect(200);
    h.settle().await;
    assert_eq!((count(&h, home).await, count(&h, office).await), (227, 224));
    listing_is_right(&h).await;
}

#[tokio::test]
async fn a_category_update_with_an_old_tag_is_refused() {
    let h = catalog().await;
    let made = h.post("/categories", &json!({"name": "Lamps"})).admin().send().await.expect(201);
    let (id, first) = (made.read::<Category>().category_id, made.header("etag").to_owned());
    category(&h, "Other", None).await;
    let saved = h.patch(&url(id), &json!({"name": "Lights"})).admin().header("if-match", &first).send().await.expect(200);
    let stale = h.patch(&url(id), &json!({"name": "Bulbs"})).admin().header("if-match", &first).send().await;
    assert_eq!(stale.expect_problem(412, "PRECONDITION_FAILED").header("etag"), saved.header("etag"));
    h.delete(&url(id)).admin().header("if-match", &first).send().await.expect_problem(412, "PRECONDITION_FAILED");
    // An update without a difference keeps the tag.
    let same = h.patch(&url(id), &json!({"name": "Lights"})).admin().send().await.expect(200);
    assert_eq!(same.header("etag"), saved.header("etag"));
    h.delete(&url(id)).admin().header("if-match", saved.header("etag")).send().await.expect(204);
    assert_eq!(emitted_types(&h).await, ["CategoryChanged", "CategoryChanged", "CategoryChanged", "CategoryDeleted"]);
}

/// Counts the products on sale in the category and below it.
async fn count(h: &Harness, id: CategoryId) -> usize {
    let (mut count, mut cursor) = (0, String::new());
    loop {
        let page = h.get(&format!("/products?category={id}&limit=100{cursor}")).send().await.expect(200);
        count += skus(&page).len();
        match page.json()["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return count,
        }
    }
}

/// Checks that every product is listed in exactly its category and the ancestors of it, with its current values.
async fn listing_is_right(h: &Harness) {
    let wrong: i64 = h
        .db()
        .read(async |tx| {
            tx.query_one(
                "SELECT (SELECT COUNT(*) FROM product_listing l JOIN products p ON p.product_id = l.product_id \
                   LEFT JOIN category_ancestors a ON a.category_id = p.category_id AND a.ancestor_id = l.category_id \
                   WHERE a.category_id IS NULL OR l.status <> p.status OR l.seller_id IS DISTINCT FROM p.seller_id) \
                 + (SELECT COUNT(*) FROM products p JOIN category_ancestors a ON a.category_id = p.category_id \
                   LEFT JOIN product_listing l ON l.product_id = p.product_id AND l.category_id = a.ancestor_id WHERE l.product_id IS NULL)",
                &[],
                |row| row.next(),
            )
            .await
        })
        .await
        .map_err(|error: platform::db::Error| error)
        .unwrap();
    assert_eq!(wrong, 0, "rows of the listing that are wrong or missing");
}
