//! A product with its credentials.

use std::collections::BTreeSet;

use dataspace_data_plane::errors::PlanError;
use dataspace_data_plane::product::{ProductError, Recipient};
use dataspace_data_plane::{Delivery, Product};
use dataspace_policy::{Action, Duty};
use dataspace_primitives::{Digest, Part, Secrets};

use crate::credentials::ContentCredentials;
use crate::errors::OtherFile;

/// A product made of one file ([`MediaFile`](dataspace_data_plane::MediaFile), or a picture or recording of
/// `dataspace-media`) that forbids what the file's credentials reserve. In all else it is the product within: the
/// same descriptor, so that a product that was registered without credentials can be registered again with them.
#[derive(Clone, Debug)]
pub struct Credentialed<P> {
    product: P,
    credentials: ContentCredentials,
}

impl<P: Product> Credentialed<P> {
    /// A product with the credentials of its own file.
    ///
    /// # Errors
    /// [`OtherFile`] if they are of another one.
    pub fn new(product: P, credentials: ContentCredentials) -> Result<Self, OtherFile> {
        let (of_product, file) = (product.file_digest(), credentials.file_digest());
        if of_product == Some(file) {
            return Ok(Self { product, credentials });
        }
        Err(OtherFile { product: of_product, credentials: file })
    }

    /// The product within.
    pub fn product(&self) -> &P {
        &self.product
    }

    /// What the file's credentials say.
    pub fn credentials(&self) -> &ContentCredentials {
        &self.credentials
    }
}

impl<P: Product> Product for Credentialed<P> {
    fn descriptor_digest(&self) -> Digest {
        self.product.descriptor_digest()
    }

    fn file_digest(&self) -> Option<Digest> {
        self.product.file_digest()
    }

    fn forbids(&self) -> BTreeSet<Action> {
        &self.product.forbids() | &self.credentials.forbids()
    }

    fn look_over(&self) {
        self.product.look_over();
    }

    fn seconds(&self) -> Option<u32> {
        self.product.seconds()
    }

    fn check(&self, duties: &[Duty]) -> Result<(), PlanError> {
        self.product.check(duties)
    }

    fn open(
        &self,
        duties: &[Duty],
        part: Option<&Part>,
        secrets: &dyn Secrets,
        recipient: Recipient<'_>,
    ) -> Result<Box<dyn Delivery>, ProductError> {
        self.product.open(duties, part, secrets, recipient)
    }
}
