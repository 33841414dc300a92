//! Offers that a provider shows to everybody in its catalogue.
//!
//! Each is a file in the folder `offers` of the node, named by its identifier, and is verified when it is
//! read. An offer binds by its signature, not by being here: one that was withdrawn can be accepted, by
//! those who have it, until it expires.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use dataspace_identity::{Did, Resolver};
use dataspace_primitives::{Signed, UnixMillis, Verified, envelope::DOCUMENT_LEN_MAX};
use dataspace_tlog::Directory;
use dataspace_usage_contract::{Offer, OfferId, offer::OfferError};
use parking_lot::Mutex;
use thiserror::Error;

pub(crate) const FOLDER: &str = "offers";
const SUFFIX: &str = ".offer";

/// Why offers are not published, or not read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OfferStoreError {
    /// The folder cannot be used.
    #[error("the folder of the published offers cannot be used")]
    Io(#[from] io::Error),
    /// It is not an offer of this node.
    #[error("it is not an offer of this node")]
    Offer(#[from] OfferError),
    /// It is for one consumer, whose business it is alone.
    #[error("the offer is for `{consumer}` alone: send it there")]
    Addressed {
        /// The consumer.
        consumer: Did,
    },
    /// The clock is wrong.
    #[error(transparent)]
    Clock(#[from] crate::clock::ClockError),
}

/// The published offers of a node, read from its directory when they are first asked for.
pub(crate) struct Offers {
    dir: PathBuf,
    published: Mutex<Option<BTreeMap<OfferId, Verified<Offer>>>>,
}

pub(crate) fn id(offer: &Verified<Offer>) -> OfferId {
    OfferId::from_digest(offer.digest())
}

fn name(id: OfferId) -> String {
    format!("{}{SUFFIX}", id.as_digest().to_hex())
}

impl Offers {
    pub(crate) fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned(), published: Mutex::default() }
    }

    /// Acts on the published offers, which are read first if nobody has asked for them.
    pub(crate) fn with<T>(
        &self,
        signed_by: (&Did, &dyn Resolver),
        now: UnixMillis,
        act: impl FnOnce(&mut BTreeMap<OfferId, Verified<Offer>>) -> Result<T, OfferStoreError>,
    ) -> Result<T, OfferStoreError> {
        let mut published = self.published.lock();
        let known = match &mut *published {
            Some(known) => known,
            unread => unread.insert(self.read(signed_by, now)?),
        };
        act(known)
    }

    /// Keeps the file of an offer. Durable when it returns.
    pub(crate) fn write(&self, offer: &Verified<Offer>) -> io::Result<()> {
        let folder = Directory::open(&self.dir)?.make_inner(FOLDER)?;
        folder.replace(&name(id(offer)), offer.signed().as_bytes())
    }

    /// Removes the file of an offer. Durable when it returns.
    pub(crate) fn remove(&self, offer: OfferId) -> io::Result<()> {
        let Some(folder) = self.folder()? else { return Ok(()) };
        folder.remove(name(offer))?;
        folder.sync()
    }

    /// `None` as long as nothing was published.
    fn folder(&self) -> io::Result<Option<Directory>> {
        match Directory::open(&self.dir)?.inner(FOLDER) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            folder => folder.map(Some),
        }
    }

    /// Those that verify and have not expired. The files of those that have are removed.
    fn read(
        &self,
        (provider, keys): (&Did, &dyn Resolver),
        now: UnixMillis,
    ) -> io::Result<BTreeMap<OfferId, Verified<Offer>>> {
        let mut published = BTreeMap::new();
        let Some(folder) = self.folder()? else { return Ok(published) };
        folder.remove_temporary()?;
        for file in folder.names()? {
            let Some(file) = file.to_str().filter(|file| file.ends_with(SUFFIX)) else { continue };
            let Some(bytes) = folder.read_all(file, DOCUMENT_LEN_MAX)? else { continue };
            let Ok(offer) = Signed::from_bytes(bytes) else { continue };
            // One that its provider's keys no longer verify cannot be concluded either.
            let Ok(offer) = Offer::verify_signature(offer, provider, keys, now) else { continue };
            if offer.value().expires_at <= now {
                folder.remove(file)?;
            } else if offer.value().consumer.is_none() && file == name(id(&offer)) {
                published.insert(id(&offer), offer);
            }
        }
        Ok(published)
    }
}
