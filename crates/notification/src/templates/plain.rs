//! A letter as plain text.

use super::EmailContent;
use std::fmt::Write as _;

/// The letter as plain text.
#[must_use]
pub fn plain(email_content: &EmailContent) -> String {
    let mut text = format!("{}\n", email_content.greeting);
    for paragraph in &email_content.paragraphs {
        let _ = write!(text, "\n{paragraph}\n");
    }
    if let Some(order) = &email_content.order {
        text.push('\n');
        for line in &order.lines {
            let _ = write!(text, "{}\n    {} = {}\n", line.title, line.detail, line.amount);
        }
        text.push('\n');
        for (name, amount) in &order.sums {
            let _ = writeln!(text, "{name:<10}{amount:>20}");
        }
    }
    if !email_content.facts.is_empty() {
        text.push('\n');
    }
    for (name, value) in &email_content.facts {
        let _ = writeln!(text, "{name}: {value}");
    }
    if let Some(button) = &email_content.button {
        let _ = write!(text, "\n{}:\n{}\n", button.label, button.url);
    }
    for paragraph in &email_content.closing {
        let _ = write!(text, "\n{paragraph}\n");
    }
    let _ = write!(text, "\n-- \nSouk · {}\nThis mail was sent by itself; nobody reads answers to it.\n", email_content.shop_url);
    text
}
