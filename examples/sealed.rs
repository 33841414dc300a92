//! Sealed delivery: an archive permits an access to a picture, and puts what it releases into a file that is
//! opened by the newsroom's key for this contract; that the contract is over is checked by the newsroom's own
//! node. The file can lie anywhere.
//!
//! `cargo run --bin sealed -- DIR` makes DIR and puts node and file there.
#![expect(clippy::print_stdout, reason = "it tells what it does")]

use std::fs::{self, File};
use std::io::{BufReader, Read as _, Write as _};
use std::{env, error::Error, path::PathBuf, time::Duration};

use dataspace::{
    Acceptance, Access, Action, Clock as _, Constraint, DidKeys, Digest, MediaFile,
    MembershipCredential, NewOffer, NodeKeys, Offer, Piece, Region, Rule, Setup, Signed,
    SystemClock, Terms, Validity, contract_id, generate_key, request_access, sectors,
};
use dataspace_runtime::random::{Randomness as _, SystemRandomness};
use dataspace_sealed::{Contract, RecipientSecret, Seal, Sealed};

fn main() -> Result<(), Box<dyn Error>> {
    let dir = PathBuf::from(env::args_os().nth(1).ok_or("usage: sealed DIR")?);
    fs::create_dir(&dir)?;
    let now = SystemClock.now();
    let until = now.checked_add(Duration::from_secs(30 * 86_400)).ok_or("the year 9999")?;
    let validity = Validity::new(now, until)?;

    // A space, a node, two members: as in the other programs.
    let (authority, newsroom) = (generate_key()?, generate_key()?);
    let keys = NodeKeys::create(&dir.join("keys"), None)?;
    let archive = keys.did().clone();
    let profile = sectors::audio_visual().profile("archives".parse()?, authority.did().clone());
    let node = Setup::new(dir.join("node"), keys, authority.did().clone())
        .create(Signed::sign(&profile, &authority)?)?;
    for (did, name, role) in
        [(&archive, "Archive", "provider"), (newsroom.did(), "Newsroom", "consumer")]
    {
        let credential = MembershipCredential {
            space: profile.space_id(),
            subject: did.clone(),
            name: name.parse()?,
            serial: 1,
            issued_at: now,
            roles: [role.parse()?].into(),
            attributes: [].into(),
            region: Region::parse("FR")?,
            validity,
        };
        node.admit(Signed::sign(&credential, &authority)?)?;
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/data/chelsea.jpg");
    let picture = MediaFile::open(path, "image/jpeg".parse()?)?;
    let digest = picture.content();
    node.register("chelsea".parse()?, "pictures".parse()?, picture)?;
    let purpose = Constraint::Purpose(["news-verification".parse()?].into());
    let offer = node.offer(NewOffer {
        product: "chelsea".parse()?,
        consumer: Some(newsroom.did().clone()),
        terms: Terms::new().permit(Rule::new([Action::Read]).when(purpose)),
        validity,
        expires_at: until,
    })?;
    let read = Offer::verify(offer.clone(), &archive, &DidKeys, now)?;
    let agreement = node.conclude(offer, Acceptance::sign(&read, &newsroom, now)?)?;

    // The newsroom draws a key for files, once, and tells the archive its public half.
    let mut seed = [0; RecipientSecret::SEED_LEN];
    SystemRandomness.fill(&mut seed)?;
    let secret = RecipientSecret::from_seed(&mut seed)?;

    // The archive decides and records as always. What it releases goes into the sealed file.
    let purpose = "news-verification".parse()?;
    let request = request_access(&newsroom, &agreement, Action::Read, purpose, &SystemClock)?;
    let Access::Released(mut release) = node.access(request)? else { return Err("denied".into()) };
    let mut seed = [0; Seal::SEED_LEN];
    SystemRandomness.fill(&mut seed)?;
    let (id, file) = (*contract_id(&agreement).as_digest(), dir.join("chelsea.sealed"));
    let mut sealer = Seal::new(id, agreement.value().product.clone())
        .recipient(*secret.recipient())
        .begin(File::create_new(&file)?, &mut seed)?;
    while let Some(piece) = release.next_piece()? {
        if let Piece::Bytes { bytes, .. } = piece {
            sealer.write_all(&bytes)?;
        }
    }
    let finished = sealer.finish()?;
    println!("sealed {} bytes for contract {}", finished.content_len, id.to_short());

    // The newsroom opens it, by its own clock and its own copy of the agreement.
    let contract = Contract { id, product: agreement.value().product.clone(), validity };
    let opened = Sealed::read(BufReader::new(File::open(&file)?))?;
    let key = opened.unwrap_key(&secret, &contract, SystemClock.now())?;
    let mut bytes = Vec::new();
    opened.open(&key)?.read_to_end(&mut bytes)?;
    println!("opened {} bytes; the whole picture: {}", bytes.len(), Digest::of(&bytes) == digest);
    let mut begin = [0; 2];
    Sealed::read(File::open(&file)?)?.ranges(&key)?.read_range(0, &mut begin)?;
    println!("a range begins as a JPEG does: {}", begin == [0xff, 0xd8]);

    // The library refuses when the contract is over (by the caller's clock), under another contract, or if a bit
    // was changed.
    let refused = |contract: &Contract, at| -> Result<String, Box<dyn Error>> {
        let refused = Sealed::read(File::open(&file)?)?.unwrap_key(&secret, contract, at);
        Ok(refused.err().map_or_else(|| "opened".to_owned(), |error| error.to_string()))
    };
    println!("after its end: {}", refused(&contract, until)?);
    let other = Contract { id: Digest::of(b"another"), ..contract.clone() };
    println!("elsewhere: {}", refused(&other, now)?);
    let mut changed = fs::read(&file)?;
    if let Some(byte) = changed.last_mut() {
        *byte ^= 1;
    }
    let refused = Sealed::read(&changed[..])?.open(&key)?.read_to_end(&mut Vec::new());
    println!("changed: {}", refused.err().ok_or("opened")?);
    Ok(())
}
