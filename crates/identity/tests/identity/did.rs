use dataspace_identity::{Did, DidKeys, Origin, Resolver as _, SecretKey, did::ParseDidError};
use dataspace_primitives::{PublicKey, Signer as _, UnixMillis, Validity, cbor};
use proptest::prelude::*;

/// The Ed25519 vectors of the did:key specification: the last byte of the seed and the DID.
const VECTORS: [(u8, &str); 3] = [
    (0, "did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp"),
    (1, "did:key:z6MkjchhfUsD6mmvni8mCdXHw216Xrm9bQe2mBH1P5RDjVJG"),
    (2, "did:key:z6MknGc3ocHs3zdPiJbnaaqDi58NGb4pk1Sp9WxWufuXSdxf"),
];

fn key(last: u8) -> SecretKey {
    let mut seed = [0; 32];
    seed[31] = last;
    SecretKey::from_seed(&mut seed).unwrap()
}

/// The DID of these bytes, codec included, whatever they are.
fn spell(bytes: &[u8]) -> String {
    format!("did:key:z{}", bs58::encode(bytes).into_string())
}

fn spell_ed25519(key: [u8; 32]) -> String {
    spell(&[&[0xed, 0x01], &key[..]].concat())
}

#[test]
fn the_vectors_of_the_did_key_specification_hold() {
    for (last, text) in VECTORS {
        let did: Did = text.parse().unwrap();
        assert_eq!(did.as_str(), text);
        assert_eq!(&did, key(last).did());
        assert_eq!(Did::from_public_key(&did.public_key().unwrap()), did);
    }
}

#[test]
fn the_did_holds_the_public_key_itself() {
    let did: Did = VECTORS[0].1.parse().unwrap();
    assert_eq!(
        format!("{:?}", did.public_key().unwrap()),
        "ed25519:3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29"
    );
}

#[test]
fn the_key_identifier_is_the_did_url_of_the_specification() {
    let did: Did = VECTORS[0].1.parse().unwrap();
    let fragment = did.as_str().strip_prefix("did:key:").unwrap();
    assert_eq!(did.key_url(), Some(format!("{did}#{fragment}")));
}

#[test]
fn a_did_reads_the_same_in_display_debug_and_on_the_wire() {
    let did: Did = VECTORS[1].1.parse().unwrap();
    assert_eq!(format!("{did} {did:?}"), format!("{0} {0}", VECTORS[1].1));
    let bytes = cbor::to_canonical(&did).unwrap();
    assert_eq!(bytes, cbor::to_canonical(VECTORS[1].1).unwrap());
    assert_eq!(cbor::from_canonical::<Did>(&bytes, 64).unwrap(), did);
}

#[test]
fn other_methods_and_other_texts_are_refused() {
    let good = VECTORS[0].1;
    for text in [
        "",
        "did",
        "did:",
        "did:key",
        "did:key:",
        "did:example:123",
        &good.replacen("did", "DID", 1),
        &good.replacen("key", "KEY", 1),
        &good.replacen("did:key:", "", 1),
        &format!(" {good}"),
        &format!("urn:{good}"),
    ] {
        assert_eq!(text.parse::<Did>(), Err(ParseDidError::Method), "{text:?}");
    }
}

#[test]
fn other_multibase_encodings_are_refused() {
    // Base64url, base16 and base32 of the same bytes would begin so.
    for prefix in ["u7QE", "fed01", "b5ua", "Z6Mk", "m7QE", "6Mk"] {
        let text = format!("did:key:{prefix}iTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp");
        assert_eq!(text.parse::<Did>(), Err(ParseDidError::Method));
    }
}

#[test]
fn texts_that_are_not_base58_are_refused() {
    let good = VECTORS[0].1;
    for bad in ['0', 'O', 'I', 'l', '+', '/', '=', '-', '_', 'é', '\0', ':', '#', '?', '%'] {
        let mut text = good.to_owned();
        text.pop();
        text.push(bad);
        assert_eq!(text.parse::<Did>(), Err(ParseDidError::Encoding), "{text:?}");
    }
}

#[test]
fn a_did_with_anything_around_it_is_refused() {
    let good = VECTORS[0].1;
    for text in [
        format!("{good} "),
        format!("{good}\n"),
        format!("{good}#"),
        format!("{good}/path"),
        format!("{good}?a=b"),
        format!("{good}#{}", &good[8..]),
        format!("{good}{}", &good[8..]),
    ] {
        assert!(text.parse::<Did>().is_err(), "{text:?}");
    }
}

#[test]
fn leading_ones_which_decode_to_zero_bytes_are_refused() {
    let good = VECTORS[0].1;
    for ones in 1..4 {
        let text = good.replacen("z6Mk", &format!("z{}6Mk", "1".repeat(ones)), 1);
        assert!(text.parse::<Did>().is_err(), "{text}");
    }
}

#[test]
fn a_key_one_byte_short_or_long_is_refused() {
    let key = *key(0).did().public_key().unwrap().as_bytes();
    for len in [0, 1, 31] {
        let text = spell(&[&[0xed, 0x01], &key[..len]].concat());
        assert_eq!(text.parse::<Did>(), Err(ParseDidError::Key));
    }
    for more in [&[0][..], &[0xff]] {
        let text = spell(&[&[0xed, 0x01], &key[..], more].concat());
        assert_eq!(text.parse::<Did>(), Err(ParseDidError::Key));
    }
}

#[test]
fn an_overlong_text_is_refused_before_it_is_decoded() {
    let text = format!("did:key:z{}", "6".repeat(1 << 20));
    assert_eq!(text.parse::<Did>(), Err(ParseDidError::Encoding));
}

#[test]
fn keys_of_other_kinds_are_refused() {
    for text in [
        // X25519, secp256k1, P-256, BLS12-381 G2 of the did:key specification.
        "did:key:z6LSeu9HkTHSfLLeUs2nnzUSNedgDUevfNQgQjQC23ZCit6F",
        "did:key:zQ3shokFTS3brHcDQrn82RUDfCZESWL1ZdCEJwekUDPQiYBme",
        "did:key:zDnaerDaTF5BXEavCrfRZEk316dpbLsfPDZ3WJ5hRTPFU2169",
    ] {
        let error = text.parse::<Did>().unwrap_err();
        assert!(matches!(error, ParseDidError::Key | ParseDidError::Encoding), "{text}");
    }
    let key = *key(0).did().public_key().unwrap().as_bytes();
    for codec in
        [&[0xec, 0x01][..], &[0xe7, 0x01], &[0x80, 0x24], &[0xed], &[0xed, 0x81, 0x00], &[0x00]]
    {
        let text = spell(&[codec, &key[..]].concat());
        assert_eq!(text.parse::<Did>(), Err(ParseDidError::Key), "{codec:x?}");
    }
}

#[test]
fn keys_of_small_order_and_no_points_are_no_keys() {
    let mut identity = [0; 32];
    identity[0] = 1;
    let mut minus_one = [0xff; 32];
    (minus_one[0], minus_one[31]) = (0xec, 0x7f);
    let mut no_point = [0; 32];
    no_point[0] = 2;
    for key in [[0; 32], identity, minus_one, no_point, [0xff; 32]] {
        let did: Did = spell_ed25519(key).parse().unwrap();
        assert_eq!(did.public_key(), Err(ParseDidError::Key));
        let url = did.key_url().unwrap().parse().unwrap();
        assert!(DidKeys.keys(&did).get(&url).is_none());
    }
}

#[test]
fn a_did_trusts_its_own_key_and_no_other() {
    let (one, two) = (key(1), key(2));
    let keys = DidKeys.keys(one.did());
    let key = one.did().public_key().unwrap();
    assert_eq!(keys.get(one.key_id()), Some((&key, &Validity::ALWAYS)));
    assert!(keys.get(two.key_id()).is_none());
    let both = DidKeys.keys_of(&[one.did(), two.did()]);
    assert!(both.get(one.key_id()).is_some() && both.get(two.key_id()).is_some());
    assert!(UnixMillis::MIN < UnixMillis::MAX && DidKeys.keys_of(&[]).get(one.key_id()).is_none());
}

proptest! {
    #[test]
    fn every_usable_key_has_one_did(seed in any::<[u8; 32]>()) {
        let secret = SecretKey::from_seed(&mut seed.clone()).unwrap();
        let text = secret.did().to_string();
        prop_assert!(text.starts_with("did:key:z6Mk") && text.len() == 56);
        let did: Did = text.parse().unwrap();
        prop_assert_eq!(did.public_key(), secret.did().public_key());
        prop_assert_eq!(&did, secret.did());
    }

    #[test]
    fn any_32_bytes_are_no_key_or_spelt_back(bytes in any::<[u8; 32]>()) {
        let text = spell_ed25519(bytes);
        let did: Did = text.parse().unwrap();
        prop_assert_eq!(did.as_str(), &text);
        match did.public_key() {
            Ok(key) => prop_assert_eq!(key.as_bytes(), &bytes),
            Err(error) => {
                prop_assert_eq!(error, ParseDidError::Key);
                prop_assert!(PublicKey::from_bytes(&bytes).is_err());
            }
        }
    }

    #[test]
    fn a_did_with_one_character_changed_is_another_or_refused(at in 9..56_usize, c in "[1-9A-Za-z]") {
        let mut text = VECTORS[0].1.to_owned();
        text.replace_range(at..=at, &c);
        if let Ok(did) = text.parse::<Did>() {
            prop_assert_eq!(did.as_str(), &text);
            prop_assert_eq!(did.as_str() == VECTORS[0].1, did == VECTORS[0].1.parse().unwrap());
        }
    }

    #[test]
    fn noise_is_refused(text in "(did:key:z)?\\PC{0,60}") {
        prop_assert!(text.parse::<Did>().is_err());
    }
}

#[test]
fn names_of_web_servers_are_dids_in_one_spelling() {
    for good in [
        "did:web:example.com",
        "did:web:w3c-ccg.github.io",
        "did:web:w3c-ccg.github.io:user:alice",
        "did:web:example.com%3A3000",
        "did:web:example.com%3A3000:user:Alice_1.a-b",
        "did:web:localhost%3A8443",
        "did:web:xn--mller-kva.example",
    ] {
        let did: Did = good.parse().unwrap();
        assert_eq!((did.as_str(), did.is_key()), (good, false));
        assert_eq!(did.public_key(), Err(ParseDidError::Method));
        assert!(did.key_url().is_none() && DidKeys.keys(&did).iter().next().is_none());
        let bytes = cbor::to_canonical(&did).unwrap();
        assert_eq!(cbor::from_canonical::<Did>(&bytes, 256).unwrap(), did);
        let id = format!("{good}#key-1").parse().unwrap();
        assert_eq!(Did::of_key(&id).unwrap(), did);
    }
    for bad in [
        "did:web:",
        "did:web:Example.com",
        "did:web:example.com%3a3000",
        "did:web:example.com:",
        "did:web:example.com::a",
        "did:web:example.com%3A0",
        "did:web:example.com%3A443",
        "did:web:example.com%3A08443",
        "did:web:example.com%3A65536",
        "did:web:example.com%3A",
        "did:web:example.com%2Fa",
        "did:web:example.com/a",
        "did:web:example.com:a/b",
        "did:web:example.com:..",
        "did:web:example.com:.",
        "did:web:example..com",
        "did:web:.example.com",
        "did:web:-example.com",
        "did:web:127.0.0.1",
        "did:web:[::1]",
        "did:web:exämple.com",
        "did:web:example.com#key-1",
        "did:web:example.com ",
        "did:web:user@example.com",
    ] {
        assert_eq!(bad.parse::<Did>(), Err(ParseDidError::Web), "{bad:?}");
    }
    let long = format!("did:web:example.com:{}", "a".repeat(181));
    assert_eq!(long.parse::<Did>(), Err(ParseDidError::Web));
}

#[test]
fn a_key_is_of_the_did_before_the_hash_and_of_no_other() {
    let did: Did = "did:web:example.com".parse().unwrap();
    for (id, is_owned) in [
        ("did:web:example.com#a", true),
        ("did:web:example.com#", false),
        ("did:web:example.com#a#b", false),
        ("did:web:example.com", false),
        ("did:web:example.com:user#a", false),
        ("did:web:example.com.evil#a", false),
        ("did:web:example.co#a", false),
    ] {
        assert_eq!(did.owns(&id.parse().unwrap()), is_owned, "{id}");
    }
    // The fragment of a did:key is its key.
    let (one, two) = (key(0), key(1));
    assert!(one.did().owns(one.key_id()) && !one.did().owns(two.key_id()));
    let other = format!("{}#{}", one.did(), &two.did().as_str()[8..]).parse().unwrap();
    assert!(!one.did().owns(&other));
    assert!(key(0).named(other).is_err() && key(0).named(two.key_id().clone()).is_err());
}

#[test]
fn an_origin_holds_the_key_of_its_log() {
    let web: Did = "did:web:steel.example".parse().unwrap();
    let log = key(5).did().public_key().unwrap();
    let origin = Origin::with_key(&web, &log, Some("node-1")).unwrap();
    let multikey = key(5).did().as_str()["did:key:".len()..].to_owned();
    assert_eq!(origin.as_str(), format!("{web}/{multikey}/node-1"));
    assert_eq!((origin.operator(), origin.key()), (&web, Ok(log)));
    assert_eq!(origin.key_url(), format!("{web}#{multikey}"));
    let alone = Origin::with_key(&web, &log, None).unwrap();
    assert_eq!(alone.as_str(), format!("{web}/{multikey}"));
    // A did:key may have a log with another key; with its own, that is not said twice.
    let own = key(6).did().clone();
    let apart = Origin::with_key(&own, &log, Some("n")).unwrap();
    assert_eq!((apart.key(), apart.as_str()), (Ok(log), &*format!("{own}/{multikey}/n")));
    let same = Origin::with_key(&own, &own.public_key().unwrap(), Some("n")).unwrap();
    assert_eq!(same, Origin::named(&own, "n").unwrap());
    for origin in [&origin, &alone, &apart, &same] {
        assert_eq!(&origin.as_str().parse::<Origin>().unwrap(), origin);
        let keys = origin.trusted_keys();
        let mut all = keys.iter();
        assert_eq!(all.next().map(|(_, key, _)| *key), origin.key().ok());
        assert!(all.next().is_none());
    }
    let mine = &own.as_str()["did:key:".len()..];
    for bad in [
        format!("{web}"),
        format!("{web}/node-1"),
        format!("{web}/{multikey}/"),
        format!("{web}/{multikey}/a/b"),
        format!("{web}/node-1/{multikey}"),
        format!("{own}/{mine}"),
        format!("{own}/{mine}/n"),
        format!("{web}/{}", &multikey[..40]),
        format!("{web}/{multikey}/N"),
    ] {
        assert!(bad.parse::<Origin>().is_err(), "{bad}");
    }
    assert!(Origin::new(&web).is_err() && Origin::named(&web, "n").is_err());
}
