//! Holds the rules of the repository that no lint can. Each failure says where, what, and why the rule exists.
//!
//! The test reads sources and manifests as text and compiles none of them, so that it runs in a second.

/// The list that the tests of every service use as well.
#[path = "../../platform/src/testing/portable_sql.rs"]
mod portable_sql;

use portable_sql::violations;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};
use toml::{Table, Value};

/// The crates that every service may depend on, and nothing else of the workspace.
const FOUNDATIONS: [&str; 2] = ["contracts", "platform"];
/// The program, which may depend on every crate.
const PROGRAM: &str = "souk";

/// Words that a term of the glossary replaced, where they cannot mean anything else.
const RETIRED: [&str; 19] = [
    "Porch",
    "Dress",
    "Visit",
    "Sift",
    "Sought",
    "Tongue",
    "Aside",
    "Aftermath",
    "Entrance",
    "Undo",
    "Consignment",
    "MoneyLeg",
    "StockLeg",
    "ParcelLeg",
    "neighbour",
    "neighbours",
    "put_off",
    "take_in",
    "set aside",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("the crate lies in crates/tidy").to_owned()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn manifest(path: &Path) -> Table {
    read(path).parse().unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every file below `folder` with this extension, in the order of their paths.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let Ok(entries) = fs::read_dir(folder) else { return found };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|is| is == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Name and folder of every crate.
fn crates() -> BTreeMap<String, PathBuf> {
    let folders = fs::read_dir(root().join("crates")).expect("the workspace has crates");
    folders.flatten().map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path())).collect()
}

/// A source file in the words of a rule: its path from the root, and its lines with their numbers.
struct Source {
    path: PathBuf,
    shown: String,
    text: String,
}

impl Source {
    fn of(path: PathBuf) -> Source {
        let shown = path.strip_prefix(root()).unwrap_or(&path).display().to_string();
        Source { text: read(&path), shown, path }
    }

    fn is_test(&self) -> bool {
        self.shown.contains("/tests/")
            || self.shown.ends_with("/tests.rs")
            || self.shown.ends_with("_tests.rs")
            || self.shown.contains("/testing")
    }

    /// The part before a `#[cfg(test)]` module at the end of the file.
    fn production(&self) -> &str {
        self.text.split("#[cfg(test)]\nmod ").next().unwrap_or_default()
    }
}

fn sources() -> Vec<Source> {
    crates().into_iter().filter(|(name, _)| name != "tidy").flat_map(|(_, folder)| files(&folder, "rs")).map(Source::of).collect()
}

/// The string literals of a source, each with the line on which it begins. Comments are passed over.
fn literals(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let (mut line, mut rest) = (1, text);
    while let Some(next) = rest.chars().next() {
        let skipped = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if let Some(opening) = ["'\"'", "'\\\"'", "b'\"'"].into_iter().find(|quote| rest.starts_with(quote)) {
            opening.len()
        } else if let Some(raw) = rest.strip_prefix("r#\"") {
            let literal = raw.split("\"#").next().unwrap_or_default();
            found.push((line, literal.to_owned()));
            (3 + literal.len() + 2).min(rest.len())
        } else if next == '"' {
            let (literal, length) = quoted(&rest[1..]);
            found.push((line, literal));
            1 + length
        } else {
            next.len_utf8()
        };
        line += rest[..skipped].matches('\n').count();
        rest = &rest[skipped..];
    }
    found
}

/// The value of a literal whose opening quote is gone, and how many bytes it takes with its closing one.
fn quoted(text: &str) -> (String, usize) {
    let mut value = String::new();
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (value, at + 1),
            '\\' => match characters.next() {
                Some((_, '\n')) => while characters.next_if(|(_, character)| character.is_whitespace()).is_some() {},
                Some((_, escaped)) => value.push(escaped),
                None => break,
            },
            other => value.push(other),
        }
    }
    (value, text.len())
}

/// Whether a literal is a statement of SQL, or the beginning of one.
fn is_sql(literal: &str) -> bool {
    let begins = |verb: &str, then: &str| literal.strip_prefix(verb).is_some_and(|rest| rest.contains(then));
    begins("SELECT ", "")
        || begins("INSERT INTO ", "(")
        || begins("UPDATE ", " SET ")
        || begins("DELETE FROM ", "")
        || begins("WITH ", " AS (")
}

#[track_caller]
fn none(rule: &str, why: &str, faults: Vec<String>) {
    assert!(faults.is_empty(), "{rule}\n{why}\n\n  {}\n", faults.join("\n  "));
}

/// The names that a manifest declares in one of its tables of dependencies.
fn declared(manifest: &Table, table: &str) -> BTreeSet<String> {
    manifest.get(table).and_then(Value::as_table).into_iter().flatten().map(|(name, _)| name.clone()).collect()
}

#[test]
fn crates_depend_in_one_direction() {
    let crates = crates();
    let mut faults = Vec::new();
    for (name, folder) in &crates {
        let manifest = manifest(&folder.join("Cargo.toml"));
        let allowed: Vec<&str> = match name.as_str() {
            "contracts" | "tidy" => vec![],
            "platform" => vec!["contracts"],
            PROGRAM => crates.keys().map(String::as_str).filter(|other| !["tidy", PROGRAM].contains(other)).collect(),
            _ => FOUNDATIONS.to_vec(),
        };
        let tables = ["dependencies", "dev-dependencies", "build-dependencies"];
        for dependency in tables.iter().flat_map(|table| declared(&manifest, table)) {
            if crates.contains_key(&dependency) && !allowed.contains(&dependency.as_str()) {
                faults.push(format!("crates/{name} depends on {dependency}"));
            }
        }
    }
    none(
        "Arrows between crates: contracts ← platform ← services ← souk.",
        "A service that knows another could share its data or its rules instead of calling it; not even tests may.",
        faults,
    );
}

#[test]
fn no_dependency_is_declared_and_unused() {
    let mut faults = Vec::new();
    for (name, folder) in crates() {
        let manifest = manifest(&folder.join("Cargo.toml"));
        let all: Vec<Source> = files(&folder, "rs").into_iter().map(Source::of).collect();
        let production: String = all.iter().filter(|source| !source.is_test()).map(Source::production).collect();
        let everything: String = all.iter().map(|source| source.text.as_str()).collect();
        for (table, text) in [("dependencies", &production), ("dev-dependencies", &everything)] {
            for dependency in declared(&manifest, table) {
                // A test may need a feature of a dependency that the production code declares.
                let adds_features = table == "dev-dependencies" && declared(&manifest, "dependencies").contains(&dependency);
                if !adds_features && !names(text, &dependency.replace('-', "_")) {
                    faults.push(format!("crates/{name}: {dependency} in [{table}]"));
                }
            }
        }
    }
    let workspace = manifest(&root().join("Cargo.toml"));
    let used: BTreeSet<String> = crates()
        .values()
        .map(|folder| manifest(&folder.join("Cargo.toml")))
        .flat_map(|manifest| {
            declared(&manifest, "dependencies").into_iter().chain(declared(&manifest, "dev-dependencies")).collect::<Vec<_>>()
        })
        .collect();
    let shared = workspace["workspace"]["dependencies"].as_table().expect("the workspace lists versions");
    faults.extend(
        shared.keys().filter(|name| !used.contains(*name) && !crates().contains_key(*name)).map(|name| format!("Cargo.toml: {name}")),
    );
    none("No dependency is declared and unused.", "Each costs time to build and to review, in every build of everyone.", faults);
}

/// Whether `text` names `word` as a whole identifier.
fn names(text: &str, word: &str) -> bool {
    let is_part = |character: Option<char>| character.is_some_and(|character| character.is_alphanumeric() || character == '_');
    text.match_indices(word).any(|(at, _)| !is_part(text[..at].chars().next_back()) && !is_part(text[at + word.len()..].chars().next()))
}

#[test]
fn banned_crates_are_not_in_the_tree() {
    let banned = manifest(&root().join("deny.toml"));
    let banned = banned["bans"]["deny"].as_array().expect("deny.toml lists banned crates");
    let lock = manifest(&root().join("Cargo.lock"));
    let locked: BTreeSet<&str> = lock["package"].as_array().into_iter().flatten().filter_map(|package| package["name"].as_str()).collect();
    let faults = banned.iter().filter_map(|ban| {
        let (name, reason) = (ban["crate"].as_str()?, ban["reason"].as_str()?);
        locked.contains(name).then(|| format!("{name}: {reason}"))
    });
    none("Banned crates stay out of Cargo.lock.", "deny.toml gives the reason of each.", faults.collect());
}

#[test]
fn sql_stands_in_stores_and_in_platform() {
    let mut faults = Vec::new();
    for source in sources().iter().filter(|source| !source.is_test() && !source.shown.starts_with("crates/platform/")) {
        let is_store = source.shown.contains("/store/") || source.shown.ends_with("store.rs");
        if is_store {
            continue;
        }
        let found = literals(source.production()).into_iter().filter(|(_, literal)| is_sql(literal));
        faults.extend(found.map(|(line, literal)| format!("{}:{line}: {}", source.shown, literal.chars().take(60).collect::<String>())));
    }
    none(
        "SQL stands in the store module of a service, and in platform.",
        "Whoever changes a table finds every statement about it in one place, and what decides holds no SQL.",
        faults,
    );
}

#[test]
fn sql_means_the_same_in_both_databases() {
    let mut faults = Vec::new();
    for source in sources().iter().filter(|source| !source.is_test() && !source.shown.starts_with("crates/platform/src/db")) {
        for (line, literal) in literals(source.production()).into_iter().filter(|(_, literal)| is_sql(literal)) {
            faults.extend(violations(&literal).into_iter().map(|why| format!("{}:{line}: {why}", source.shown)));
        }
    }
    for (_, folder) in crates() {
        for path in files(&folder.join("migrations"), "sql") {
            let migration = Source::of(path);
            let code: String = migration.text.lines().filter(|line| !line.trim_start().starts_with("--")).collect::<Vec<_>>().join("\n");
            // The migration of a PostgreSQL database leaves this out: there it is the order of the rows in the file only.
            let code = code.replace("WITHOUT ROWID", "");
            let statements = code.split(';').flat_map(|statement| violations(statement));
            faults.extend(statements.map(|why| format!("{}: {why}", migration.shown)));
        }
    }
    none("One text of SQL for SQLite and PostgreSQL.", "There is one store for both; what differs stands in platform::db.", faults);
}

#[test]
fn no_file_is_named_mod_rs() {
    let faults = sources().into_iter().filter(|source| source.path.ends_with("mod.rs")).map(|source| source.shown);
    none("A module's file is named after it, beside its folder.", "In an editor, tabs named mod.rs look alike.", faults.collect());
}

#[test]
fn no_two_files_of_a_crate_share_a_name() {
    let mut faults = Vec::new();
    for (name, folder) in crates() {
        let mut by_name: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for path in files(&folder.join("src"), "rs") {
            let source = Source::of(path);
            if !source.is_test() {
                by_name.entry(source.path.file_name().unwrap_or_default().to_string_lossy().into_owned()).or_default().push(source.shown);
            }
        }
        // Platform is a library of many parts; in a service one word is one thing.
        if !["platform", PROGRAM].contains(&name.as_str()) {
            faults.extend(by_name.into_values().filter(|files| files.len() > 1).map(|files| files.join(" and ")));
        }
    }
    none("Two files of one service never share a name.", "A name is what people search for and speak of.", faults);
}

#[test]
fn metrics_log_targets_and_settings_are_documented() {
    let docs: String = files(&root().join("docs"), "md").iter().map(|path| read(path)).collect();
    let mut faults = Vec::new();
    for source in sources().iter().filter(|source| !source.is_test()) {
        let text = source.production();
        for (line, literal) in literals(text) {
            let is_metric = literal
                .strip_prefix("souk_")
                .is_some_and(|name| name.len() > 3 && name.chars().all(|c| c.is_ascii_lowercase() || c == '_'));
            if is_metric && !docs.contains(&format!("`{literal}`")) {
                faults.push(format!("{}:{line}: the metric {literal}", source.shown));
            }
        }
        for (at, _) in text.match_indices("target: \"") {
            let target = text[at + 9..].split('"').next().unwrap_or_default();
            if !docs.contains(&format!("| `{target}` |")) {
                faults.push(format!("{}: the log target {target}", source.shown));
            }
        }
    }
    let table = "crates/platform/src/telemetry/families.rs";
    let recorded: BTreeSet<String> = sources()
        .iter()
        .filter(|source| !source.is_test() && source.shown != table)
        .flat_map(|source| literals(source.production()).into_iter().map(|(_, literal)| literal).collect::<Vec<_>>())
        .collect();
    let page = read(&root().join("docs/metrics.md"));
    let families = page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    faults.extend(families.filter(|name| !recorded.contains(*name)).map(|name| format!("{table}: {name} is recorded nowhere")));
    none(
        "Every metric, log target and setting is in the docs.",
        "Whoever runs Souk finds out what a number (docs/metrics.md, generated from platform::telemetry) or a line (docs/operations.md) means. Settings are generated into docs/configuration.md, which has a test of its own.",
        faults,
    );
}

#[test]
fn retired_words_stay_retired() {
    let mut faults = Vec::new();
    let pages = files(&root().join("docs"), "md").into_iter().chain([root().join("README.md")]).map(Source::of);
    for source in sources().into_iter().chain(pages) {
        for (at, line) in source.text.lines().enumerate() {
            faults.extend(RETIRED.iter().filter(|word| names(line, word)).map(|word| format!("{}:{}: {word}", source.shown, at + 1)));
        }
    }
    none(
        "No metaphors: the field's own terms, as docs/glossary.md lists them.",
        "A reader meets no word that has to be explained.",
        faults,
    );
}

#[test]
fn the_scanner_reads_literals_as_the_compiler_does() {
    let text = "let a = \"SELECT 1\"; // \"no\"\nlet b = '\"'; let c = \"two \\\n     lines\"; let d = r#\"raw \"quoted\"\"#;";
    let found: Vec<(usize, String)> = literals(text);
    assert_eq!(found, [(1, "SELECT 1".into()), (2, "two lines".into()), (3, "raw \"quoted\"".into())]);
    assert!(is_sql("UPDATE t SET a = $1") && !is_sql("UPDATE your address"));
    assert!(names("use serde_json;", "serde_json") && !names("use serde_json;", "serde"));
}
