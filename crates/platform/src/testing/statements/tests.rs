use super::*;

const SCHEMA: &[Migration] = &[Migration {
    name: "0001_things",
    sql: "CREATE TABLE things (thing_id UUID PRIMARY KEY, kind TEXT NOT NULL, size BIGINT NOT NULL, due_at BIGINT, attempts BIGINT)",
}];

/// Checks one source, and returns how many statements it has and the lines and texts of its faults.
fn checked(source: &str) -> (usize, Vec<String>) {
    let (statements, faults) = check(SCHEMA, vec![Source::parse("store.rs".into(), source)]);
    (statements, faults.into_iter().map(|fault| fault.split_once("store.rs:").map(|(_, rest)| rest.to_owned()).unwrap_or(fault)).collect())
}

const TABLE: &str = r#"
platform::table! {
    /// Things.
    pub(crate) Things in "things" of Thing, key [thing_id];
    columns { thing_id, sort = kind as JsonText, size: Option<Size> { height = size } }
    extra { due_at }
}
"#;

#[test]
fn every_way_to_write_a_statement_is_found() {
    let source = r##"
macro_rules! select_things { ($rest:literal) => { concat!("SELECT thing_id, kind FROM things ", $rest) }; }
const COUNT: &str = "SELECT COUNT(*) FROM things";
pub const DUE: DueQueue<Id> = DueQueue::new("things", "thing_id").failed_attempts("attempts");
const fn of(kind: Kind) -> DueQueue<Id, i64> {
    let of_kind = match kind { Kind::A => "kind = 'A'", Kind::B => "kind = 'B'" };
    DueQueue::new("things", "thing_id").partitioned_by("size").filter(of_kind)
}
// A comment: "SELECT missing".
async fn all(tx: &mut Tx, small: bool) {
    tx.query("SELECT thing_id FROM things \
        WHERE size = 1", &[], read).await?;
    tx.query_opt(r#"SELECT kind FROM things"#, &[], |row| row.next()).await?;
    tx.query_one(select_things!("WHERE kind = $1"), params!['x', "y"], read).await?;
    tx.query_one(super::COUNT, &[], read).await?;
    let sql = match small { true => "SELECT 1 FROM things", false => concat!("SELECT 2 FROM ", "things") };
    tx.execute(sql, &[]).await?;
    tx.find::<Things>("thing_id = $1", params![id]).await?;
    tx.lock_list::<store::Things>("WHERE size > $1 ORDER BY thing_id", &[]).await?;
    tx.update_with::<Things>(&thing, &[("due_at", &now)]).await?;
    tx.replace_with::<Things>(&thing, &[("due_at", &now)]).await?;
    tx.execute_pipelined("DELETE FROM things WHERE size = 5", &[]).await?;
    tx.upsert_if::<Things>(&thing, &[], "things.size < excluded.size").await?;
    tx.update_if::<Things>(&thing, &[], "size = ? AND due_at IS NULL", params![1]).await?;
    tx.insert_if_absent::<Things>(&thing, "(thing_id)").await?;
    tx.execute_returning::<Things>("UPDATE things SET kind = $1", &[]).await?;
    tx.next_number("things", "size", &[("thing_id", &id)]).await?;
    one(tx, "DELETE FROM things WHERE size = 4").await
}
async fn one(tx: &mut Tx, sql: &'static str) { tx.execute(sql, &[]).await }
fn matching(kind: Option<Kind>) -> Select<Things> { Select::of::<Things>().filter_some("kind = ?", kind) }
fn list() -> Select<Things> { matching(None).filter_in("size", &sizes).limit("thing_id DESC", 7) }
fn iterators(all: &[u8]) { all.iter().filter(|one| true) }
#[cfg(test)]
mod tests { fn never() { tx.query("SELECT missing", &[]) } }
"##;
    let (statements, faults) = checked(&[TABLE, source].concat());
    assert_eq!(faults, [""; 0]);
    assert_eq!(statements, 42);
}

#[test]
fn a_statement_that_the_schema_refuses_is_named_with_its_line() {
    for (source, expected) in [
        (r#"async fn f() { tx.query("SELECT missing FROM things", &[]) }"#, "1: no such column: missing"),
        (r#"async fn f() { tx.find::<Things>("missing = $1", &[]) }"#, "no such column: missing"),
        (r#"fn f() { Select::of::<Things>().filter("size = ?", 1).limit("missing", 1) }"#, "no such column: missing"),
        (r#"platform::table! { Bad in "things" of Bad, key [thing_id]; columns { thing_id, missing } }"#, "no column named missing"),
        (r#"fn f() { tx.update_with::<Things>(&t, &[("missing", &1)]) }"#, "declares no extra column missing"),
        (r#"const DUE: DueQueue<Id> = DueQueue::new("things", "thing_id").due_at("missing");"#, "no such column: missing"),
        (r#"fn f() { tx.query("SELECT SUM(size) FROM things", &[]) }"#, "SUM of a BIGINT"),
    ] {
        let (_, faults) = checked(&[source, TABLE].concat());
        assert!(faults.iter().any(|fault| fault.contains(expected)), "{source}: {faults:?}");
    }
}

#[test]
fn a_text_that_is_not_in_the_sources_is_a_fault() {
    for source in [
        "async fn f(tx: &mut Tx, sql: &str) { tx.query(sql, &[]) }",
        "async fn f(other: &mut Tx) { other.execute(&make(), &[]) }",
        "async fn f() { db.read(async move |other| other.query(&make(), &[]).await) }",
        "async fn f() { self.connection.query_opt(\"SELECT 1\", &[]) }",
        "async fn f() { tx.find::<Nothing>(\"size = 1\", &[]) }",
        "fn f(all: Lists) { all.filter_some(\"size = ?\", 1) }",
        "fn f() { tx.query(&format!(\"SELECT {} FROM things\", list()), &[]) }",
        "macro_rules! m { ($a:expr) => { tx.query($a, &[]) }; }",
    ] {
        assert_eq!(checked(source).1.len(), 1, "{source}: {:?}", checked(source).1);
    }
}

#[test]
fn the_statements_of_the_platform_prepare() {
    let mut sources = Vec::new();
    read_all(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut sources);
    // The others make statements for the tables of services.
    let checked = ["failed", "idempotency", "inbox", "outbox", "tx"];
    // The statements of `db/postgres` run on PostgreSQL alone.
    sources.retain(|source| {
        let is_portable = !source.path.components().any(|part| part.as_os_str() == "postgres");
        is_portable && checked.iter().any(|stem| source.path.ends_with(format!("{stem}.rs")))
    });
    let (statements, faults) = check(&[], sources);
    assert_eq!(faults, [""; 0]);
    assert!(statements > 25, "{statements}");
}
