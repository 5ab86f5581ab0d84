use super::*;
use crate::{
    http::{
        Body, Created, IdempotencyKey, Idempotent, IfMatch, Json, MaybeBody, NoContent, Paged, Paging, Path, Prefer, Preferred, Problem,
        Query, State, Tagged, routes::Routes,
    },
    identity::{Admin, ClientMarker, Customer, Either, MaybeUser, ServiceOf},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

// Types of its own: the words of `contracts` may change without this test.
macro_rules! ids {
    ($($name:ident)*) => {$(
        #[derive(Serialize, Deserialize, JsonSchema)]
        struct $name(String);
    )*};
}
ids!(OrderId ProductId);

/// What a customer orders.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "only described")]
struct PlaceOrder {
    product_id: ProductId,
    quantity: u32,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct OrderView {
    order_id: OrderId,
}

#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "only described")]
struct Filter {
    /// Only orders in this state.
    status: Option<String>,
}

#[derive(Default, Deserialize, JsonSchema)]
#[expect(dead_code, reason = "only described")]
struct Reason {
    reason: Option<String>,
}

struct Stock;
impl ClientMarker for Stock {
    const CLIENTS: &'static [&'static str] = &["order"];
}

type Placed = Result<Preferred<Idempotent<Created<OrderView>>>, Problem>;

async fn place(_: Customer, _: State<()>, _: Prefer, _: IdempotencyKey, _: Body<PlaceOrder>) -> Placed {
    Err(Problem::new(problem::Code::CART_EMPTY))
}
async fn list(_: Customer, _: State<()>, _: Query<Filter>, _: Paging) -> Result<Paged<OrderView>, Problem> {
    Err(Problem::new(problem::Code::NOT_FOUND))
}
async fn one(_: MaybeUser, _: Path<OrderId>) -> Result<Tagged<Json<OrderView>>, Problem> {
    Err(Problem::new(problem::Code::NOT_FOUND))
}
async fn cancel(_: Either<Admin, ServiceOf<Stock>>, _: Path<(OrderId, ProductId)>, _: IfMatch, _: MaybeBody<Reason>) -> NoContent {
    NoContent
}
async fn hidden() -> NoContent {
    NoContent
}

fn operations() -> Vec<Operation> {
    Routes::new("order")
        .post("/toys", place, "Places an order")
        .get("/toys", list, "The caller's orders")
        .get("/toys/{orderId}", one, "One order")
        .post("/toys/{orderId}/lines/{productId}/cancel", cancel, "Cancels a line")
        .post("/internal/toys", hidden, "For upstreams")
        .build(())
        .1
}

#[test]
fn the_document_is_what_the_signatures_say() {
    let write = || {
        let mut document = document(&operations(), "Toy", "1");
        let schemas = document["components"]["schemas"].as_object_mut().unwrap();
        schemas.remove("Problem").unwrap();
        schemas.remove("InvalidValue").unwrap();
        // The texts of errors are in `contracts`.
        let components = document["components"].as_object_mut().unwrap();
        components.remove("examples").unwrap();
        components.remove("responses").unwrap();
        serde_json::to_string_pretty(&document).unwrap()
    };
    let written = write();
    let kept = include_str!("openapi.json");
    if written.trim() != kept.trim() {
        let place = concat!(env!("CARGO_MANIFEST_DIR"), "/src/http/tests/openapi.json.new");
        std::fs::write(place, &written).unwrap();
        panic!("the document differs from tests/openapi.json; the new one is beside it");
    }
    assert_eq!(written, write(), "it is the same each time");
}

#[test]
fn the_arguments_determine_who_may_call() {
    let access: Vec<(String, bool, Vec<Grant>)> =
        operations().iter().map(|operation| (operation.id(), operation.access().anonymous, operation.access().grants)).collect();
    assert_eq!(
        access,
        [
            ("post_toys".to_owned(), false, vec![Grant::Role(Role::Customer)]),
            ("get_toys".to_owned(), false, vec![Grant::Role(Role::Customer)]),
            ("get_toys_orderId".to_owned(), true, vec![Grant::User]),
            ("post_toys_orderId_lines_productId_cancel".to_owned(), false, vec![Grant::Role(Role::Admin), Grant::Client("order")]),
            ("post_internal_toys".to_owned(), true, vec![]),
        ]
    );
    let document = document(&operations(), "Toy", "1");
    assert!(document["paths"].get("/internal/toys").is_none());
    assert_eq!(document["paths"]["/toys"]["get"]["parameters"][0]["description"], "Only orders in this state.");
}
