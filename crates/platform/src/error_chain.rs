//! An error with its causes as one line of text.

use std::error::Error;

/// The texts of `error` and of the errors that caused it, from the outermost to the first, joined by ": ".
#[must_use]
pub(crate) fn error_chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the order was not placed")]
    struct Outer(#[source] Inner);

    #[derive(Debug, thiserror::Error)]
    #[error("the stock did not answer")]
    struct Inner(#[source] std::fmt::Error);

    #[test]
    fn every_cause_is_in_the_text_from_the_outermost_to_the_first() {
        let error = Outer(Inner(std::fmt::Error));
        assert_eq!(error_chain(&error), format!("the order was not placed: the stock did not answer: {}", std::fmt::Error));
        assert_eq!(error_chain(&std::fmt::Error), std::fmt::Error.to_string());
    }
}
