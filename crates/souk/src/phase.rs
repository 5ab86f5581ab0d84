//! Whether the program accepts requests, for `/readyz`.

use std::sync::{Arc, Mutex, PoisonError};

/// Why the program accepts no requests, if it does not. Clones share the value.
#[derive(Clone)]
pub struct Phase(Arc<Mutex<Option<&'static str>>>);

impl Phase {
    /// Creates a phase without requests.
    #[must_use]
    pub fn not_ready(reason: &'static str) -> Phase {
        Phase(Arc::new(Mutex::new(Some(reason))))
    }

    /// Sets the reason; `None` means that requests are accepted.
    pub fn set(&self, reason: Option<&'static str>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = reason;
    }

    /// Returns the reasons for `/readyz`; none when requests are accepted.
    #[must_use]
    pub fn reasons(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().map(|reason| (*reason).to_owned()).collect()
    }
}
