//! The plan of a statement, for tests that a list reads an index in its order.

use super::Harness;
use crate::db::Error;
use contracts::column::Column;

impl Harness {
    /// Returns the plan by which the service's database runs `sql`, step by step.
    ///
    /// # Panics
    /// When the database refuses the statement.
    pub async fn query_plan(&self, sql: &str) -> Vec<String> {
        // The plan does not depend on the bound values.
        let (count, sql) = (sql.matches('$').count(), format!("EXPLAIN QUERY PLAN {sql}"));
        let explain = async move |tx: &mut crate::db::Tx| -> Result<_, Error> {
            let nothing: Vec<&dyn Column> = vec![&0_i64; count];
            tx.query(&sql, &nothing, |row| {
                let (_, _, _): (i64, i64, i64) = (row.next()?, row.next()?, row.next()?);
                row.next::<String>()
            })
            .await
        };
        self.db().read(explain).await.expect("the database explains its plan")
    }
}
