//! Bodies of many items, each of which is refused by itself.

use super::{
    body::{DEFAULT_LIMIT, OF_A_BODY, faults_of, parse_described, read, require_type},
    describe::{DescribeArg, OperationBuilder},
    problem::Problem,
    query_param_guard::BodyCheck,
};
use axum::extract::{FromRequest, Request};
use contracts::{
    body::BoundedVec,
    problem::{Code, Document},
};
use schemars::JsonSchema;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use std::marker::PhantomData;

/// A JSON body `{"items": […]}` of 1 to 250 items and at most `LIMIT` bytes, described as `B`. Each item is read as a body of its own: in
/// the place of one that is no `T` stands its problem, with pointers that begin at the item. What is wrong elsewhere refuses the whole body.
#[derive(Debug, Clone)]
pub struct BatchBody<B, T, const LIMIT: usize = DEFAULT_LIMIT> {
    /// In the order of the body.
    pub items: Vec<Result<T, Box<Document>>>,
    described: PhantomData<fn() -> B>,
}

/// The body without a look at its items.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Envelope {
    #[expect(dead_code, reason = "only parsed")]
    items: BoundedVec<serde_json::Value, 1, 250>,
}

#[derive(Deserialize)]
struct Texts<'a> {
    #[serde(borrow)]
    items: Vec<&'a RawValue>,
}

impl<S, B, T, const LIMIT: usize> FromRequest<S> for BatchBody<B, T, LIMIT>
where
    S: Send + Sync,
    T: DeserializeOwned + JsonSchema,
{
    type Rejection = Problem;
    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        require_type(request.headers(), "application/json")?;
        let bytes = read(request, LIMIT).await?;
        parse_described::<Envelope>(&bytes)?;
        let Texts { items } = serde_json::from_slice(&bytes).map_err(|_| Problem::new(Code::MALFORMED_REQUEST))?;
        let item = |text: &RawValue| parse_described(text.get().as_bytes()).map_err(|problem| Box::new(problem.document()));
        Ok(BatchBody { items: items.into_iter().map(item).collect(), described: PhantomData })
    }
}

impl<B: JsonSchema, T, const LIMIT: usize> DescribeArg for BatchBody<B, T, LIMIT> {
    fn describe(operation: &mut OperationBuilder<'_>) {
        operation.json_body::<B>(true, LIMIT);
        operation.body_check = Some(BodyCheck { limit: LIMIT, faults: faults_of::<Envelope> });
        operation.refuse(OF_A_BODY);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body as Bytes;
    use contracts::text::Quantity;

    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    struct Line {
        #[expect(dead_code, reason = "only parsed")]
        sku: String,
        quantity: Quantity,
    }

    async fn send(body: impl Into<Bytes>) -> Result<Vec<Result<Line, Box<Document>>>, Problem> {
        let request = Request::post("/").header("content-type", "application/json").body(body.into()).unwrap();
        BatchBody::<Envelope, Line>::from_request(request, &()).await.map(|body| body.items)
    }

    #[tokio::test]
    async fn each_item_is_refused_by_itself_with_all_of_its_faults() {
        let body =
            r#"{"items":[{"sku":"A","quantity":2},{"quantity":0,"price":1},7,[],{"sku":"B","quantity":1e20},{"sku":"C","quantity":3}]}"#;
        let items = send(body).await.unwrap();
        let read: Vec<_> = items.iter().map(|item| item.as_ref().ok().map(|line| line.quantity.get())).collect();
        assert_eq!(read, [Some(2), None, None, None, None, Some(3)]);
        let faults = |at: usize| {
            let problem = items[at].as_ref().unwrap_err();
            assert_eq!((problem.status, problem.code.as_str()), (422, "INVALID_REQUEST"));
            problem.errors.iter().map(|fault| (fault.pointer.clone().unwrap(), fault.code.to_string())).collect::<Vec<_>>()
        };
        let fault = |pointer: &str, code: &str| (pointer.to_owned(), code.to_owned());
        assert_eq!(faults(1), [fault("/quantity", "OUT_OF_RANGE"), fault("/price", "UNKNOWN_FIELD"), fault("/sku", "REQUIRED")]);
        assert_eq!((faults(2), faults(3)), (vec![fault("", "WRONG_TYPE")], vec![fault("", "WRONG_TYPE")]));
        assert_eq!(faults(4), [fault("/quantity", "OUT_OF_RANGE")]);
    }

    #[tokio::test]
    async fn what_is_wrong_around_the_items_refuses_all() {
        let many = format!(r#"{{"items":[{}]}}"#, vec!["{}"; 251].join(","));
        for (body, pointer, code) in [
            ("{}", "/items", "REQUIRED"),
            (r#"{"items":[]}"#, "/items", "TOO_FEW"),
            (&*many, "/items", "TOO_MANY"),
            (r#"{"items":{}}"#, "/items", "WRONG_TYPE"),
            (r#"{"items":[{}],"x":1}"#, "/x", "UNKNOWN_FIELD"),
            (r#"{"items":[{"sku":"A","sku":"B"}]}"#, "/items/0/sku", "DUPLICATE_FIELD"),
            ("[]", "", "WRONG_TYPE"),
        ] {
            let refused = send(body.to_owned()).await.unwrap_err();
            let fault = &refused.faults()[0];
            assert_eq!((fault.pointer.as_deref(), &*fault.code), (Some(pointer), code), "{body}");
        }
        assert_eq!(send("{").await.unwrap_err().code(), Code::MALFORMED_REQUEST);
    }
}
