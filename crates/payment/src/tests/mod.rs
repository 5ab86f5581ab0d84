//! The service through its doors.
