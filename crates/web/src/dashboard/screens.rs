//! The two kinds of screens that most of the dashboards are made of: a list, and a sheet about one thing.

use super::sent::Sent;
use crate::{
    api::Failure,
    dashboard::{Badge, Chip, Dashboard, Figure, Head, Listing, Tone},
    forms::Faults,
    pages::Frame,
    plot::Plot,
    texts::{Language, field_words},
};
use askama::Template;
use axum::http::StatusCode;
use contracts::machine::Machine;

/// What is wrong with what was sent, with the status of the answer; `None` when nothing was refused.
pub type PageFaults = Option<(StatusCode, Faults)>;

#[derive(Template)]
#[template(path = "board/list.html")]
pub struct ListPage {
    pub frame: Frame,
    pub board: Dashboard,
    pub key: String,
    pub screen: Screen,
}

#[derive(Template)]
#[template(path = "board/sheet.html")]
pub struct SheetPage {
    pub frame: Frame,
    pub board: Dashboard,
    pub key: String,
    pub sheet: Sheet,
}

/// A list that work is done from.
#[derive(Default)]
pub struct Screen {
    pub title: &'static str,
    /// A sentence under the title.
    pub intro: &'static str,
    /// What was refused.
    pub faults: PageFaults,
    /// Pages beside this one.
    pub links: Vec<Link>,
    pub figures: Vec<Figure>,
    /// Filters that are used often, as links.
    pub saved: Vec<Saved>,
    /// The path that the filters are sent to.
    pub path: String,
    pub filters: Vec<Field>,
    pub chips: Vec<Chip>,
    pub bare: String,
    pub table: Table,
    pub bulk: Option<Bulk>,
    pub first: Option<String>,
    pub next: Option<String>,
    /// What is said when there is nothing, and the page of the next step.
    pub empty_text: &'static str,
    pub empty_step: Option<Link>,
    pub is_filtered: bool,
    /// Forms beneath the list.
    pub forms: Vec<FormView>,
}

impl Screen {
    /// The screen of a list, with the addresses of its other views. `next` is the cursor of the next page.
    pub fn of(list: &Listing, next: Option<&String>) -> Screen {
        Screen {
            path: list.path().to_owned(),
            bare: list.bare(),
            first: list.first(),
            next: list.next(next),
            is_filtered: list.is_filtered(),
            ..Screen::default()
        }
    }
}

/// A link with its words.
pub struct Link {
    pub label: &'static str,
    pub href: String,
}

/// A filter that is used often.
pub struct Saved {
    pub label: &'static str,
    pub href: String,
    pub is_here: bool,
}

impl Saved {
    /// The views of a list by status, the whole list first.
    pub fn by_status<S: Machine>(all: &'static str, list: &Listing, words: impl Fn(S) -> &'static str) -> Vec<Saved> {
        let view = |label, status: &str| Saved { label, href: list.with("status", status), is_here: list.value("status") == status };
        let states = S::STATES.iter().map(|status| view(words(*status), status.as_str()));
        std::iter::once(view(all, "")).chain(states).collect()
    }
}

/// What is done with the chosen rows.
pub struct Bulk {
    /// Label and path of each button.
    pub actions: Vec<(&'static str, &'static str)>,
    /// A field that says why; empty for none.
    pub reason: &'static str,
}

/// Rows under headings.
#[derive(Default)]
pub struct Table {
    pub id: &'static str,
    pub title: &'static str,
    pub note: String,
    pub heads: Vec<Head>,
    pub rows: Vec<Row>,
    /// What is said when there are no rows.
    pub empty: &'static str,
}

impl Table {
    /// The heading of the cell at a place of a row, which phones show beside it.
    pub fn label(&self, row: &Row, at: &usize) -> &'static str {
        self.heads.get(at + self.heads.len().saturating_sub(row.cells.len())).map_or("", |head| head.label)
    }

    /// Whether rows can be chosen.
    pub fn has_choice(&self) -> bool {
        self.heads.first().is_some_and(|head| head.is_choice)
    }

    /// Leaves the last column out while nothing can be done with any row.
    pub fn leave_out_idle_column(&mut self) {
        let is_idle = |row: &Row| row.cells.last().is_some_and(Cell::is_nothing);
        if !self.rows.is_empty() && self.rows.iter().all(is_idle) {
            self.heads.pop();
            self.rows.iter_mut().for_each(|row| drop(row.cells.pop()));
        }
    }
}

#[derive(Default)]
pub struct Row {
    /// The value of the box that chooses the row, and its words; no box when empty.
    pub choice: String,
    pub choice_label: String,
    /// The first one is the heading of the row.
    pub cells: Vec<Cell>,
}

impl Row {
    pub fn of(cells: impl IntoIterator<Item = Cell>) -> Row {
        Row { cells: cells.into_iter().collect(), ..Row::default() }
    }
    pub fn chosen_by(self, value: impl ToString, label: impl ToString) -> Row {
        Row { choice: value.to_string(), choice_label: label.to_string(), ..self }
    }
}

/// What stands in the place of a value that there is not.
const NOTHING: &str = "–";

/// A value in a table or among facts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cell {
    pub text: String,
    /// Where it leads; empty for nowhere.
    pub href: String,
    /// A quieter line beneath.
    pub beneath: String,
    /// What is wrong with the row.
    pub fault: String,
    /// The class of a badge; empty for plain text.
    pub badge: &'static str,
    pub is_number: bool,
    pub is_code: bool,
    /// Several values, one a line.
    pub lines: Vec<String>,
    /// Buttons with their paths.
    pub buttons: Vec<(&'static str, String)>,
}

impl Cell {
    pub fn text(text: impl ToString) -> Cell {
        Cell { text: text.to_string(), ..Cell::default() }
    }
    /// A dash stands for nothing.
    pub fn maybe(text: Option<impl ToString>) -> Cell {
        Cell::text(text.map_or_else(|| NOTHING.to_owned(), |text| text.to_string()))
    }
    /// Whether the text stays on one line: a hyphen of a number or of a word is no place to break it.
    pub fn is_short(&self) -> bool {
        self.text.chars().count() <= 24
    }
    pub fn class(&self) -> &'static str {
        match () {
            () if self.is_number => "number-cell",
            () if self.is_nothing() => "no-value",
            () if self.is_short() && self.beneath.is_empty() => "nowrap",
            () => "",
        }
    }
    /// Whether there is a dash and nothing else.
    pub fn is_nothing(&self) -> bool {
        self.text == NOTHING && self.beneath.is_empty() && self.buttons.is_empty()
    }
    pub fn number(text: impl ToString) -> Cell {
        Cell { is_number: true, ..Cell::text(text) }
    }
    pub fn code(text: impl ToString) -> Cell {
        Cell { is_code: true, ..Cell::text(text) }
    }
    pub fn link(text: impl ToString, href: impl ToString) -> Cell {
        Cell { href: href.to_string(), ..Cell::text(text) }
    }
    pub fn badge(badge: Badge) -> Cell {
        Cell { badge: badge.class(), ..Cell::text(badge.words) }
    }
    /// Whether it is a badge of this tone.
    pub fn has_tone(&self, tone: Tone) -> bool {
        !self.badge.is_empty() && self.badge == Badge::new("", tone).class()
    }
    pub fn button(label: &'static str, path: impl ToString) -> Cell {
        Cell::default().and_button(label, path)
    }
    pub fn and_button(mut self, label: &'static str, path: impl ToString) -> Cell {
        self.buttons.push((label, path.to_string()));
        self
    }
    pub fn fault(self, fault: impl ToString) -> Cell {
        Cell { fault: fault.to_string(), ..self }
    }
    pub fn over(self, beneath: impl ToString) -> Cell {
        Cell { beneath: beneath.to_string(), ..self }
    }
}

/// One thing with its facts, its tables and what can be done with it.
#[derive(Default)]
pub struct Sheet {
    pub title: String,
    /// The list that it is in.
    pub back: Option<Link>,
    pub badges: Vec<Badge>,
    pub lead: String,
    pub faults: PageFaults,
    pub links: Vec<Link>,
    pub figures: Vec<Figure>,
    pub facts: Vec<(&'static str, Cell)>,
    /// Long text as people wrote it.
    pub text: String,
    pub plots: Vec<Plot>,
    pub tables: Vec<Table>,
    pub forms: Vec<FormView>,
    /// Whether the tables need the whole width, with the forms beneath them.
    pub is_wide: bool,
}

impl Sheet {
    /// Whether there is something to read beside the forms.
    pub fn has_two_columns(&self) -> bool {
        !(self.is_wide || self.forms.is_empty() || self.facts.is_empty() && self.tables.is_empty() && self.text.is_empty())
    }
}

/// A form with its fields.
pub struct FormView {
    pub id: &'static str,
    pub title: &'static str,
    pub hint: String,
    pub action: String,
    pub method: &'static str,
    pub fields: Vec<Field>,
    /// Boxes of one field, with its words and what is wrong with them.
    pub checks: Option<Checks>,
    pub submit: &'static str,
    /// The class of the button.
    pub class: &'static str,
}

impl FormView {
    pub fn new(id: &'static str, title: &'static str, action: impl ToString, submit: &'static str) -> FormView {
        let (hint, fields) = (String::new(), Vec::new());
        FormView { id, title, hint, action: action.to_string(), method: "post", fields, checks: None, submit, class: "quiet" }
    }
    pub fn field(mut self, field: Field) -> FormView {
        self.fields.push(field);
        self
    }
    /// Boxes of one field, each with its value and what it means; empty when the value says it.
    pub fn checks(self, name: &'static str, label: &'static str, boxes: Vec<(&'static str, String)>) -> FormView {
        let boxes = boxes.into_iter().map(|(value, words)| CheckBox { value, words, is_chosen: false }).collect();
        FormView { checks: Some(Checks { name, label, boxes, fault: String::new() }), ..self }
    }
    pub fn hint(self, hint: impl ToString) -> FormView {
        FormView { hint: hint.to_string(), ..self }
    }
    /// The one form of the page that is sent most.
    pub fn main(self) -> FormView {
        FormView { class: "act", ..self }
    }
    pub fn danger(self) -> FormView {
        FormView { class: "quiet danger", ..self }
    }
    pub fn by_get(self) -> FormView {
        FormView { method: "get", ..self }
    }
    /// Keeps what was typed beside the faults.
    pub fn again(mut self, refused: Option<&Refused>) -> FormView {
        let Some(refused) = refused.filter(|refused| refused.form == self.id) else { return self };
        for field in &mut self.fields {
            if field.kind == "checkbox" {
                field.is_checked = refused.sent.has(field.name);
            } else if refused.sent.has(field.name) {
                field.value = refused.sent.text(field.name).to_owned();
            }
            field.fault = refused.faults.field(field.place).to_owned();
        }
        if let Some(checks) = &mut self.checks {
            for one in &mut checks.boxes {
                one.is_chosen = refused.sent.all(checks.name).any(|sent| sent == one.value);
            }
            checks.fault = refused.faults.under(checks.name).to_owned();
        }
        self
    }
}

/// Boxes of which several may be chosen.
pub struct Checks {
    pub name: &'static str,
    pub label: &'static str,
    pub boxes: Vec<CheckBox>,
    pub fault: String,
}

/// One of several boxes. Its value is its label too.
pub struct CheckBox {
    pub value: &'static str,
    /// What the value means; empty when it says so itself.
    pub words: String,
    pub is_chosen: bool,
}

/// A form that was refused.
pub struct Refused {
    pub form: &'static str,
    pub sent: Sent,
    pub status: StatusCode,
    pub faults: Faults,
}

impl Refused {
    pub fn new(form: &'static str, sent: Sent, failure: &Failure) -> Refused {
        Refused { form, sent, status: failure.status(), faults: Faults::of(failure) }
    }
    /// A table that was sent as lines: the faults name the lines.
    pub fn of_lines(form: &'static str, sent: Sent, failure: &Failure, line: &str, language: Language) -> Refused {
        let errors = match failure {
            Failure::Refused(refusal) => refusal.errors.as_slice(),
            Failure::Unreadable(_) => &[],
        };
        let named = errors.iter().filter_map(|fault| {
            let rest = fault.pointer.as_deref()?.strip_prefix("/items/")?;
            let (at, field) = rest.split_once('/').unwrap_or((rest, ""));
            let field = field_words(language, field);
            let colon = if field.is_empty() { "" } else { ": " };
            Some(format!("{line} {}: {field}{colon}{}", at.parse::<usize>().ok()? + 1, fault.detail))
        });
        let text = named.collect::<Vec<_>>().join(" ");
        let refused = Refused::new(form, sent, failure);
        let mut faults = Faults::at("items", &text);
        faults.summary = refused.faults.summary.clone();
        Refused { faults: if text.is_empty() { refused.faults } else { faults }, ..refused }
    }
    /// A form whose fields the dashboard itself cannot read.
    pub fn unread(form: &'static str, sent: Sent, field: &str, text: &str) -> Refused {
        Refused { form, sent, status: StatusCode::UNPROCESSABLE_ENTITY, faults: Faults::at(field, text) }
    }
    pub fn summary(&self) -> (StatusCode, Faults) {
        (self.status, self.faults.clone())
    }
    pub fn page_faults(refused: Option<&Refused>) -> PageFaults {
        refused.map(Refused::summary)
    }
}

/// A field of a form.
pub struct Field {
    pub name: &'static str,
    /// The place in the body of the call, which faults name.
    pub place: &'static str,
    pub label: &'static str,
    /// The type of the input, or `select`, `textarea`, `checkbox`.
    pub kind: &'static str,
    pub value: String,
    pub hint: &'static str,
    pub fault: String,
    /// Value and words of each choice.
    pub options: Vec<(String, String)>,
    pub is_checked: bool,
    pub is_required: bool,
}

impl Field {
    pub fn new(name: &'static str, label: &'static str, kind: &'static str, value: impl ToString) -> Field {
        let (fault, hint, options) = (String::new(), "", Vec::new());
        Field { name, place: name, label, kind, value: value.to_string(), hint, fault, options, is_checked: false, is_required: false }
    }
    pub fn text(name: &'static str, label: &'static str, value: impl ToString) -> Field {
        Field::new(name, label, "text", value)
    }
    pub fn number(name: &'static str, label: &'static str, value: impl ToString) -> Field {
        Field::new(name, label, "number", value)
    }
    pub fn hidden(name: &'static str, value: impl ToString) -> Field {
        Field::new(name, "", "hidden", value)
    }
    pub fn checkbox(name: &'static str, label: &'static str, is_checked: bool) -> Field {
        Field { is_checked, ..Field::new(name, label, "checkbox", "true") }
    }
    pub fn select<V: ToString, W: ToString>(
        name: &'static str,
        label: &'static str,
        value: impl ToString,
        options: impl IntoIterator<Item = (V, W)>,
    ) -> Field {
        let options = options.into_iter().map(|(value, words)| (value.to_string(), words.to_string())).collect();
        Field { options, ..Field::new(name, label, "select", value) }
    }
    pub fn required(self) -> Field {
        Field { is_required: true, ..self }
    }
    pub fn hint(self, hint: &'static str) -> Field {
        Field { hint, ..self }
    }
    pub fn place(self, place: &'static str) -> Field {
        Field { place, ..self }
    }
    pub fn is_chosen(&self, value: &str) -> bool {
        self.value == *value
    }
}
