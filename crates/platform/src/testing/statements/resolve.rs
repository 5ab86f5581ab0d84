//! The texts that a string expression of the sources may have.

use super::source::{Function, Kind, Source, Token, closing, split};
use crate::db::{Columns, Statements};

/// A crate's sources and the tables that they declare.
pub struct Crate {
    pub sources: Vec<Source>,
    /// Where it is declared, its name, its statements.
    pub tables: Vec<(Place, String, Statements)>,
}

/// A token of a file.
#[derive(Clone, Copy)]
pub struct Place {
    pub file: usize,
    pub at: usize,
}

/// How far names are followed.
const DEPTH: usize = 12;

impl Crate {
    pub fn new(sources: Vec<Source>) -> Crate {
        let mut tables = Vec::new();
        for (file, source) in sources.iter().enumerate() {
            for at in 0..source.tokens.len().saturating_sub(2) {
                if source.tokens[at].is("table") && source.tokens[at + 1].is("!") {
                    let body = &source.tokens[at + 3..closing(&source.tokens, at + 2)];
                    tables.push((Place { file, at }, table_name(body), Statements::new(columns(body))));
                }
            }
        }
        Crate { sources, tables }
    }

    /// Returns the statements of the table of this name: the file's own, else the only one of the crate.
    pub fn table(&self, file: usize, name: &str) -> Result<&Statements, String> {
        let named = || self.tables.iter().filter(|(_, table, _)| table == name);
        let own = named().find(|(of, ..)| of.file == file);
        match (own, named().count()) {
            (Some((.., statements)), _) => Ok(statements),
            (None, 1) => named().next().map(|(.., statements)| statements).ok_or_else(String::new),
            (None, 0) => Err(format!("no table! declares {name}")),
            (None, _) => Err(format!("several files declare a table {name}; give them different names")),
        }
    }

    /// Returns every text that the expression may be.
    pub fn texts(&self, expression: &[Token], place: Place, depth: usize) -> Result<Vec<String>, String> {
        let shown = || expression.iter().take(12).map(|token| token.text.as_str()).collect::<Vec<_>>().join(" ");
        let unresolved = || Err(format!("the text of `{}` is not known before the program runs", shown()));
        if depth == 0 {
            return unresolved();
        }
        match expression {
            [one] if one.kind == Kind::Text || one.kind == Kind::Other => Ok(vec![one.text.clone()]),
            [one] if one.kind == Kind::Word => self.named(&one.text, place, depth).unwrap_or_else(unresolved),
            [mark, rest @ ..] if mark.is("&") => self.texts(rest, place, depth),
            [open, .., _] if (open.is("(") || open.is("{")) && closing(expression, 0) == expression.len() - 1 => {
                self.texts(&expression[1..expression.len() - 1], place, depth - 1)
            }
            [word, ..] if word.is("match") => self.matched(expression, place, depth),
            [word, ..] if word.is("if") => {
                let Some(open) = expression.iter().position(|token| token.is("{")) else { return unresolved() };
                let close = closing(expression, open);
                let mut texts = self.texts(&expression[open + 1..close], place, depth - 1)?;
                texts.extend(self.texts(expression.get(close + 2..).unwrap_or_default(), place, depth - 1)?);
                Ok(texts)
            }
            [table, _, _, word, ..] if word.is("statements") => match expression {
                [.., dot, list, _, alias, _] if dot.is(".") && list.is("select_list") => {
                    Ok(vec![self.table(place.file, &table.text)?.select_list(&alias.text)])
                }
                _ => unresolved(),
            },
            [lazy, _, _, new, _, bar, bar_too, body @ .., _] if lazy.is("LazyLock") && new.is("new") && bar.is("|") && bar_too.is("|") => {
                self.texts(body, place, depth - 1)
            }
            _ => {
                // A path, such as `super::LIST`: its last name counts.
                let end = expression.iter().take_while(|token| token.kind == Kind::Word || token.is(":")).count();
                match &expression[end..] {
                    [] => match expression.last() {
                        Some(last) if expression.len() > 1 => self.texts(std::slice::from_ref(last), place, depth - 1),
                        _ => unresolved(),
                    },
                    [bang, open, ..] if bang.is("!") && end > 0 && closing(expression, end + 1) == expression.len() - 1 => {
                        let arguments = &expression[end + 2..expression.len() - 1];
                        debug_assert!(open.kind == Kind::Mark);
                        self.expanded(&expression[end - 1].text, arguments, place, depth).unwrap_or_else(unresolved)
                    }
                    _ => unresolved(),
                }
            }
        }
    }

    /// Returns the texts of a call of `concat!`, `format!` or of a macro of the file.
    fn expanded(&self, name: &str, arguments: &[Token], place: Place, depth: usize) -> Option<Result<Vec<String>, String>> {
        let arguments = split(arguments, ",");
        match name {
            "concat" => Some(self.joined(&arguments, place, depth)),
            "format" => Some(self.formatted(&arguments, place, depth)),
            _ => Some(self.texts(&self.substituted(name, &arguments, place)?, place, depth - 1)),
        }
    }

    /// Returns what a call of a `macro_rules!` expands to.
    fn substituted(&self, name: &str, arguments: &[&[Token]], place: Place) -> Option<Vec<Token>> {
        let own = self.sources[place.file].macros.get(name);
        let arms = own.or_else(|| self.sources.iter().find_map(|source| source.macros.get(name)))?;
        let (names, body) = arms.iter().find(|(names, _)| names.len() == arguments.len())?;
        let (mut expanded, mut at) = (Vec::new(), 0);
        while at < body.len() {
            let argument = match (body[at].is("$"), body.get(at + 1)) {
                (true, Some(name)) => names.iter().position(|known| *known == name.text),
                _ => None,
            };
            match argument {
                Some(argument) => {
                    expanded.extend_from_slice(arguments[argument]);
                    at += 2;
                }
                None => {
                    expanded.push(body[at].clone());
                    at += 1;
                }
            }
        }
        Some(expanded)
    }

    fn joined(&self, parts: &[&[Token]], place: Place, depth: usize) -> Result<Vec<String>, String> {
        let mut joined = vec![String::new()];
        for part in parts {
            let texts = self.texts(part, place, depth - 1)?;
            joined = joined.iter().flat_map(|begin| texts.iter().map(move |text| format!("{begin}{text}"))).collect();
        }
        Ok(joined)
    }

    fn formatted(&self, arguments: &[&[Token]], place: Place, depth: usize) -> Result<Vec<String>, String> {
        let [template, values @ ..] = arguments else { return Err("format! without a text".to_owned()) };
        let (mut joined, mut values) = (vec![String::new()], values.iter());
        for template in self.texts(template, place, depth - 1)? {
            for (position, part) in template.split('{').enumerate() {
                let mut rest = part;
                if position > 0 {
                    let (name, after) = part.split_once('}').ok_or("a brace is not closed")?;
                    let named = [Token { kind: Kind::Word, text: name.to_owned(), line: 0 }];
                    let value = if name.is_empty() { *values.next().ok_or("a value of format! is missing")? } else { &named[..] };
                    let texts = self.texts(value, place, depth - 1)?;
                    joined = joined.iter().flat_map(|begin| texts.iter().map(move |text| format!("{begin}{text}"))).collect();
                    rest = after;
                }
                joined.iter_mut().for_each(|text| text.push_str(rest));
            }
        }
        Ok(joined)
    }

    fn matched(&self, expression: &[Token], place: Place, depth: usize) -> Result<Vec<String>, String> {
        let Some(open) = (0..expression.len()).find(|at| expression[*at].is("{") && closing(expression, *at) == expression.len() - 1)
        else {
            return Err("a match that is followed by more".to_owned());
        };
        let (body, mut texts, mut at) = (&expression[open + 1..expression.len() - 1], Vec::new(), 0);
        while let Some(arrow) = (at..body.len()).find(|arrow| body[*arrow].is("=") && body.get(arrow + 1).is_some_and(|next| next.is(">")))
        {
            let value = arrow + 2;
            let end = match body.get(value) {
                Some(block) if block.is("{") => closing(body, value) + 1,
                _ => value + split(&body[value..], ",").first().map_or(0, |part| part.len()),
            };
            texts.extend(self.texts(&body[value..end], place, depth - 1)?);
            at = end;
        }
        Ok(texts)
    }

    /// Returns the texts of a variable, a parameter or a constant; `None` when there is none of that name.
    fn named(&self, name: &str, place: Place, depth: usize) -> Option<Result<Vec<String>, String>> {
        if let Some((at, expression)) = self.variable(name, place) {
            return Some(self.texts(expression, Place { at, ..place }, depth - 1));
        }
        if let Some(arguments) = self.arguments(name, place) {
            let texts = arguments.into_iter().map(|(place, argument)| self.texts(argument, place, depth - 1));
            return Some(texts.collect::<Result<Vec<_>, _>>().map(|texts| texts.concat()));
        }
        let own_first = std::iter::once(place.file).chain(0..self.sources.len());
        own_first.into_iter().find_map(|file| {
            let tokens = &self.sources[file].tokens;
            let is_constant = |at: usize| (tokens[at].is("const") || tokens[at].is("static")) && tokens[at + 1].is(name);
            let at = (0..tokens.len().saturating_sub(3)).find(|at| is_constant(*at))?;
            let equals = (at..tokens.len()).find(|at| tokens[*at].is("="))?;
            let value = split(&tokens[equals + 1..], ";").first().copied()?;
            Some(self.texts(value, Place { file, at: equals }, depth - 1))
        })
    }

    /// Returns what a variable was last set to by `let` before `place`, and where that is.
    pub fn variable(&self, name: &str, place: Place) -> Option<(usize, &[Token])> {
        let source = &self.sources[place.file];
        let function = source.function_at(place.at)?;
        let tokens = &source.tokens;
        (function.body.start..place.at.min(tokens.len().saturating_sub(3))).rev().find_map(|at| {
            if !tokens[at].is("let") {
                return None;
            }
            let equals = (at..tokens.len()).find(|at| tokens[*at].is("="))?;
            let value = *split(&tokens[equals + 1..], ";").first()?;
            let is_name = |pattern: &[Token]| match pattern {
                [one] => one.is(name),
                [word, one, ..] if word.is("mut") => one.is(name),
                [one, colon, ..] => one.is(name) && colon.is(":"),
                [] => false,
            };
            match (&tokens[at + 1..equals], value) {
                ([open, names @ .., _], [first, values @ .., _]) if open.is("(") && first.is("(") => {
                    let position = split(names, ",").into_iter().position(is_name)?;
                    Some((at, *split(values, ",").get(position)?))
                }
                (pattern, _) => is_name(pattern).then_some((at, value)),
            }
        })
    }

    /// Returns what the callers of the function around `place` pass for its parameter `name`; `None` when it has none, or no
    /// callers.
    pub fn arguments(&self, name: &str, place: Place) -> Option<Vec<(Place, &[Token])>> {
        let function = self.sources[place.file].function_at(place.at)?;
        let position = function.params.iter().position(|(param, _)| param == name)?;
        let calls: Vec<_> = self.calls(function).filter_map(|(place, arguments)| Some((place, *arguments.get(position)?))).collect();
        (!calls.is_empty()).then_some(calls)
    }

    fn calls<'a>(&'a self, function: &'a Function) -> impl Iterator<Item = (Place, Vec<&'a [Token]>)> {
        self.sources.iter().enumerate().flat_map(move |(file, source)| {
            let tokens = &source.tokens;
            let is_call = |at: usize| at > 0 && tokens[at].is(&function.name) && tokens[at + 1].is("(") && !tokens[at - 1].is("fn");
            let calls = (0..tokens.len().saturating_sub(1)).filter(move |at| is_call(*at));
            calls.map(move |at| (Place { file, at }, split(&tokens[at + 2..closing(tokens, at + 1)], ",")))
        })
    }
}

pub fn resolve(of: &Crate, expression: &[Token], place: Place) -> Result<Vec<String>, String> {
    of.texts(expression, place, DEPTH)
}

/// Returns the index behind the attributes and the visibility of a declaration: its name.
fn table_name_at(tokens: &[Token]) -> usize {
    let mut at = 0;
    while tokens[at].is("#") {
        at = closing(tokens, at + 1) + 1;
    }
    if tokens[at].is("pub") {
        at += 1;
        if tokens[at].is("(") {
            at = closing(tokens, at) + 1;
        }
    }
    at
}

fn table_name(tokens: &[Token]) -> String {
    tokens[table_name_at(tokens)].text.clone()
}

/// Reads what `table!` reads.
fn columns(tokens: &[Token]) -> Columns {
    let at = table_name_at(tokens);
    let words = |part: &[Token]| -> &'static [&'static str] {
        let words: Vec<&'static str> = part.iter().filter(|token| token.kind == Kind::Word).map(|token| leaked(token)).collect();
        words.leak()
    };
    let open = (at..tokens.len()).find(|at| tokens[*at].is("[")).expect("a table has a key");
    let close = closing(tokens, open);
    let mut found = Columns { table: leaked(&tokens[at + 2]), key: words(&tokens[open + 1..close]), ..Columns::default() };
    let mut at = close + 2;
    while at + 1 < tokens.len() {
        let end = closing(tokens, at + 1);
        let inner = &tokens[at + 2..end];
        match tokens[at].text.as_str() {
            "columns" => found.columns = names(inner),
            "insert_only" => found.insert_only = names(inner),
            "computed" => found.computed = inner.iter().filter(|token| token.kind == Kind::Text).map(leaked).collect(),
            "extra" => found.extra = words(inner),
            _ => {}
        }
        at = end + 1;
    }
    found
}

fn names(tokens: &[Token]) -> Vec<&'static str> {
    let mut names = Vec::new();
    for column in split(tokens, ",").into_iter().filter(|column| !column.is_empty()) {
        match (column.get(1), column.last()) {
            (Some(colon), Some(_)) if colon.is(":") => {
                let open = column.iter().position(|token| token.is("{")).expect("a nested struct has columns");
                names.extend(self::names(&column[open + 1..column.len() - 1]));
            }
            (Some(equals), _) if equals.is("=") => names.push(leaked(&column[2])),
            _ => names.push(leaked(&column[0])),
        }
    }
    names
}

/// The declarations live as long as the test.
fn leaked(token: &Token) -> &'static str {
    token.text.clone().leak()
}
