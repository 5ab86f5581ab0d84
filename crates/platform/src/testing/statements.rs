//! A test for every SQL statement of a service: each is prepared against the schema that the service's migrations make.
//!
//! The statements are taken from the sources of the crate, without its tests: string literals that begin like a statement,
//! the arguments of the methods of [`Tx`](crate::db::Tx), the columns of each [`table!`](crate::table), and the parts of each
//! [`Select`](crate::db::Select) and of each [`DueQueue`]. A call whose text is not in the sources fails the test, so no
//! statement is missed silently. A text is a literal, `concat!`, `format!` of texts, a `match` or `if` between texts, a constant, a variable, a
//! parameter that every caller gives a text, or a call of a `macro_rules!` that takes literals.

mod resolve;
mod source;

use self::{
    resolve::{Crate, Place, resolve},
    source::{Kind, Source, Token, closing, opening, read_all, split},
};
use super::{TestDatabase, portable_sql::violations};
use crate::{
    db::{self, Migration, Statements},
    due::DueQueue,
    service::Service,
};
use std::{
    collections::{BTreeSet, HashSet},
    path::Path,
};

/// Methods of `Tx` whose first argument is a whole statement.
const WHOLE: [&str; 8] = ["query", "query_opt", "query_one", "execute", "execute_pipelined", "lock_opt", "lock_all", "execute_returning"];
/// Methods of `Tx` for rows of a table, with the position of the argument that is SQL, if one is.
const ROWS: [(&str, Option<usize>); 16] = [
    ("insert", None),
    ("insert_with", None),
    ("insert_if_absent", Some(1)),
    ("insert_if_absent_with", Some(1)),
    ("upsert", None),
    ("upsert_with", None),
    ("upsert_if", Some(2)),
    ("update", None),
    ("update_with", None),
    ("replace", None),
    ("replace_with", None),
    ("update_if", Some(2)),
    ("find", Some(0)),
    ("lock", Some(0)),
    ("list", Some(0)),
    ("lock_list", Some(0)),
];
/// Methods of `Select` whose first argument is a part of the statement.
const PARTS: [&str; 8] = ["filter", "filter_some", "filter_literal", "filter_below", "filter_above", "filter_in", "limit", "group"];

/// Prepares every statement of the crate in `manifest_dir` and returns how many there are.
///
/// ```ignore
/// platform::testing::assert_statements_prepare(&service(), env!("CARGO_MANIFEST_DIR"));
/// ```
///
/// # Panics
/// With the file, the line and the database's message of each statement that it refuses, of each one that only one
/// database accepts, and of each text that is not known before the program runs.
pub fn assert_statements_prepare(service: &Service, manifest_dir: &str) -> usize {
    let mut sources = Vec::new();
    read_all(&Path::new(manifest_dir).join("src"), &mut sources);
    let (statements, faults) = check(service.migrations, sources);
    assert!(faults.is_empty(), "{} faults in {statements} statements:\n{}", faults.len(), faults.join("\n"));
    assert!(statements > 0, "no statement was found in {manifest_dir}");
    statements
}

/// Returns how many statements there are, and what is wrong with them.
fn check(migrations: &[Migration], sources: Vec<Source>) -> (usize, Vec<String>) {
    let connection = db::in_memory(migrations).expect("the migrations apply");
    let (statements, mut faults) = scan(&Crate::new(sources));
    if let Some(database) = TestDatabase::make("statements", migrations) {
        let contiguous: Vec<(String, String)> = statements.iter().map(|(place, sql)| (place.clone(), contiguous(sql))).collect();
        faults.extend(db::postgres::prepare_all(database.address(), "statements", &contiguous).expect("the database can be used"));
    }
    for (place, sql) in &statements {
        if let Err(error) = connection.prepare(sql) {
            faults.push(format!("{place}: {error}: {sql}"));
        }
        faults.extend(violations(sql).into_iter().map(|reason| format!("{place}: {reason}: {sql}")));
    }
    faults.sort();
    (statements.len(), faults)
}

/// Returns each statement with its place, and what could not be resolved.
fn scan(of: &Crate) -> (Vec<(String, String)>, Vec<String>) {
    let mut scan = Scan { of, statements: Vec::new(), faults: Vec::new() };
    for (place, _, table) in &of.tables {
        scan.table(*place, table);
    }
    for (file, source) in of.sources.iter().enumerate() {
        for (name, arms) in &source.macros {
            if arms.iter().any(|(_, body)| (0..body.len()).any(|at| takes_sql(body, at))) {
                scan.faults.push(format!("{}: the statements inside the macro {name} cannot be checked", source.path.display()));
            }
        }
        let mut at = 0;
        while at < source.tokens.len() {
            scan.call(Place { file, at });
            at = scan.literal(Place { file, at });
        }
    }
    let mut known = HashSet::new();
    scan.statements.retain(|statement| known.insert(statement.clone()));
    (scan.statements, scan.faults)
}

/// Returns whether a method of `Tx` or `Select` is called behind the dot at `at`.
fn takes_sql(tokens: &[Token], at: usize) -> bool {
    let (true, Some(name)) = (tokens[at].is("."), tokens.get(at + 1)) else { return false };
    let Some((_, open)) = turbofish(tokens, at + 2) else { return false };
    let arguments = split(&tokens[open + 1..closing(tokens, open)], ",").len();
    let of_row = |(row, _): &(&str, _)| name.is(row) && arguments >= 2;
    WHOLE.iter().any(|whole| name.is(whole)) && arguments >= 2
        || ROWS.iter().any(of_row)
        || PARTS.iter().any(|part| name.is(part)) && arguments == if name.is("group") || name.is("filter_literal") { 1 } else { 2 }
}

struct Scan<'a> {
    of: &'a Crate,
    statements: Vec<(String, String)>,
    faults: Vec<String>,
}

impl Scan<'_> {
    fn named(&self, place: Place) -> String {
        let source = &self.of.sources[place.file];
        format!("{}:{}", source.path.display(), source.tokens.get(place.at).map_or(0, |token| token.line))
    }

    fn statement(&mut self, place: Place, sql: String) {
        let named = self.named(place);
        self.statements.push((named, sql));
    }

    fn fault(&mut self, place: Place, fault: &str) {
        let named = self.named(place);
        self.faults.push(format!("{named}: {fault}"));
    }

    fn add(&mut self, place: Place, found: Result<Vec<String>, String>) {
        match found {
            Ok(statements) => statements.into_iter().for_each(|sql| self.statement(place, sql)),
            Err(fault) => self.fault(place, &fault),
        }
    }

    /// The statements that a declaration makes.
    fn table(&mut self, place: Place, table: &Statements) {
        let columns = table.columns();
        let extra = columns.extra.iter().filter(|name| !columns.columns.contains(name) && !columns.insert_only.contains(name));
        let extra: Vec<&str> = extra.copied().collect();
        if !table.select_list("").is_empty() {
            self.statement(place, table.select().to_owned());
        }
        // A declaration of part of the columns may lack a key, and then it makes no UPDATE.
        let written = [table.insert_with(&extra), table.update_with(&extra)];
        let written = written.into_iter().filter(|sql| !sql.is_empty() && !sql.contains("()"));
        written.for_each(|sql| self.statement(place, sql.into_owned()));
    }

    /// A literal, or a macro that makes one, that begins like a statement. Returns where the search continues.
    fn literal(&mut self, place: Place) -> usize {
        let (tokens, at) = (&self.of.sources[place.file].tokens, place.at);
        let is_macro = tokens[at].kind == Kind::Word && tokens.get(at + 1).is_some_and(|bang| bang.is("!"));
        let end = match is_macro && tokens.get(at + 2).is_some_and(|open| open.is("(")) {
            true => closing(tokens, at + 2) + 1,
            false => at + 1,
        };
        if !is_macro && tokens[at].kind != Kind::Text {
            return at + 1;
        }
        match resolve(self.of, &tokens[at..end], place) {
            Ok(texts) => {
                for text in texts.into_iter().filter(|text| is_statement(text)) {
                    self.statement(place, text);
                }
                end
            }
            Err(_) => at + 1,
        }
    }

    /// A call of a method or function that takes SQL.
    fn call(&mut self, place: Place) {
        let source = &self.of.sources[place.file];
        let (tokens, at) = (&source.tokens, place.at);
        if tokens[at].is("Select") {
            // Its parts are checked where they are called.
            if let Some(found) = self.select_at(place) {
                self.add(place, found);
            }
        }
        if let [word, colon, _, new, open, ..] = &tokens[at..]
            && (word.is("DueQueue") && colon.is(":") && new.is("new") && open.is("("))
        {
            self.add(place, self.queue(place));
        }
        if !tokens[at].is(".") || at == 0 {
            return;
        }
        let Some(method) = tokens.get(at + 1).filter(|token| token.kind == Kind::Word) else { return };
        let Some((table, open)) = turbofish(tokens, at + 2) else { return };
        let arguments = split(&tokens[open + 1..closing(tokens, open)], ",");
        let is_transaction = source.transactions.iter().any(|name| tokens[at - 1].is(name));
        let name = method.text.as_str();
        if PARTS.contains(&name) && !is_transaction {
            self.part(place, name, &arguments);
        } else if !is_transaction {
            if ["query_opt", "query_one", "lock_opt", "lock_all", "execute_returning"].contains(&name)
                && source.path.file_stem() != Some("tx".as_ref())
            {
                self.fault(place, &format!("`{name}` is called on what is not known to be a transaction"));
            }
        } else if WHOLE.contains(&name) {
            let texts = arguments.first().map_or(Err("no statement is given".to_owned()), |sql| resolve(self.of, sql, place));
            let found = texts.and_then(|texts| {
                if name != "execute_returning" {
                    return Ok(texts);
                }
                let table = self.of.table(place.file, &table.ok_or("no table is named")?)?;
                Ok(texts.into_iter().map(|sql| format!("{sql} RETURNING {}", table.select_list(""))).collect())
            });
            self.add(place, found);
        } else if name == "next_number" {
            self.add(place, self.next_number(place, &arguments));
        } else if let Some((_, position)) = ROWS.iter().find(|(row, _)| *row == name) {
            let table = table.ok_or_else(|| format!("name the table: tx.{name}::<Table>(…)"));
            let found = table
                .and_then(|table| self.of.table(place.file, &table))
                .and_then(|table| self.rows(place, name, table, *position, &arguments));
            self.add(place, found);
        }
    }

    fn rows(
        &self,
        place: Place,
        name: &str,
        table: &Statements,
        position: Option<usize>,
        arguments: &[&[Token]],
    ) -> Result<Vec<String>, String> {
        let texts = match position {
            Some(position) => resolve(self.of, arguments.get(position).copied().unwrap_or_default(), place)?,
            None => vec![String::new()],
        };
        let extra = match name {
            "update_if" | "upsert_if" => arguments.get(1),
            _ if name.ends_with("_with") => arguments.last(),
            _ => None,
        };
        let extra = extra.map_or(Ok(Vec::new()), |extra| extra_names(extra))?;
        let extra: Vec<&str> = extra.iter().map(String::as_str).collect();
        if let Some(unknown) = extra.iter().find(|name| !table.columns().extra.contains(name)) {
            return Err(format!("the table {} declares no extra column {unknown}", table.columns().table));
        }
        let statement = |text: String| match name {
            "find" | "lock" => format!("{} WHERE {text}", table.select()),
            "list" | "lock_list" => format!("{} {text}", table.select()),
            "update" | "update_with" | "replace" | "replace_with" => table.update_with(&extra).into_owned(),
            "update_if" => format!("{} AND {}", table.update_with(&extra), numbered(&text)),
            "upsert" | "upsert_with" => format!("{}{}", table.insert_with(&extra), table.on_conflict_update(&extra)),
            "upsert_if" => format!("{}{} WHERE {text}", table.insert_with(&extra), table.on_conflict_update(&extra)),
            "insert_if_absent" | "insert_if_absent_with" => format!("{} ON CONFLICT {text} DO NOTHING", table.insert_with(&extra)),
            _ => table.insert_with(&extra).into_owned(),
        };
        Ok(texts.into_iter().map(statement).collect())
    }

    fn next_number(&self, place: Place, arguments: &[&[Token]]) -> Result<Vec<String>, String> {
        let [table, number, key] = arguments else { return Err("next_number takes a table, a column and a key".to_owned()) };
        let (tables, numbers, key) = (resolve(self.of, table, place)?, resolve(self.of, number, place)?, extra_names(key)?);
        let key: Vec<&str> = key.iter().map(String::as_str).collect();
        Ok(vec![db::next_number_sql(&tables[0], &numbers[0], &key)])
    }

    /// The statements of `DueQueue::new(…)` and the methods called on it.
    fn queue(&self, place: Place) -> Result<Vec<String>, String> {
        let tokens = &self.of.sources[place.file].tokens;
        let (mut queues, mut open) = (vec![DueQueue::<i64>::new("", "")], place.at + 4);
        loop {
            let (method, close) = (&tokens[open - 1], closing(tokens, open));
            let mut parts = vec![Vec::new()];
            for argument in split(&tokens[open + 1..close], ",") {
                let texts = resolve(self.of, argument, place)?;
                parts = parts.iter().flat_map(|part| texts.iter().map(|text| [&part[..], &[&*text.clone().leak()]].concat())).collect();
            }
            let with = |queue: DueQueue<i64>, part: &Vec<&'static str>| match (method.text.as_str(), &part[..]) {
                ("new", [table, key]) => Ok(DueQueue::new(table, key)),
                ("partitioned_by", [column]) => Ok(queue.partitioned_by(column)),
                ("due_at", [column]) => Ok(queue.due_at(column)),
                ("failed_attempts", [column]) => Ok(queue.failed_attempts(column)),
                ("filter", [condition]) => Ok(queue.filter(condition)),
                _ => Err(format!("`{}` is not known of a DueQueue", method.text)),
            };
            queues = queues.into_iter().flat_map(|queue| parts.iter().map(move |part| with(queue, part))).collect::<Result<_, _>>()?;
            match &tokens[close + 1..] {
                [dot, _, next, ..] if dot.is(".") && next.is("(") => open = close + 3,
                _ => return Ok(queues.iter().flat_map(DueQueue::statements).collect()),
            }
        }
    }

    /// A part of a `Select`.
    fn part(&mut self, place: Place, method: &str, arguments: &[&[Token]]) {
        let own = matches!(method, "filter_some" | "filter_literal" | "filter_below" | "filter_above" | "filter_in");
        // `filter` of an iterator takes one argument, that of a Select takes two.
        if !own && arguments.len() != if method == "group" { 1 } else { 2 } {
            return;
        }
        let tokens = &self.of.sources[place.file].tokens;
        let bases = self.bases_before(place.at, place, 8);
        let texts = arguments.first().map_or(Ok(Vec::new()), |text| resolve(self.of, text, place));
        let (bases, texts) = match (bases, texts) {
            (Ok(bases), Ok(texts)) if !bases.is_empty() => (bases, texts),
            (_, Ok(_)) => return self.fault(place, &format!("it is not known which Select `{}` belongs to", tokens[place.at + 1].text)),
            (_, Err(fault)) => return self.fault(place, &fault),
        };
        for base in &bases {
            let clause = if base.contains(" WHERE ") { " AND " } else { " WHERE " };
            for text in &texts {
                self.statement(
                    place,
                    match method {
                        "limit" => format!("{base} ORDER BY {text} LIMIT $99"),
                        "group" => format!("{base} GROUP BY {text}"),
                        "filter_below" => format!("{base}{clause}{text} < ($98, $99)"),
                        "filter_above" => format!("{base}{clause}{text} > ($98, $99)"),
                        "filter_in" => format!("{base}{clause}{text} IN ($98, $99)"),
                        _ => format!("{base}{clause}{}", numbered(text)),
                    },
                );
            }
        }
    }

    /// Returns the beginnings of the Select that the method behind the dot at `dot` is called on.
    fn bases_before(&self, dot: usize, place: Place, depth: usize) -> Result<Vec<String>, String> {
        let tokens = &self.of.sources[place.file].tokens;
        let Some(last) = dot.checked_sub(1) else { return Ok(Vec::new()) };
        if tokens[last].kind == Kind::Word {
            return self.bases_of_variable(&tokens[last].text, place, depth);
        }
        if tokens[last].is("}") {
            // `match … { … }.limit(…)`
            let Some(open) = opening(tokens, last) else { return Ok(Vec::new()) };
            let begin = (0..open).rev().find(|at| tokens[*at].is("match") || tokens[*at].is("if")).unwrap_or(open);
            return self.bases_within(&tokens[begin..=last], Place { at: begin, ..place }, depth);
        }
        let Some(open) = tokens[last].is(")").then(|| opening(tokens, last)).flatten() else { return Ok(Vec::new()) };
        let mut head = open;
        if tokens[open - 1].is(">") {
            head = (0..open).rev().find(|at| tokens[*at].is("<")).unwrap_or(open).saturating_sub(2);
        }
        let Some(name) = head.checked_sub(1) else { return Ok(Vec::new()) };
        match name.checked_sub(1).map(|before| tokens[before].text.as_str()) {
            Some(".") => self.bases_before(name - 1, place, depth),
            Some(":") if name >= 3 && tokens[name - 3].is("Select") => {
                self.select_at(Place { at: name - 3, ..place }).unwrap_or_else(|| Ok(Vec::new()))
            }
            _ => self.bases_within(&tokens[name..=last], Place { at: name, ..place }, depth),
        }
    }

    fn bases_of_variable(&self, name: &str, place: Place, depth: usize) -> Result<Vec<String>, String> {
        if depth == 0 {
            return Ok(Vec::new());
        }
        let mut bases = match self.of.variable(name, place) {
            Some((at, value)) => self.bases_within(value, Place { at, ..place }, depth - 1)?,
            None => Vec::new(),
        };
        for (place, argument) in self.of.arguments(name, place).unwrap_or_default() {
            bases.extend(self.bases_within(argument, place, depth - 1)?);
        }
        Ok(bases)
    }

    /// Returns the beginnings of every Select that the expression makes, by itself or by a function of the crate.
    fn bases_within(&self, expression: &[Token], place: Place, depth: usize) -> Result<Vec<String>, String> {
        let mut bases = Vec::new();
        if depth == 0 {
            return Ok(bases);
        }
        for (offset, token) in expression.iter().enumerate() {
            let next = expression.get(offset + 1);
            if token.is("Select") {
                bases.extend(select(self.of, &expression[offset..], place).unwrap_or_else(|| Ok(Vec::new()))?);
            } else if token.kind == Kind::Word && next.is_some_and(|open| open.is("(")) {
                for (file, source) in self.of.sources.iter().enumerate() {
                    for function in source.functions.iter().filter(|function| function.returns_select && token.is(&function.name)) {
                        let body = &source.tokens[function.body.clone()];
                        bases.extend(self.bases_within(body, Place { file, at: function.body.start + 1 }, depth - 1)?);
                    }
                }
            } else if token.kind == Kind::Word && !offset.checked_sub(1).is_some_and(|before| expression[before].is(".")) {
                bases.extend(self.bases_of_variable(&token.text, place, depth - 1)?);
            }
        }
        Ok(bases)
    }

    fn select_at(&self, place: Place) -> Option<Result<Vec<String>, String>> {
        select(self.of, &self.of.sources[place.file].tokens[place.at..], place)
    }
}

/// Returns the texts of `Select::from(…)`, `Select::of::<T>()` and `Select::joined::<T>(…)`; `None` when it is none of them.
fn select(of: &Crate, tokens: &[Token], place: Place) -> Option<Result<Vec<String>, String>> {
    let [_, colon, _, method, ..] = tokens else { return None };
    if !colon.is(":") || !["from", "of", "joined"].contains(&method.text.as_str()) {
        return None;
    }
    let (table, open) = turbofish(tokens, 4)?;
    let arguments = split(&tokens[open + 1..closing(tokens, open)], ",");
    if method.is("from") {
        return Some(resolve(of, arguments.first()?, place));
    }
    let table = table.ok_or_else(|| "name the table: Select::of::<Table>()".to_owned()).and_then(|table| of.table(place.file, &table));
    Some(table.and_then(|table| match &arguments[..] {
        [alias, from] => {
            let alias = resolve(of, alias, place)?.concat();
            let from = resolve(of, from, place)?;
            Ok(from.into_iter().map(|from| format!("SELECT {} FROM {from}", table.select_list(&alias))).collect())
        }
        _ => Ok(vec![table.select().to_owned()]),
    }))
}

/// Returns the last name of the type in `::<…>` at `at`, if that is there, and where the arguments open.
fn turbofish(tokens: &[Token], at: usize) -> Option<(Option<String>, usize)> {
    if tokens.get(at)?.is("(") {
        return Some((None, at));
    }
    if !tokens[at].is(":") || !tokens.get(at + 2)?.is("<") {
        return None;
    }
    let open = (at + 3..tokens.len()).find(|open| tokens[*open].is("("))?;
    let name = tokens[at + 3..open].iter().take_while(|token| token.kind == Kind::Word || token.is(":")).last()?;
    Some((Some(name.text.clone()), open))
}

/// Returns the names in `&[("due_at", &due_at), …]`.
fn extra_names(argument: &[Token]) -> Result<Vec<String>, String> {
    let inner = match argument {
        [and, open, inner @ .., _] if and.is("&") && open.is("[") => inner,
        _ => return Err("extra columns are written in the call: &[(\"name\", &value)]".to_owned()),
    };
    let name = |pair: &[Token]| match pair {
        [_, name, ..] if name.kind == Kind::Text => Ok(name.text.clone()),
        _ => Err("the name of an extra column is a literal".to_owned()),
    };
    split(inner, ",").into_iter().map(name).collect()
}

/// Returns a condition with a parameter of its own in place of each `?`, behind all that a statement has.
fn numbered(condition: &str) -> String {
    let mut parts = condition.split('?');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.zip(80..).fold(first, |text, (part, number)| format!("{text}${number}{part}"))
}

/// Returns the statement with parameters that are numbered without gaps, which PostgreSQL wants.
fn contiguous(sql: &str) -> String {
    let number_at = |rest: &str| rest.split(|char: char| !char.is_ascii_digit()).next().and_then(|digits| digits.parse::<usize>().ok());
    let numbers: BTreeSet<usize> = sql.split('$').skip(1).filter_map(number_at).collect();
    let mut parts = sql.split('$');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        text.push('$');
        text += &number_at(part).map_or_else(String::new, |number| numbers.range(..=number).count().to_string());
        text += part.trim_start_matches(|char: char| char.is_ascii_digit());
    }
    text
}

/// Whether a literal is a statement. The template of a `format!` is not one: its result is checked where it is used.
fn is_statement(text: &str) -> bool {
    !text.contains('{') && ["SELECT ", "INSERT INTO ", "UPDATE ", "DELETE FROM ", "WITH "].iter().any(|begin| text.starts_with(begin))
}

#[cfg(test)]
mod tests;
