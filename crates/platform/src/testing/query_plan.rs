//! The plan of a statement, for tests that a list reads an index in its order.

use super::Harness;
use crate::db::in_memory;

impl Harness {
    /// Returns the plan by which an embedded database with the service's schema runs `sql`, step by step.
    ///
    /// # Panics
    /// When the database refuses the statement.
    pub fn query_plan(&self, sql: &str) -> Vec<String> {
        let connection = in_memory(self.migrations).expect("the migrations apply");
        let explained = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).and_then(|mut statement| {
            // The plan does not depend on the bound values.
            statement.raw_query().mapped(|row| row.get(3)).collect()
        });
        explained.expect("the database explains its plan")
    }
}
