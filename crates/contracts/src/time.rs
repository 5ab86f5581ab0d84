//! Instants: stored as microseconds since the Unix epoch, written as RFC 3339 in UTC.

use crate::violation::{Violation, deserialize_str};
use jiff::{SignedDuration, civil::DateTime};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{borrow::Cow, fmt, str::FromStr, time::Duration};

/// An instant in UTC, in microseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(pub i64);

impl Timestamp {
    pub const EPOCH: Timestamp = Timestamp(0);

    /// Returns the instant `span` later, or the last representable one.
    #[must_use]
    pub fn after(self, span: Duration) -> Timestamp {
        Timestamp(self.0.saturating_add(i64::try_from(span.as_micros()).unwrap_or(i64::MAX)))
    }

    /// Returns the instant `span` earlier, or the first representable one.
    #[must_use]
    pub fn before(self, span: Duration) -> Timestamp {
        Timestamp(self.0.saturating_sub(i64::try_from(span.as_micros()).unwrap_or(i64::MAX)))
    }

    /// Returns the time since `earlier`; zero when this instant is not later.
    #[must_use]
    pub fn since(self, earlier: Timestamp) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Returns whole seconds since the epoch, as JWTs and webhook headers use them.
    #[must_use]
    pub fn unix_seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// Returns whole milliseconds since the epoch, as UUIDv7 uses them.
    #[must_use]
    pub fn unix_millis(self) -> u64 {
        u64::try_from(self.0.div_euclid(1_000)).unwrap_or(0)
    }
}

/// 1970-01-01T00:00:00, without a time zone. jiff's own instants end before the year 9999 does.
const EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);
/// What RFC 3339 can write.
const FIRST: DateTime = DateTime::constant(0, 1, 1, 0, 0, 0, 0);
const LAST: DateTime = DateTime::constant(9999, 12, 31, 23, 59, 59, 999_999_999);

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let beyond = if self.0 < 0 { FIRST } else { LAST };
        let civil = EPOCH.checked_add(SignedDuration::from_micros(self.0)).unwrap_or(beyond).clamp(FIRST, LAST);
        write!(f, "{civil:.6}Z")
    }
}

impl FromStr for Timestamp {
    type Err = Violation;
    /// Reads every time that RFC 3339 can write: years 0000 to 9999, any offset, a leap second, `t`, `z`, and a space in
    /// place of the `T`. Digits beyond microseconds are cut off.
    fn from_str(text: &str) -> Result<Self, Violation> {
        let violation = || Violation::new("NOT_A_TIME", "must be an RFC 3339 time such as 2026-01-31T09:30:00Z");
        parse(text.as_bytes()).ok_or_else(violation)
    }
}

/// The grammar of RFC 3339, section 5.6.
fn parse(text: &[u8]) -> Option<Timestamp> {
    let (date_and_time, rest) = text.split_at_checked(19)?;
    let number = |at: usize, digits: usize| {
        date_and_time[at..at + digits].iter().try_fold(0_i16, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + i16::from(byte - b'0')))
    };
    let two = |at: usize| number(at, 2).and_then(|number| i8::try_from(number).ok());
    let separators = [(4, b'-'), (7, b'-'), (13, b':'), (16, b':')];
    if separators.iter().any(|(at, separator)| date_and_time[*at] != *separator) || !b"Tt ".contains(&date_and_time[10]) {
        return None;
    }
    let is_leap = &date_and_time[17..] == b"60";
    let seconds = if is_leap { 59 } else { two(17)? };
    let civil = DateTime::new(number(0, 4)?, two(5)?, two(8)?, two(11)?, two(14)?, seconds, 0).ok()?;
    let (fraction, offset) = match rest.strip_prefix(b".") {
        None => (0, rest),
        Some(rest) => {
            let (digits, offset) = rest.split_at(rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len()));
            if digits.is_empty() {
                return None;
            }
            (digits.iter().chain(b"000000").take(6).fold(0, |sum, byte| sum * 10 + i64::from(byte - b'0')), offset)
        }
    };
    let whole = civil.duration_since(EPOCH).as_secs() - offset_seconds(offset)?;
    if is_leap {
        let utc = EPOCH.checked_add(SignedDuration::from_secs(whole)).ok()?;
        // A leap second is inserted at the end of a month in UTC. Its instant is that of the second after it, as in POSIX.
        if (utc.hour(), utc.minute()) != (23, 59) || utc.date() != utc.date().last_of_month() {
            return None;
        }
        return Some(Timestamp((whole + 1) * 1_000_000));
    }
    Some(Timestamp(whole * 1_000_000 + fraction))
}

/// `Z`, `+02:00` or `-02:00`: how many seconds the local time is ahead of UTC.
fn offset_seconds(text: &[u8]) -> Option<i64> {
    let digit = |byte: u8| byte.is_ascii_digit().then(|| i64::from(byte - b'0'));
    match *text {
        [b'Z' | b'z'] => Some(0),
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let (hours, minutes) = (digit(h1)? * 10 + digit(h2)?, digit(m1)? * 10 + digit(m2)?);
            let ahead = hours * 3_600 + minutes * 60;
            (hours <= 23 && minutes <= 59).then_some(if sign == b'+' { ahead } else { -ahead })
        }
        _ => None,
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserialize_str(deserializer, "a string", str::parse)
    }
}

impl JsonSchema for Timestamp {
    fn schema_name() -> Cow<'static, str> {
        "Timestamp".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "format": "date-time", "description": "RFC 3339 in UTC"})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_written_in_utc_and_read_back() {
        let instant: Timestamp = "2026-01-31T10:30:00.25+01:00".parse().unwrap();
        assert_eq!(instant.to_string(), "2026-01-31T09:30:00.250000Z");
        assert_eq!(serde_json::from_str::<Timestamp>(&serde_json::to_string(&instant).unwrap()).unwrap(), instant);
    }

    #[test]
    fn every_time_that_rfc_3339_can_write_is_read() {
        for (text, written) in [
            ("9999-12-31T00:00:00.5Z", "9999-12-31T00:00:00.500000Z"),
            ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
            ("9999-12-31T23:59:59-23:59", "9999-12-31T23:59:59.999999Z"),
            ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000Z"),
            ("0000-01-01T00:00:00Z", "0000-01-01T00:00:00.000000Z"),
            ("0001-01-01T00:00:00+23:59", "0000-12-31T00:01:00.000000Z"),
            ("2026-01-31t09:30:00z", "2026-01-31T09:30:00.000000Z"),
            ("2026-01-31 09:30:00-00:00", "2026-01-31T09:30:00.000000Z"),
            ("2026-01-31T09:30:00.1234567890123456789+05:30", "2026-01-31T04:00:00.123456Z"),
            ("1969-12-31T23:59:59.25Z", "1969-12-31T23:59:59.250000Z"),
            ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000000Z"),
            ("1990-12-31T15:59:60-08:00", "1991-01-01T00:00:00.000000Z"),
            ("2016-12-31T23:59:60.75Z", "2017-01-01T00:00:00.000000Z"),
            ("2024-02-29T12:00:00Z", "2024-02-29T12:00:00.000000Z"),
        ] {
            assert_eq!(text.parse::<Timestamp>().unwrap().to_string(), written, "{text}");
        }
        for extreme in [i64::MIN, i64::MAX] {
            assert!(Timestamp(extreme).to_string().parse::<Timestamp>().is_ok());
        }
    }

    #[test]
    fn no_other_text_is_a_time() {
        for text in [
            "",
            "2026",
            "2026-01-31",
            "2026-01-31T09:30Z",
            "2026-01-31T09:30:00",
            "2026-01-31T09:30:00+01",
            "2026-01-31T09:30:00+0100",
            "2026-01-31T09:30:00+24:00",
            "2026-01-31T09:30:00+01:60",
            "2026-01-31T09:30:00.Z",
            "2026-01-31T09:30:00,5Z",
            "2026-02-30T09:30:00Z",
            "2026-13-01T09:30:00Z",
            "2026-01-31T24:00:00Z",
            "2026-01-31T09:60:00Z",
            "2026-01-31T09:30:61Z",
            "2026-01-31T09:30:60Z",
            "2026-01-30T23:59:60Z",
            "2026-01-31_09:30:00Z",
            "+2026-01-31T09:30:00Z",
            "12026-01-31T09:30:00Z",
            "-001-01-31T09:30:00Z",
            "2026-01-31T09:30:00ZZ",
            " 2026-01-31T09:30:00Z",
            "2026-01-31T09:30:00[UTC]",
            "2026-1-31T09:30:00.00Z",
            "\u{660}026-01-31T09:30:00Z",
        ] {
            assert_eq!(text.parse::<Timestamp>().unwrap_err().code, "NOT_A_TIME", "{text}");
        }
    }
}
