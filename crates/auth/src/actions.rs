//! What can be done: one public function per verb.

mod administer;
mod announce_locks;
mod api_key;
mod email;
mod end_session;
mod erase;
mod log_in;
mod login_attempt;
mod merge_cart;
mod password;
mod refresh;
mod register;
mod reset;
mod respell;
mod revocations;
mod seller_role;
mod service_token;
mod session;

pub use administer::{lock_account, set_roles, unlock_account};
pub use announce_locks::announce_locks;
pub use api_key::{create_api_key, delete_api_key, end_api_keys, exchange_api_key};
pub use email::{change_email, mail_requested, request_resend, resend_own, verify_email};
pub use end_session::end_session;
pub use erase::{erase_account, erase_again};
pub use log_in::log_in;
pub use merge_cart::merge_cart;
pub use password::{change_password, check_password};
pub use refresh::{log_out, refresh};
pub use register::{NewAccount, open_account, register};
pub use reset::{mail_resets, request_reset, reset_password};
pub use respell::respell_addresses;
pub use revocations::list_revocations;
pub use seller_role::{announce_existing_sellers, set_seller_role};
pub use service_token::{ClientSecret, grant_service_token};

#[cfg(test)]
pub use administer::view;
