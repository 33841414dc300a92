//! The log as static files (C2SP tlog-tiles): writing them. `dataspace-tlog` reads them.

pub(crate) mod publish;
pub(crate) mod publish_dir;
pub(crate) mod static_store;
pub(crate) mod static_sync;

pub use self::publish::{PublishCosignaturesError, PublishError, Published};
pub use self::static_store::StaticStore;
