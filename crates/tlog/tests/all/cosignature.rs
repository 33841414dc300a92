use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dataspace_primitives::{Digest, Signer as _, UnixMillis};
use dataspace_tlog::{
    Checkpoint,
    note::{CosignatureError, NoteError, ParseNoteKeyError, SIGNATURES_MAX, WitnessKey},
    witness::{QuorumError, WITNESSES_MAX, WitnessPolicy, WitnessPolicyError},
};

use crate::support::{Branch, key, origin};

/// A checkpoint of a public CT log and its cosignatures, collected by public witnesses, and their
/// published keys; the lines are from the tests of the Python package tlog-scales.
mod public {
    pub(crate) const BODY: &str = "arche2025h1.staging.ct.transparency.dev\n1432088532\n\
        U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=\n";
    pub(crate) const LINES: [(&str, &str); 4] = [
        (
            "transparency.dev/DEV:witness-little-garden+d8042a87+BCtusOxINQNUTN5Oj8HObRkh2yHf/MwYaGX4CPdiVEPM",
            "2AQqhwAAAABqEiEgzgFIqqhbUoDwjMWE6UP8nd8/KYTzwZ2rhIgcqoXHAwVkjZr4AscylP3v7sEodkRAErumC2q44vdgJY096st5BQ==",
        ),
        (
            "witness1.smartit.nu/witness1+a48c820f+BPSFWg9G6KPiO7QPryYO5Xq4oYJJ+kAvLKLSimDhoxMO",
            "pIyCDwAAAABqEiEghIp82KWebrw7/oHQwlTAm3g2RKS4+eebl8eO0WH+/iEcxZ75W3u5hNI7TOQtmJbqmNWVuE0tgh0XwzdZsDsUAQ==",
        ),
        (
            "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2",
            "2net5wAAAABqEiEgPlfF3V06o0Y+fHM+J5J9s27wgxxcOVSpZ/2g/KSiXCg9DEZI+aVCIobWX9sXTynk5XeU/zZ0WBxtqB0DrAWfBw==",
        ),
        (
            "witness.stagemole.eu+67f7aea0+BEqSG3yu9YrmcM3BHvQYTxwFj3uSWakQepafafpUqklv",
            "Z/euoAAAAABqEiEgw0i+7g2ENfDAWHmtRzCfKTHSDwYDJA2NmKeGi9Y8FtEyOUvVr+AJmIY/2TUFucgKi7lI7cUiOvKFYe/TmN9DAg==",
        ),
    ];
}

const TIME: u64 = 1_790_000_000;

fn checkpoint() -> Checkpoint {
    Branch::new(5, 1).checkpoint(5)
}

fn witness(seed: u8) -> WitnessKey {
    WitnessKey::new(&format!("witness.example/{seed}"), key(seed).did().public_key().unwrap())
        .unwrap()
}

/// A cosignature as tlog-cosignature describes it, made by hand.
fn by_hand(name: &str, seed: u8, seconds: u64, text: &str) -> String {
    let public = key(seed).did().public_key().unwrap();
    let id = Digest::of(&[name.as_bytes(), b"\n\x04", public.as_bytes()].concat());
    let message = format!("cosignature/v1\ntime {seconds}\n{text}");
    let signature = key(seed).sign(message.as_bytes()).unwrap();
    let blob = [&id.as_bytes()[..4], &seconds.to_be_bytes(), signature.as_bytes()].concat();
    format!("\u{2014} {name} {}\n", STANDARD.encode(blob))
}

fn line(seed: u8, seconds: u64, checkpoint: &Checkpoint) -> String {
    by_hand(witness(seed).name(), seed, seconds, checkpoint.text())
}

/// The checkpoint with these lines under it, whatever they are worth.
fn with(checkpoint: &Checkpoint, lines: &str) -> Checkpoint {
    Checkpoint::verify(&format!("{}{lines}", checkpoint.as_note()), &origin()).unwrap()
}

fn time(seconds: u64) -> UnixMillis {
    UnixMillis::new(seconds * 1000).unwrap()
}

#[test]
fn the_keys_of_public_witnesses_are_read_and_their_cosignatures_verify() {
    for (vkey, blob) in public::LINES {
        let witness: WitnessKey = vkey.parse().unwrap();
        assert_eq!(witness.to_string(), vkey);
        let blob = STANDARD.decode(blob).unwrap();
        let (id, rest) = blob.split_at(4);
        assert!(vkey.contains(&format!("+{:08x}+", u32::from_be_bytes(id.try_into().unwrap()))));
        let seconds = u64::from_be_bytes(rest[..8].try_into().unwrap());
        let message = format!("cosignature/v1\ntime {seconds}\n{}", public::BODY);
        let signature = dataspace_primitives::Signature::from_bytes(rest[8..].try_into().unwrap());
        assert!(witness.key().verifies(message.as_bytes(), &signature), "{vkey}");
        assert_eq!(time(seconds).to_string(), "2026-05-23T21:50:24Z");
    }
}

#[test]
fn a_cosignature_made_by_hand_after_the_specification_is_found() {
    let checkpoint = checkpoint();
    let cosigned = with(&checkpoint, &line(21, TIME, &checkpoint));
    let found = witness(21).find(&cosigned).unwrap().unwrap();
    assert_eq!(found.time(), time(TIME));
    assert_eq!(found.as_line(), line(21, TIME, &checkpoint));
    assert_eq!(witness(22).find(&cosigned).unwrap(), None);
    assert_eq!(witness(21).find(&checkpoint).unwrap(), None);
}

#[test]
fn every_bit_flip_of_a_cosignature_makes_it_count_for_nothing() {
    let checkpoint = checkpoint();
    let start = checkpoint.as_note().len();
    let bytes = format!("{}{}", checkpoint.as_note(), line(21, TIME, &checkpoint)).into_bytes();
    for at in start..bytes.len() {
        for bit in 0..8 {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << bit;
            let Ok(changed) = String::from_utf8(changed) else { continue };
            let Ok(changed) = Checkpoint::verify(&changed, &origin()) else { continue };
            assert!(!matches!(witness(21).find(&changed), Ok(Some(_))), "byte {at}, bit {bit}");
        }
    }
}

#[test]
fn a_cosignature_of_another_checkpoint_time_key_or_name_is_refused() {
    let checkpoint = checkpoint();
    let name = witness(21).name().to_owned();
    let other = Branch::new(5, 1).checkpoint(0);
    // Replayed from another checkpoint, and signed by another key under the name and id.
    let replayed = with(&checkpoint, &line(21, TIME, &other));
    let signature = CosignatureError::Signature { name: name.clone() };
    assert_eq!(witness(21).find(&replayed), Err(signature.clone()));
    // The time is moved, under the old signature.
    let good = line(21, TIME, &checkpoint);
    let (head, blob) = good.trim_end().rsplit_once(' ').unwrap();
    let mut blob = STANDARD.decode(blob).unwrap();
    blob[11] ^= 1;
    let moved = with(&checkpoint, &format!("{head} {}\n", STANDARD.encode(&blob)));
    assert_eq!(witness(21).find(&moved), Err(signature));
    // Too long and too short.
    for len in [5, 11, 12, 75] {
        let cut = with(&checkpoint, &format!("{head} {}\n", STANDARD.encode(&blob[..len])));
        assert_eq!(witness(21).find(&cut), Err(CosignatureError::Form { name: name.clone() }));
    }
    let padded =
        with(&checkpoint, &format!("{head} {}\n", STANDARD.encode([&blob[..], b"x"].concat())));
    assert_eq!(witness(21).find(&padded), Err(CosignatureError::Form { name: name.clone() }));
    // Under another name the line is another key's, so it is ignored.
    let renamed = with(&checkpoint, &by_hand("witness.example/22", 21, TIME, checkpoint.text()));
    assert_eq!(witness(21).find(&renamed), Ok(None));
    assert_eq!(witness(22).find(&renamed), Ok(None));
}

#[test]
fn a_plain_signature_of_the_checkpoint_is_no_cosignature() {
    let checkpoint = checkpoint();
    let name = witness(21).name().to_owned();
    let plain = key(21).sign(checkpoint.text().as_bytes()).unwrap();
    let public = key(21).did().public_key().unwrap();
    let id = Digest::of(&[name.as_bytes(), b"\n\x04", public.as_bytes()].concat());
    let blob = [&id.as_bytes()[..4], &TIME.to_be_bytes(), plain.as_bytes()].concat();
    let line = format!("\u{2014} {name} {}\n", STANDARD.encode(blob));
    let found = witness(21).find(&with(&checkpoint, &line));
    assert_eq!(found, Err(CosignatureError::Signature { name }));
}

#[test]
fn a_time_of_zero_or_beyond_every_clock_is_refused() {
    let checkpoint = checkpoint();
    for seconds in [0, 253_402_300_800, i64::MAX.unsigned_abs(), 1 << 63, u64::MAX] {
        let found = witness(21).find(&with(&checkpoint, &line(21, seconds, &checkpoint)));
        assert!(matches!(found, Err(CosignatureError::Time { .. })), "{seconds}");
    }
    let last = with(&checkpoint, &line(21, 253_402_300_799, &checkpoint));
    assert!(witness(21).find(&last).unwrap().is_some());
}

#[test]
fn of_several_cosignatures_the_latest_counts_and_all_must_verify() {
    let checkpoint = checkpoint();
    let [a, b, c] = [TIME + 5, TIME + 9, TIME].map(|seconds| line(21, seconds, &checkpoint));
    let cosigned = with(&checkpoint, &[a, b.clone(), c].concat());
    assert_eq!(witness(21).find(&cosigned).unwrap().unwrap().time(), time(TIME + 9));
    let other = Branch::new(5, 1).checkpoint(0);
    let one_bad = with(&checkpoint, &[b, line(21, TIME, &other)].concat());
    assert!(witness(21).find(&one_bad).is_err());
}

#[test]
fn extension_lines_are_part_of_what_is_cosigned() {
    let note_key = dataspace_tlog::note::note_key(&origin()).unwrap();
    let text = format!("{}extension one\n\u{e9}\n", checkpoint().text());
    let note = note_key.sign(&text, &key(1)).unwrap();
    let extended = Checkpoint::verify(&note, &origin()).unwrap();
    assert_eq!(extended.extensions().collect::<Vec<_>>(), ["extension one", "\u{e9}"]);
    let cosigned = with(&extended, &line(21, TIME, &extended));
    assert!(witness(21).find(&cosigned).unwrap().is_some());
    let over_three_lines = with(&extended, &line(21, TIME, &checkpoint()));
    assert!(witness(21).find(&over_three_lines).is_err());
}

#[test]
fn a_witness_key_of_another_kind_or_with_another_id_is_refused() {
    let note =
        dataspace_tlog::note::NoteKey::new("w", key(21).did().public_key().unwrap()).unwrap();
    assert_eq!(note.to_string().parse::<WitnessKey>(), Err(ParseNoteKeyError::Key));
    let witness = witness(21).to_string();
    assert!(witness.parse::<dataspace_tlog::note::NoteKey>().is_err());
    let (name, rest) = witness.split_once('+').unwrap();
    let other = format!("{name}x+{rest}").parse::<WitnessKey>();
    assert_eq!(other, Err(ParseNoteKeyError::Hash));
}

#[test]
fn answers_of_witnesses_are_added_and_foreign_lines_left_out() {
    let checkpoint = checkpoint();
    let answer = [21, 22, 23].map(|seed| line(seed, TIME, &checkpoint)).concat();
    let known = [witness(21), witness(23)];
    let cosigned = checkpoint.with_cosignatures(&answer, &known).unwrap();
    assert!(cosigned.as_note().ends_with(&line(23, TIME, &checkpoint)));
    assert_eq!(witness(22).find(&cosigned), Ok(None));
    assert_eq!(cosigned.with_cosignatures(&answer, &known).unwrap(), cosigned, "added once");
    assert_eq!(cosigned.to_bare().unwrap(), checkpoint);
    assert_eq!(Checkpoint::verify(cosigned.as_note(), &origin()).unwrap(), cosigned);
    for answer in ["", "\n", "hello\n", "\u{2014} w AAAA\n", line(21, TIME, &checkpoint).trim_end()]
    {
        let error = checkpoint.with_cosignatures(answer, &known).unwrap_err();
        assert_eq!(error, CosignatureError::Note(NoteError::Form), "{answer:?}");
    }
    let bad = line(21, TIME, &Branch::new(5, 1).checkpoint(0));
    assert!(checkpoint.with_cosignatures(&bad, &known).is_err());
    let many: String = (0..40).map(|n| line(21, TIME + n, &checkpoint)).collect();
    assert!(checkpoint.with_cosignatures(&many, &known).is_err());
}

fn policy(quorum: usize, seeds: &[u8]) -> WitnessPolicy {
    WitnessPolicy::new(quorum, seeds.iter().map(|seed| witness(*seed)).collect()).unwrap()
}

#[test]
fn a_quorum_is_met_by_enough_of_the_named_witnesses_and_by_nobody_else() {
    let checkpoint = checkpoint();
    let lines = [(21, 7), (23, 3), (40, 9)];
    let lines = lines.map(|(seed, after)| line(seed, TIME + after, &checkpoint)).concat();
    let cosigned = with(&checkpoint, &lines);
    let policy2 = policy(2, &[21, 22, 23]);
    let witnessed = policy2.require(cosigned.clone()).unwrap();
    assert_eq!(witnessed.checkpoint(), &cosigned);
    let names: Vec<_> =
        witnessed.cosigners().present().iter().map(|(one, _)| one.name().to_owned()).collect();
    assert_eq!(names, ["witness.example/21", "witness.example/23"]);
    assert_eq!(witnessed.cosigners().absent(), [witness(22)]);
    assert_eq!(witnessed.cosigners().quorum_at(), Some(time(TIME + 3)));
    let error = policy(3, &[21, 22, 23]).require(cosigned.clone()).unwrap_err();
    let absent = "witness.example/22".to_owned();
    assert_eq!(error, QuorumError::Unmet { found: 2, quorum: 3, absent });
    assert_eq!(policy(3, &[21, 22, 23]).examine(&cosigned).unwrap().quorum_at(), None);
    assert!(policy(1, &[24]).require(cosigned).is_err());
}

#[test]
fn one_witness_cannot_count_twice() {
    let checkpoint = checkpoint();
    let twice = [TIME, TIME + 1].map(|seconds| line(21, seconds, &checkpoint)).concat();
    assert!(policy(2, &[21, 22]).require(with(&checkpoint, &twice)).is_err());
    let same_key = WitnessKey::new("other.example", key(21).did().public_key().unwrap()).unwrap();
    let same_name =
        WitnessKey::new(witness(21).name(), key(22).did().public_key().unwrap()).unwrap();
    for double in [same_key, witness(21)] {
        let error = WitnessPolicy::new(1, vec![witness(21), double.clone()]).unwrap_err();
        assert_eq!(error, WitnessPolicyError::Double { name: double.name().to_owned() });
    }
    // Two keys of one name are one witness.
    let error = WitnessPolicy::new(2, vec![witness(21), same_name]).unwrap_err();
    assert_eq!(error, WitnessPolicyError::Quorum { quorum: 2, witnesses: 1 });
}

#[test]
fn a_witness_that_rotates_its_key_counts_once_by_either() {
    let checkpoint = checkpoint();
    let name = witness(21).name().to_owned();
    let next = WitnessKey::new(&name, key(31).did().public_key().unwrap()).unwrap();
    let policy =
        |quorum| WitnessPolicy::new(quorum, vec![witness(21), next.clone(), witness(22)]).unwrap();
    let old = line(21, TIME, &checkpoint);
    let new = by_hand(&name, 31, TIME + 5, checkpoint.text());
    for cosigned in [old.clone(), new.clone(), format!("{old}{new}"), format!("{new}{old}")] {
        let cosigned = with(&checkpoint, &cosigned);
        assert!(policy(2).require(cosigned.clone()).is_err(), "one of two");
        let witnessed = policy(1).require(cosigned).unwrap();
        assert_eq!(witnessed.cosigners().present().len(), 1);
        assert_eq!(witnessed.cosigners().absent(), [witness(22)]);
    }
    let both = with(&checkpoint, &format!("{old}{new}"));
    assert_eq!(policy(1).examine(&both).unwrap().quorum_at(), Some(time(TIME + 5)));
    let three = with(&checkpoint, &format!("{old}{new}{}", line(22, TIME, &checkpoint)));
    assert_eq!(policy(2).require(three).unwrap().cosigners().present().len(), 2);
}

#[test]
fn the_operator_is_no_witness_of_its_own_log() {
    let checkpoint = checkpoint();
    let own = WitnessKey::new("operator.example", key(1).did().public_key().unwrap()).unwrap();
    let cosigned = with(&checkpoint, &by_hand(own.name(), 1, TIME, checkpoint.text()));
    let error = WitnessPolicy::new(1, vec![own]).unwrap().examine(&cosigned).unwrap_err();
    assert!(matches!(error, CosignatureError::Operator { .. }));
}

#[test]
fn a_policy_without_witnesses_or_with_a_quorum_out_of_range_is_refused() {
    assert_eq!(WitnessPolicy::new(1, vec![]), Err(WitnessPolicyError::Witnesses { found: 0 }));
    for quorum in [0, 2] {
        let error = WitnessPolicy::new(quorum, vec![witness(21)]).unwrap_err();
        assert_eq!(error, WitnessPolicyError::Quorum { quorum, witnesses: 1 });
    }
    let many = (0..=WITNESSES_MAX).map(|n| witness(u8::try_from(100 + n).unwrap())).collect();
    assert!(matches!(WitnessPolicy::new(1, many), Err(WitnessPolicyError::Witnesses { .. })));
}

#[test]
fn a_note_with_more_signatures_than_are_allowed_is_refused() {
    let checkpoint = checkpoint();
    let lines = |n: usize| "\u{2014} someone AAAAAAA=\n".repeat(n);
    let most = format!("{}{}", checkpoint.as_note(), lines(SIGNATURES_MAX - 1));
    assert!(Checkpoint::verify(&most, &origin()).is_ok());
    let more = format!("{}{}", checkpoint.as_note(), lines(SIGNATURES_MAX));
    let error = Checkpoint::verify(&more, &origin()).unwrap_err();
    assert_eq!(error, NoteError::TooManySignatures.into());
}
