//! The log as static files (C2SP tlog-tiles): writing, reading and verifying them.

pub(crate) mod bundle;
pub(crate) mod fetch;
pub(crate) mod paths;
pub(crate) mod publish;
pub(crate) mod publish_dir;
pub(crate) mod report;
pub(crate) mod static_dir;
pub(crate) mod static_files;
pub(crate) mod static_log;
pub(crate) mod static_store;
pub(crate) mod static_sync;
pub(crate) mod verify;
