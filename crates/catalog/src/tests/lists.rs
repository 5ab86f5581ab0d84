use super::*;

/// Creates products of two sellers in a tree of three categories. Each seller has a draft.
async fn shop(h: &Harness) -> (UserId, UserId, CategoryId, CategoryId, CategoryId) {
    let (one, two) = (h.id(), h.id());
    let home = category(h, "Home", None).await;
    let lamps = category(h, "Lamps", Some(home)).await;
    let chairs = category(h, "Chairs", Some(home)).await;
    for (seller, sku, category, on_sale) in [
        (one, "ONE-LAMP", lamps, true),
        (one, "ONE-CHAIR", chairs, true),
        (one, "ONE-DRAFT", lamps, false),
        (two, "TWO-LAMP", lamps, true),
        (two, "TWO-DRAFT", chairs, false),
    ] {
        h.advance(std::time::Duration::from_millis(1));
        let product = create(h, seller, &lamp_in(sku, category)).await;
        if on_sale {
            advance(h, seller, &product, "activate").await.expect(200);
        }
    }
    (one, two, home, lamps, chairs)
}

#[tokio::test]
async fn a_list_shows_only_what_the_viewer_may_see() {
    let h = catalog().await;
    let (one, two, home, lamps, chairs) = shop(&h).await;
    let everything = ["TWO-DRAFT", "TWO-LAMP", "ONE-DRAFT", "ONE-CHAIR", "ONE-LAMP"];
    let on_sale = ["TWO-LAMP", "ONE-CHAIR", "ONE-LAMP"];
    let anonymous: Option<UserId> = None;
    let cases: Vec<(Option<UserId>, bool, String, &[&str])> = vec![
        (anonymous, false, String::new(), &on_sale),
        (anonymous, false, "status=ACTIVE".into(), &on_sale),
        (anonymous, false, "status=DRAFT".into(), &[]),
        (anonymous, false, format!("sellerId={one}"), &["ONE-CHAIR", "ONE-LAMP"]),
        (anonymous, false, format!("sellerId={one}&status=DRAFT"), &[]),
        (anonymous, false, format!("category={home}"), &on_sale),
        (anonymous, false, format!("category={lamps}"), &["TWO-LAMP", "ONE-LAMP"]),
        (anonymous, false, format!("category={chairs}&sellerId={two}"), &[]),
        (anonymous, false, format!("category={}", h.id::<Uuid>()), &[]),
        (Some(one), false, String::new(), &on_sale),
        (Some(one), false, "status=DRAFT".into(), &["ONE-DRAFT"]),
        (Some(one), false, format!("sellerId={one}"), &["ONE-DRAFT", "ONE-CHAIR", "ONE-LAMP"]),
        (Some(one), false, format!("sellerId={one}&category={lamps}"), &["ONE-DRAFT", "ONE-LAMP"]),
        (Some(one), false, format!("sellerId={one}&category={home}&status=DRAFT"), &["ONE-DRAFT"]),
        (Some(one), false, format!("sellerId={two}"), &["TWO-LAMP"]),
        (Some(one), false, format!("sellerId={two}&status=DRAFT"), &[]),
        (anonymous, true, String::new(), &everything),
        (anonymous, true, "status=DRAFT".into(), &["TWO-DRAFT", "ONE-DRAFT"]),
        (anonymous, true, format!("category={chairs}"), &["TWO-DRAFT", "ONE-CHAIR"]),
        (anonymous, true, format!("sellerId={two}&status=DRAFT&category={home}"), &["TWO-DRAFT"]),
    ];
    for (seller, admin, query, expected) in cases {
        let request = h.get(&format!("/products?{query}"));
        let request = match (seller, admin) {
            (Some(seller), _) => request.seller(seller),
            (None, true) => request.admin(),
            (None, false) => request,
        };
        let answer = request.send().await.expect(200);
        assert_eq!(skus(&answer), expected, "{query} as {seller:?}, admin: {admin}");
    }
    let first = h.get("/products?limit=1").send().await.expect(200);
    assert_eq!(first.json()["items"][0]["categoryPath"][0]["name"], "Home");
    assert_eq!(first.json()["items"][0]["categoryPath"][1]["name"], "Lamps");
}

#[tokio::test]
async fn pages_have_no_gaps_and_no_repetitions_while_products_change() {
    let h = catalog().await;
    let (seller, lamps) = (h.id(), category(&h, "Lamps", None).await);
    let mut all = Vec::new();
    for n in 0..7 {
        h.advance(std::time::Duration::from_millis(1));
        all.push(create_active(&h, seller, &lamp_in(&format!("LAMP-{n}"), lamps)).await);
    }
    for filter in [String::new(), format!("category={lamps}&"), format!("sellerId={seller}&status=ACTIVE&")] {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let answer = h.get(&format!("/products?{filter}limit=3{cursor}")).send().await.expect(200);
            seen.extend(skus(&answer));
            let Some(next) = answer.json()["nextCursor"].as_str().map(str::to_owned) else { break };
            assert!(answer.header("link").contains(&format!("cursor={next}")) && answer.header("link").ends_with("rel=\"next\""));
            cursor = format!("&cursor={next}");
        }
        assert_eq!(seen, ["LAMP-6", "LAMP-5", "LAMP-4", "LAMP-3", "LAMP-2", "LAMP-1", "LAMP-0"], "{filter}");
    }
    let first = h.get("/products?limit=3").send().await.expect(200).json()["nextCursor"].as_str().unwrap().to_owned();
    h.advance(std::time::Duration::from_millis(1));
    create_active(&h, seller, &lamp_in("LAMP-NEW", lamps)).await;
    advance(&h, seller, &all[3], "deactivate").await.expect(200);
    let second = h.get(&format!("/products?limit=3&cursor={first}")).send().await.expect(200);
    assert_eq!(skus(&second), ["LAMP-2", "LAMP-1", "LAMP-0"]);
}

#[tokio::test]
async fn a_product_that_changes_its_category_is_listed_there_at_once() {
    let h = catalog().await;
    let (seller, home) = (h.id(), category(&h, "Home", None).await);
    let (lamps, chairs) = (category(&h, "Lamps", Some(home)).await, category(&h, "Chairs", Some(home)).await);
    let product = create_active(&h, seller, &lamp_in("LAMP-1", lamps)).await;
    h.patch(&path(&product), &json!({"categoryId": chairs})).seller(seller).send().await.expect(200);
    for (category, expected) in [(lamps, 0), (chairs, 1), (home, 1)] {
        assert_eq!(skus(&h.get(&format!("/products?category={category}")).send().await).len(), expected);
    }
}

#[tokio::test]
async fn a_cursor_belongs_to_its_list_and_filters() {
    let h = catalog().await;
    let (one, _, home, ..) = shop(&h).await;
    let cursor = h.get("/products?limit=1").send().await.expect(200).json()["nextCursor"].as_str().unwrap().to_owned();
    h.get(&format!("/products?limit=1&cursor={cursor}")).customer(one).send().await.expect(200);
    for query in [
        format!("category={home}&cursor={cursor}"),
        format!("status=DRAFT&cursor={cursor}"),
        "cursor=made-up".to_owned(),
        format!("cursor={}x", &cursor[1..]),
        "cursor=".to_owned(),
    ] {
        h.get(&format!("/products?{query}")).send().await.expect_problem(400, "BAD_CURSOR");
    }
}

#[tokio::test]
async fn invalid_parameters_are_reported_by_name() {
    let h = catalog().await;
    for (query, parameter) in [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("status=SOLD", "status"),
        ("status=active", "status"),
        ("category=lamps", "category"),
        ("sellerId=1", "sellerId"),
        ("sellerId=", "sellerId"),
        ("colour=red", "colour"),
        ("status=ACTIVE&status=ACTIVE", "status"),
    ] {
        let answer = h.get(&format!("/products?{query}")).send().await.expect_problem(422, "INVALID_REQUEST");
        assert_eq!(answer.json()["errors"][0]["parameter"], parameter, "{query}");
    }
}

#[tokio::test]
async fn products_are_listed_by_their_ids_as_far_as_the_viewer_may_see_them() {
    let h = catalog().await;
    let (one, _, home, ..) = shop(&h).await;
    let all = h.get("/products?limit=100").admin().send().await.expect(200).json();
    let id_of = |sku: &str| {
        all["items"].as_array().unwrap().iter().find(|item| item["sku"] == sku).unwrap()["productId"].as_str().unwrap().to_owned()
    };
    let (draft, lamp, chair, other) = (id_of("ONE-DRAFT"), id_of("ONE-LAMP"), id_of("ONE-CHAIR"), h.id::<Uuid>());
    let path = format!("/products?ids={draft},{lamp},{other},{chair},{lamp}");
    assert_eq!(skus(&h.get(&path).send().await.expect(200)), ["ONE-CHAIR", "ONE-LAMP"]);
    assert_eq!(skus(&h.get(&path).seller(one).send().await.expect(200)), ["ONE-DRAFT", "ONE-CHAIR", "ONE-LAMP"]);
    assert_eq!(skus(&h.get(&format!("{path}&status=DRAFT")).seller(one).send().await.expect(200)), ["ONE-DRAFT"]);
    assert_eq!(skus(&h.get(&format!("{path}&category={home}&sellerId={one}")).send().await.expect(200)), ["ONE-CHAIR", "ONE-LAMP"]);
    let first = h.get(&format!("{path}&limit=1")).send().await.expect(200);
    let cursor = first.json()["nextCursor"].as_str().unwrap().to_owned();
    let second = h.get(&format!("{path}&limit=1&cursor={cursor}")).send().await.expect(200);
    assert_eq!((skus(&first), skus(&second)), (vec!["ONE-CHAIR".to_owned()], vec!["ONE-LAMP".to_owned()]));
    assert_eq!(second.json()["nextCursor"], json!(null));
    assert_eq!(skus(&h.get(&format!("/products?ids={draft}")).send().await.expect(200)), Vec::<String>::new());
    let many = vec![lamp.clone(); 101].join(",");
    for bad in ["", "1", &format!("{lamp},"), &format!("{lamp} {chair}"), &many, &format!("{lamp}&q=lamp"), &format!("{lamp}&sort=price")] {
        h.get(&format!("/products?ids={}", bad.replace(' ', "%20"))).send().await.expect_problem(422, "INVALID_REQUEST");
    }
}

#[tokio::test]
async fn owners_search_and_sort_their_own_products() {
    let h = catalog().await;
    let (seller, lamps) = (h.id::<UserId>(), category(&h, "Lamps", None).await);
    for (sku, title, price) in
        [("B-1", "Müller lamp", 300), ("A-1", "desk 100% LED", 100), ("C-1", "Chair_lamp", 300), ("D-1", "Ärmel", 200)]
    {
        h.advance(std::time::Duration::from_millis(1));
        let mut body = lamp_in(sku, lamps);
        (body["title"], body["priceAmount"]) = (json!(title), json!(price));
        create(&h, seller, &body).await;
    }
    let list = async |query: &str| skus(&h.get(&format!("/products?sellerId={seller}&{query}")).seller(seller).send().await.expect(200));
    for (query, expected) in [
        ("q=muller", &["B-1"][..]),
        ("q=LAMP", &["C-1", "B-1"]),
        ("q=lamp%20m%C3%BCl", &["B-1"]),
        ("q=100%25", &["A-1"]),
        ("q=r_l", &["C-1"]),
        ("q=c-1", &["C-1"]),
        ("q=%25", &["A-1"]),
        ("q=lamp&status=ACTIVE", &[]),
        ("q=", &["D-1", "C-1", "A-1", "B-1"]),
        ("sort=newest", &["D-1", "C-1", "A-1", "B-1"]),
        ("sort=oldest", &["B-1", "A-1", "C-1", "D-1"]),
        ("sort=title", &["D-1", "C-1", "A-1", "B-1"]),
        ("sort=price", &["A-1", "D-1", "B-1", "C-1"]),
        ("sort=-price", &["C-1", "B-1", "D-1", "A-1"]),
        ("sort=-updatedAt", &["D-1", "C-1", "A-1", "B-1"]),
        ("sort=price&q=lamp", &["B-1", "C-1"]),
    ] {
        assert_eq!(list(query).await, expected, "{query}");
        let (mut paged, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = h.get(&format!("/products?sellerId={seller}&limit=1&{query}{cursor}")).seller(seller).send().await.expect(200);
            paged.extend(skus(&page));
            let Some(next) = page.json()["nextCursor"].as_str().map(str::to_owned) else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(paged, expected, "{query}, page by page");
    }
    assert_eq!(skus(&h.get("/products?q=muller").admin().send().await.expect(200)), ["B-1"]);
    assert_eq!(skus(&h.get("/products?q=muller&status=DRAFT").seller(seller).send().await.expect(200)), ["B-1"]);
    for query in ["q=lamp", "sort=title", &format!("q=lamp&sellerId={seller}")] {
        let refused = h.get(&format!("/products?{query}")).customer(h.id()).send().await.expect_problem(422, "INVALID_REQUEST");
        assert_eq!(refused.json()["errors"][0]["code"], "NOT_ALLOWED", "{query}");
        h.get(&format!("/products?{query}")).send().await.expect_problem(422, "INVALID_REQUEST");
    }
}

#[tokio::test]
async fn products_without_a_text_get_one() {
    let h = catalog().await;
    let (seller, lamps) = (h.id::<UserId>(), category(&h, "Lamps", None).await);
    create(&h, seller, &lamp_in("LAMP-1", lamps)).await;
    h.db().write(async |tx| tx.execute("DELETE FROM product_texts", &[]).await).await.unwrap();
    let path = format!("/products?sellerId={seller}&q=lamp-1");
    assert_eq!(skus(&h.get(&path).seller(seller).send().await.expect(200)), Vec::<String>::new());
    h.advance(std::time::Duration::from_secs(3_600));
    h.settle().await;
    assert_eq!(skus(&h.get(&path).seller(seller).send().await.expect(200)), ["LAMP-1"]);
}
