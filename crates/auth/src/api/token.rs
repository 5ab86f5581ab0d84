//! The request for a token (RFC 6749): the client's credentials and the form.

use crate::{
    actions::ClientSecret,
    error::{Error, in_oauth},
};
use axum::{
    extract::{FromRequest, Request},
    http::{HeaderMap, header},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use contracts::{auth::ClientCredentials, problem::Code, secret::Secret};
use platform::http::{
    Form, Problem,
    describe::{DescribeArg, OperationBuilder},
};

/// The form of a grant. Its faults are answered with the error codes of OAuth 2.
pub struct TokenForm(pub ClientCredentials);

impl<S: Send + Sync> FromRequest<S> for TokenForm {
    type Rejection = Problem;
    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let form = Form::from_request(request, state).await;
        form.map(|Form(form)| TokenForm(form)).map_err(|problem| match problem.code() {
            Code::INVALID_REQUEST => Error::InvalidTokenRequest(problem.faults().to_vec()).into(),
            _ => in_oauth(problem, "invalid_request"),
        })
    }
}

impl DescribeArg for TokenForm {
    fn describe(operation: &mut OperationBuilder<'_>) {
        Form::<ClientCredentials>::describe(operation);
        operation.replace_refusal(Code::INVALID_REQUEST, Code::INVALID_TOKEN_REQUEST);
        operation.accept_client_credentials();
    }
}

/// Returns the client of `Authorization: Basic` (RFC 7617), or `None` without such a header. RFC 6749 wants both halves
/// form-encoded, which changes none of the characters of our names and secrets.
pub fn basic(headers: &HeaderMap) -> Result<Option<ClientSecret>, Error> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let encoded = value.to_str().ok().and_then(|text| text.split_once(' ')).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"));
    let Some((_, encoded)) = encoded else { return Ok(None) };
    let decoded = STANDARD.decode(encoded.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let client = decoded
        .as_deref()
        .and_then(|text| text.split_once(':'))
        .and_then(|(client_id, secret)| Some(ClientSecret { client_id: client_id.to_owned(), secret: Secret::parse(secret).ok()? }));
    match (client, values.next()) {
        (Some(client), None) => Ok(Some(client)),
        _ => Err(Error::InvalidClient),
    }
}
