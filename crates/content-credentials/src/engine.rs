//! The one place where `c2pa` reads a file.

use std::io::{Read, Seek};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, Ordering};

use c2pa::{Error, ProgressPhase, Reader, ValidationState};

use crate::kind::Kind;
use crate::limits::INGREDIENTS_MAX;
use crate::reservation::{Reservations, of_manifest};
use crate::settings::context;
use crate::standing::Standing;
use crate::trust::TrustList;

/// Codes of what does not hold that are told, of all that there are.
const CODES_MAX: usize = 4;

/// Longest reason in words of the engine's, in characters.
const REASON_LEN_MAX: usize = 200;

/// What the manifests of a file say. `has_manifest`: there is one, or what looks like one.
pub(crate) fn read(
    kind: Kind,
    from: impl Read + Seek + Send,
    trust: &TrustList,
    has_manifest: bool,
) -> (Standing, Reservations) {
    let read = AssertUnwindSafe(|| {
        let ingredients = AtomicU32::new(0);
        let context = context(trust.anchors())?.with_progress_callback(move |phase, _, _| {
            phase != ProgressPhase::VerifyingIngredient
                || ingredients.fetch_add(1, Ordering::Relaxed) < INGREDIENTS_MAX
        });
        let reader = Reader::from_context(context).with_stream(kind.media_type(), from)?;
        Ok(of_reader(&reader))
    });
    let nothing = Reservations::default();
    match catch_unwind(read) {
        Ok(Ok(found)) => found,
        Ok(Err(Error::JumbfNotFound)) if has_manifest => {
            let why = "there are parts of credentials, and no manifest among them".to_owned();
            (Standing::Broken { why }, nothing)
        }
        Ok(Err(Error::JumbfNotFound)) => (Standing::Absent, nothing),
        Ok(Err(Error::RemoteManifestUrl(_) | Error::RemoteManifestFetch(_))) => {
            (Standing::Elsewhere, nothing)
        }
        Ok(Err(Error::OperationCancelled)) => {
            let why = format!("more than {INGREDIENTS_MAX} ingredients are named");
            (Standing::Broken { why }, nothing)
        }
        Ok(Err(error)) => {
            let why = error.to_string().chars().take(REASON_LEN_MAX).collect();
            (Standing::Broken { why }, nothing)
        }
        Err(_) => {
            let why = "the library that reads manifests failed at it".to_owned();
            (Standing::Broken { why }, nothing)
        }
    }
}

fn of_reader(reader: &Reader) -> (Standing, Reservations) {
    let Some(active) = reader.active_manifest() else {
        let why = "there is no active manifest".to_owned();
        return (Standing::Broken { why }, Reservations::default());
    };
    let signer = || {
        let names = [active.issuer(), active.common_name()];
        let names: Vec<String> = names.into_iter().flatten().collect();
        names.join(", ").chars().take(REASON_LEN_MAX).collect()
    };
    let standing = match reader.validation_state() {
        ValidationState::Trusted => Standing::Trusted { signer: signer() },
        ValidationState::Valid => Standing::Intact { signer: signer() },
        ValidationState::Invalid => {
            return (Standing::Broken { why: codes(reader) }, Reservations::default());
        }
    };
    let mut reservations = Reservations::default();
    for manifest in reader.iter_manifests() {
        let is_own = manifest.label() == reader.active_label();
        of_manifest(manifest, is_own, &mut reservations);
    }
    (standing, reservations)
}

/// What does not hold, by the codes of the standard.
fn codes(reader: &Reader) -> String {
    let mut codes: Vec<&str> = Vec::new();
    for status in reader.validation_status().unwrap_or_default() {
        if codes.len() < CODES_MAX && !codes.contains(&status.code()) {
            codes.push(status.code());
        }
    }
    if codes.is_empty() { "no valid signature".to_owned() } else { codes.join(", ") }
}
