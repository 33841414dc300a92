//! Audio-visual: an archive founds its space from the sector, and opens a picture to a newsroom by three
//! templates: to verify news and never to train models, in a territory for a time, and as a preview once a
//! day. The newsroom reads the beginning of the file, then all of it, and compares it with the digest
//! that the archive registered.
//!
//! `cargo run --bin audio_visual -- DIR [FILE]` makes DIR and puts the node there. FILE is another JPEG.
#![expect(clippy::print_stdout, reason = "it tells what it does")]

use std::{env, error::Error, fs, path::PathBuf, time::Duration};

use dataspace::{
    Acceptance, Access, Action, Agreement, Clock as _, DidKeys, Digest, MediaFile,
    MembershipCredential, NewOffer, NewRequest, NodeKeys, Offer, Part, Piece, Region, Setup,
    Signed, Statements, SystemClock, Validity, Verified, generate_key, request_access_to, sectors,
};

type Fallible<T> = Result<T, Box<dyn Error>>;

fn main() -> Fallible<()> {
    let dir = PathBuf::from(env::args_os().nth(1).ok_or("usage: audio_visual DIR [FILE]")?);
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/data/chelsea.jpg");
    let file = env::args_os().nth(2).map_or_else(|| sample.into(), PathBuf::from);
    fs::create_dir(&dir)?;
    let now = SystemClock.now();
    let until = now.checked_add(Duration::from_secs(30 * 86_400)).ok_or("the year 9999")?;
    let validity = Validity::new(now, until)?;

    // The authority founds the space from the sector, with its forbids.
    let sector = sectors::audio_visual();
    let (authority, newsroom) = (generate_key()?, generate_key()?);
    let keys = NodeKeys::create(&dir.join("keys"), None)?;
    let archive = keys.did().clone();
    let profile = sector.profile("archives".parse()?, authority.did().clone());
    let node = Setup::new(dir.join("node"), keys, authority.did().clone())
        .create(Signed::sign(&profile, &authority)?)?;
    for (_, words) in sector.forbids(sectors::Language::English) {
        println!("for every contract: {words}");
    }
    for (did, name, role) in
        [(&archive, "Archive", "provider"), (newsroom.did(), "Newsroom", "broadcaster")]
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
    let open = || MediaFile::open(&file, "image/jpeg".parse()?).map_err(Box::<dyn Error>::from);
    let (content, len) = (open()?.content(), open()?.len());
    for (product, class) in
        [("cat", "pictures"), ("poster", "reserved-works"), ("proof", "previews")]
    {
        node.register(product.parse()?, class.parse()?, open()?)?;
    }

    // An offer by a template, whose clauses the newsroom reads, in English or in Chinese, and accepts.
    let contract = |product: &str, template: &str, arguments| -> Fallible<Verified<Agreement>> {
        let draft = sector.template(template).ok_or("no such template")?.fill(&arguments)?;
        println!("\n{template}");
        for language in sectors::Language::ALL {
            for clause in draft.clauses(language) {
                println!("  {} ({}) {}", clause.id, clause.assurance, clause.words);
            }
        }
        let terms = draft.terms(sectors::Language::English).clone();
        let (product, consumer) = (product.parse()?, Some(newsroom.did().clone()));
        let offer =
            node.offer(NewOffer { product, consumer, terms, validity, expires_at: until })?;
        let read = Offer::verify(offer.clone(), &archive, &DidKeys, now)?;
        Ok(node.conclude(offer, Acceptance::sign(&read, &newsroom, now)?)?)
    };
    let ask = |agreement: &Verified<Agreement>, new: NewRequest| -> Fallible<()> {
        match node.access(request_access_to(&newsroom, agreement, new, &SystemClock)?)? {
            Access::Released(mut release) => {
                let mut bytes = Vec::new();
                while let Some(piece) = release.next_piece()? {
                    if let Piece::Bytes { bytes: more, .. } = piece {
                        bytes.extend_from_slice(&more);
                    }
                }
                let is_whole = Digest::of(&bytes) == content;
                println!("released {} of {len} bytes; the whole picture: {is_whole}", bytes.len());
            }
            Access::Denied(denied) => println!("denied: {denied}"),
        }
        Ok(())
    };

    let defaults = sectors::Arguments::new();
    let agreement = contract("cat", "no-training", defaults.clone())?;
    for part in [Some(Part::bytes(0, 16)?), None] {
        let verify = NewRequest::new(Action::Read, "news-verification".parse()?);
        ask(&agreement, NewRequest { part, ..verify })?;
    }
    ask(&agreement, NewRequest::new(Action::Read, "fine-tuning".parse()?))?;

    // A contract that names training: the space reserves it.
    let training = defaults.clone().with("purposes", ["model-training", "restoration"]);
    let poster = contract("poster", "no-training", training)?;
    ask(&poster, NewRequest::new(Action::Read, "model-training".parse()?))?;

    let window = defaults
        .clone()
        .with("territories", ["FR", "BE"])
        .with("from", now.to_string())
        .with("until", until.to_string());
    let licence = contract("cat", "territory-window", window)?;
    for to in ["BE", "US"] {
        let recipient_region = Some(Region::parse(to)?);
        let statements = Statements { recipient_region, ..Statements::default() };
        let show = NewRequest::new(Action::Display, "broadcast".parse()?);
        ask(&licence, NewRequest { statements, ..show })?;
    }

    let preview = contract("proof", "preview", defaults.with("daily", 1))?;
    for _ in 0..2 {
        ask(&preview, NewRequest::new(Action::Display, "selection".parse()?))?;
    }
    Ok(())
}
