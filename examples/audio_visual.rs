//! Audio-visual: an archive opens a picture to a newsroom, to verify news and never to train models, inside
//! the EU. The newsroom first reads the beginning of the file, then all of it, and compares it with
//! the digest that the archive registered.
//!
//! `cargo run --bin audio_visual -- DIR` makes DIR and puts the node there.
#![expect(clippy::print_stdout, reason = "it tells what it does")]

use std::{env, error::Error, fs, path::PathBuf, time::Duration};

use dataspace::{
    Acceptance, Access, Action, Clock as _, Constraint, DidKeys, Digest, MediaFile,
    MembershipCredential, NewOffer, NewRequest, NodeKeys, Offer, Part, Piece, Region, Rule, Setup,
    Signed, SystemClock, Terms, Validity, generate_key, request_access_to, sectors,
};

fn main() -> Result<(), Box<dyn Error>> {
    let dir = PathBuf::from(env::args_os().nth(1).ok_or("usage: audio_visual DIR")?);
    fs::create_dir(&dir)?;
    let now = SystemClock.now();
    let until = now.checked_add(Duration::from_secs(30 * 86_400)).ok_or("the year 9999")?;
    let validity = Validity::new(now, until)?;

    let (authority, newsroom) = (generate_key()?, generate_key()?);
    let keys = NodeKeys::create(&dir.join("keys"), None)?;
    let archive = keys.did().clone();
    let mut profile = sectors::audio_visual().profile("archives".parse()?, authority.did().clone());
    // The space forbids to everybody, whatever contracts permit.
    let forbids = r#"@id("no-training") forbid (principal, action, resource)
        when { context.purposes.contains("model-training") };"#;
    profile.policies = String::from(forbids);
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

    // A photograph; examples/data/README.md cites the source. It is given out as it is, in ranges.
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/data/chelsea.jpg");
    let picture = MediaFile::open(path, "image/jpeg".parse()?)?;
    let (content, len) = (picture.content(), picture.len());
    node.register("chelsea".parse()?, "pictures".parse()?, picture)?;
    let rule = Rule::new([Action::Read]).when(Constraint::Purpose(
        ["news-verification".parse()?, "model-training".parse()?].into(),
    ));
    let offer = node.offer(NewOffer {
        product: "chelsea".parse()?,
        consumer: Some(newsroom.did().clone()),
        terms: Terms::new().permit(rule),
        validity,
        expires_at: until,
    })?;
    let read = Offer::verify(offer.clone(), &archive, &DidKeys, now)?;
    for clause in read.value().terms.clauses() {
        println!("{}  {}", clause.id, clause.words);
    }
    let agreement = node.conclude(offer, Acceptance::sign(&read, &newsroom, now)?)?;

    let ask = |purpose: &str, part: Option<Part>| -> Result<Access, Box<dyn Error>> {
        let new = NewRequest { part, ..NewRequest::new(Action::Read, purpose.parse()?) };
        let request = request_access_to(&newsroom, &agreement, new, &SystemClock)?;
        Ok(node.access(request)?)
    };
    for part in [Some(Part::bytes(0, 16)?), None] {
        let Access::Released(mut release) = ask("news-verification", part)? else {
            return Err("denied".into());
        };
        let mut bytes = Vec::new();
        while let Some(piece) = release.next_piece()? {
            if let Piece::Bytes { bytes: more, .. } = piece {
                bytes.extend_from_slice(&more);
            }
        }
        let is_whole = Digest::of(&bytes) == content;
        println!("released {} of {len} bytes; the whole picture: {is_whole}", bytes.len());
    }
    // The contract would permit it; the space does not.
    if let Access::Denied(denied) = ask("model-training", None)? {
        println!("denied: {denied}");
    }
    Ok(())
}
