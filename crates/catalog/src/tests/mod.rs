//! The service through its doors; inventory is played.
