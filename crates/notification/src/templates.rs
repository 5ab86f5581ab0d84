//! What messages say. A message becomes a [`EmailContent`], which knows no markup; plain text and HTML are made from the same
//! letter, and only [`html`] writes markup, so that nothing that people wrote can become some.

mod email;
mod html;
mod plain;

pub use email::{email_content, text_message};
pub use html::html;
pub use plain::plain;

/// Who reads a letter, and what it needs besides its message.
#[derive(Clone, Copy)]
pub struct Recipient<'a> {
    /// How the reader wants to be called; may be empty.
    pub name: &'a str,
    /// Where links begin, without a slash at the end.
    pub shop_url: &'a str,
    /// The secret of a link, where there is one.
    pub token: Option<&'a str>,
}

/// A letter without its looks. Its parts stand in this order.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct EmailContent {
    pub subject: String,
    /// What mail programs show beside the subject.
    pub summary: String,
    pub heading: String,
    pub greeting: String,
    pub paragraphs: Vec<String>,
    pub order: Option<Table>,
    /// A name and its value: a carrier, a tracking number, an address.
    pub facts: Vec<(&'static str, String)>,
    pub button: Option<Button>,
    pub closing: Vec<String>,
    /// The shop's address, for the foot.
    pub shop_url: String,
}

/// What was bought, and what it costs.
#[derive(Clone, PartialEq, Eq)]
pub struct Table {
    pub lines: Vec<TableLine>,
    /// A name and an amount; the last is the total.
    pub sums: Vec<(&'static str, String)>,
}

#[derive(Clone, PartialEq, Eq)]
pub struct TableLine {
    pub title: String,
    /// The SKU, quantity and price of one.
    pub detail: String,
    pub amount: String,
}

/// A link that is worth following. Its address may hold a secret: letters are not shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Button {
    pub label: &'static str,
    pub url: String,
}

#[cfg(test)]
mod tests;
