//! Pictures and recordings whose copies bear marks of their contracts (feature `media`). Registered as any
//! product; what they promise is told in `docs/media.md`.
//!
//! ```
//! use dataspace::media::{Mark, MarkMethod, Picture};
//! use dataspace::*;
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = tempfile::tempdir()?;
//! # let (dir, path) = (dir.path(), dir.path().join("waves.png"));
//! # let wave = |x: u32, y: u32| image::Luma([u8::try_from(100 + (x * x / 9 + y * 5) % 90).unwrap()]);
//! # image::GrayImage::from_fn(200, 200, wave).save(&path)?;
//! # let now = SystemClock.now();
//! # let year = Validity::new(now, now.checked_add(std::time::Duration::from_secs(31_536_000)).ok_or("late")?)?;
//! # let (authority, newsroom) = (generate_key()?, generate_key()?);
//! # let archive = NodeKeys::create(&dir.join("keys"), None)?;
//! # let did = archive.did().clone();
//! # let profile = sectors::audio_visual().profile("demo".parse()?, authority.did().clone());
//! # let node = Setup::new(dir.join("node"), archive, authority.did().clone())
//! #     .create(Signed::sign(&profile, &authority)?)?;
//! # for (serial, (did, role)) in (1..).zip([(&did, "provider"), (newsroom.did(), "consumer")]) {
//! #     node.admit(Signed::sign(&MembershipCredential {
//! #         space: profile.space_id(), subject: did.clone(), name: role.parse()?, serial, issued_at: now,
//! #         roles: [role.parse()?].into(), attributes: [].into(), region: Region::parse("FR")?, validity: year,
//! #     }, &authority)?)?;
//! # }
//! node.register("waves".parse()?, "pictures".parse()?, Picture::open(&path)?)?;
//! let trace = Duty::Mark(Mark { method: MarkMethod::Trace });
//! let terms = Terms::new().permit(Rule::new([Action::Display])).duty(trace);
//! # let offer = node.offer(NewOffer {
//! #     product: "waves".parse()?, consumer: None, terms, validity: year, expires_at: year.until(),
//! # })?;
//! # let read = Offer::verify(offer.clone(), &did, &DidKeys, now)?;
//! # let agreement = node.conclude(offer, Acceptance::sign(&read, &newsroom, now)?)?;
//! // … offered, accepted, and asked for by the newsroom …
//! # let purpose = "news-verification".parse()?;
//! # let request = request_access(&newsroom, &agreement, Action::Display, purpose, &SystemClock)?;
//! let Access::Released(mut release) = node.access(request)? else { panic!("denied") };
//! let mut copy = Vec::new();
//! while let Some(Piece::Bytes { bytes, .. }) = release.next_piece()? {
//!     copy.extend_from_slice(&bytes);
//! }
//!
//! // The copy turns up. The archive asks for each of its contracts whether it was theirs.
//! let keys = NodeKeys::open(&dir.join("keys"), None)?;
//! let compared = Picture::open(&path)?.compare(&copy)?;
//! let found = compared.of_contract(keys.secrets(), contract_id(&agreement).as_digest().as_bytes())?;
//! assert!(found.is_found() && found.by_chance() < 1e-8);
//! # Ok(()) }
//! ```

pub use dataspace_media::*;
