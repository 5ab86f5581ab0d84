use super::*;
use crate::message::{Message, tests::samples};
use contracts::notification::NotificationType;

const EVIL: &str = "<script>alert(1)</script>\"'&";

fn recipient<'a>(name: &'a str, token: Option<&'a str>) -> Recipient<'a> {
    Recipient { name: Some(name), shop_url: Some("https://shop.example"), token, guest: None }
}

fn contents(name: &str) -> Vec<EmailContent> {
    samples().iter().map(|message| email_content(message, &recipient(name, Some("tok en/1")))).collect()
}

#[test]
fn every_message_has_a_text_and_an_html_form() {
    for (message, content) in samples().iter().zip(contents("Mara")) {
        let (text, page) = (plain(&content), html(&content));
        assert!(!content.subject.is_empty() && !content.summary.is_empty() && !content.heading.is_empty(), "{}", message.kind());
        assert!(text.starts_with("Hello Mara,\n"), "{text}");
        assert!(page.contains("Hello Mara,") && page.contains(&content.heading), "{page}");
        assert!(text.contains("https://shop.example") && page.contains("href=\"https://shop.example"));
        if message.order_id().is_some() {
            assert!(content.subject.contains("SK-7"), "{}", content.subject);
            let pages = [
                "orders/00000000-0000-0000-0000-000000000007",
                "seller/fulfilments/00000000-0000-0000-0000-00000000000d",
                "seller/returns",
            ];
            assert!(pages.iter().any(|page| text.contains(&format!("https://shop.example/{page}\n"))), "{text}");
        }
        assert!(!text_message(message).is_empty() && text_message(message).len() < 160);
    }
}

#[test]
fn without_pages_a_mail_has_no_link_and_names_the_call() {
    for message in samples() {
        let recipient = Recipient { name: Some("Mara"), shop_url: None, token: Some("tok-en"), guest: None };
        let content = email_content(&message, &recipient);
        for text in [plain(&content), html(&content)] {
            assert!(!text.contains("http") && !text.contains("href") && !text.contains("link"), "{text}");
            if message.order_id().is_some() {
                let calls = [
                    "orders/00000000-0000-0000-0000-000000000007",
                    "seller/fulfilments/00000000-0000-0000-0000-00000000000d",
                    "seller/returns",
                ];
                assert!(calls.iter().any(|call| text.contains(&format!("/api/v1/{call}"))), "{text}");
            }
        }
        let text = plain(&content);
        let is_reset = message.kind() == NotificationType::PasswordReset;
        assert_eq!(text.contains("Token: tok-en") && text.contains("POST /api/v1/auth/password/reset"), is_reset, "{text}");
        assert_eq!(text.contains(r#"{"newPassword":"…","token":"tok-en"}"#), is_reset, "{text}");
        assert_eq!(text.contains("/pay\n"), message.kind() == NotificationType::PaymentFailed);
    }
}

#[test]
fn an_order_shows_lines_and_sums_as_money() {
    let order = contents("Mara").remove(2);
    assert_eq!(order.subject, "We received your order SK-7");
    for text in [plain(&order), html(&order)] {
        for shown in
            ["25.00 EUR", "LAMP-1 · 2 × 12.50 EUR", "4.90 EUR", "4.75 EUR", "-1.00 EUR", "33.65 EUR", "Invalidenstraße 1, 10115 Berlin, DE"]
        {
            assert!(text.contains(shown), "{shown} in {text}");
        }
    }
}

#[test]
fn text_of_users_never_becomes_markup() {
    for content in contents(EVIL) {
        let page = html(&content);
        assert!(!page.contains("<script") && !page.contains("<b>"), "{page}");
        assert!(page.contains("Hello &lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;,"));
    }
    assert!(html(&contents("Mara")[2]).contains("Lamp &lt;b&gt;bold&lt;/b&gt; &amp; &quot;bright&quot;"));
}

#[test]
fn html_loads_nothing() {
    for page in contents("Mara").iter().map(html) {
        for fetching in ["<img", "<link", "src=", "url(", "<script", "@import"] {
            assert!(!page.contains(fetching), "{fetching} in {page}");
        }
    }
}

#[test]
fn a_name_is_one_line_and_may_be_empty() {
    assert_eq!(contents("Mara\r\nBcc: x@y.z")[0].greeting, "Hello Mara  Bcc: x@y.z,");
    assert_eq!(contents("")[0].greeting, "Hello,");
}

#[test]
fn a_mail_to_an_unverified_address_contains_nothing_that_was_typed() {
    let mut messages = samples();
    for message in &mut messages {
        let bait = || "see www.bait.example".to_owned();
        match message {
            Message::Cancelled(cancelled) => cancelled.note = Some(bait()),
            Message::PartCancelled(cancelled) => cancelled.note = Some(bait()),
            Message::ReturnRejected(rejection) => rejection.reason = bait(),
            Message::SellerRejected(news) | Message::SellerSuspended(news) => news.reason = Some(bait()),
            _ => {}
        }
    }
    for message in messages {
        let texts = |name| {
            let content = email_content(&message, &Recipient { name, shop_url: None, token: None, guest: None });
            plain(&content) + &html(&content)
        };
        for typed in ["Mara", "Invalidenstraße", "Berlin", "bait"] {
            assert!(!texts(None).contains(typed), "{typed} in {}", texts(None));
        }
        assert!(texts(Some("Mara")).contains("Hello Mara,"));
        let typed = ["CANCELLED", "PART_CANCELLED", "RETURN_REJECTED", "SELLER_REJECTED", "SELLER_SUSPENDED"];
        assert_eq!(texts(Some("Mara")).contains("bait"), typed.contains(&message.kind().as_str()), "{}", message.kind());
    }
}

#[test]
fn a_parcel_lists_its_goods_and_says_whether_there_are_others() {
    let shipped = samples().remove(5);
    let text = plain(&email_content(&shipped, &recipient("Mara", None)));
    for shown in ["A parcel of your order SK-7", "The other parts have parcels of their own", "In the parcel: 2 × Lamp <b>bold</b>", "T-1"]
    {
        assert!(text.contains(shown), "{shown} in {text}");
    }
    let Message::Shipped(mut only) = shipped else { panic!("the sample is in its place") };
    only.parcel.is_part = false;
    let content = email_content(&Message::Shipped(only), &recipient("Mara", None));
    assert_eq!((content.subject.as_str(), content.paragraphs.len()), ("Your order SK-7 is on its way", 1));
}

#[test]
fn a_failed_payout_says_that_the_money_is_available_again() {
    let find = |kind| samples().into_iter().find(|message| message.kind() == kind).unwrap();
    let text = plain(&email_content(&find(NotificationType::PayoutFailed), &recipient("Mara", None)));
    for shown in ["123.45 EUR", "your bank refused the transfer", "in your available balance again"] {
        assert!(text.contains(shown), "{shown} in {text}");
    }
    let text = plain(&email_content(&find(NotificationType::PayoutAccountChanged), &recipient("Mara", None)));
    for shown in ["changed on 2026-01-01 01:00 UTC", "before 2026-01-04 01:00 UTC", "https://shop.example/password/forgot"] {
        assert!(text.contains(shown), "{shown} in {text}");
    }
}

#[test]
fn only_the_reset_mail_has_the_token_percent_encoded() {
    for (message, content) in samples().iter().zip(contents("Mara")) {
        let holds = plain(&content).contains("https://shop.example/password/reset?token=tok%20en%2F1");
        assert_eq!(holds, message.kind() == NotificationType::PasswordReset);
        assert!(!text_message(message).contains("tok"));
    }
    let reset = email_content(&samples()[1], &recipient("Mara", Some("t")));
    assert!(plain(&reset).contains("until 2026-01-01 01:00 UTC"));
}

#[test]
fn a_failed_payment_has_its_reason_and_time_limit() {
    let text = plain(&contents("Mara")[3]);
    assert!(text.contains("33.65 EUR") && text.contains("the payment was declined") && text.contains("2026-01-01 01:00 UTC"), "{text}");
}

#[test]
fn a_cancelled_order_explains_refund_and_cart() {
    let mut message = samples().remove(8);
    let text = plain(&email_content(&message, &recipient("Mara", None)));
    assert!(
        text.contains("because it is not in stock any more")
            && text.contains("If 33.65 EUR was taken from you, you get all of it back")
            && text.contains("in your cart again")
    );
    if let Message::Cancelled(cancelled) = &mut message {
        (cancelled.refund_due, cancelled.lines_return) = (false, false);
    }
    let text = plain(&email_content(&message, &recipient("Mara", None)));
    assert!(text.contains("No money was taken") && !text.contains("cart"));
}
