//! Which words find which products, and in which order.

use super::Shop;

#[tokio::test]
async fn a_word_is_found_in_title_brand_description_and_attributes_in_that_order() {
    let shop = Shop::open().await;
    shop.activate_all([
        shop.product("BODY-1", "Wooden bench").describe("Made of walnut, oiled."),
        shop.product("ATTR-1", "Wooden table").attribute("wood", "walnut"),
        shop.product("BRAND-1", "Wooden shelf").brand("Walnut"),
        shop.product("TITLE-1", "Walnut chair"),
        shop.product("NONE-1", "Oak chair"),
    ])
    .await;
    let found = shop.skus("q=walnut").await;
    assert_eq!(found[..2], ["TITLE-1", "BRAND-1"]);
    assert_eq!(found.len(), 4);
    assert_eq!(shop.skus("q=walnut+chair").await, ["TITLE-1"], "every word must be found");
    assert_eq!(shop.skus("q=WALNUT%20Ch%C3%A1ir").await, ["TITLE-1"], "case and accents do not count");
}

#[tokio::test]
async fn a_title_that_equals_the_search_comes_first() {
    let shop = Shop::open().await;
    shop.activate_all([
        shop.product("A", "Chair cushion, round, for any garden chair and bench"),
        shop.product("B", "Chair"),
        shop.product("C", "Garden chair with armrests"),
        shop.product("D", "Chair for the garden"),
    ])
    .await;
    assert_eq!(shop.skus("q=chair").await[0], "B");
    assert_eq!(shop.skus("q=garden+chair").await[0], "C", "words that follow each other in the title too");
}

#[tokio::test]
async fn stems_prefixes_and_similar_spellings_rank_after_exact_words() {
    let shop = Shop::open().await;
    shop.activate_all([
        shop.product("FORM", "Chairs for children"),
        shop.product("START", "Chairman figure"),
        shop.product("EXACT", "Chair for children"),
        shop.product("KEYS", "Mechanical keyboard"),
        shop.product("LONGER", "Microcontroller board"),
    ])
    .await;
    assert_eq!(shop.skus("q=chair").await, ["EXACT", "FORM", "START"]);
    assert_eq!(shop.skus("q=chairs+children").await, ["FORM", "EXACT"]);
    for typo in ["keybord", "keybaord", "kezboard", "keyboardd", "mechanicall+keybord"] {
        assert_eq!(shop.skus(&format!("q={typo}")).await, ["KEYS"], "{typo}");
    }
    for start in ["m", "mi", "microc", "microcontrolle", "microcontrollers", "board+microco"] {
        assert!(shop.skus(&format!("q={start}")).await.contains(&"LONGER".into()), "{start}");
    }
    assert_eq!(shop.skus("q=microco+board").await, Vec::<String>::new(), "only the last word may go on");
    assert_eq!(shop.skus("q=kye").await, Vec::<String>::new(), "three letters have no near spelling");
    assert_eq!(shop.skus("q=kexboxrd").await, Vec::<String>::new(), "two mistakes are another word");
}

#[tokio::test]
async fn a_known_word_is_not_treated_as_a_misspelling() {
    let shop = Shop::open().await;
    shop.activate_all((0..10).map(|number| shop.product(&format!("SKIRT{number}"), "Blue skirt"))).await;
    shop.activate(shop.product("SHIRT", "Blue shirt")).await;
    assert_eq!(shop.skus("q=shirt").await, ["SHIRT"]);
    assert_eq!(shop.search("q=blue+skirt").await.total, 10);
}

#[tokio::test]
async fn a_rare_misspelling_in_the_catalogue_also_finds_the_common_spelling() {
    let shop = Shop::open().await;
    shop.activate(shop.product("WRONG", "Audio amplifer")).await;
    shop.activate_all((0..60).map(|number| shop.product(&format!("RIGHT{number}"), "Audio amplifier"))).await;
    let found = shop.search("q=amplifer").await;
    assert_eq!((found.total, found.items[0].sku.as_str()), (61, "WRONG"));
    assert_eq!(shop.search("q=amplifier").await.total, 60);
}

#[tokio::test]
async fn numbers_and_units_are_found_in_every_usual_spelling() {
    let shop = Shop::open().await;
    shop.activate_all([
        shop.product("LENS", "Zoom lens 70-200 mm f/2.8"),
        shop.product("CABLE", "USB-C cable, 2m"),
        shop.product("CHIP", "Timer DIP-8, 100µF"),
    ])
    .await;
    for (text, sku) in [
        ("200mm", "LENS"),
        ("200+mm", "LENS"),
        ("70-200mm", "LENS"),
        ("f2.8", "LENS"),
        ("f/2.8", "LENS"),
        ("usbc", "CABLE"),
        ("usb+c", "CABLE"),
        ("usb-c", "CABLE"),
        ("2+m", "CABLE"),
        ("dip8", "CHIP"),
        ("dip+8", "CHIP"),
        ("100uF", "CHIP"),
    ] {
        assert_eq!(shop.skus(&format!("q={text}")).await, [sku], "{text}");
    }
}

#[tokio::test]
async fn matches_are_highlighted_in_escaped_html() {
    let shop = Shop::open().await;
    shop.activate(shop.product("A", "<b>Chairs</b> & co").describe("A \"fine\" chair.")).await;
    let hit = shop.hit("q=chair").await;
    assert_eq!(hit.highlights.title.as_deref(), Some("&lt;b&gt;<em>Chairs</em>&lt;/b&gt; &amp; co"));
    assert_eq!(hit.highlights.description.as_deref(), Some("A &quot;fine&quot; <em>chair</em>."));
    let all = shop.hit("").await;
    assert_eq!((all.highlights.title, all.highlights.description), (None, None));
}

#[tokio::test]
async fn without_a_text_every_product_is_found_newest_first() {
    let shop = Shop::open().await;
    shop.activate_all([shop.product("OLD", "Old thing"), shop.product("NEW", "New thing")]).await;
    assert_eq!(shop.skus("").await, ["NEW", "OLD"]);
    assert_eq!(shop.skus("q=").await, ["NEW", "OLD"]);
    assert_eq!(shop.skus("q=%22").await, Vec::<String>::new(), "a text without a word finds nothing");
}

#[tokio::test]
async fn another_language_has_other_stems() {
    let h = platform::testing::Harness::of(crate::service()).setting("language", "german").start().await;
    let shop = Shop { h };
    shop.activate(shop.product("A", "Zwei Stühle aus Eiche")).await;
    assert_eq!(shop.skus("q=Stuhle+mit+Eiche").await, ["A"]);
    assert_eq!(shop.skus("q=st%C3%BChlen").await, ["A"]);
}

#[tokio::test]
async fn suggestions_are_titles_of_search_hits() {
    let shop = Shop::open().await;
    shop.activate_all([
        shop.product("A", "Canon EOS 5D"),
        shop.product("B", "Canon EOS R"),
        shop.product("C", "Candle holder"),
        shop.product("D", "Candle holder"),
        shop.product("E", "Tripod"),
    ])
    .await;
    let titles = shop.suggest("can").await;
    for title in ["Canon EOS 5D", "Canon EOS R", "Candle holder"] {
        assert_eq!(titles.iter().filter(|known| *known == title).count(), 1, "{titles:?}");
    }
    assert!(!titles.contains(&"Tripod".into()));
    assert_eq!(shop.suggest("canon eos 5").await[0], "Canon EOS 5D");
    assert_eq!(shop.suggest("tripdo").await, ["Tripod"]);
    assert_eq!(shop.suggest(" ").await, Vec::<String>::new());
}

#[tokio::test]
async fn spellings_of_one_word_find_each_other_whatever_the_language() {
    for language in ["english", "greek", "none"] {
        let h = platform::testing::Harness::of(crate::service()).setting("language", language).start().await;
        let shop = Shop { h };
        let titles = [
            ("DISC", &["Δίσκος", "ΔΙΣΚΟΣ", "δισκοσ", "ΔΊΣΚΟΣ"][..]),
            ("STREET", &["Straße", "STRASSE", "strasse", "STRAẞE"]),
            ("PEACE", &["שָׁלוֹם", "שלום"]),
            ("BOOK", &["كِتَابٌ", "كتاب", "كـــتاب"]),
            ("FIR", &["Ёлка", "елка", "ЕЛКА"]),
            ("SOUP", &["Суп\u{AD}ница", "супница"]),
        ];
        for (sku, spellings) in titles {
            for (number, spelling) in spellings.iter().enumerate() {
                shop.activate(shop.product(&format!("{sku}{number}"), &format!("{spelling} 7"))).await;
            }
        }
        for (sku, spellings) in titles {
            for spelling in spellings {
                let mut found = shop.find(spelling).await;
                found.sort();
                let all: Vec<String> = (0..spellings.len()).map(|number| format!("{sku}{number}")).collect();
                assert_eq!(found, all, "{spelling} in {language}");
            }
        }
    }
}

#[tokio::test]
async fn names_that_differ_only_in_a_sign_are_different() {
    let shop = Shop::open().await;
    let titles = [
        "C# in depth",
        "C++ in depth",
        "C in depth",
        "F# in depth",
        "The .NET handbook",
        "Fishing net",
        "ASP.NET for all",
        "Node.js guide",
        "Class A+ lamp",
        "Class A++ lamp",
    ];
    for (number, title) in titles.iter().enumerate() {
        shop.activate(shop.product(&format!("T-{number}"), title)).await;
    }
    for (text, expected) in [
        ("C#", &["C# in depth"][..]),
        ("c# depth", &["C# in depth"]),
        ("C++", &["C++ in depth"]),
        ("C＋＋", &["C++ in depth"]),
        ("F#", &["F# in depth"]),
        ("G#", &[]),
        (".net", &["ASP.NET for all", "The .NET handbook"]),
        ("asp.net", &["ASP.NET for all"]),
        ("nodejs", &["Node.js guide"]),
        ("A+", &["Class A+ lamp"]),
        ("A++", &["Class A++ lamp"]),
        ("depth c ", &["C in depth", "C# in depth", "C++ in depth"]),
    ] {
        let mut found: Vec<String> = shop.search_text(text).await.items.into_iter().map(|hit| hit.title).collect();
        found.sort();
        assert_eq!(found, expected, "{text}");
    }
    assert_eq!(shop.search_text("C#").await.items[0].highlights.title.as_deref(), Some("<em>C#</em> in depth"));
}

#[tokio::test]
async fn words_and_numbers_are_found_with_and_without_a_space() {
    let shop = Shop::open().await;
    shop.activate_all([
        shop.product("SPACED", "Apple iPhone 15 Pro, 256 GB"),
        shop.product("JOINED", "Apple iPhone15Pro 256GB"),
        shop.product("OTHER", "Apple iPhone 14 Pro, 256 GB"),
        shop.product("BODY", "Leather case").describe("Fits the iPhone 15 and the Galaxy S24."),
        shop.product("BOX", "Storage box").describe("Holds 10,000 sheets"),
        shop.product("BOXES", "Storage boxes").describe("Holds 10 000 sheets"),
        shop.product("BIN", "Storage bin").describe("Holds ١٠٠٠٠ sheets"),
    ])
    .await;
    for (text, expected) in [
        ("iphone15", &["BODY", "JOINED", "SPACED"][..]),
        ("iphone 15 pro", &["JOINED", "SPACED"]),
        ("iphone15pro", &["JOINED", "SPACED"]),
        ("iphone15 pro 256gb", &["JOINED", "SPACED"]),
        ("iphone14", &["OTHER"]),
        ("galaxys24", &["BODY"]),
        ("10000 sheets", &["BIN", "BOX", "BOXES"]),
        ("10,000 sheets", &["BIN", "BOX", "BOXES"]),
        ("10 000 sheets", &["BIN", "BOX", "BOXES"]),
        ("10.000 sheets", &["BIN", "BOX", "BOXES"]),
        ("١٠٬٠٠٠ sheets", &["BIN", "BOX", "BOXES"]),
    ] {
        let mut found = shop.find(text).await;
        found.sort();
        assert_eq!(found, expected, "{text}");
    }
}

#[tokio::test]
async fn parts_of_texts_without_spaces_are_found() {
    let shop = Shop::open().await;
    for (sku, title) in [
        ("THAI", "โต๊ะไม้สักทอง"),
        ("LAO", "ກະເປົາໜັງ"),
        ("KHMER", "កៅអីឈើ"),
        ("BURMESE", "သစ်သားစားပွဲ"),
        ("KANA", "ダイニングテーブル"),
        ("HALF", "ﾃｰﾌﾞﾙｸﾛｽ"),
        ("HAN", "红木餐桌"),
    ] {
        shop.activate(shop.product(sku, title)).await;
    }
    for (text, expected) in [
        ("โต๊ะ", &["THAI"][..]),
        ("ไม้สัก", &["THAI"]),
        ("ໜັງ", &["LAO"]),
        ("ឈើ", &["KHMER"]),
        ("စားပွဲ", &["BURMESE"]),
        ("テーブル", &["HALF", "KANA"]),
        ("ブルテー", &[]),
        ("餐桌", &["HAN"]),
        ("ม", &["THAI"]),
    ] {
        let mut found = shop.find(text).await;
        found.sort();
        assert_eq!(found, expected, "{text}");
    }
}

#[tokio::test]
async fn suggestions_that_begin_with_the_text_come_first() {
    let shop = Shop::open().await;
    shop.activate_all((0..20).map(|number| shop.product(&format!("FET{number}"), &format!("N-channel {number}")))).await;
    shop.activate(shop.product("CHAIR", "Chair with armrests and a cushion, made of solid oak, 45 × 50 × 90 cm")).await;
    assert_eq!(shop.suggest("cha").await[0], "Chair with armrests and a cushion, made of solid oak, 45 × 50 × 90 cm");
    shop.activate_all((0..3).map(|number| shop.product(&format!("CHAIR{number}"), &format!("Chair {number}")))).await;
    shop.activate(shop.product("LCD", "Character display")).await;
    let suggestions = shop.suggest("cha").await;
    assert!(suggestions[..3].iter().all(|title| title.starts_with("Chair ")), "{suggestions:?}");
    assert_eq!(suggestions[3], "Character display");
    assert_eq!(shop.suggest("chair wi").await.len(), 1);
    assert!(shop.suggest("n-channel 1").await[0].starts_with("N-channel 1"));
}
