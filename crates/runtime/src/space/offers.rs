//! Offers that a provider shows to everybody in its catalogue.
//!
//! Each is a file in the folder `offers` of the node, named by its identifier, and is verified when it is
//! read. An offer binds by its signature, not by being here: one that was withdrawn can be accepted, by
//! those who have it, until it expires.

use std::collections::BTreeMap;
use std::io;
use std::ops::Bound;
use std::path::{Path, PathBuf};

use dataspace_audit_log::Directory;
use dataspace_identity::{Did, Resolver};
use dataspace_primitives::{DOCUMENT_LEN_MAX, Signed, UnixMillis, Verified};
use dataspace_usage_contract::{Offer, OfferError, OfferId};
use parking_lot::Mutex;
use thiserror::Error;

use crate::entries::{OfferEntry, OfferFilter, PAGE_MAX};
use crate::space::DataSpace;

const FOLDER: &str = "offers";
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

fn id(offer: &Verified<Offer>) -> OfferId {
    OfferId::from_digest(offer.digest())
}

fn name(id: OfferId) -> String {
    format!("{}{SUFFIX}", id.as_digest().to_hex())
}

impl Offers {
    pub(crate) fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned(), published: Mutex::default() }
    }

    /// `None` as long as nothing was published.
    fn folder(&self) -> io::Result<Option<Directory>> {
        folder(&Directory::open(&self.dir)?)
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
            } else {
                published.insert(id(&offer), offer);
            }
        }
        Ok(published)
    }
}

fn folder(node: &Directory) -> io::Result<Option<Directory>> {
    match node.inner(FOLDER) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        folder => folder.map(Some),
    }
}

/// Copies what is published in `node`.
pub(crate) fn copy(node: &Directory, to: &Directory) -> io::Result<()> {
    let Some(folder) = folder(node)? else { return Ok(()) };
    let to = to.make_inner(FOLDER)?;
    for file in folder.names()? {
        let Some(file) = file.to_str().filter(|file| file.ends_with(SUFFIX)) else { continue };
        if let Some(bytes) = folder.read_all(file, DOCUMENT_LEN_MAX)? {
            to.replace(file, &bytes)?;
        }
    }
    Ok(())
}

impl DataSpace {
    /// Shows an offer of this node in its [catalogue](crate::Call::Catalogue) until it expires, also after the node
    /// was opened again.
    ///
    /// # Errors
    /// [`OfferStoreError`] if it is not an offer of this node, or for one consumer alone.
    pub fn publish_offer(&self, offer: Signed<Offer>) -> Result<OfferId, OfferStoreError> {
        let now = self.now()?;
        let offer = Offer::verify_signature(offer, self.provider(), &*self.keys(), now)?;
        if let Some(consumer) = &offer.value().consumer {
            return Err(OfferStoreError::Addressed { consumer: consumer.clone() });
        }
        if offer.value().log != *self.inner.log.origin() {
            let (provider, log) = (self.provider().clone(), offer.value().log.clone());
            return Err(OfferError::Log { provider, log }.into());
        }
        let id = id(&offer);
        let dir = &self.inner.offers.dir;
        self.with_offers(now, |offers| {
            let folder = Directory::open(dir)?.make_inner(FOLDER)?;
            folder.replace(&name(id), offer.signed().as_bytes())?;
            offers.insert(id, offer);
            Ok(id)
        })
    }

    /// Takes an offer out of the catalogue. Returns false if it was not there. Those who have it can accept it
    /// until it expires.
    ///
    /// # Errors
    /// [`OfferStoreError`] if the folder cannot be changed.
    pub fn withdraw_offer(&self, offer: OfferId) -> Result<bool, OfferStoreError> {
        let store = &self.inner.offers;
        self.with_offers(self.now()?, |offers| {
            if !offers.contains_key(&offer) {
                return Ok(false);
            }
            if let Some(folder) = store.folder()? {
                folder.remove(name(offer))?;
                folder.sync()?;
            }
            Ok(offers.remove(&offer).is_some())
        })
    }

    /// Published offers in the order of their identifiers: at most `limit` and [`PAGE_MAX`], after `after`.
    ///
    /// # Errors
    /// [`OfferStoreError`] if they cannot be read.
    pub fn list_offers(
        &self,
        filter: &OfferFilter,
        after: Option<OfferId>,
        limit: usize,
    ) -> Result<Vec<OfferEntry>, OfferStoreError> {
        let now = self.now()?;
        self.with_offers(now, |offers| {
            let offers =
                offers.range((after.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded));
            let entries = offers.map(|(id, offer)| {
                let Offer { provider, product, expires_at, .. } = offer.value();
                let (provider, product) = (provider.clone(), product.clone());
                OfferEntry { id: *id, provider, product, expires_at: *expires_at, contract: None }
            });
            let entries = entries.filter(|entry| filter.takes(entry, now));
            Ok(entries.take(limit.min(PAGE_MAX)).collect())
        })
    }

    /// A page of the catalogue.
    pub(crate) fn open_offers(
        &self,
        after: Option<OfferId>,
        now: UnixMillis,
    ) -> Result<Vec<(OfferId, Signed<Offer>)>, OfferStoreError> {
        self.with_offers(now, |offers| {
            let offers =
                offers.range((after.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded));
            let open = offers.filter(|(_, offer)| now < offer.value().expires_at);
            Ok(open.take(PAGE_MAX).map(|(id, offer)| (*id, offer.signed().clone())).collect())
        })
    }

    fn with_offers<T>(
        &self,
        now: UnixMillis,
        act: impl FnOnce(&mut BTreeMap<OfferId, Verified<Offer>>) -> Result<T, OfferStoreError>,
    ) -> Result<T, OfferStoreError> {
        let offers = &self.inner.offers;
        let mut published = offers.published.lock();
        let known = match &mut *published {
            Some(known) => known,
            unread => unread.insert(offers.read((self.provider(), &*self.keys()), now)?),
        };
        act(known)
    }
}
