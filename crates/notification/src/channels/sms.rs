//! Text messages.

use super::Delivery;

/// A provider of text messages. A configuration chooses one at start, see [`Senders`](crate::Senders).
///
/// What every implementation guarantees: success means that the provider accepted the message. A failure says whether a
/// repetition can succeed. A message is sent again after a temporary error, a timeout or a crash, so it may arrive twice. The
/// caller limits the time (`send_seconds`) and drops the future then. `to` and `text` are personal data: they do not go into
/// errors.
pub trait SmsProvider: Send + Sync {
    /// Sends `text` to the phone number `to`.
    fn send<'a>(&'a self, to: &'a str, text: &'a str) -> Delivery<'a>;
}

/// Logs that there was a text message, where there is no provider. Number and text are personal data: at the level INFO the
/// number is masked, and the text is logged at DEBUG only.
pub struct LogSms;

impl SmsProvider for LogSms {
    fn send<'a>(&'a self, to: &'a str, text: &'a str) -> Delivery<'a> {
        tracing::info!(target: "notification", to = masked(to), characters = text.chars().count(), "text message");
        tracing::debug!(target: "notification", text, "text of the message");
        Box::pin(std::future::ready(Ok(())))
    }
}

/// Returns a phone number with only its last two digits, which tell numbers of one person apart.
fn masked(number: &str) -> String {
    let digits: Vec<char> = number.chars().filter(char::is_ascii_digit).collect();
    let shown = digits.len().saturating_sub(2).max(4).min(digits.len());
    format!("…{}", digits[shown..].iter().collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_masked_up_to_its_last_digits() {
        assert_eq!(["+49 421 123456", "12345", "12", ""].map(masked), ["…56", "…5", "…", "…"]);
    }
}
