//! An e-mail as plain text.

use super::EmailContent;
use std::fmt::Write as _;

/// Returns the content as plain text.
#[must_use]
pub fn plain(content: &EmailContent) -> String {
    let mut text = format!("{}\n", content.greeting);
    for paragraph in &content.paragraphs {
        let _ = write!(text, "\n{paragraph}\n");
    }
    if let Some(order) = &content.order_table {
        text.push('\n');
        for line in &order.lines {
            let _ = write!(text, "{}\n    {} = {}\n", line.title, line.detail, line.amount);
        }
        text.push('\n');
        for (name, amount) in &order.sums {
            let _ = writeln!(text, "{name:<10}{amount:>20}");
        }
    }
    if !content.facts.is_empty() {
        text.push('\n');
    }
    for (name, value) in &content.facts {
        let _ = writeln!(text, "{name}: {value}");
    }
    if let Some(button) = &content.button {
        let _ = write!(text, "\n{}:\n{}\n", button.label, button.url);
    }
    for paragraph in &content.closing {
        let _ = write!(text, "\n{paragraph}\n");
    }
    let _ = write!(text, "\n-- \nSouk · {}\nThis mail was sent automatically; nobody reads replies to it.\n", content.shop_url);
    text
}
