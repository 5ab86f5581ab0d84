//! The texts of messages. A message becomes an [`EmailContent`] without markup, which is rendered as plain text and as HTML. Only
//! [`html`] writes markup and escapes all text, so that text of users never becomes markup.

mod email;
mod html;
mod plain;
mod text_message;

pub use email::email_content;
pub use html::html;
pub use plain::plain;
pub use text_message::text_message;

/// What a text needs in addition to its message.
#[derive(Clone, Copy)]
pub struct Recipient<'a> {
    /// The name of a user whose address is verified; may be empty. Without it the text contains nothing that the user typed.
    pub name: Option<&'a str>,
    /// The address of the shop's pages, without a slash at the end; `None` while it has none.
    pub shop_url: Option<&'a str>,
    /// The secret token of the message, if there is one.
    pub token: Option<&'a str>,
    /// How a guest opens the order that the message is about.
    pub guest: Option<GuestLink<'a>>,
}

/// What the links for a guest are made of. The token stands in the fragment, which browsers send to no server.
#[derive(Clone, Copy)]
pub struct GuestLink<'a> {
    /// The address of the shop, without a slash at the end.
    pub base: &'a str,
    pub token: &'a str,
}

/// The content of an e-mail without its layout, in the order of its parts.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct EmailContent {
    pub subject: String,
    /// The preview that mail programs show beside the subject.
    pub summary: String,
    pub heading: String,
    pub greeting: String,
    pub paragraphs: Vec<String>,
    pub order_table: Option<Table>,
    /// A name and its value: a carrier, a tracking number, an address.
    pub facts: Vec<(&'static str, String)>,
    pub step: Option<NextStep>,
    pub closing: Vec<String>,
    /// The address of the shop, for the footer.
    pub shop_url: Option<String>,
}

/// The lines of an order and their sums.
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

/// What the reader can do next. It may contain a secret, so contents do not implement `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct NextStep {
    pub label: &'static str,
    pub how: How,
}

/// How a step is done.
#[derive(Clone, PartialEq, Eq)]
pub enum How {
    /// By a page of the shop.
    Link(String),
    /// By calls of the API, in a shop without pages. Each line is shown as it is.
    Call(Vec<String>),
}

#[cfg(test)]
mod tests;
