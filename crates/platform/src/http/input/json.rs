//! A strict parser of JSON (RFC 8259) for bodies that serde refused. It accepts what serde_json accepts, and numbers
//! beyond `f64` as well: those are a fault of the value and not of the syntax. A number without a fraction is an integer
//! however it is written: `213.0`, `1e2` and `-0` are the integers 213, 100 and 0, as JSON Schema and I-JSON (RFC 7493) have it.

use super::{Entry, Node, Value};

/// How deep arrays and objects may be nested, as in serde_json.
const MAX_DEPTH: usize = 127;

/// Why a text is not JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum Malformed {
    NotJson,
    EndsEarly,
    TooDeep,
}

/// The value that `text` holds.
///
/// # Errors
/// What is wrong, and the offset in bytes where.
pub(in crate::http) fn parse(text: &str) -> Result<Node, (Malformed, usize)> {
    let mut parser = Parser { text, at: 0 };
    let node = parser.value(0).map_err(|what| (what, parser.at))?;
    parser.skip_space();
    if parser.at == text.len() { Ok(node) } else { Err((Malformed::NotJson, parser.at)) }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

type Parsed<T> = Result<T, Malformed>;

impl Parser<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn next(&mut self) -> Parsed<u8> {
        let byte = self.peek().ok_or(Malformed::EndsEarly)?;
        self.at += 1;
        Ok(byte)
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Skips white space, and `byte` if it comes next.
    fn accepts(&mut self, byte: u8) -> bool {
        self.skip_space();
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, byte: u8) -> Parsed<()> {
        match self.accepts(byte) {
            true => Ok(()),
            false => Err(if self.peek().is_none() { Malformed::EndsEarly } else { Malformed::NotJson }),
        }
    }

    fn value(&mut self, depth: usize) -> Parsed<Node> {
        self.skip_space();
        let at = self.at;
        let value = match self.peek().ok_or(Malformed::EndsEarly)? {
            b'{' | b'[' if depth == MAX_DEPTH => return Err(Malformed::TooDeep),
            b'{' => self.object(depth + 1)?,
            b'[' => self.array(depth + 1)?,
            b'"' => Value::String(self.string()?),
            b'n' => self.word("null", Value::Null)?,
            b't' => self.word("true", Value::Bool(true))?,
            b'f' => self.word("false", Value::Bool(false))?,
            b'-' | b'0'..=b'9' => self.number()?,
            _ => return Err(Malformed::NotJson),
        };
        Ok(Node::new(at, self.at, value))
    }

    fn word(&mut self, word: &str, value: Value) -> Parsed<Value> {
        for expected in word.bytes() {
            if self.next()? != expected {
                return Err(Malformed::NotJson);
            }
        }
        Ok(value)
    }

    fn array(&mut self, depth: usize) -> Parsed<Value> {
        self.expect(b'[')?;
        let mut items = Vec::new();
        if self.accepts(b']') {
            return Ok(Value::Array(items));
        }
        loop {
            items.push(self.value(depth)?);
            if !self.accepts(b',') {
                return self.expect(b']').map(|()| Value::Array(items));
            }
        }
    }

    fn object(&mut self, depth: usize) -> Parsed<Value> {
        self.expect(b'{')?;
        let mut entries = Vec::new();
        if self.accepts(b'}') {
            return Ok(Value::Object(entries));
        }
        loop {
            self.skip_space();
            let at = self.at;
            let key = Value::Text(self.string()?);
            let key = Node::new(at, self.at, key);
            self.expect(b':')?;
            entries.push(Entry { key, value: self.value(depth)? });
            if !self.accepts(b',') {
                return self.expect(b'}').map(|()| Value::Object(entries));
            }
        }
    }

    fn string(&mut self) -> Parsed<String> {
        self.expect(b'"')?;
        let mut text = String::new();
        loop {
            let from = self.at;
            while self.peek().is_some_and(|byte| !matches!(byte, b'"' | b'\\' | 0..0x20)) {
                self.at += 1;
            }
            text.push_str(&self.text[from..self.at]);
            match self.next()? {
                b'"' => return Ok(text),
                b'\\' => text.push(self.escape()?),
                _ => return Err(Malformed::NotJson),
            }
        }
    }

    fn escape(&mut self) -> Parsed<char> {
        Ok(match self.next()? {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let mut units = vec![self.hex()?];
                if (0xD800..0xDC00).contains(&units[0]) {
                    if (self.next()?, self.next()?) != (b'\\', b'u') {
                        return Err(Malformed::NotJson);
                    }
                    units.push(self.hex()?);
                }
                let mut decoded = char::decode_utf16(units);
                match (decoded.next(), decoded.next()) {
                    (Some(Ok(character)), None) => character,
                    _ => return Err(Malformed::NotJson),
                }
            }
            _ => return Err(Malformed::NotJson),
        })
    }

    fn hex(&mut self) -> Parsed<u16> {
        (0..4).try_fold(0, |unit, _| {
            let digit = char::from(self.next()?).to_digit(16).ok_or(Malformed::NotJson)?;
            Ok(unit << 4 | digit as u16)
        })
    }

    fn digits(&mut self) -> Parsed<()> {
        if !self.next()?.is_ascii_digit() {
            return Err(Malformed::NotJson);
        }
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        Ok(())
    }

    fn number(&mut self) -> Parsed<Value> {
        let from = self.at;
        self.at += usize::from(self.peek() == Some(b'-'));
        match self.peek() {
            Some(b'0') => self.at += 1,
            _ => self.digits()?,
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            self.at += usize::from(matches!(self.peek(), Some(b'+' | b'-')));
            self.digits()?;
        }
        let text = &self.text[from..self.at];
        let float = || text.parse().ok().filter(|number: &f64| number.is_finite()).map_or(Value::TooLarge, Value::Float);
        Ok(integer(text).unwrap_or_else(float))
    }
}

/// The integer that the text of a number means, if it has no fraction and 64 bits hold it. The digits are shifted as text,
/// because `f64` holds integers up to 2^53 only.
fn integer(text: &str) -> Option<Value> {
    let (sign, text) = text.strip_prefix('-').map_or(("", text), |unsigned| ("-", unsigned));
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_end_matches('0');
    if significant.is_empty() {
        return Some(Value::Unsigned(0));
    }
    // No body is so long that a sum of its lengths overflows.
    let dropped = (digits.len() - significant.len()) as i64 - fraction.len() as i64;
    let zeros = usize::try_from(exponent.parse::<i64>().ok()?.checked_add(dropped)?).ok().filter(|zeros| *zeros < 20)?;
    let number = format!("{sign}{significant}{}", "0".repeat(zeros));
    number.parse().map(Value::Unsigned).or_else(|_| number.parse().map(Value::Negative)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What serde_json makes of the tree's text.
    fn as_serde(node: &Node) -> serde_json::Value {
        match &node.value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(value) => (*value).into(),
            Value::Unsigned(value) => (*value).into(),
            Value::Negative(value) => (*value).into(),
            Value::Float(value) => (*value).into(),
            Value::TooLarge => panic!("serde_json has no such number"),
            Value::String(text) | Value::Text(text) => text.clone().into(),
            Value::Array(items) => items.iter().map(as_serde).collect(),
            Value::Object(entries) => entries.iter().map(|entry| (entry.name().to_owned(), as_serde(&entry.value))).collect(),
        }
    }

    /// Whether two values are the same; an integer equals the float that serde_json makes of another spelling of it.
    fn is_same(ours: &serde_json::Value, theirs: &serde_json::Value) -> bool {
        use serde_json::Value::{Array, Number, Object};
        match (ours, theirs) {
            (Number(ours), Number(theirs)) if theirs.is_f64() => ours.as_f64() == theirs.as_f64(),
            (Array(ours), Array(theirs)) => {
                ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(ours, theirs)| is_same(ours, theirs))
            }
            (Object(ours), Object(theirs)) => {
                ours.len() == theirs.len() && ours.iter().all(|(name, ours)| theirs.get(name).is_some_and(|theirs| is_same(ours, theirs)))
            }
            _ => ours == theirs,
        }
    }

    fn has_too_large(node: &Node) -> bool {
        matches!(node.value, Value::TooLarge) || node.children().iter().any(|(_, child)| has_too_large(child))
    }

    fn check(text: &str) {
        match (parse(text), serde_json::from_str::<serde_json::Value>(text)) {
            (Ok(node), Ok(value)) => assert!(is_same(&as_serde(&node), &value), "{text}"),
            (Ok(node), Err(error)) => assert!(has_too_large(&node), "{text}: {error}"),
            (Err(_), Err(_)) => {}
            (Err(error), Ok(_)) => panic!("{text}: {error:?}"),
        }
    }

    proptest! {
        #[test]
        fn it_accepts_what_serde_json_accepts(
            parts in prop::collection::vec(prop::sample::select(vec![
                "{", "}", "[", "]", ",", ":", "\"a\"", "\"b\\n\"", "\"\\ud83d\\ude00\"", "\"\\ud83d\"", "\"\\u12\"", "1", "-", "0", "01", ".5",
                "1.5", "e3", "1e5", "-0", "18446744073709551616", "-9223372036854775809", "1e400", "null", "true", "nul", " ", "\t", "\u{1}",
            ]), 0..12),
        ) {
            check(&parts.concat());
        }

        #[test]
        fn it_reads_any_tree(seed: Vec<(String, i64, u64, Option<bool>)>) {
            check(&serde_json::to_string(&seed).unwrap());
        }
    }

    #[test]
    fn a_number_without_a_fraction_is_an_integer_however_it_is_written() {
        for (text, number) in [
            ("213.0", 213_i128),
            ("1e2", 100),
            ("1E+2", 100),
            ("-21.30e1", -213),
            ("100e-2", 1),
            ("-0", 0),
            ("-0.0", 0),
            ("0e99999999999999999999", 0),
            ("9007199254740993.0", 9_007_199_254_740_993),
            ("1.8446744073709551615e19", 18_446_744_073_709_551_615),
            ("-9223372036854775808.000", -9_223_372_036_854_775_808),
        ] {
            let read = match parse(text).unwrap().value {
                Value::Unsigned(number) => i128::from(number),
                Value::Negative(number) => i128::from(number),
                other => panic!("{text}: {other:?}"),
            };
            assert_eq!(read, number, "{text}");
        }
        for text in ["1.5", "1e-1", "213.00000000000000000001", "1e-99999999999999999999", "1e20", "18446744073709551616.0"] {
            assert!(matches!(parse(text).unwrap().value, Value::Float(_)), "{text}");
        }
        for text in ["1e400", "1e99999999999999999999"] {
            assert!(matches!(parse(text).unwrap().value, Value::TooLarge), "{text}");
        }
    }

    #[test]
    fn it_nests_as_deep_as_serde_json() {
        for depth in [126, 127, 128, 129] {
            check(&("[".repeat(depth) + &"]".repeat(depth)));
        }
        assert_eq!(parse(&"[".repeat(10_000)).unwrap_err().0, Malformed::TooDeep);
        assert_eq!(parse("{\"a\":").unwrap_err(), (Malformed::EndsEarly, 5));
        assert_eq!(parse("[1] x").unwrap_err(), (Malformed::NotJson, 4));
    }
}
