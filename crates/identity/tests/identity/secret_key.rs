use dataspace_identity::SecretKey;
use dataspace_primitives::{PublicKey, Signer};
use proptest::prelude::*;

fn key(byte: u8) -> SecretKey {
    SecretKey::from_seed(&mut [byte; 32]).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

#[test]
fn the_seed_is_wiped() {
    let mut seed = [7; 32];
    let _key = SecretKey::from_seed(&mut seed).unwrap();
    assert_eq!(seed, [0; 32]);
}

#[test]
fn a_key_file_holds_the_digits_of_the_seed() {
    let digits = hex(&[0xa7; 32]);
    for text in [
        digits.clone(),
        digits.to_uppercase(),
        format!("{digits}\n"),
        format!("\u{feff}  {digits}\r\n\r\n"),
    ] {
        let key = SecretKey::from_hex(text.as_bytes()).unwrap();
        assert_eq!(key.did(), self::key(0xa7).did(), "{text:?}");
    }
    let half = &digits[..32];
    for text in ["", half, &format!("{digits}0"), &format!("{half} {half}"), &"+f".repeat(32)] {
        let error = SecretKey::from_hex(text.as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), "a key is written as 64 hexadecimal digits", "{text:?}");
    }
}

#[test]
fn debug_shows_the_did_and_nothing_of_the_seed() {
    let seed = *b"correct horse battery staple 123";
    let secret = SecretKey::from_seed(&mut seed.clone()).unwrap();
    let text = format!("{secret:?} {secret:#?}");
    assert!(text.starts_with(&format!("SecretKey {{ did: {}, .. }}", secret.did())));
    for shown in
        [hex(&seed), hex(&seed).to_uppercase(), String::from_utf8_lossy(&seed).into_owned()]
    {
        assert!(!text.contains(&shown));
    }
    assert!(!text.contains(&format!("{seed:?}")));
    assert!(!text.contains(&bs58::encode(seed).into_string()));
}

#[test]
fn the_signature_of_rfc_8032_test_1_is_made() {
    let mut seed = [0; 32];
    let text = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
    for (at, byte) in seed.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap();
    }
    let secret = SecretKey::from_seed(&mut seed).unwrap();
    assert_eq!(
        hex(secret.sign(b"").unwrap().as_bytes()),
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
    );
    assert_eq!(
        hex(secret.did().public_key().unwrap().as_bytes()),
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    );
}

#[test]
fn the_key_signs_under_the_name_of_its_did() {
    let secret = key(1);
    assert_eq!(Some(secret.key_id().as_str()), secret.did().key_url().as_deref());
    assert!(secret.did().public_key().unwrap().verifies(b"m", &secret.sign(b"m").unwrap()));
    assert!(!secret.did().public_key().unwrap().verifies(b"n", &secret.sign(b"m").unwrap()));
    assert!(!key(2).did().public_key().unwrap().verifies(b"m", &secret.sign(b"m").unwrap()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_seed_gives_a_usable_key(seed in any::<[u8; 32]>(), message in prop::collection::vec(any::<u8>(), 0..64)) {
        let secret = SecretKey::from_seed(&mut seed.clone()).unwrap();
        let public = PublicKey::from_bytes(secret.did().public_key().unwrap().as_bytes()).unwrap();
        prop_assert!(public.verifies(&message, &secret.sign(&message).unwrap()));
    }
}
