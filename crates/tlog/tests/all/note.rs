use dataspace_identity::Origin;
use dataspace_identity::SecretKey;
use dataspace_tlog::{
    Checkpoint, TreeSize,
    note::{
        CHECKPOINT_TEXT_LEN_MAX, CheckpointError, EXTENSIONS_MAX, NOTE_LEN_MAX, NoteError, NoteKey,
        ParseNoteKeyError, note_key,
    },
};

use crate::support::{Branch, key, origin};

// Verifier key, seed of the signer key, text and note from the tests of
// golang.org/x/mod/sumdb/note.
const PETER: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const PETER_SEED: [u8; 32] = [
    0x81, 0x0a, 0x14, 0x02, 0xd5, 0x14, 0x6c, 0x8d, 0x84, 0xf2, 0x44, 0x33, 0x30, 0xf5, 0x40, 0x80,
    0xeb, 0xf9, 0x8e, 0xe1, 0x7d, 0x9c, 0x74, 0xf6, 0x25, 0x2f, 0xc5, 0xd5, 0xc7, 0x28, 0x31, 0x73,
];
const TEXT: &str = "If you think cryptography is the answer to your problem,\n\
                    then you don't know what your problem is.\n";
const SIGNATURE: &str = "\n\u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIu\
                         GUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

fn peter() -> NoteKey {
    PETER.parse().unwrap()
}

fn note() -> String {
    format!("{TEXT}{SIGNATURE}")
}

#[test]
fn the_note_of_the_go_package_verifies() {
    assert_eq!(peter().verify(&note()), Ok(TEXT));
}

#[test]
fn signing_gives_the_note_of_the_go_package() {
    let signer = SecretKey::from_seed(&mut { PETER_SEED }).unwrap();
    assert_eq!(peter().sign(TEXT, &signer).unwrap(), note());
}

#[test]
fn a_verifier_key_survives_its_text() {
    assert_eq!(peter().to_string(), PETER);
    let ours = note_key(&origin()).unwrap();
    assert_eq!(ours.to_string().parse::<NoteKey>().unwrap(), ours);
}

#[test]
fn every_mangled_verifier_key_is_refused() {
    for start in 0..PETER.len() {
        for end in start + 1..=PETER.len() {
            if (start, end) != (0, PETER.len()) {
                let part = PETER.get(start..end).unwrap();
                assert!(part.parse::<NoteKey>().is_err());
            }
        }
    }
    for at in 0..PETER.len() {
        let mut bytes = PETER.as_bytes().to_vec();
        bytes[at] += 1;
        assert!(String::from_utf8(bytes).unwrap().parse::<NoteKey>().is_err());
    }
    // From the Go tests: a key of the wrong length, and of an unknown algorithm, with the right
    // hash.
    for text in [
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    ] {
        assert!(text.parse::<NoteKey>().is_err());
    }
}

#[test]
fn a_key_name_with_a_plus_or_a_space_is_refused() {
    let key = origin().operator().public_key().unwrap();
    for name in ["", "a+b", "a b", "a\nb", "a\u{2003}b", "a\0b", &"x".repeat(257)] {
        assert_eq!(NoteKey::new(name, key), Err(ParseNoteKeyError::Name), "{name:?}");
    }
}

#[test]
fn every_bit_flip_of_a_note_is_refused() {
    let bytes = note().into_bytes();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << bit;
            let Ok(changed) = String::from_utf8(changed) else { continue };
            assert!(peter().verify(&changed).is_err(), "byte {at}, bit {bit}");
        }
    }
}

/// From the same Go tests: another signer of the same text.
const ENOCH: &str = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop";
const ENOCH_LINE: &str = "\u{2014} EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2\
                          tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n";

#[test]
fn signatures_of_unknown_keys_are_left_unread() {
    let unknown = "\u{2014} Other AAAAAAA=\n";
    let same_name = "\u{2014} PeterNeumann AAAAAAA=\n";
    for lines in [unknown, same_name, ENOCH_LINE] {
        assert_eq!(peter().verify(&format!("{}{lines}", note())), Ok(TEXT));
        let first = note().replace("\n\n", &format!("\n\n{lines}"));
        assert_eq!(peter().verify(&first), Ok(TEXT));
        let unsigned = NoteError::Unsigned { name: "PeterNeumann".into() };
        assert_eq!(peter().verify(&format!("{TEXT}\n{lines}")), Err(unsigned));
    }
}

#[test]
fn each_of_two_signers_is_verified_under_its_own_key() {
    let both = format!("{}{ENOCH_LINE}", note());
    assert_eq!(peter().verify(&both), Ok(TEXT));
    assert_eq!(ENOCH.parse::<NoteKey>().unwrap().verify(&both), Ok(TEXT));
}

#[test]
fn a_bad_signature_beside_a_good_one_of_the_same_key_refuses_the_note() {
    let line = SIGNATURE.trim_start_matches('\n');
    assert_eq!(peter().verify(&format!("{}{line}", note())), Ok(TEXT));
    let bad = line.replace("ZJku", "ZJkv");
    let error = NoteError::Signature { name: "PeterNeumann".into() };
    for note in [format!("{}{bad}", note()), format!("{TEXT}\n{bad}{line}")] {
        assert_eq!(peter().verify(&note), Err(error.clone()));
    }
}

#[test]
fn a_malformed_signature_line_refuses_the_note_whoevers_it_is() {
    for line in [
        "\u{2014} Other AAAA\n",
        "\u{2014} Other AAAAAAAA",
        "\u{2014} Other AAAAAAB=\n",
        "\u{2014} Ot+her AAAAAAA=\n",
        "\u{2014} Ot\u{2003}her AAAAAAA=\n",
        "\u{2014} Ot\u{1}her AAAAAAA=\n",
        "\u{2014}  AAAAAAA=\n",
        "\u{2014} AAAAAAA=\n",
        "- Other AAAAAAA=\n",
        " \u{2014} Other AAAAAAA=\n",
        "\u{2014} Other AAAAAAA=\r\n",
        "\n\u{2014} Other AAAAAAA=\n",
        "\u{2014} Other AAAAAAA= \n",
    ] {
        assert!(peter().verify(&format!("{}{line}", note())).is_err(), "{line:?}");
    }
}

#[test]
fn a_text_that_looks_like_a_signed_note_is_not_signed_as_another_text() {
    let signer = SecretKey::from_seed(&mut { PETER_SEED }).unwrap();
    let nested = format!("{TEXT}\n");
    let note = peter().sign(&nested, &signer).unwrap();
    assert_eq!(peter().verify(&note), Ok(nested.as_str()));
    assert!(peter().sign("", &signer).is_err());
    assert!(peter().sign("no newline", &signer).is_err());
}

#[test]
fn malformed_notes_are_refused() {
    let long = format!("{}{SIGNATURE}", "x\n".repeat(NOTE_LEN_MAX));
    assert!(matches!(peter().verify(&long), Err(NoteError::Len { .. })));
    for (text, error) in [
        (String::new(), NoteError::Form),
        ("\n".to_owned(), NoteError::Form),
        ("\n\n".to_owned(), NoteError::Text),
        (SIGNATURE.to_owned(), NoteError::Form),
        (format!("\n{SIGNATURE}"), NoteError::Text),
        (TEXT.to_owned(), NoteError::Form),
        (format!("{TEXT}\n"), NoteError::Form),
        (note().trim_end().to_owned(), NoteError::Form),
        (note().replace('\u{2014}', "-"), NoteError::Form),
        (note().replace("AM=\n", "AM\n"), NoteError::Form),
        (note().replace("AM=\n", "AM==\n"), NoteError::Form),
        (note().replace("AM=\n", "AN=\n"), NoteError::Form),
        (note().replace("x08go", "x08 go"), NoteError::Form),
        (note().replace("the answer", "the\0answer"), NoteError::Text),
        (note().replace("Neumann", "Newmann"), NoteError::Unsigned { name: "PeterNeumann".into() }),
    ] {
        assert_eq!(peter().verify(&text), Err(error), "{text:?}");
    }
}

#[test]
fn every_bit_flip_of_a_checkpoint_is_refused() {
    let bytes = Branch::new(5, 1).checkpoint(5).as_note().as_bytes().to_vec();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << bit;
            let Ok(changed) = String::from_utf8(changed) else { continue };
            assert!(Checkpoint::verify(&changed, &origin()).is_err(), "byte {at}, bit {bit}");
        }
    }
}

#[test]
fn signed_text_that_is_no_checkpoint_is_refused() {
    let (root, origin) = ("A".repeat(43) + "=", origin());
    let sign = |text: &str| {
        let note = note_key(&origin).unwrap().sign(text, &key(1)).unwrap();
        Checkpoint::verify(&note, &origin)
    };
    assert_eq!(sign(&format!("{origin}\n0\n{root}\n")).unwrap().size(), TreeSize::EMPTY);
    let most = format!("{origin}\n1\n{root}\n{}", "extension\n".repeat(EXTENSIONS_MAX));
    assert_eq!(sign(&most).unwrap().extensions().count(), EXTENSIONS_MAX);
    let long = format!("{origin}\n1\n{root}\n{}\n", "x".repeat(CHECKPOINT_TEXT_LEN_MAX));
    assert!(matches!(sign(&long), Err(CheckpointError::TextLen { .. })));
    for text in [
        format!("{origin}\n"),
        format!("{origin}\n1\n"),
        format!("{origin}\n1\n{root}\n\n"),
        format!("{origin}\n1\n{root}\n\nextension\n"),
        format!("{origin}\n1\n{root}\nextension\n\n"),
        format!("{origin}\n1\n{root}\n{}", "extension\n".repeat(EXTENSIONS_MAX + 1)),
        format!("{origin}\n1\nextension\n{root}\n"),
        format!("{origin}\n01\n{root}\n"),
        format!("{origin}\n+1\n{root}\n"),
        format!("{origin}\n-1\n{root}\n"),
        format!("{origin}\n1 \n{root}\n"),
        format!("{origin}\n\n{root}\n"),
        format!("{origin}\n18446744073709551616\n{root}\n"),
        format!("{origin}\n1\n{}\n", "A".repeat(43)),
        format!("{origin}\n1\n{}\n", "A".repeat(44)),
        format!("{origin}\n1\n{}B=\n", "A".repeat(42)),
    ] {
        assert_eq!(sign(&text), Err(CheckpointError::Form), "{text:?}");
    }
}

#[test]
fn a_checkpoint_of_a_sister_log_of_the_same_key_is_refused() {
    let sister = Origin::named(key(1).did(), "node-2").unwrap();
    let note = Branch::new(5, 1).checkpoint(0).as_note().to_owned();
    assert!(matches!(Checkpoint::verify(&note, &sister), Err(CheckpointError::Note(_))));
    // Even signed under the sister's name, the text is of the first log.
    let text = note.split_inclusive('\n').take(3).collect::<String>();
    let forged = note_key(&sister).unwrap().sign(&text, &key(1)).unwrap();
    let error = Checkpoint::verify(&forged, &sister).unwrap_err();
    assert_eq!(error, CheckpointError::Origin { expected: sister });
}

#[test]
fn an_origin_is_a_did_and_perhaps_a_name() {
    let did = key(1).did().clone();
    let named = Origin::named(&did, "node-2").unwrap();
    assert_eq!(named.as_str().parse::<Origin>().unwrap(), named);
    assert_eq!(named.operator(), &did);
    for name in ["", "Node", "a/b", "a b", "a+b", "ä", &"x".repeat(65)] {
        assert!(Origin::named(&did, name).is_err(), "{name:?}");
        assert!(format!("{did}/{name}").parse::<Origin>().is_err(), "{name:?}");
    }
    for text in ["", "example.com/log", "did:key:z6Mk", "did:web:example.com"] {
        assert!(text.parse::<Origin>().is_err(), "{text:?}");
    }
}
