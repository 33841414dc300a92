//! Published logs, read over HTTP and HTTPS, and witnesses, asked over it: what `dataspace-tlog`,
//! which opens no socket, leaves to others.
//!
//! - [`HttpFiles`] gives the files of a published log (C2SP tlog-tiles) to
//!   [`StaticLog`](dataspace_tlog::StaticLog) and [`verify_static`](dataspace_tlog::published::verify_static).
//!   It fetches some files ahead, each in a thread of its own, and can be shared between threads.
//! - [`WitnessClient`] asks a witness for its cosignature (C2SP tlog-witness).
//! - [`Location`] is where a log is: in a directory, or under a [`LogUrl`].
//!
//! # What it refuses to do
//! It believes nothing that a server says: what a file is worth, its reader finds out from the
//! operator's signature. No server can keep it busy: each request has a time, each file a length, also
//! before it is unpacked. A server that fails is asked three times, and then no more. It follows
//! redirects to http and https, and never from https to http. It sends no password.
//!
//! # Example
//! ```no_run
//! use std::time::Duration;
//!
//! use dataspace_identity::Origin;
//! use dataspace_tlog::{LeafIndex, StaticLog};
//! use dataspace_tlog_http::HttpFiles;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // The name of the log, from a source that you trust; the files, from anybody.
//! let origin: Origin = "did:key:z6MkffQiBvgP2N9CnFDsDaTEPtuAgdJNhw5qG3TWbTCt9QBi/steel".parse()?;
//! let url = "https://log.example.org/steel/".parse()?;
//! let files = HttpFiles::new(url, Duration::from_secs(60))?;
//!
//! let log = StaticLog::open(files, &origin)?; // the operator signed it
//! let record = log.entry(LeafIndex::new(0))?; // led to the signed root
//! println!("{} records, the first of {} bytes", log.size(), record.len());
//! # Ok(()) }
//! ```
//!
//! # Limits
//! HTTP/1.1, and no proxy but those that the environment names. A failure is told as an error of a kind
//! that says nothing about the log (see [`StaticFiles::read_into`](dataspace_tlog::StaticFiles)).
//! Options that an error names are those of `dataspace audit`.
//!
//! # Features
//! `tls` (on unless it is left out): https, by rustls with ring and the certificates that the machine
//! trusts, or those in the file that `SSL_CERT_FILE` names. Without it, https is an error.

mod agent;
mod error;
mod http_files;
mod location;
mod witness_client;

pub use crate::error::HttpError;
pub use crate::http_files::HttpFiles;
pub use crate::location::{Location, LocationError, LogUrl, URL_LEN_MAX};
pub use crate::witness_client::{AskError, WitnessAnswer, WitnessClient};
