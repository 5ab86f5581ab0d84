//! Where the program is between its start and its end, as `/readyz` tells it.

use std::sync::{Arc, Mutex, PoisonError};

/// What keeps the program from taking requests. Cheap to clone.
#[derive(Clone)]
pub struct Phase(Arc<Mutex<Option<&'static str>>>);

impl Phase {
    /// The program does not take requests, for this reason.
    #[must_use]
    pub fn not_ready(reason: &'static str) -> Phase {
        Phase(Arc::new(Mutex::new(Some(reason))))
    }

    /// From now on it does not take requests for this reason, or takes them.
    pub fn set(&self, reason: Option<&'static str>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = reason;
    }

    /// Empty when it takes requests.
    #[must_use]
    pub fn reasons(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().map(|reason| (*reason).to_owned()).collect()
    }
}
