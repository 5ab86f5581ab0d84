//! A letter as plain text.

use super::Letter;
use std::fmt::Write as _;

/// The letter as plain text.
#[must_use]
pub fn plain(letter: &Letter) -> String {
    let mut text = format!("{}\n", letter.greeting);
    for paragraph in &letter.paragraphs {
        let _ = write!(text, "\n{paragraph}\n");
    }
    if let Some(bill) = &letter.bill {
        text.push('\n');
        for line in &bill.lines {
            let _ = write!(text, "{}\n    {} = {}\n", line.title, line.detail, line.amount);
        }
        text.push('\n');
        for (name, amount) in &bill.sums {
            let _ = writeln!(text, "{name:<10}{amount:>20}");
        }
    }
    if !letter.facts.is_empty() {
        text.push('\n');
    }
    for (name, value) in &letter.facts {
        let _ = writeln!(text, "{name}: {value}");
    }
    if let Some(button) = &letter.button {
        let _ = write!(text, "\n{}:\n{}\n", button.label, button.url);
    }
    for paragraph in &letter.closing {
        let _ = write!(text, "\n{paragraph}\n");
    }
    let _ = write!(text, "\n-- \nSouk · {}\nThis mail was sent by itself; nobody reads answers to it.\n", letter.shop_url);
    text
}
