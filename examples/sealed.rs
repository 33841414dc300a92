//! Sealed delivery, from node to node: an archive releases a picture into a file that opens for a newsroom's contract
//! alone. The newsroom's node keeps it, decides each opening by that contract, records it, and deletes the key when
//! the contract is over.
//!
//! `cargo run --bin sealed -- DIR` makes DIR and puts both nodes there.
#![expect(clippy::print_stdout, reason = "it tells what it does")]

use std::io::Read as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::{env, error::Error, fs, path::PathBuf, time::Duration};

use dataspace::sealed::{Opening, SealedStore};
use dataspace::{
    Action, Clock, Constraint, ConsumerSetup, DeletionStatement, DidKeys, Digest, MediaFile,
    MembershipCredential, NewOffer, NewRequest, NodeKeys, Region, Rule, Setup, Signed, SystemClock,
    Terms, UnixMillis, Validity, fetch_profile, generate_key, sectors,
};

/// The system's clock, some days later if the program says so: nobody waits a month for the end of a contract.
#[derive(Clone, Default)]
struct Later(Arc<AtomicU64>);

impl Clock for Later {
    fn now(&self) -> UnixMillis {
        let later = Duration::from_secs(self.0.load(Ordering::Relaxed) * 86_400);
        SystemClock.now().checked_add(later).unwrap_or(UnixMillis::MAX)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let dir = PathBuf::from(env::args_os().nth(1).ok_or("usage: sealed DIR")?);
    fs::create_dir(&dir)?;
    let clock = Later::default();
    let now = clock.now();
    let days = |days: u64| {
        let until = now.checked_add(Duration::from_secs(days * 86_400)).ok_or("the year 9999")?;
        Validity::new(now, until).map_err(Box::<dyn Error>::from)
    };

    // A space, the archive's node, and the two members' credentials.
    let authority = generate_key()?;
    let keys = NodeKeys::create(&dir.join("archive-keys"), None)?;
    let newsroom = NodeKeys::create(&dir.join("newsroom-keys"), None)?;
    let profile = sectors::audio_visual().profile("archives".parse()?, authority.did().clone());
    let credential = |keys: &NodeKeys, name: &str, role: &str| -> Result<_, Box<dyn Error>> {
        let credential = MembershipCredential {
            space: profile.space_id(),
            subject: keys.did().clone(),
            name: name.parse()?,
            serial: 1,
            issued_at: now,
            roles: [role.parse()?].into(),
            attributes: [].into(),
            region: Region::parse("FR")?,
            validity: days(365)?,
        };
        Ok(Signed::sign(&credential, &authority)?)
    };
    let member = credential(&newsroom, "Newsroom", "consumer")?;
    let provider = credential(&keys, "Archive", "provider")?;
    let archive = Setup::new(dir.join("archive"), keys, authority.did().clone())
        .clock(clock.clone())
        .create(Signed::sign(&profile, &authority)?)?;
    for credential in [provider, member.clone()] {
        archive.admit(credential)?;
    }

    // It offers a picture, to be used twice within 30 days, to verify news.
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/data/chelsea.jpg");
    let picture = MediaFile::open(path, "image/jpeg".parse()?)?;
    let digest = picture.content();
    archive.register("chelsea".parse()?, "pictures".parse()?, picture)?;
    let purpose = Constraint::Purpose(["news-verification".parse()?].into());
    let offer = archive.offer(NewOffer {
        product: "chelsea".parse()?,
        consumer: Some(newsroom.did().clone()),
        terms: Terms::new()
            .permit(Rule::new([Action::Read]).when(purpose).when(Constraint::Count(2))),
        validity: days(30)?,
        expires_at: days(30)?.until(),
    })?;

    // The newsroom's node concludes, and holds its own credential, too: by that, openings are judged.
    let node = ConsumerSetup::new(dir.join("newsroom"), newsroom, authority.did().clone())
        .clock(clock.clone())
        .create(fetch_profile(&archive)?)?;
    node.admit(&member)?;
    node.read_catalogue(&archive)?;
    let contract = node.conclude(&archive, node.keep(&offer)?)?;

    // One access, sealed for a key that the newsroom draws for this contract, and names in its signed request.
    let store = node.sealed_store();
    let reading = || -> Result<NewRequest, Box<dyn Error>> {
        Ok(NewRequest::new(Action::Read, "news-verification".parse()?))
    };
    let stored = store.receive(&archive, contract, reading()?)?;
    let file = stored.file.ok_or("nothing was kept")?;
    let (files, of) = (store.files(None, 10), contract.as_digest().to_short());
    println!("holds {} sealed file of {of}: {}", files.len(), stored.arrival);

    // Each opening is judged by the contract and recorded before a byte is decrypted.
    let Opening::Opened(mut opened) = store.open(&file, reading()?)? else {
        return Err("denied".into());
    };
    let mut bytes = Vec::new();
    opened.read_to_end(&mut bytes)?;
    let (clauses, is_same) = (opened.clauses().join(", "), Digest::of(&bytes) == digest);
    println!("opened {} bytes by {clauses}; the whole picture: {is_same}", bytes.len());
    let Opening::Opened(mut opened) = store.open(&file, reading()?)? else {
        return Err("denied".into());
    };
    let mut begin = [0; 2];
    opened.read_range(0, &mut begin)?;
    println!("a range begins as a JPEG does: {}", begin == [0xff, 0xd8]);

    // Another purpose, a third opening, an opening after the end: denied, in plain words, and recorded.
    let tell = |what: &str, store: &SealedStore, new: NewRequest| -> Result<(), Box<dyn Error>> {
        match store.open(&file, new)? {
            Opening::Opened(_) => println!("{what}: opened"),
            Opening::Denied { reasons, .. } => {
                println!("{what}: denied: {}", reasons.first().ok_or("no reason")?);
            }
        }
        Ok(())
    };
    tell("for broadcast", &store, NewRequest::new(Action::Read, "broadcast".parse()?))?;
    tell("the third time", &store, reading()?)?;
    clock.0.store(30, Ordering::Relaxed);
    tell("after its end", &store, reading()?)?;

    // A program calls this from time to time, as it does `DataSpace::tend`. The statement is signed: no proof, but the
    // newsroom can be held to it.
    let deleted = store.tend()?;
    let statement = node.deletion(contract)?.ok_or("no statement")?;
    let agreement = node.agreement(contract)?;
    let statement = DeletionStatement::verify(statement, &agreement, &DidKeys, clock.now())?;
    println!("{} key deleted; states that {}", deleted.len(), statement.value().reason);
    tell("after that", &store, reading()?)?;
    node.tell_deletion(&archive, contract)?;
    let record = archive.deletion(contract).ok_or("not recorded")?;
    println!("the archive has the statement at record {record}");
    println!("the newsroom's log has {} records: see `dataspace log`", node.log().size()?);
    Ok(())
}
