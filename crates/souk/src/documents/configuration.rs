//! Generates `docs/configuration.md` from the declarations of flags and settings.

use crate::{config::is_file_key, serve::Serve, services};
use clap::Args;
use serde_json::{Map, Value};
use std::fmt::Write as _;

const ABOUT: &str = "\
# Configuration

This page is generated from the program's flags and the services' settings. `UPDATE_DOCS=1 cargo test -p souk --lib`
updates it.

The first of these that has a value counts: a flag, the environment, the file (`souk.toml` in the working directory unless
`--config` names another), the default.

```toml
listen = \"0.0.0.0:8080\"

[order]
tax_basis_points = 1900

[shipping.rates.CH]
flat_rate_amount = 1290
```

A key of a section is also a variable: `SOUK_ORDER_TAX_BASIS_POINTS=1900`. Lists and tables have the syntax of the file:
`SOUK_GATEWAY_ALLOWED_ORIGINS='[\"https://shop.example\"]'`.

The key of a flag may also be written with hyphens. An unknown section or key, or a value out of its bounds, stops the start
with a message that names it. Amounts are whole numbers of minor units.
";

/// Returns the page.
pub fn configuration_markdown() -> String {
    let mut page = ABOUT.to_owned();
    flags(&mut page);
    let mut without = Vec::new();
    for (name, section) in services::sections() {
        let schema = section.schema();
        match schema.get("properties").and_then(Value::as_object) {
            Some(keys) if !keys.is_empty() => settings(&mut page, name, &schema.as_value()["$defs"], keys),
            _ => without.push(format!("`{name}`")),
        }
    }
    let _ = write!(page, "\n## Services without settings\n\n{}.\n", without.join(", "));
    page
}

fn flags(page: &mut String) {
    page.push_str(
        "\n## The program\n\n`serve` and `demo` take these flags; `--only` exists only for `serve`. Tools, such as `doctor`, take `--data-dir`, `--database`\nand `--config`, and read the variables and the file as well.\n\n\
         | Flag | Variable | Key in the file | Default | Meaning |\n| --- | --- | --- | --- | --- |\n",
    );
    for argument in Serve::augment_args(clap::Command::new("serve")).get_arguments() {
        let flag = argument.get_long().expect("every flag has a long name");
        let value = argument.get_value_names().map(|names| names.join(" ")).unwrap_or_default();
        let variable = argument.get_env().map_or_else(none, |name| code(&name.to_string_lossy()));
        let key = flag.replace('-', "_");
        let key = if is_file_key(&key) { code(&key) } else { none() };
        let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
        let (meaning, default) = help.strip_suffix(']').and_then(|help| help.split_once(" [default: ")).unwrap_or((&help, ""));
        let default = match default.split_once("; ") {
            _ if default.is_empty() => none(),
            Some((general, special)) => format!("{}; {special}", code(general)),
            None => code(default),
        };
        row(page, &[code(&format!("--{flag} {value}")), variable, key, default, format!("{}.", meaning.trim_end_matches('.'))]);
    }
}

fn settings(page: &mut String, section: &str, definitions: &Value, keys: &Map<String, Value>) {
    let _ = write!(page, "\n## `[{section}]`\n\n| Key | Default | Values | Meaning |\n| --- | --- | --- | --- |\n");
    keys_of(page, definitions, "", keys);
}

/// Writes one row for each key; the keys of a nested table follow it.
fn keys_of(page: &mut String, definitions: &Value, before: &str, keys: &Map<String, Value>) {
    for (key, schema) in keys {
        let key = format!("{before}{key}");
        let meaning = schema["description"].as_str().unwrap_or_default();
        row(page, &[code(&key), default(&schema["default"]), values(definitions, schema), meaning.to_owned()]);
        let inner = entries(schema).map(|entry| resolve(definitions, entry));
        if let Some(keys) = inner.and_then(|entry| entry["properties"].as_object()) {
            keys_of(page, definitions, &format!("{key}.*."), keys);
        }
    }
}

fn row(page: &mut String, cells: &[String]) {
    let cells: Vec<_> = cells.iter().map(|cell| cell.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")).collect();
    let _ = writeln!(page, "| {} |", cells.join(" | "));
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

fn none() -> String {
    "–".to_owned()
}

/// Writes a default as in the file.
fn default(value: &Value) -> String {
    match value {
        Value::Null => none(),
        Value::Array(items) if items.is_empty() => none(),
        Value::Object(entries) if entries.is_empty() => none(),
        // TOML writes numbers, strings, booleans and lists like JSON.
        value => code(&value.to_string()),
    }
}

fn resolve<'a>(definitions: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str().and_then(|reference| reference.strip_prefix("#/$defs/")) {
        Some(name) => &definitions[name],
        None => schema,
    }
}

/// The schema of the entries of a table with free keys.
fn entries(schema: &Value) -> Option<&Value> {
    let any_key = schema["additionalProperties"].as_object().map(|_| &schema["additionalProperties"]);
    any_key.or_else(|| schema["patternProperties"].as_object()?.values().next())
}

/// Describes the values that a key takes.
fn values(definitions: &Value, schema: &Value) -> String {
    let schema = resolve(definitions, schema);
    if let Some(words) = schema["enum"].as_array() {
        return words.iter().filter(|word| !word.is_null()).map(default).collect::<Vec<_>>().join(", ");
    }
    if let Some(choices) = schema["oneOf"].as_array().or_else(|| schema["anyOf"].as_array()) {
        let choices = choices.iter().filter(|choice| choice["type"] != "null");
        return choices.map(|choice| values(definitions, choice)).collect::<Vec<_>>().join(", ");
    }
    if !schema["const"].is_null() {
        return default(&schema["const"]);
    }
    let types = schema["type"].as_array().map_or_else(|| vec![&schema["type"]], |types| types.iter().collect());
    match types.into_iter().filter_map(Value::as_str).find(|kind| *kind != "null") {
        Some("boolean") => "`true`, `false`".to_owned(),
        Some("integer") => match (schema["minimum"].as_i64().unwrap_or(0), schema["maximum"].as_i64()) {
            (minimum, Some(maximum)) => format!("{} to {}", grouped(minimum), grouped(maximum)),
            (0, None) => "whole number".to_owned(),
            (minimum, None) => format!("{} or more", grouped(minimum)),
        },
        Some("array") => format!("list: {}", values(definitions, &schema["items"])),
        Some("object") => "table".to_owned(),
        _ => schema["pattern"].as_str().map_or_else(|| "text".to_owned(), |pattern| format!("text like {}", code(pattern))),
    }
}

/// Writes a number with a comma between groups of thousands.
fn grouped(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = if number < 0 { "-".to_owned() } else { String::new() };
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config::Flags, demo, serve};
    use platform::telemetry::LogFormat;

    #[test]
    fn docs_configuration_md_is_fresh() {
        crate::documents::assert_fresh("configuration.md", &configuration_markdown());
    }

    #[test]
    fn every_setting_has_a_description_bounds_and_a_default_within_them() {
        for (name, section) in services::sections() {
            let schema = section.schema();
            for (key, setting) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
                assert!(setting.get("default").is_some(), "[{name}] {key} has no default in its schema");
                assert!(setting["description"].is_string(), "[{name}] {key} has no description");
                if let Some(number) = setting["default"].as_i64() {
                    let bounds = resolve(&schema.as_value()["$defs"], setting);
                    let (min, max) = (bounds["minimum"].as_i64(), bounds["maximum"].as_i64());
                    assert!(min <= Some(number) && max.is_some_and(|max| number <= max), "[{name}] {key}: {min:?} to {max:?}");
                }
            }
        }
    }

    #[test]
    fn the_help_of_the_flags_shows_the_defaults_in_use() {
        let page = configuration_markdown();
        let used = Flags::default().resolve().unwrap();
        for (flag, default) in [
            ("--listen ADDRESS", used.listen.to_string()),
            ("--ops-listen ADDRESS", used.ops_listen.to_string()),
            ("--data-dir FOLDER", used.data_dir.display().to_string()),
            ("--rate-limits on|off", if used.rate_limits { "on" } else { "off" }.to_owned()),
            ("--log-format text|json", if used.log_format == LogFormat::Text { "text" } else { "json" }.to_owned()),
            ("--log FILTER", format!("{}; {} for `demo`", serve::DEFAULT_FILTER, demo::DEFAULT_FILTER)),
        ] {
            let flag = flag.replace('|', "\\|");
            let line = page.lines().find(|line| line.contains(&flag)).unwrap_or_default();
            let (general, special) =
                default.split_once("; ").map_or((&*default, String::new()), |(general, special)| (general, format!("; {special}")));
            assert!(line.contains(&format!("| `{general}`{special} |")), "{default} in {line}");
        }
    }

    #[test]
    fn numbers_are_grouped_by_thousands() {
        assert_eq!([0, 999, 1_000, -1_234_567].map(grouped), ["0", "999", "1,000", "-1,234,567"]);
    }
}
