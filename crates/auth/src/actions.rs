//! What can be done: one public function per verb.

mod accounts;
mod clients;
mod guess;
mod login;
mod password;
mod refresh;
mod register;
mod reset;
mod session;

pub use accounts::{lock_account, set_roles, unlock_account};
pub use clients::{Presented, grant_service_token};
pub use login::log_in;
pub use password::change_password;
pub use refresh::{log_out, refresh};
pub use register::{NewAccount, open_account, register};
pub use reset::{mail_resets, request_reset, reset_password};

#[cfg(test)]
pub use accounts::view;
