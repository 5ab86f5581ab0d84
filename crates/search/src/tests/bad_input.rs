//! Invalid queries.

use super::Shop;

#[tokio::test]
async fn invalid_queries_are_refused_with_the_parameter() {
    let shop = Shop::open().await;
    shop.activate(shop.product("A", "Lamp")).await;
    let long = format!("q={}", "x".repeat(10_000));
    let words = format!("q={}", "x+".repeat(60));
    let many = "brand=x&".repeat(60);
    for (query, parameter, code) in [
        (long.as_str(), "q", "TOO_LONG"),
        (&words, "q", "TOO_MANY_WORDS"),
        (&many, "brand", "TOO_MANY"),
        ("sort=cheapest", "sort", "NOT_ONE_OF"),
        ("minPrice=5&maxPrice=4", "minPrice", "OUT_OF_RANGE"),
        ("minPrice=x", "minPrice", "OUT_OF_RANGE"),
        ("category=7", "category", "NOT_A_UUID"),
        ("q=%00", "q", "FORBIDDEN_CHARACTER"),
        ("q=a&q=b", "q", "REPEATED_PARAMETER"),
        ("page=2", "page", "UNKNOWN_PARAMETER"),
        ("limit=0", "limit", "OUT_OF_RANGE"),
        ("limit=101", "limit", "OUT_OF_RANGE"),
    ] {
        let answer = shop.h.get(&format!("/search?{query}")).send().await.expect_problem(422, "INVALID_REQUEST");
        let fault = &answer.json()["errors"][0];
        assert_eq!((fault["parameter"].as_str(), fault["code"].as_str()), (Some(parameter), Some(code)), "{query}");
    }
    for (query, code) in [("q=%ff", "MALFORMED_REQUEST"), ("q=%zz", "MALFORMED_REQUEST"), ("cursor=AAAA", "BAD_CURSOR")] {
        shop.h.get(&format!("/search?{query}")).send().await.expect_problem(400, code);
    }
    shop.h.get(&format!("/search/suggest?{long}")).send().await.expect_problem(422, "INVALID_REQUEST");
    shop.h.get("/search/suggest").send().await.expect_problem(422, "INVALID_REQUEST");
    shop.h.get("/search/suggest?q=a&limit=3").send().await;
}

#[tokio::test]
async fn a_text_is_plain_text() {
    let shop = Shop::open().await;
    shop.activate(shop.product("A", "Lamp AND shade")).await;
    for text in [
        "%22lamp",
        "lamp%22",
        "(lamp",
        "lamp)",
        "lamp*",
        "%2Blamp",
        "lamp~",
        "lamp%5B",
        "lamp%5C",
        "lamp%3F",
        "lamp%5E",
        "lamp+AND",
        "-lamp",
        "NOT+lamp+",
        "%27%3B+lamp",
        "lamp%F0%9F%92%A1",
        "title:lamp",
    ] {
        let answer = shop.h.get(&format!("/search?q={text}")).send().await.expect(200).json();
        let expected = i32::from(!text.starts_with("title") && !text.starts_with("NOT"));
        assert_eq!(answer["total"], expected, "{text}: words that look like an operator must be found like any other");
    }
    for text in [
        "%22lamp",
        "lamp%22",
        "(lamp",
        "lamp)",
        "lamp*",
        "%2Blamp",
        "lamp~2",
        "title:lamp",
        "lamp%5B",
        "lamp%5C",
        "lamp%3F",
        "lamp%5E3",
        "lamp+AND",
        "-lamp",
        "%27%3B+lamp",
        "lamp%F0%9F%92%A1",
    ] {
        let answer = shop.h.get(&format!("/search?q={text}")).send().await;
        // Punctuation is ignored; letters and digits after it are words that must be found.
        let expected =
            i32::from(!text.starts_with("title") && !text.contains(char::is_numeric) || text.contains('%') && !text.ends_with("E3"));
        assert_eq!(answer.expect(200).json()["total"], expected, "{text}");
    }
    for text in
        ["OR+1%3D1", "%3Cscript%3E", "%E2%80%8D", "%F0%9F%91%A8%E2%80%8D%F0%9F%91%A9", "%D9%85%D8%B1%D8%AD%D8%A8%D8%A7", "%E6%9C%A8"]
    {
        shop.h.get(&format!("/search?q={text}")).send().await.expect(200);
        shop.h.get(&format!("/search/suggest?q={text}")).send().await.expect(200);
    }
}
