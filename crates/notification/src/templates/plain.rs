//! An e-mail as plain text.

use super::{EmailContent, How};
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
    if let Some(step) = &content.step {
        let _ = write!(text, "\n{}:\n", step.label);
        match &step.how {
            How::Link(url) => text.push_str(&format!("{url}\n")),
            How::Call(lines) => lines.iter().for_each(|line| text.push_str(&format!("    {line}\n"))),
        }
    }
    for paragraph in &content.closing {
        let _ = write!(text, "\n{paragraph}\n");
    }
    let shop = content.shop_url.as_ref().map_or_else(String::new, |url| format!(" · {url}"));
    let _ = write!(text, "\n-- \nSouk{shop}\nThis mail was sent automatically; nobody reads replies to it.\n");
    text
}
