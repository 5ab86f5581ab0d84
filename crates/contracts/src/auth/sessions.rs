//! A login as its user sees it.

use crate::{ids::SessionId, time::Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A login of the caller that has not ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    pub session_id: SessionId,
    /// When the user logged in.
    pub created_at: Timestamp,
    /// When the user logged in or the tokens were last refreshed.
    pub last_used_at: Timestamp,
    /// The program that did that, such as `Firefox on Linux`; null when it is not known.
    pub user_agent: Option<String>,
    /// The network that it did that from, without the part that names one household, such as `203.0.113.0/24`; null when it is
    /// not known.
    pub network: Option<String>,
    /// Whether the request was made with a token of this login.
    pub is_current: bool,
}
