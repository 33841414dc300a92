//! The files of a sector as they lie in this crate, and spaces founded from them.

use std::path::PathBuf;

use dataspace_identity::SecretKey;
use dataspace_primitives::{Name, Signed, UnixMillis};
use dataspace_sectors::{Arguments, Sector};
use dataspace_usage_contract::PublishedProfile;

pub(crate) const IDS: [&str; 3] = ["materials", "automotive", "audio-visual"];

pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Profile, forbids, schema and templates of a sector, from its directory.
pub(crate) fn files(id: &str) -> (String, String, String, Vec<String>) {
    let dir = root().join(id);
    let read = |path: PathBuf| std::fs::read_to_string(path).unwrap();
    let mut paths: Vec<_> =
        std::fs::read_dir(dir.join("templates")).unwrap().map(|one| one.unwrap().path()).collect();
    paths.sort();
    let templates = paths.into_iter().map(read).collect();
    let one = |file: &str| read(dir.join(file));
    (one("profile.json"), one("forbids.cedar"), one("schema.cedarschema"), templates)
}

pub(crate) fn name(text: &str) -> Name {
    text.parse().unwrap()
}

pub(crate) fn authority() -> SecretKey {
    SecretKey::from_seed(&mut [7; 32]).unwrap()
}

/// A space of this sector, with these settings.
pub(crate) fn found(sector: &Sector, settings: &Arguments) -> PublishedProfile {
    let authority = authority();
    let profile = sector.profile_with(name("space"), authority.did().clone(), settings).unwrap();
    let signed = Signed::sign(&profile, &authority).unwrap();
    PublishedProfile::publish(signed, authority.did(), UnixMillis::MIN).unwrap()
}
