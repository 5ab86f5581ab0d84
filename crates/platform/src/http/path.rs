//! Path parameters.

use super::{
    describe::{DescribeArg, OperationBuilder},
    key::set_path_parameters,
    problem::Problem,
};
use axum::{extract::FromRequestParts, http::request::Parts};
use contracts::problem::Code;
use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};

/// The ids in the path: one, or a tuple in the order of the template. A text that is no id is answered with 404.
#[derive(Debug, Clone)]
pub struct Path<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Serialize + Send> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match axum::extract::Path::<T>::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => {
                set_path_parameters(parts, &value);
                Ok(Path(value))
            }
            Err(_) => Err(Problem::new(Code::NOT_FOUND)),
        }
    }
}

impl<T: JsonSchema> DescribeArg for Path<T> {
    fn describe(operation: &mut OperationBuilder<'_>) {
        operation.path::<T>();
        operation.refuse([Code::NOT_FOUND]);
    }
}
