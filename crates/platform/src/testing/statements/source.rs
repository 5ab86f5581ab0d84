//! The Rust sources of one crate as tokens, with as much of the language as is needed to find and join string literals.

use std::{
    collections::HashMap,
    ops::Range,
    path::{Path, PathBuf},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Word,
    /// A string literal; the text is its value.
    Text,
    /// A number or a character.
    Other,
    Mark,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    pub kind: Kind,
    pub text: String,
    pub line: usize,
}

impl Token {
    pub fn is(&self, mark: &str) -> bool {
        self.kind != Kind::Text && self.text == mark
    }
}

pub struct Function {
    pub name: String,
    /// Name and type of each parameter.
    pub params: Vec<(String, Vec<Token>)>,
    pub body: Range<usize>,
    pub returns_select: bool,
}

/// `macro_rules!` whose arms take literals: the names of each arm and what it expands to.
pub type Arms = Vec<(Vec<String>, Vec<Token>)>;

/// One file without its tests and its `macro_rules!`.
pub struct Source {
    pub path: PathBuf,
    pub tokens: Vec<Token>,
    pub macros: HashMap<String, Arms>,
    pub functions: Vec<Function>,
    /// The names that a transaction has in this file.
    pub transactions: Vec<String>,
}

impl Source {
    pub fn parse(path: PathBuf, text: &str) -> Source {
        let (tokens, macros) = without_macros(without_tests(tokens(text)));
        let functions = functions(&tokens);
        let transactions = functions.iter().flat_map(|function| &function.params);
        let is_transaction = |of: &[Token]| of.iter().any(|token| token.is("mut")) && of.last().is_some_and(|last| last.is("Tx"));
        let mut transactions: Vec<String> = transactions.filter(|(_, of)| is_transaction(of)).map(|(name, _)| name.clone()).collect();
        // The parameter of a unit of work: `async move |tx|`.
        let is_unit = |part: &&[Token]| (part[0].is("async") || part[0].is("move")) && part[1].is("|") && part[3].is("|");
        transactions.extend(tokens.windows(4).filter(is_unit).map(|part| part[2].text.clone()));
        transactions.push("tx".to_owned());
        Source { path, tokens, macros, functions, transactions }
    }

    /// Returns the innermost function around a token.
    pub fn function_at(&self, at: usize) -> Option<&Function> {
        self.functions.iter().filter(|function| function.body.contains(&at)).min_by_key(|function| function.body.len())
    }
}

/// Returns every source below `folder`, without the files of tests.
pub fn read_all(folder: &Path, found: &mut Vec<Source>) {
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(folder).expect("the sources are there").map(|entry| entry.expect("an entry").path()).collect();
    entries.sort();
    for path in entries {
        if path.file_stem().is_some_and(|stem| stem == "tests") {
            continue;
        }
        if path.is_dir() {
            read_all(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).expect("a source is text");
            found.push(Source::parse(path, &text));
        }
    }
}

/// Returns the index of the bracket that closes the one at `open`.
pub fn closing(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        if token.kind == Kind::Mark {
            match token.text.as_str() {
                "(" | "[" | "{" => depth += 1,
                ")" | "]" | "}" => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        if depth == 0 {
            return at;
        }
    }
    tokens.len() - 1
}

/// Returns the index of the bracket that opens the one at `close`.
pub fn opening(tokens: &[Token], close: usize) -> Option<usize> {
    (0..close).rev().find(|at| "([{".contains(tokens[*at].text.as_str()) && tokens[*at].kind == Kind::Mark && closing(tokens, *at) == close)
}

/// Splits at a mark that is outside of all brackets. A comma at the end begins no further part.
pub fn split<'a>(tokens: &'a [Token], mark: &str) -> Vec<&'a [Token]> {
    let (mut parts, mut from, mut at) = (Vec::new(), 0, 0);
    while at < tokens.len() {
        let token = &tokens[at];
        if token.kind == Kind::Mark && "([{".contains(token.text.as_str()) {
            at = closing(tokens, at);
        } else if token.is(mark) {
            parts.push(&tokens[from..at]);
            from = at + 1;
        }
        at += 1;
    }
    if from < tokens.len() {
        parts.push(&tokens[from..]);
    }
    parts
}

fn tokens(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let (mut tokens, mut at, mut line) = (Vec::new(), 0, 1);
    let starts = |at: usize, with: &str| with.chars().enumerate().all(|(offset, wanted)| chars.get(at + offset) == Some(&wanted));
    while at < chars.len() {
        let (begin, first, from_line) = (at, chars[at], line);
        let mut push = |kind, text: String| tokens.push(Token { kind, text, line: from_line });
        if first.is_whitespace() {
            at += 1;
        } else if starts(at, "//") {
            at += chars[at..].iter().take_while(|char| **char != '\n').count();
        } else if starts(at, "/*") {
            at += 2;
            while at < chars.len() && !starts(at, "*/") {
                at += 1;
            }
            at += 2;
        } else if let Some(hashes) = raw_string(&chars[at..]) {
            let end: String = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
            at += chars[at..].iter().take_while(|char| **char != '"').count() + 1;
            let from = at;
            while at < chars.len() && !starts(at, &end) {
                at += 1;
            }
            push(Kind::Text, chars[from..at].iter().collect());
            at += end.len();
        } else if first == '"' || starts(at, "b\"") || starts(at, "c\"") {
            at += if first == '"' { 1 } else { 2 };
            let mut text = String::new();
            while at < chars.len() && chars[at] != '"' {
                if chars[at] == '\\' {
                    at += 1;
                    match chars.get(at) {
                        Some('n') => text.push('\n'),
                        Some('t') => text.push('\t'),
                        // A continued line: the break and the indentation are no part of the text.
                        Some('\n') => at += chars[at..].iter().take_while(|char| char.is_whitespace()).count() - 1,
                        Some(other) => text.push(*other),
                        None => {}
                    }
                } else {
                    text.push(chars[at]);
                }
                at += 1;
            }
            at += 1;
            push(if first == '"' { Kind::Text } else { Kind::Other }, text);
        } else if first == '\'' && (chars.get(at + 1) == Some(&'\\') || chars.get(at + 2) == Some(&'\'')) {
            at += if chars[at + 1] == '\\' { 3 } else { 2 };
            at += chars[at..].iter().take_while(|char| **char != '\'').count() + 1;
            push(Kind::Other, chars[begin..at].iter().collect());
        } else if first == '_' || first.is_alphanumeric() {
            at += chars[at..].iter().take_while(|char| **char == '_' || char.is_alphanumeric()).count();
            let kind = if first.is_ascii_digit() { Kind::Other } else { Kind::Word };
            push(kind, chars[begin..at].iter().collect());
        } else {
            at += 1;
            push(Kind::Mark, first.to_string());
        }
        line += chars[begin..at.min(chars.len())].iter().filter(|char| **char == '\n').count();
    }
    tokens
}

/// Returns the number of `#` of a raw string that begins here.
fn raw_string(chars: &[char]) -> Option<usize> {
    let after = chars.strip_prefix(&['r']).or_else(|| chars.strip_prefix(&['b', 'r']))?;
    let hashes = after.iter().take_while(|char| **char == '#').count();
    (after.get(hashes) == Some(&'"')).then_some(hashes)
}

fn matches(tokens: &[Token], wanted: &[&str]) -> bool {
    tokens.len() >= wanted.len() && wanted.iter().zip(tokens).all(|(wanted, token)| token.is(wanted))
}

/// Removes each item behind `#[cfg(test)]`.
fn without_tests(tokens: Vec<Token>) -> Vec<Token> {
    let (mut kept, mut at) = (Vec::with_capacity(tokens.len()), 0);
    while at < tokens.len() {
        if matches(&tokens[at..], &["#", "[", "cfg", "(", "test", ")", "]"]) {
            at += 7;
            while at < tokens.len() && !tokens[at].is(";") && !tokens[at].is("{") {
                at += 1;
            }
            at = if tokens.get(at).is_some_and(|token| token.is("{")) { closing(&tokens, at) + 1 } else { at + 1 };
        } else {
            kept.push(tokens[at].clone());
            at += 1;
        }
    }
    kept
}

fn without_macros(tokens: Vec<Token>) -> (Vec<Token>, HashMap<String, Arms>) {
    let (mut kept, mut macros, mut at) = (Vec::with_capacity(tokens.len()), HashMap::new(), 0);
    while at < tokens.len() {
        if matches(&tokens[at..], &["macro_rules", "!"]) && tokens.len() > at + 3 {
            let end = closing(&tokens, at + 3);
            macros.insert(tokens[at + 2].text.clone(), arms(&tokens[at + 4..end]));
            at = end + 1;
        } else {
            kept.push(tokens[at].clone());
            at += 1;
        }
    }
    (kept, macros)
}

fn arms(tokens: &[Token]) -> Arms {
    let bare = |part: &[Token]| match part.first() {
        Some(_) => part[1..part.len().saturating_sub(1).max(1)].to_vec(),
        None => Vec::new(),
    };
    let mut found = Vec::new();
    for arm in split(tokens, ";").into_iter().filter(|arm| !arm.is_empty()) {
        let pattern_end = closing(arm, 0);
        let (pattern, body) = (&arm[1..pattern_end], arm.get(pattern_end + 3..).unwrap_or_default());
        let names = split(pattern, ",").into_iter().map(|param| match param {
            [dollar, name, colon, _] if dollar.is("$") && colon.is(":") => Some(name.text.clone()),
            _ => None,
        });
        found.push((names.collect::<Option<Vec<String>>>().unwrap_or_else(|| vec![String::new(); 99]), bare(body)));
    }
    found
}

fn functions(tokens: &[Token]) -> Vec<Function> {
    let mut found = Vec::new();
    for at in 0..tokens.len() {
        let (true, Some(name)) = (tokens[at].is("fn"), tokens.get(at + 1).filter(|token| token.kind == Kind::Word)) else { continue };
        let Some(open) = (at + 2..tokens.len()).find(|open| tokens[*open].is("(")) else { continue };
        let close = closing(tokens, open);
        let Some(body) = (close..tokens.len()).find(|body| tokens[*body].is("{") || tokens[*body].is(";")) else { continue };
        if tokens[body].is(";") {
            continue;
        }
        let params = split(&tokens[open + 1..close], ",").into_iter().filter_map(|param| {
            let colon = param.iter().position(|token| token.is(":"))?;
            Some((param[colon.checked_sub(1)?].text.clone(), param[colon + 1..].to_vec()))
        });
        found.push(Function {
            name: name.text.clone(),
            params: params.collect(),
            body: body..closing(tokens, body) + 1,
            returns_select: tokens[close..body].iter().any(|token| token.is("Select")),
        });
    }
    found
}
