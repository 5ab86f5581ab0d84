//! SQL that only one of the two databases accepts, or that means something else on the other.

/// What a rule searches for in a statement in upper case, in which each run of white space is one space and the contents
/// of text literals are left out.
enum Pattern {
    /// This text as whole words.
    Word(&'static str),
    /// This text anywhere.
    Text(&'static str),
    Test(fn(&str) -> bool),
}

use Pattern::{Test, Text, Word};

/// The constructs, and what is wrong with each. Rules that need the types of columns are not among them.
const RULES: &[(Pattern, &str)] = &[
    (Test(has_bare_sum), "SUM of a BIGINT is NUMERIC on PostgreSQL: write CAST(SUM(x) AS BIGINT), a COALESCE inside of the CAST"),
    (Test(has_untyped_null_test), "PostgreSQL cannot tell the type of `$1 IS NULL`: write CAST($1 AS type) IS NULL"),
    (Test(has_case_sensitive_like), "SQLite ignores the case in LIKE: write lower(x) LIKE lower pattern"),
    (Word("ILIKE"), "SQLite has no ILIKE: write lower(x) LIKE"),
    (Word("GLOB"), "PostgreSQL has no GLOB"),
    (Word("MATCH"), "PostgreSQL has no MATCH"),
    (Word("REGEXP"), "PostgreSQL has no REGEXP"),
    (Word("SIMILAR TO"), "SQLite has no SIMILAR TO"),
    (Word("FOR UPDATE"), "SQLite has no FOR UPDATE: use tx.lock, lock_opt or lock_all"),
    (Word("FOR SHARE"), "SQLite has no FOR SHARE"),
    (Word("SKIP LOCKED"), "SQLite has no SKIP LOCKED"),
    (Word("ARRAY"), "SQLite has no arrays: use Select::filter_in"),
    (Text("ANY("), "SQLite has no arrays: use Select::filter_in"),
    (Text("ANY ("), "SQLite has no arrays: use Select::filter_in"),
    (Word("UNNEST"), "SQLite has no arrays"),
    (Text("->"), "JSON is text that SQL never reads"),
    (Text("@>"), "JSON is text that SQL never reads"),
    (Test(|sql| sql.contains("JSON_") || sql.contains("JSONB_")), "JSON is text that SQL never reads"),
    (Text("::"), "SQLite has no `::`: write CAST(x AS type)"),
    (Text("=="), "PostgreSQL has no `==`"),
    (Text("`"), "PostgreSQL has no back-quoted names"),
    (Word("INSERT OR"), "PostgreSQL has no INSERT OR: write ON CONFLICT"),
    (Word("UPDATE OR"), "PostgreSQL has no UPDATE OR"),
    (Word("REPLACE INTO"), "PostgreSQL has no REPLACE INTO: write ON CONFLICT"),
    (Word("ROWID"), "PostgreSQL has no rowid"),
    (Word("PRAGMA"), "PostgreSQL has no PRAGMA"),
    (Word("INDEXED BY"), "PostgreSQL has no INDEXED BY"),
    (Word("COLLATE NOCASE"), "PostgreSQL has no NOCASE"),
    (Word("IFNULL"), "PostgreSQL has no ifnull: write COALESCE"),
    (Word("IIF"), "PostgreSQL has no iif: write CASE"),
    (Word("INSTR"), "PostgreSQL has no instr"),
    (Word("TOTAL"), "PostgreSQL has no total: write SUM"),
    (Word("GROUP_CONCAT"), "PostgreSQL has no group_concat"),
    (Word("STRING_AGG"), "older SQLite has no string_agg"),
    (Word("GREATEST"), "SQLite has no GREATEST: write CASE"),
    (Word("LEAST"), "SQLite has no LEAST: write CASE"),
    (Test(has_scalar_extreme), "MAX and MIN of two values are GREATEST and LEAST on PostgreSQL: write CASE"),
    (Word("DATETIME"), "times are BIGINT, made by tx.now()"),
    (Word("STRFTIME"), "times are BIGINT, made by tx.now()"),
    (Word("JULIANDAY"), "times are BIGINT, made by tx.now()"),
    (Word("CURRENT_TIMESTAMP"), "times are BIGINT, made by tx.now()"),
    (Text("NOW()"), "times are BIGINT, made by tx.now()"),
    (Text("RANDOM()"), "chance comes from tx.random_bytes()"),
    (Word("RANDOMBLOB"), "chance comes from tx.random_bytes()"),
    (Word("LAST_INSERT_ROWID"), "PostgreSQL has no last_insert_rowid: write RETURNING"),
    (Text("CHANGES()"), "PostgreSQL has no changes(): use what tx.execute returns"),
    (Word("DISTINCT ON"), "SQLite has no DISTINCT ON"),
    (Word("LATERAL"), "SQLite has no LATERAL"),
    (Test(has_offset_comma), "PostgreSQL has no LIMIT with two numbers"),
    (Word("LIMIT -1"), "PostgreSQL has no negative LIMIT"),
    (Test(has_untyped_from_select), "PostgreSQL cannot tell the type of a parameter in FROM (SELECT $1): write CAST($1 AS type)"),
];

/// Returns what is wrong with a statement that both databases should accept.
#[must_use]
pub fn violations(sql: &str) -> Vec<&'static str> {
    let sql = normalized(sql);
    let holds = |pattern: &Pattern| match pattern {
        Word(word) => has_word(&sql, word),
        Text(text) => sql.contains(text),
        Test(test) => test(&sql),
    };
    let mut found: Vec<&'static str> = RULES.iter().filter(|(pattern, _)| holds(pattern)).map(|(_, reason)| *reason).collect();
    found.dedup();
    found
}

fn normalized(sql: &str) -> String {
    let code = sql.split('\'').enumerate().map(|(position, part)| if position % 2 == 0 { part } else { "''" });
    code.collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ").to_uppercase()
}

fn has_word(sql: &str, word: &str) -> bool {
    let is_part = |char: Option<char>| char.is_some_and(|char| char == '_' || char.is_alphanumeric());
    sql.match_indices(word).any(|(at, _)| !is_part(sql[..at].chars().next_back()) && !is_part(sql[at + word.len()..].chars().next()))
}

fn has_bare_sum(sql: &str) -> bool {
    sql.match_indices("SUM(").any(|(at, _)| {
        let before = &sql[..at];
        !["CAST(", "CAST(COALESCE("].iter().any(|cast| before.ends_with(cast))
            && !before.ends_with(|char: char| char == '_' || char.is_alphanumeric())
    })
}

fn has_untyped_null_test(sql: &str) -> bool {
    sql.match_indices('$').any(|(at, _)| sql[at + 1..].trim_start_matches(|char: char| char.is_ascii_digit()).starts_with(" IS NULL"))
}

fn has_case_sensitive_like(sql: &str) -> bool {
    sql.match_indices(" LIKE ").any(|(at, _)| !sql[..at].trim_end_matches(" NOT").rsplit(" AND ").next().unwrap_or("").contains("LOWER("))
}

fn has_scalar_extreme(sql: &str) -> bool {
    ["MAX(", "MIN("].iter().any(|function| {
        sql.match_indices(function).any(|(at, _)| {
            let mut depth = 0_i32;
            let inside = sql[at + function.len()..].chars().take_while(|char| {
                depth += i32::from(*char == '(') - i32::from(*char == ')');
                depth >= 0
            });
            let (mut nested, mut comma) = (0, false);
            for char in inside {
                nested += i32::from(char == '(') - i32::from(char == ')');
                comma |= nested == 0 && char == ',';
            }
            comma
        })
    })
}

fn has_offset_comma(sql: &str) -> bool {
    sql.match_indices("LIMIT ").any(|(at, limit)| {
        let after = sql[at + limit.len()..].trim_start_matches(|char: char| char == '$' || char.is_ascii_digit());
        after.starts_with(',')
    })
}

fn has_untyped_from_select(sql: &str) -> bool {
    sql.match_indices("FROM (SELECT ").any(|(at, begin)| sql[at + begin.len()..].starts_with('$'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_both_databases_accept_violates_nothing() {
        for sql in [
            "INSERT INTO t (a, b) VALUES ($1, $2) ON CONFLICT (a) DO UPDATE SET b = excluded.b WHERE t.b < excluded.b RETURNING b",
            "SELECT a FROM t WHERE (a, b) < ($1, $2) ORDER BY a DESC NULLS LAST LIMIT $3",
            "SELECT CAST(COALESCE(SUM(a), 0) AS BIGINT), CAST(SUM(e.amount) FILTER (WHERE e.kind = 'A') AS BIGINT), MAX(a) FROM t",
            "SELECT a FROM t WHERE CAST($1 AS uuid) IS NULL OR b IS NOT DISTINCT FROM $1",
            "SELECT a FROM t WHERE lower(a) LIKE $1 AND b IN ($2, $3)",
            "SELECT a FROM t WHERE note = 'FOR UPDATE -> LIKE now()' AND total_amount > 0 AND summary = $1",
            "SELECT COALESCE(MIN(position) - 1, (SELECT COALESCE(MAX(position), 0) FROM outbox)) FROM outbox",
        ] {
            assert_eq!(violations(sql), [""; 0], "{sql}");
        }
    }

    #[test]
    fn what_one_database_refuses_or_reads_otherwise_is_found() {
        for sql in [
            "SELECT SUM(a) FROM t",
            "SELECT COALESCE(SUM(a), 0) FROM t",
            "SELECT a FROM t WHERE $1 IS NULL OR a = $1",
            "SELECT a FROM t WHERE a LIKE $1",
            "SELECT a FROM t WHERE a = ANY($1)",
            "SELECT a->>'b' FROM t",
            "SELECT a FROM t WHERE a = $1 FOR UPDATE",
            "INSERT OR IGNORE INTO t (a) VALUES ($1)",
            "SELECT a::text FROM t",
            "SELECT MAX(a, 0) FROM t",
            "SELECT IFNULL(a, 0) FROM t",
            "SELECT a FROM t LIMIT 5, 10",
            "UPDATE t SET a = s.a FROM (SELECT $1 AS a) AS s",
        ] {
            assert_eq!(violations(sql).len(), 1, "{sql}: {:?}", violations(sql));
        }
    }
}
