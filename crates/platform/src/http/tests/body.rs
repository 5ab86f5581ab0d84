use super::*;
use axum::{body::Body as Bytes_, http::StatusCode};
use contracts::{ids::ProductId, text::Name, text::Quantity};
use std::collections::BTreeMap;

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Order {
    #[serde(default)]
    #[expect(dead_code, reason = "only parsed")]
    product_id: Option<ProductId>,
    #[serde(default)]
    #[expect(dead_code, reason = "only parsed")]
    name: Option<Name>,
    #[serde(default)]
    lines: Vec<Line>,
    #[serde(default)]
    attributes: BTreeMap<String, String>,
    #[serde(default)]
    #[expect(dead_code, reason = "only parsed")]
    kind: Option<Kind>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Line {
    #[expect(dead_code, reason = "only parsed")]
    sku: String,
    quantity: Quantity,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
enum Kind {
    Small,
    Large,
}

async fn send(content_type: &str, body: impl Into<Bytes_>) -> Result<Order, Problem> {
    let request = Request::post("/").header("content-type", content_type).body(body.into()).unwrap();
    Body::<Order>::from_request(request, &()).await.map(|Body(order)| order)
}

#[tokio::test]
async fn what_is_well_formed_and_wrong_is_named_by_pointer_and_code() {
    for (body, pointer, code) in [
        (r#"{"nmae":"x"}"#, "/nmae", "UNKNOWN_FIELD"),
        (r#"{"lines":[{"sku":"a","quantity":1},{"sku":"b","quantity":1,"price":1}]}"#, "/lines/1/price", "UNKNOWN_FIELD"),
        (r#"{"lines":[{"quantity":1}]}"#, "/lines/0/sku", "REQUIRED"),
        (r#"{"lines":[{"sku":null,"quantity":1}]}"#, "/lines/0/sku", "WRONG_TYPE"),
        (r#"{"lines":{}}"#, "/lines", "WRONG_TYPE"),
        (r#"{"lines":[[]]}"#, "/lines/0", "WRONG_LENGTH"),
        (r#"{"lines":[7]}"#, "/lines/0", "WRONG_TYPE"),
        (r#"{"lines":[{"sku":"a","quantity":0}]}"#, "/lines/0/quantity", "OUT_OF_RANGE"),
        (r#"{"lines":[{"sku":"a","quantity":-1}]}"#, "/lines/0/quantity", "OUT_OF_RANGE"),
        (r#"{"lines":[{"sku":"a","quantity":100001}]}"#, "/lines/0/quantity", "OUT_OF_RANGE"),
        (r#"{"lines":[{"sku":"a","quantity":1.5}]}"#, "/lines/0/quantity", "WRONG_TYPE"),
        (r#"{"lines":[{"sku":"a","quantity":1e-1}]}"#, "/lines/0/quantity", "WRONG_TYPE"),
        (r#"{"lines":[{"sku":"a","quantity":-1.0}]}"#, "/lines/0/quantity", "OUT_OF_RANGE"),
        (r#"{"lines":[{"sku":"a","quantity":1e20}]}"#, "/lines/0/quantity", "OUT_OF_RANGE"),
        (r#"{"lines":[{"sku":"a","quantity":"1"}]}"#, "/lines/0/quantity", "WRONG_TYPE"),
        (r#"{"lines":[{"sku":"a","quantity":1e400}]}"#, "/lines/0/quantity", "OUT_OF_RANGE"),
        (r#"{"name":"a\u0000b"}"#, "/name", "FORBIDDEN_CHARACTER"),
        (r#"{"name":""}"#, "/name", "REQUIRED"),
        (r#"{"name":"\u202Eevil"}"#, "/name", "FORBIDDEN_CHARACTER"),
        (r#"{"name":["a"]}"#, "/name", "WRONG_TYPE"),
        (r#"{"productId":"7"}"#, "/productId", "NOT_A_UUID"),
        (r#"{"productId":7}"#, "/productId", "WRONG_TYPE"),
        (r#"{"kind":"HUGE"}"#, "/kind", "NOT_ONE_OF"),
        (r#"{"lines":[],"kind":7}"#, "/kind", "WRONG_TYPE"),
        (r#"{"name":"a","name":"b"}"#, "/name", "DUPLICATE_FIELD"),
        (r#"{"attributes":{"a":"1","a":"2"}}"#, "/attributes/a", "DUPLICATE_FIELD"),
        (r#"{"attributes":{"a/b~":1}}"#, "/attributes/a~1b~0", "WRONG_TYPE"),
        ("[1]", "", "WRONG_TYPE"),
        ("null", "", "WRONG_TYPE"),
        ("\"text\"", "", "WRONG_TYPE"),
    ] {
        let problem = send("application/json", body).await.unwrap_err();
        assert_eq!(problem.status(), 422, "{body} {problem}");
        let fault = &problem.faults()[0];
        assert_eq!((fault.pointer.as_deref(), &*fault.code), (Some(pointer), code), "{body} {}", fault.detail);
        assert!(!fault.detail.contains("struct") && !fault.detail.contains("line 1"), "{}", fault.detail);
    }
}

#[tokio::test]
async fn an_integer_may_be_written_with_a_point_or_an_exponent() {
    for (written, quantity) in [("213.0", 213), ("1e2", 100), ("2.50E1", 25), ("100e-2", 1)] {
        let body = format!(r#"{{"lines":[{{"sku":"a","quantity":{written}}}]}}"#);
        assert_eq!(send("application/json", body).await.unwrap().lines[0].quantity.get(), quantity, "{written}");
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_malformed() {
    let deep = "[".repeat(10_000) + &"]".repeat(10_000);
    let deep_in_field = format!(r#"{{"attributes":{}}}"#, "{\"a\":".repeat(200) + "1" + &"}".repeat(200));
    for body in [
        &b""[..],
        b" ",
        b"{",
        b"not json",
        b"{'name':'x'}",
        b"{\"name\":\"x\"} trailing",
        b"{\"name\":\"x\"",
        b"{\"name\":7,",
        b"{\"name\":\"\xff\"}",
        b"{\"name\":\"\xed\xa0\x80\"}",
        b"{\"name\":\"a\x01b\"}",
        b"\xef\xbb\xbf{}",
        deep.as_bytes(),
        deep_in_field.as_bytes(),
        b"{\"a\":NaN}",
    ] {
        let problem = send("application/json", body.to_vec()).await.unwrap_err();
        assert_eq!(problem.code(), Code::MALFORMED_REQUEST, "{}", String::from_utf8_lossy(&body[..body.len().min(40)]));
    }
}

#[tokio::test]
async fn a_map_is_called_an_object() {
    #[derive(Debug, Deserialize, JsonSchema)]
    struct Goods {
        #[expect(dead_code, reason = "only read")]
        attributes: contracts::body::Attributes,
    }
    let request = Request::post("/").header("content-type", "application/json").body(Bytes_::from(r#"{"attributes":[]}"#)).unwrap();
    let problem = Body::<Goods>::from_request(request, &()).await.map(|_| ()).unwrap_err();
    assert_eq!(problem.faults()[0].detail, "must be an object");
}

#[tokio::test]
async fn size_and_type_are_checked() {
    let large = format!("{{\"name\":\"{}\"}}", "x".repeat(DEFAULT_LIMIT));
    assert_eq!(send("application/json", large.clone()).await.unwrap_err().status(), StatusCode::PAYLOAD_TOO_LARGE);
    let request = Request::post("/").header("content-type", "application/json").body(Bytes_::from(large)).unwrap();
    Body::<Order, 1_000_000>::from_request(request, &()).await.map(|_| ()).unwrap_or_else(|problem| assert_eq!(problem.status(), 422));
    for bad in ["", "text/plain", "application/jsonp", "application/json; charset=latin1", "application/x-www-form-urlencoded"] {
        assert_eq!(send(bad, "{}").await.unwrap_err().status(), StatusCode::UNSUPPORTED_MEDIA_TYPE, "{bad}");
    }
    for good in ["application/json", "Application/JSON; charset=UTF-8", "application/json; charset=\"utf-8\"; x=y"] {
        send(good, "{}").await.unwrap();
    }
}

#[tokio::test]
async fn many_keys_are_compared_quickly_and_still_found_twice() {
    let attributes = |extra: &str| {
        let fields: Vec<String> = (0..2_000).map(|n| format!("\"k{n}\":\"v\"")).collect();
        format!("{{\"attributes\":{{{}{extra}}}}}", fields.join(","))
    };
    assert_eq!(send("application/json", attributes("")).await.unwrap().attributes.len(), 2_000);
    for twice in ["k0", "k1999"] {
        let problem = send("application/json", attributes(&format!(",\"{twice}\":\"v\""))).await.unwrap_err();
        assert_eq!(problem.faults()[0].pointer, Some(format!("/attributes/{twice}")));
    }
}

#[tokio::test]
async fn a_body_may_be_left_out_where_the_handler_says_so() {
    let empty = Request::post("/").body(Bytes_::empty()).unwrap();
    MaybeBody::<Order>::from_request(empty, &()).await.unwrap();
    for (body, is_none) in [("", true), ("{}", true), ("null", true), ("{\"a\":1}", false), ("[]", false)] {
        let request = Request::post("/").header("content-type", "application/json").body(Bytes_::from(body)).unwrap();
        assert_eq!(NoBody::from_request(request, &()).await.is_ok(), is_none, "{body}");
    }
    let untyped = Request::post("/").body(Bytes_::from("{}")).unwrap();
    assert_eq!(MaybeBody::<Order>::from_request(untyped, &()).await.unwrap_err().status(), 415);
}

#[tokio::test]
async fn forms_are_as_strict_as_bodies() {
    #[derive(Debug, Deserialize, JsonSchema)]
    struct Login {
        client_id: String,
    }
    let form = |body: &'static str| {
        Request::post("/").header("content-type", "application/x-www-form-urlencoded").body(Bytes_::from(body)).unwrap()
    };
    let Form(login) = Form::<Login>::from_request(form("client_id=a%26b+c"), &()).await.unwrap();
    assert_eq!(login.client_id, "a&b c");
    for bad in ["client_id=a&client_id=b", "client_id=a&x=1", ""] {
        assert_eq!(Form::<Login>::from_request(form(bad), &()).await.unwrap_err().status(), 422, "{bad}");
    }
}
