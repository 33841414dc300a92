//! A log as static files (C2SP tlog-tiles): reading and verifying them.

pub(crate) mod bundle;
pub(crate) mod fetch;
pub mod paths;
pub(crate) mod report;
pub(crate) mod static_dir;
pub(crate) mod static_files;
pub(crate) mod static_log;
pub(crate) mod verify;
