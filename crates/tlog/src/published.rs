//! A log as static files (C2SP tlog-tiles): reading and verifying them.

pub(crate) mod bundle;
pub(crate) mod fetch;
pub mod paths;
pub(crate) mod report;
pub(crate) mod static_dir;
pub(crate) mod static_files;
pub(crate) mod static_log;
pub(crate) mod verify;

pub use self::bundle::{BUNDLE_LEN_MAX, Bundle, BundleBuilder, BundleError};
pub use self::fetch::StaticReadError;
pub use self::report::{DAMAGES_MAX, Damage, DamageKind, Depth, Progress, StaticReport, Stop};
pub use self::static_dir::StaticDir;
pub use self::static_files::{CHECKPOINT_PATH, Deliver, FnFiles, how_to_deliver};
pub use self::static_log::{OpenStaticError, StaticLogError};
pub use self::verify::{verify_static, verify_static_entries};
