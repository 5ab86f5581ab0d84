//! The sentences of the description: who may call an operation, which errors it answers, and an example of each error.

use super::{Access, Grant};
use contracts::{auth::Role, problem::Code};
use serde_json::{Value, json};

/// Errors that any operation may answer. Their examples stand in the answer `Problem`.
const EVERYWHERE: [Code; 5] =
    [Code::METHOD_NOT_ALLOWED, Code::NOT_ACCEPTABLE, Code::URI_TOO_LONG, Code::HEADERS_TOO_LARGE, Code::RATE_LIMITED];

/// Whether any operation may answer with this code.
pub(super) fn is_general(code: Code) -> bool {
    EVERYWHERE.contains(&code) || code.status() >= 500 || matches!(code.status(), 408 | 429)
}

/// The codes that no operation lists, because all may answer them.
pub(super) fn general() -> impl Iterator<Item = Code> {
    Code::ALL.iter().copied().filter(|code| is_general(*code))
}

fn name(grant: Grant) -> String {
    match grant {
        Grant::User => "users who are logged in, about what is theirs".to_owned(),
        Grant::Role(Role::Customer) => "customers".to_owned(),
        Grant::Role(Role::Seller) => "sellers, about what is theirs".to_owned(),
        Grant::SellerOfRecord => "sellers, also suspended ones, about what is theirs".to_owned(),
        Grant::Role(Role::Admin) => "administrators".to_owned(),
        Grant::Service => "every service".to_owned(),
        Grant::Client(client) => format!("the service `{client}`"),
        Grant::Scope(scope) => format!("clients with the scope `{scope}`"),
    }
}

/// The sentence that names the callers.
pub(super) fn callers(access: &Access) -> String {
    let names: Vec<String> = access.grants.iter().map(|grant| name(*grant)).collect();
    let mut names = names;
    names.extend(access.guests.iter().map(|scheme| format!("guests with the token `{scheme}`")));
    match (access.anonymous, names.is_empty()) {
        (true, true) => "Who may call: anyone.".to_owned(),
        (true, false) => "Who may call: anyone; with a token the answer may show more.".to_owned(),
        (false, _) => format!("Who may call: {}.", names.join("; ")),
    }
}

/// The sentence about API keys, for an operation that users call.
pub(super) fn api_key(scope: Option<&str>) -> String {
    match scope {
        Some(scope) => format!("An API key needs the scope `{scope}`."),
        None => "API keys are not taken.".to_owned(),
    }
}

/// The table of the errors, for people.
pub(super) fn errors(codes: &[Code]) -> String {
    let mut table = "| Status | Code | Meaning |\n| --- | --- | --- |".to_owned();
    for code in codes {
        table.push_str(&format!("\n| {} | [`{}`](/problems/{}) | {} |", code.status(), code.as_str(), code.slug(), code.title()));
    }
    table
}

/// A problem document with this code, as callers get it.
pub(super) fn example(code: Code) -> Value {
    let mut problem = json!({
        "type": format!("/problems/{}", code.slug()),
        "title": code.title(),
        "status": code.status(),
        "detail": code.help(),
        "code": code.as_str(),
        "correlationId": "01997f3a-2c51-7a40-8b2e-5d1c9f7e6a10",
        "retryable": code.retryable(),
    });
    if code == Code::INVALID_REQUEST {
        problem["detail"] = "quantity must be a whole number from 1 to 999; 1 more fault".into();
        problem["errors"] = json!([
            {"pointer": "/quantity", "code": "OUT_OF_RANGE", "detail": "must be a whole number from 1 to 999"},
            {"pointer": "/colour", "code": "UNKNOWN_FIELD", "detail": "is not a field of this request"},
        ]);
    }
    if code == Code::INSUFFICIENT_STOCK {
        problem["lines"] = json!([{"sku": "LAMP-OAK-01", "requested": 3, "available": 1}]);
    }
    problem
}

/// The answer of one status, which these codes have in common.
pub(super) fn answer(codes: &[Code], schema: &Value) -> Value {
    let examples: serde_json::Map<String, Value> =
        codes.iter().map(|code| (code.as_str().to_owned(), json!({"$ref": format!("#/components/examples/{}", code.as_str())}))).collect();
    let titles: Vec<String> = codes.iter().map(|code| format!("`{}`: {}.", code.as_str(), code.title())).collect();
    json!({
        "description": titles.join(" "),
        "content": {"application/problem+json": {"schema": schema, "examples": examples}},
    })
}
