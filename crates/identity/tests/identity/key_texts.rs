//! Keys as text: other implementations' files are read, and ours are theirs.

use dataspace_identity::{
    RootSecret, SecretKey,
    key_file::{KeyTextError, Seal},
};
use dataspace_primitives::Secrets as _;

/// The example of RFC 8410, section 10.3.
const RFC8410: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
-----END PRIVATE KEY-----
";
/// And its public key.
const PUBLIC: &str = "ed25519:19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1";
/// The same key by `openssl pkcs8 -topk8 -scrypt`, with the passphrase below.
const BY_SCRYPT: &str = "-----BEGIN ENCRYPTED PRIVATE KEY-----
MIGTME8GCSqGSIb3DQEFDTBCMCEGCSsGAQQB2kcECzAUBAhCFoqGq/DZagICQAAC
AQgCAQEwHQYJYIZIAWUDBAEqBBDCQw2kQR3V2n4Pi1+JnjTrBEA1Y5A9fzRR4Rb8
WbqjvV3x3uWiyWFDTHwYADChS+2DXiM/QFg92Fawxhwjd+EYcA+1ZC08bAZopgDx
Uk72tmgd
-----END ENCRYPTED PRIVATE KEY-----
";
/// By `openssl pkcs8 -topk8 -v2 aes-256-cbc -v2prf hmacWithSHA256`.
const BY_PBKDF2: &str = "-----BEGIN ENCRYPTED PRIVATE KEY-----
MIGbMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAhCD+7bsTe4SgICCAAw
DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEE9F2ZhXTfC02DiL17O3ek0EQLNS
hla5KMiuOATiZCT3VrjKxkWX9HLpg6OaiX9DmM3tYItRX10EmEUVIVQuvoM9ODyA
2Y5mSXl3vlHZq3dH9y4=
-----END ENCRYPTED PRIVATE KEY-----
";
/// An X25519 key, which signs nothing.
const X25519: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VuBCIEIPArF6oCAl8Xnnp4Zo3SJbv444uaz3Kdy6UXQRW8A8Rd
-----END PRIVATE KEY-----
";
const PASSPHRASE: &[u8] = b"correct horse";

fn read(text: &str, passphrase: Option<&[u8]>) -> Result<String, KeyTextError> {
    let key = SecretKey::from_text(text.as_bytes(), passphrase)?;
    Ok(format!("{:?}", key.public_key().unwrap()))
}

fn seal(passphrase: &[u8]) -> Seal<'_> {
    Seal { passphrase, salt: [1; 16], iv: [2; 16] }
}

#[test]
fn keys_of_the_standard_and_of_openssl_are_read() {
    assert_eq!(read(RFC8410, None).unwrap(), PUBLIC);
    assert_eq!(read(RFC8410, Some(b"not needed")), Err(KeyTextError::Open));
    for sealed in [BY_SCRYPT, BY_PBKDF2] {
        assert_eq!(read(sealed, Some(PASSPHRASE)).unwrap(), PUBLIC);
        assert_eq!(read(sealed, None), Err(KeyTextError::Sealed));
        assert_eq!(read(sealed, Some(b"Correct horse")), Err(KeyTextError::Passphrase));
        assert_eq!(read(sealed, Some(b"")), Err(KeyTextError::Passphrase));
    }
    assert_eq!(read(X25519, None), Err(KeyTextError::Kind));
}

#[test]
fn what_is_written_without_a_seal_is_the_text_of_the_standard() {
    let key = SecretKey::from_text(RFC8410.as_bytes(), None).unwrap();
    assert_eq!(*key.to_pem(None).unwrap(), RFC8410);
}

#[test]
fn a_sealed_key_opens_with_its_passphrase_alone() {
    let key = SecretKey::from_text(RFC8410.as_bytes(), None).unwrap();
    let sealed = key.to_pem(Some(seal(PASSPHRASE))).unwrap();
    assert!(sealed.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"));
    assert_eq!(read(&sealed, Some(PASSPHRASE)).unwrap(), PUBLIC);
    assert_eq!(read(&sealed, Some(b"wrong")), Err(KeyTextError::Passphrase));
    // Neither the key nor the passphrase stands in it, in any form that can be searched for.
    assert!(!sealed.contains("1O5y2/kTWErVttjx92n4rTr+fCjL8dT74Jeoj0R1WEI"));
    assert_eq!(format!("{:?}", seal(PASSPHRASE)), "Seal(..)");
}

#[test]
fn a_root_secret_comes_back() {
    let root = RootSecret::from_bytes(&mut [7; 32]);
    let derived = |root: &RootSecret| root.derive("p", b"c").unwrap();
    for seal in [None, Some(seal(PASSPHRASE))] {
        let text = root.to_pem(seal).unwrap();
        let passphrase = seal.map(|seal| seal.passphrase);
        let again = RootSecret::from_text(text.as_bytes(), passphrase).unwrap();
        assert_eq!(*derived(&again), *derived(&root));
    }
}

#[test]
fn whatever_is_changed_in_a_text_is_refused_or_the_same_key() {
    // Each try at a sealed one takes as long as it is meant to.
    for (text, step) in [(RFC8410, 1), (BY_SCRYPT, 61)] {
        for at in (0..text.len() - 1).step_by(step) {
            let mut bytes = text.as_bytes().to_vec();
            bytes[at] ^= 1;
            // A damaged key of the same length may still be a key: the passphrase is no signature.
            let passphrase = text.contains("ENCRYPTED").then_some(PASSPHRASE);
            let _no_panic = SecretKey::from_text(&bytes, passphrase);
            let short = SecretKey::from_text(&text.as_bytes()[..at], passphrase);
            assert!(short.is_err());
        }
    }
    let long = format!("{RFC8410}{}", " ".repeat(5_000));
    assert_eq!(read(&long, None), Err(KeyTextError::Form));
    assert_eq!(read("", None), Err(KeyTextError::Form));
    assert_eq!(
        read("-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n", None),
        Err(KeyTextError::Form)
    );
}

/// The file that `openssl` sealed, with another cost: N, r and p, each of one to four bytes.
fn with_cost(n: &[u8], r: u8, p: u8) -> String {
    use base64::Engine as _;
    let base64 = base64::engine::general_purpose::STANDARD;
    let body: String = BY_SCRYPT.lines().filter(|line| !line.starts_with('-')).collect();
    let mut der = base64.decode(body).unwrap();
    let cost = [0x02, 0x02, 0x40, 0x00, 0x02, 0x01, 0x08, 0x02, 0x01, 0x01];
    let at = der.windows(cost.len()).position(|some| some == cost).unwrap();
    let len = u8::try_from(n.len()).unwrap();
    let new = [&[0x02, len][..], n, &[0x02, 0x01, r, 0x02, 0x01, p]].concat();
    der.splice(at..at + cost.len(), new);
    // Each SEQUENCE around it has a length of one byte, but the first, which has two.
    let change = len.wrapping_sub(2);
    for place in [2, 4, 17, 19, 32] {
        der[place] = der[place].wrapping_add(change);
    }
    let text = base64.encode(der);
    let lines: Vec<_> =
        text.as_bytes().chunks(64).map(|line| str::from_utf8(line).unwrap()).collect();
    format!(
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\n{}\n-----END ENCRYPTED PRIVATE KEY-----\n",
        lines.join("\n")
    )
}

#[test]
fn a_seal_that_would_take_for_ever_or_cannot_be_is_refused_at_once() {
    for (n, r, p) in [
        (&[0x7f, 0xff][..], 0x7f, 0x7f),
        (&[0x00], 8, 1),
        (&[0x01], 8, 1),
        (&[0x03], 8, 1),
        (&[0x40, 0x00], 0, 1),
        (&[0x40, 0x00], 8, 0),
        (&[0x40, 0x00, 0x00, 0x00], 8, 1),
        (&[0x40, 0x00], 8, 0x7f),
    ] {
        let refused = read(&with_cost(n, r, p), Some(PASSPHRASE));
        assert!(refused.is_err(), "{n:x?} {r} {p}");
    }
    // The bytes are put in where they should be: the same cost opens.
    assert_eq!(read(&with_cost(&[0x40, 0x00], 8, 1), Some(PASSPHRASE)).unwrap(), PUBLIC);
    assert_eq!(read(&with_cost(&[0x00], 8, 1), Some(PASSPHRASE)), Err(KeyTextError::Scheme));
}
