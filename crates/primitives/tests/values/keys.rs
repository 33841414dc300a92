use dataspace_primitives::{PublicKey, Signature, TrustedKeys, Validity};
use ed25519_dalek::Signer as _;

fn unhex<const N: usize>(hex: &str) -> [u8; N] {
    let mut bytes = [0; N];
    assert_eq!(hex.len(), 2 * N);
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap();
    }
    bytes
}

/// Seed, public key, message, signature.
type Vector = ([u8; 32], [u8; 32], Vec<u8>, [u8; 64]);

/// RFC 8032 §7.1, tests 1 to 3.
fn vectors() -> [Vector; 3] {
    [
        (
            unhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"),
            unhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"),
            vec![],
            unhex(
                "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
            ),
        ),
        (
            unhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"),
            unhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"),
            vec![0x72],
            unhex(
                "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
            ),
        ),
        (
            unhex("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7"),
            unhex("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025"),
            vec![0xaf, 0x82],
            unhex(
                "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
            ),
        ),
    ]
}

#[test]
fn the_signatures_of_rfc_8032_verify() {
    for (seed, public, message, signature) in vectors() {
        let key = PublicKey::from_bytes(&public).unwrap();
        assert!(key.verifies(&message, &Signature::from_bytes(signature)));
        let signing = ed25519_dalek::SigningKey::from_bytes(&seed);
        assert_eq!(signing.verifying_key().as_bytes(), key.as_bytes());
        assert_eq!(signing.sign(&message).to_bytes(), signature);
    }
}

#[test]
fn the_signatures_of_rfc_8032_do_not_verify_for_anything_else() {
    let [one, two, three] = vectors();
    for (a, b) in [(&one, &two), (&two, &three), (&three, &one)] {
        let key = PublicKey::from_bytes(&a.1).unwrap();
        assert!(!key.verifies(&a.2, &Signature::from_bytes(b.3)));
        assert!(!key.verifies(&b.2, &Signature::from_bytes(a.3)));
        let longer = [&a.2[..], b"\0"].concat();
        assert!(!key.verifies(&longer, &Signature::from_bytes(a.3)));
    }
}

#[test]
fn debug_of_a_public_key_is_its_bytes_and_of_a_signature_nothing() {
    let (_, public, _, signature) = vectors()[0].clone();
    let key = PublicKey::from_bytes(&public).unwrap();
    assert_eq!(
        format!("{key:?}"),
        "ed25519:d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    );
    let signature = Signature::from_bytes(signature);
    assert_eq!(format!("{signature:?}"), "Signature(..)");
    assert_eq!(signature.as_bytes()[..4], [0xe5, 0x56, 0x43, 0x00]);
}

#[test]
fn trusting_a_key_changes_only_the_set_that_is_returned() {
    let key = PublicKey::from_bytes(&vectors()[0].1).unwrap();
    let id: dataspace_primitives::KeyId = "k".parse().unwrap();
    let none = TrustedKeys::new();
    let one = none.clone().trust(id.clone(), key, Validity::ALWAYS);
    assert!(none.get(&id).is_none());
    assert_eq!(one.get(&id), Some((&key, &Validity::ALWAYS)));
}
