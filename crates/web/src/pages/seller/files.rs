//! CSV files: products, stock and prices in, with the report of each import, and products and stock out.

use super::{Shell, done, enter_shop, is_fatal};
use crate::{
    Site,
    api::Failure,
    dashboard::{Badge, Choice, Dashboard, Figure, Head, Listing, Tone, is_missing},
    format,
    forms::Faults,
    pages::{Frame, failed, not_found_page, page, refused_page, see_other},
    session::{SellerNotice, Visitor},
    texts::{Language, SellerTexts, failure_words, field_words, problem_words},
};
use askama::Template;
use axum::{
    body::Body,
    extract::{DefaultBodyLimit, Multipart, Path, Query, State},
    http::{HeaderValue, StatusCode},
    response::Response,
    routing::MethodRouter,
};
use contracts::{
    catalog::{
        CANCEL_IMPORT, EXPORT_PRODUCTS, GET_IMPORT, IMPORT_FILE, Import, ImportError, ImportKind, ImportMode, ImportStatus,
        LIST_IMPORT_ERRORS,
    },
    inventory::EXPORT_STOCK,
    problem::Fault,
};

const ROWS: usize = 50;

#[derive(Template)]
#[template(path = "seller/files.html")]
struct FilesPage {
    frame: Frame,
    board: Dashboard,
    t: &'static SellerTexts,
    kinds: Vec<Choice>,
    modes: Vec<Choice>,
    faults: Faults,
}

fn kind_words(t: &SellerTexts, kind: ImportKind) -> &'static str {
    match kind {
        ImportKind::Products => t.products,
        ImportKind::Stock => t.stock,
        ImportKind::Prices => t.prices,
    }
}

fn mode_words(t: &SellerTexts, mode: ImportMode) -> &'static str {
    match mode {
        ImportMode::Check => t.mode_check,
        ImportMode::Apply => t.mode_apply,
    }
}

pub async fn show(State(site): State<Site>, visitor: Visitor) -> Response {
    show_form(&site, visitor, ("", ""), None).await
}

async fn show_form(site: &Site, mut visitor: Visitor, typed: (&str, &str), refused: Option<(StatusCode, Faults)>) -> Response {
    let (user, _) = match enter_shop(site, &mut visitor).await {
        Ok(found) => found,
        Err(answer) => return *answer,
    };
    let Shell { frame, board, t } = Shell::of(&mut visitor, &user, true);
    let kinds = [ImportKind::Products, ImportKind::Stock, ImportKind::Prices].map(|kind| (kind.as_str(), kind_words(t, kind)));
    let modes = [ImportMode::Check, ImportMode::Apply].map(|mode| (mode.as_str(), mode_words(t, mode)));
    let (status, faults) = refused.map_or((None, Faults::default()), |(status, faults)| (Some(status), faults));
    let template = FilesPage { kinds: Choice::list(kinds, typed.0), modes: Choice::list(modes, typed.1), faults, frame, board, t };
    match status {
        Some(status) => refused_page(site, &visitor, status, &template),
        None => page(site, &visitor, &template),
    }
}

/// The route of uploads. The gateway bounds the body before it comes here.
pub fn upload_route() -> MethodRouter<Site> {
    axum::routing::get(show).post(import).layer(DefaultBodyLimit::disable())
}

async fn import(State(site): State<Site>, mut visitor: Visitor, mut form: Multipart) -> Response {
    if let Err(answer) = enter_shop(&site, &mut visitor).await {
        return *answer;
    }
    let t = SellerTexts::of(visitor.language);
    let (mut kind, mut mode, mut file) = (String::new(), String::new(), None);
    while let Ok(Some(field)) = form.next_field().await {
        match field.name() {
            Some("kind") => kind = field.text().await.unwrap_or_default(),
            Some("mode") => mode = field.text().await.unwrap_or_default(),
            Some("file") => file = field.bytes().await.ok(),
            _ => {}
        }
    }
    let Some(file) = file.filter(|file| !file.is_empty()) else {
        let faults = Faults::default().with("file", t.no_file);
        return show_form(&site, visitor, (&kind, &mode), Some((StatusCode::UNPROCESSABLE_ENTITY, faults))).await;
    };
    let caller = visitor.caller();
    let call = site.0.api.call(&caller, &IMPORT_FILE).query("kind", &kind).query("mode", &mode);
    match call.file(HeaderValue::from_static("text/csv"), Body::from(file.clone())).send().await {
        Ok(import) => see_other(&site, &visitor, &format!("/seller/files/{}", import.import_id)),
        Err(failure) if is_fatal(&failure) => failed(&site, &mut visitor, &failure),
        Err(failure) => {
            let faults = Faults::of(&failure);
            let header = header_faults(t, visitor.language, &failure, &file);
            let text = if header.is_empty() { faults.summary.clone().unwrap_or_default() } else { header };
            let faults = if text.is_empty() { faults } else { faults.with("file", &text) };
            show_form(&site, visitor, (&kind, &mode), Some((failure.status(), faults))).await
        }
    }
}

/// What is wrong with a row.
struct RowFault {
    row: i64,
    /// What the column has, and its name in the file.
    column: Option<(String, String)>,
    text: String,
}

impl RowFault {
    fn of(t: &SellerTexts, language: Language, error: ImportError) -> RowFault {
        // Whoever writes a file chooses from codes, which the API lists.
        let text = match error.detail.split_once("one of ") {
            Some((_, codes)) if matches!(&*error.code, "UNKNOWN_VALUE" | "NOT_ONE_OF") => format!("{} {codes}", t.write_one_of),
            _ => problem_words(language, &error.code, &error.detail),
        };
        RowFault { row: error.row, column: error.column.map(|name| (field_words(language, &name).to_owned(), name)), text }
    }
}

/// What is wrong with the first line of a file, which names its columns; empty when nothing is.
fn header_faults(t: &SellerTexts, language: Language, failure: &Failure, file: &[u8]) -> String {
    let Failure::Refused(refusal) = failure else { return String::new() };
    let header = String::from_utf8_lossy(file.split(|byte| *byte == b'\n').next().unwrap_or_default()).into_owned();
    let names: Vec<&str> = header.split(',').map(|name| name.trim_matches(['"', ' ', '\r', '\u{feff}'])).collect();
    let fault = |fault: &Fault| {
        let place = fault.pointer.as_deref()?.strip_prefix('/')?;
        let name = place.parse::<usize>().map_or(Some(place), |at| names.get(at).copied())?;
        let words = match &*fault.code {
            "UNKNOWN_COLUMN" => t.unknown_column,
            "DUPLICATE" => t.column_twice,
            "REQUIRED" => t.column_missing,
            _ => return None,
        };
        Some(format!("{words} {}.", format::quoted(language, name)))
    };
    refusal.errors.iter().filter_map(fault).collect::<Vec<_>>().join(" ")
}

#[derive(Template)]
#[template(path = "seller/import.html")]
struct ImportPage {
    frame: Frame,
    board: Dashboard,
    t: &'static SellerTexts,
    import: Import,
    kind: &'static str,
    mode: &'static str,
    badge: Badge,
    is_running: bool,
    figures: Vec<Figure>,
    heads: Vec<Head>,
    /// Why it failed.
    failure: Option<String>,
    errors: Vec<RowFault>,
    first: Option<String>,
    next: Option<String>,
}

pub async fn report(
    State(site): State<Site>,
    mut visitor: Visitor,
    Path(id): Path<String>,
    Query(sent): Query<Vec<(String, String)>>,
) -> Response {
    let (user, _) = match enter_shop(&site, &mut visitor).await {
        Ok(found) => found,
        Err(answer) => return *answer,
    };
    let list = Listing::new(format!("/seller/files/{id}"), sent, &[]);
    let (caller, api) = (visitor.caller(), &site.0.api);
    let mut call = api.call(&caller, &LIST_IMPORT_ERRORS).path(&id).query("limit", ROWS);
    for (name, value) in list.parameters() {
        call = call.query(name, value);
    }
    let (import, errors) = tokio::join!(api.call(&caller, &GET_IMPORT).path(&id).send(), call.send());
    let (import, errors) = match (import, errors) {
        (Ok(import), Ok(errors)) => (import, errors),
        (Err(failure), _) | (_, Err(failure)) if is_fatal(&failure) => return failed(&site, &mut visitor, &failure),
        _ => return not_found_page(&site, &mut visitor),
    };
    let Shell { frame, board, t } = Shell::of(&mut visitor, &user, true);
    let template = ImportPage {
        kind: kind_words(t, import.kind),
        mode: mode_words(t, import.mode),
        badge: match import.status {
            ImportStatus::Running => Badge::new(t.import_running, Tone::Waiting),
            ImportStatus::Done => Badge::new(t.import_done, Tone::Good),
            ImportStatus::Failed => Badge::new(t.import_failed, Tone::Bad),
            ImportStatus::Cancelled => Badge::new(t.import_cancelled, Tone::Plain),
        },
        is_running: import.status == ImportStatus::Running,
        figures: vec![
            Figure::new(t.rows, import.rows),
            Figure::new(t.rows_created, import.created),
            Figure::new(t.rows_updated, import.updated),
            Figure::new(t.rows_unchanged, import.unchanged),
            Figure::new(t.rows_failed, import.failed),
        ],
        heads: vec![Head::number(t.row), Head::new(t.column), Head::new(t.what_is_wrong)],
        failure: import.failure.as_ref().map(|why| failure_words(frame.lang, &why.code).to_owned()),
        errors: errors.items.into_iter().map(|error| RowFault::of(t, frame.lang, error)).collect(),
        first: list.first(),
        next: list.next(errors.next_cursor.as_ref()),
        import,
        frame,
        board,
        t,
    };
    page(&site, &visitor, &template)
}

pub async fn cancel(State(site): State<Site>, mut visitor: Visitor, Path(id): Path<String>) -> Response {
    if let Err(answer) = enter_shop(&site, &mut visitor).await {
        return *answer;
    }
    let caller = visitor.caller();
    match site.0.api.call(&caller, &CANCEL_IMPORT).path(&id).send().await {
        Ok(_) => done(&site, visitor, SellerNotice::Saved, &format!("/seller/files/{id}")),
        Err(failure) if is_missing(&failure) => not_found_page(&site, &mut visitor),
        Err(failure) if is_fatal(&failure) => failed(&site, &mut visitor, &failure),
        // It ended meanwhile, which its report shows.
        Err(_) => see_other(&site, &visitor, &format!("/seller/files/{id}")),
    }
}

/// A file of the API, streamed as it comes.
pub async fn export(State(site): State<Site>, mut visitor: Visitor, Path(name): Path<String>) -> Response {
    if let Err(answer) = enter_shop(&site, &mut visitor).await {
        return *answer;
    }
    let (caller, api) = (visitor.caller(), &site.0.api);
    let file: Result<Response, Failure> = match &*name {
        "products.csv" => api.call(&caller, &EXPORT_PRODUCTS).open().await,
        "stock.csv" => api.call(&caller, &EXPORT_STOCK).open().await,
        _ => return not_found_page(&site, &mut visitor),
    };
    match file {
        Ok(file) => visitor.store(&site, file),
        Err(failure) => failed(&site, &mut visitor, &failure),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Refusal;

    #[test]
    fn rows_and_columns_are_told_in_words() {
        let t = SellerTexts::of(Language::German);
        let fault = |column: Option<&str>, code: &str, detail: &str| {
            let error = ImportError { row: 2, column: column.map(str::to_owned), code: code.to_owned(), detail: detail.to_owned() };
            let told = RowFault::of(t, Language::German, error);
            (told.column.map(|(words, _)| words).unwrap_or_default(), told.text)
        };
        let texts = |words: &str, text: &str| (words.to_owned(), text.to_owned());
        assert_eq!(fault(Some("priceAmount"), "NOT_A_NUMBER", "must be…"), texts("Preis", "Das ist keine ganze Zahl."));
        assert_eq!(
            fault(Some("status"), "NOT_ONE_OF", "must be one of DRAFT, ACTIVE"),
            texts("Zustand", "Schreib eines davon: DRAFT, ACTIVE")
        );
        assert_eq!(fault(None, "NO_SUCH_CODE", "is odd"), texts("", "Is odd."));
    }

    #[test]
    fn a_header_is_told_in_words() {
        let errors = vec![Fault::at("/1", "UNKNOWN_COLUMN", "…"), Fault::at("/priceAmount", "REQUIRED", "…")];
        let failure = Failure::Refused(Refusal { errors, ..Refusal::default() });
        let told = |file: &[u8]| header_faults(SellerTexts::of(Language::English), Language::English, &failure, file);
        assert_eq!(told(b"sku,\"colour\"\r\n1,2"), "There is no column “colour”. This column is missing: “priceAmount”.");
        assert_eq!(told(b""), "This column is missing: “priceAmount”.");
    }
}
