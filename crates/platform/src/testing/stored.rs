//! What a database holds, and a database that refuses writes, in words that both kinds take.

use super::Harness;
use crate::db::{Db, Error, Tx};
use std::{collections::BTreeMap, fs};

/// The columns of all tables of a database on a server. Bytes are shown as they are where they are text.
const COLUMNS: &str = "SELECT table_name::text, 'COALESCE(' || CASE data_type WHEN 'bytea' THEN 'ENCODE(' || column_name || ', ''escape'')' \
                       ELSE column_name || '::text' END || ', '''')' FROM information_schema.columns \
                       WHERE table_schema = current_schema() ORDER BY table_name, ordinal_position";

impl Harness {
    /// Everything that the database holds, as bytes with the place of each: its files, or the rows of each table on a server.
    ///
    /// # Panics
    /// When it cannot be read.
    pub async fn stored(&self) -> Vec<(String, Vec<u8>)> {
        if self.db().is_embedded() {
            let folder = fs::read_dir(self.data_dir().join("db")).expect("the folder of the databases can be read");
            let files = folder.map(|entry| entry.expect("a file").path());
            return files.map(|path| (path.display().to_string(), fs::read(&path).expect("a file can be read"))).collect();
        }
        let read = async |tx: &mut Tx| {
            let mut tables: BTreeMap<String, Vec<String>> = BTreeMap::new();
            for (table, column) in tx.query(COLUMNS, &[], |row| Ok((row.next::<String>()?, row.next::<String>()?))).await? {
                tables.entry(table).or_default().push(column);
            }
            let mut places = Vec::new();
            for (table, columns) in tables {
                let sql = format!("SELECT {} FROM {table}", columns.join(" || ' ' || "));
                places.push((table, tx.query(&sql, &[], |row| row.next::<String>()).await?.join("\n").into_bytes()));
            }
            Ok::<_, Error>(places)
        };
        self.db().read(read).await.expect("the tables can be read")
    }

    /// Whether the database is on a server, as `SOUK_TEST_DATABASE` says.
    #[must_use]
    pub fn is_on_server(&self) -> bool {
        self.database.is_some()
    }
}

/// The time in milliseconds in which every answer of a database arrives in a test, also on a busy machine, for deadlines that a test
/// waits for.
#[must_use]
pub fn short_deadline_ms() -> i64 {
    if super::test_server().is_some() { 2_000 } else { 300 }
}

/// Has the database refuse new rows of a table, or take them again.
///
/// # Panics
/// When there is no such table.
pub async fn refuse_inserts(db: &Db, table: &'static str, is_refused: bool) {
    let sql = match (db.is_embedded(), is_refused) {
        (true, true) => format!("CREATE TRIGGER refused BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'refused for a test'); END"),
        (true, false) => "DROP TRIGGER refused".to_owned(),
        // Rows that are there are not checked.
        (false, true) => format!("ALTER TABLE {table} ADD CONSTRAINT refused CHECK (FALSE) NOT VALID"),
        (false, false) => format!("ALTER TABLE {table} DROP CONSTRAINT refused"),
    };
    let changed = db.write(async move |tx| tx.query(&sql, &[], |_| Ok(())).await.map(|_| ())).await;
    changed.unwrap_or_else(|error: Error| panic!("{table}: {error}"));
}
