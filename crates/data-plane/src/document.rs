//! JSON documents: a contract shows a view.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read as _;
use std::path::Path;

use bytes::Bytes;
use dataspace_policy::Duty;
use dataspace_primitives::{Digest, Part, Secrets};
use thiserror::Error;

use crate::document_mask::{Masking, index};
use crate::file::{FileError, Snapshot};
use crate::json::{Json, pointer};
use crate::media::MEDIA_PIECE_LEN;
use crate::plan_error::{PartError, PlanError};
use crate::product::{Delivery, Piece, Product, ProductError, Recipient, Version};
use crate::pseudonym::{Joined, PseudonymKeys};
use crate::run_error::RunError;

/// Most bytes of a document.
pub const DOCUMENT_LEN_MAX: u64 = 16 << 20;

/// Most values in a document, as far as commas and brackets tell.
pub const VALUES_MAX: usize = 1 << 18;

/// Most values that are looked at on the ways of all pointers of one contract.
pub const PLACES_MAX: usize = 1 << 20;

/// A JSON document, such as a battery passport or a certificate. Duties name its parts by JSON pointers
/// (RFC 6901, `/identification/serial/0/value`), where `*` stands for every item of an array:
/// - [`Duty::Keep`] leaves nothing but the parts that it lists, in the objects and arrays around them;
/// - [`Drop`](dataspace_policy::MaskMethod::Drop) removes a part (an item of an array leaves a null, so that the others keep their
///   places), [`Null`](dataspace_policy::MaskMethod::Null) empties it, and the other masks do to single
///   values what they do in tables ([`Calendar`](dataspace_policy::MaskMethod::Calendar) to texts that are dates or instants).
///
/// A part that the document does not have, or has in another kind, makes the contract unsignable. It is read
/// once, when it is opened, and stays what it was then. Its descriptor is its shape: the names of its members
/// and the kinds of its values, so that it can be registered again with other values. What leaves has its members in the order of their names, and no spaces.
///
/// # Example
/// ```
/// use dataspace_data_plane::{Document, Product};
/// use dataspace_policy::{Duty, KeptColumns};
///
/// let passport = Document::from_bytes(br#"{"chemistry": "NCM", "serial": "SN12345678"}"#)?;
/// let public = Duty::Keep(KeptColumns { columns: ["/chemistry".parse()?].into() });
/// assert!(passport.check(&[public]).is_ok());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Document {
    content: Digest,
    root: Json,
}

/// Why a document is not opened.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenDocumentError {
    /// It is not there, or cannot be read.
    #[error("the file cannot be read")]
    Io(#[from] std::io::Error),
    /// A directory, a pipe, a device.
    #[error("it is not a regular file")]
    NotRegular,
    /// More than [`DOCUMENT_LEN_MAX`].
    #[error("the document has {len} bytes; 16 MiB are the most")]
    TooLong {
        /// Bytes.
        len: u64,
    },
    /// More than [`VALUES_MAX`].
    #[error("the document has more than {VALUES_MAX} values")]
    TooManyValues,
    /// It is no JSON (RFC 8259), is nested deeper than 128, has a member twice, or a whole number that would
    /// lose digits.
    #[error("it is no JSON that can be kept as it is: {0}")]
    Json(serde_json::Error),
}

impl Document {
    /// Reads a file.
    ///
    /// # Errors
    /// [`OpenDocumentError`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, OpenDocumentError> {
        let (mut file, stamp) = Snapshot::open(path.as_ref()).map_err(|error| match error {
            FileError::Io(error) => OpenDocumentError::Io(error),
            FileError::NotRegular => OpenDocumentError::NotRegular,
        })?;
        if stamp.len > DOCUMENT_LEN_MAX {
            return Err(OpenDocumentError::TooLong { len: stamp.len });
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Self::from_bytes(&bytes)
    }

    /// Takes a document that is in memory.
    ///
    /// # Errors
    /// [`OpenDocumentError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, OpenDocumentError> {
        let len = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if len > DOCUMENT_LEN_MAX {
            return Err(OpenDocumentError::TooLong { len });
        }
        // Before it takes memory: what a value takes is a hundred times what an empty one is long.
        let marks = bytes.iter().filter(|byte| matches!(byte, b',' | b'[' | b'{')).count();
        if marks >= VALUES_MAX {
            return Err(OpenDocumentError::TooManyValues);
        }
        let root = serde_json::from_slice(bytes).map_err(OpenDocumentError::Json)?;
        Ok(Self { content: Digest::of(bytes), root })
    }

    /// The SHA-256 of the document as it was read.
    #[must_use]
    pub fn content(&self) -> Digest {
        self.content
    }

    /// What the duties leave of it.
    fn view(&self, duties: &[Duty], keys: Option<&PseudonymKeys>) -> Result<Json, PlanError> {
        let mut places = PLACES_MAX;
        let mut root = self.root.clone();
        let mut kept = None;
        for (clause, duty) in duties.iter().enumerate() {
            duty.check().map_err(|source| PlanError::Duty { clause, source })?;
            match duty {
                Duty::Mask(mask) => {
                    let name = mask.column.as_str();
                    let at = find(clause, name)?;
                    let is_second = duties.iter().take(clause).any(|other| {
                        matches!(other, Duty::Mask(first) if overlap(first.column.as_str(), name))
                    });
                    if is_second {
                        return Err(PlanError::Overlap { clause, column: name.to_owned() });
                    }
                    let masking = Masking::new(clause, mask, keys);
                    if masking.at(&mut root, &at, &mut places)? == 0 {
                        return Err(unknown(clause, name));
                    }
                }
                Duty::Keep(keep) => {
                    if let Some((first, _)) = kept.replace((clause, keep)) {
                        return Err(PlanError::SecondKeep { clause, first });
                    }
                }
                Duty::Mark(_) => return Err(PlanError::Unmarked { clause }),
                // Of rows, all of them.
                _ => return Err(PlanError::NoRows { clause }),
            }
        }
        let Some((clause, keep)) = kept else { return Ok(root) };
        let mut pointers = Vec::new();
        for column in &keep.columns {
            let at = find(clause, column.as_str())?;
            // In the document as it is: a part that a mask removed is there all the same.
            let too_many = || PlanError::TooManyParts { clause };
            if !leads_somewhere(&self.root, &at, &mut places).ok_or_else(too_many)? {
                return Err(unknown(clause, column.as_str()));
            }
            pointers.push(at);
        }
        let pointers: Vec<&[String]> = pointers.iter().map(Vec::as_slice).collect();
        let too_many = PlanError::TooManyParts { clause };
        let view = only(root, &pointers, &mut places).map_err(|TooMany| too_many)?;
        view.ok_or(PlanError::NothingLeft)
    }
}

fn find(clause: usize, name: &str) -> Result<Vec<String>, PlanError> {
    pointer(name).ok_or_else(|| unknown(clause, name))
}

fn unknown(clause: usize, name: &str) -> PlanError {
    PlanError::UnknownColumn { clause, column: name.to_owned() }
}

/// Returns true if one pointer may lead into what the other one leads to.
fn overlap(one: &str, other: &str) -> bool {
    let (Some(one), Some(other)) = (pointer(one), pointer(other)) else { return true };
    one.iter().zip(&other).all(|(a, b)| a == b || a == "*" || b == "*")
}

/// `None` if too many values would have to be looked at.
fn leads_somewhere(value: &Json, at: &[String], places: &mut usize) -> Option<bool> {
    let [first, rest @ ..] = at else { return Some(true) };
    *places = places.checked_sub(1)?;
    let below = match value {
        Json::Object(members) => members.get(first),
        Json::Array(items) if first == "*" => {
            for item in items {
                if leads_somewhere(item, rest, places)? {
                    return Some(true);
                }
            }
            // Of no item, all have what is asked for.
            return Some(items.is_empty());
        }
        Json::Array(items) => index(first).and_then(|index| items.get(index)),
        _ => None,
    };
    below.map_or(Some(false), |below| leads_somewhere(below, rest, places))
}

/// Too many values would have to be looked at.
struct TooMany;

/// What the pointers lead to, with the objects and arrays around it; `None` if they lead nowhere.
fn only(value: Json, pointers: &[&[String]], places: &mut usize) -> Result<Option<Json>, TooMany> {
    if pointers.iter().any(|at| at.is_empty()) {
        return Ok(Some(value));
    }
    if !matches!(value, Json::Array(_) | Json::Object(_)) {
        return Ok(None);
    }
    *places = places.checked_sub(pointers.len()).ok_or(TooMany)?;
    let mut below: BTreeMap<&str, Vec<&[String]>> = BTreeMap::new();
    for (first, rest) in pointers.iter().filter_map(|at| at.split_first()) {
        below.entry(first).or_default().push(rest);
    }
    match value {
        Json::Object(members) => {
            let mut left = BTreeMap::new();
            for (name, member) in members {
                let Some(below) = below.get(name.as_str()) else { continue };
                if let Some(member) = only(member, below, places)? {
                    left.insert(name, member);
                }
            }
            Ok((!left.is_empty()).then_some(Json::Object(left)))
        }
        Json::Array(items) => {
            let (all, mut left) = (below.get("*"), Vec::new());
            for (place, item) in items.into_iter().enumerate() {
                let own = below.get(place.to_string().as_str());
                let item = match (all, own) {
                    (Some(all), Some(own)) => only(item, &[all.as_slice(), own].concat(), places)?,
                    (Some(some), None) | (None, Some(some)) => only(item, some, places)?,
                    (None, None) => None,
                };
                left.extend(item);
            }
            Ok((all.is_some() || !left.is_empty()).then_some(Json::Array(left)))
        }
        _ => Ok(None),
    }
}

impl Product for Document {
    fn descriptor_digest(&self) -> Digest {
        // WHY not the content: its digest would confirm guesses of what contracts hide.
        let mut bytes = b"dataspace/document-descriptor/v1\0".to_vec();
        self.root.write_shape(&mut bytes);
        Digest::of(&bytes)
    }

    fn check(&self, duties: &[Duty]) -> Result<(), PlanError> {
        self.view(duties, None).map(drop)
    }

    fn open(
        &self,
        duties: &[Duty],
        part: Option<&Part>,
        secrets: &dyn Secrets,
        recipient: Recipient<'_>,
    ) -> Result<Box<dyn Delivery>, ProductError> {
        // Pseudonyms in what it takes to read some bytes of it would be the same; the whole is one answer.
        match part {
            None => {}
            Some(Part::Rows { .. }) => return Err(PartError::Kind { asked: "rows" }.into()),
            Some(Part::Bytes { .. }) => {
                return Err(PartError::Kind { asked: "ranges of bytes" }.into());
            }
            Some(Part::Seconds { .. }) => return Err(PartError::Kind { asked: "seconds" }.into()),
        }
        let joined = duties.iter().filter_map(|duty| match duty {
            Duty::Mask(mask) => Joined::of(&mask.method),
            _ => None,
        });
        let joined: Vec<_> = joined.collect();
        let keys = if joined.is_empty() {
            None
        } else {
            let keys = PseudonymKeys::derive(secrets, recipient, joined.iter());
            Some(keys.map_err(|source| PlanError::Secret { source })?)
        };
        let mut bytes = Vec::new();
        self.view(duties, keys.as_ref())?.write(&mut bytes);
        // Under a duty, the digest would confirm guesses of what it hides.
        let version = match duties {
            [] => Version::Content(self.content),
            _ => Version::State(self.content),
        };
        Ok(Box::new(DocumentDelivery { bytes: Bytes::from(bytes), at: 0, version }))
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document").field("content", &self.content).finish_non_exhaustive()
    }
}

struct DocumentDelivery {
    bytes: Bytes,
    at: u64,
    version: Version,
}

impl Delivery for DocumentDelivery {
    fn next(&mut self) -> Result<Option<Piece>, RunError> {
        if self.bytes.is_empty() {
            return Ok(None);
        }
        let (at, len) = (self.at, self.bytes.len().min(MEDIA_PIECE_LEN));
        self.at = at.saturating_add(u64::try_from(len).unwrap_or(u64::MAX));
        Ok(Some(Piece::Bytes { at, bytes: self.bytes.split_to(len) }))
    }

    fn version(&self) -> Option<Version> {
        Some(self.version)
    }
}
