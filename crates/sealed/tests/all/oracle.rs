//! The format told a second time: HPKE, HKDF and HMAC from RFC 9180, 5869 and 2104 by hand, CBOR by `ciborium`,
//! the curve by `x25519-dalek`.

use ciborium::Value;
use dataspace_sealed::{ChunkLen, ContentKey, RecipientSecret};
use proptest::prelude::*;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::{digest, hmac};
use x25519_dalek::{PublicKey, StaticSecret};

use crate::support::{
    consumer, content, contract, drawn, finished, from_hex, read, read_ranges, seal,
};

fn mac(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), &parts.concat()).as_ref().to_vec()
}

/// RFC 5869 §2.3, for at most 64 bytes.
fn expand(key: &[u8], info: &[&[u8]], len: usize) -> Vec<u8> {
    let info = info.concat();
    let first = mac(key, &[&info, &[1]]);
    let second = mac(key, &[&first, &info, &[2]]);
    [first, second].concat()[..len].to_vec()
}

fn sha256(bytes: &[u8]) -> Vec<u8> {
    digest::digest(&digest::SHA256, bytes).as_ref().to_vec()
}

fn encrypt(key: &[u8], nonce: [u8; 12], aad: &[u8], plain: &[u8]) -> Vec<u8> {
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).unwrap());
    let mut bytes = plain.to_vec();
    let nonce = Nonce::assume_unique_for_key(nonce);
    key.seal_in_place_append_tag(nonce, Aad::from(aad), &mut bytes).unwrap();
    bytes
}

/// RFC 9180 §4.
fn labeled_extract(suite: &[u8], salt: &[u8], label: &str, ikm: &[u8]) -> Vec<u8> {
    mac(salt, &[b"HPKE-v1", suite, label.as_bytes(), ikm])
}

fn labeled_expand(suite: &[u8], key: &[u8], label: &str, info: &[u8], len: u8) -> Vec<u8> {
    expand(key, &[&[0, len], b"HPKE-v1", suite, label.as_bytes(), info], usize::from(len))
}

const KEM: &[u8] = b"KEM\x00\x20";
const HPKE: &[u8] = b"HPKE\x00\x20\x00\x01\x00\x02";

/// RFC 9180 §7.1.3.
fn derive_key_pair(ikm: &[u8]) -> StaticSecret {
    let prk = labeled_extract(KEM, b"", "dkp_prk", ikm);
    let bytes: [u8; 32] = labeled_expand(KEM, &prk, "sk", b"", 32).try_into().unwrap();
    StaticSecret::from(bytes)
}

/// RFC 9180 §4.1, 5.1, 6.1: encapsulated key and ciphertext.
fn seal_base(to: &PublicKey, info: &[u8], aad: &[u8], plain: &[u8], ikm: &[u8]) -> Vec<u8> {
    let ephemeral = derive_key_pair(ikm);
    let encapsulated = PublicKey::from(&ephemeral);
    let secret = ephemeral.diffie_hellman(to);
    let context = [&encapsulated.as_bytes()[..], to.as_bytes()].concat();
    let prk = labeled_extract(KEM, b"", "eae_prk", secret.as_bytes());
    let shared = labeled_expand(KEM, &prk, "shared_secret", &context, 32);

    let psk_id_hash = labeled_extract(HPKE, b"", "psk_id_hash", b"");
    let info_hash = labeled_extract(HPKE, b"", "info_hash", info);
    let schedule = [&[0][..], &psk_id_hash, &info_hash].concat();
    let secret = labeled_extract(HPKE, &shared, "secret", b"");
    let key = labeled_expand(HPKE, &secret, "key", &schedule, 32);
    let nonce = labeled_expand(HPKE, &secret, "base_nonce", &schedule, 12);
    let sealed = encrypt(&key, nonce.try_into().unwrap(), aad, plain);
    [&encapsulated.as_bytes()[..], &sealed].concat()
}

fn map(entries: Vec<(&str, Value)>) -> Vec<u8> {
    let entries = entries.into_iter().map(|(key, value)| (key.into(), value)).collect();
    let mut bytes = Vec::new();
    ciborium::into_writer(&Value::Map(entries), &mut bytes).unwrap();
    bytes
}

/// The whole file for the contract of the tests, with these chunks.
fn seal_file(
    to: &PublicKey,
    chunk_len: usize,
    declared: Option<usize>,
    chunks: &[&[u8]],
    seed: &[u8; 96],
) -> Vec<u8> {
    let (key, salt, wrap) = (&seed[..32], &seed[32..64], &seed[64..]);
    let contract = sha256(b"agreement");
    // In the order of RFC 8949 §4.2.1.
    let mut header = vec![
        ("v", Value::from(1)),
        ("salt", Value::Bytes(salt.to_vec())),
        ("suite", Value::from("X25519-HKDF-SHA256-AES256GCM")),
        ("product", Value::from("alloys")),
        ("chunkLen", Value::from(u64::try_from(chunk_len).unwrap())),
        ("contract", Value::Bytes(contract.clone())),
    ];
    header.extend(declared.map(|len| ("contentLen", Value::from(u64::try_from(len).unwrap()))));
    let header = map(header);
    let bound = sha256(&header);

    let info = [b"dataspace-sealed/1 content key\0", &contract[..]].concat();
    let wrapped = seal_base(to, &info, &bound, key, wrap);
    let root = mac(salt, &[key]);
    let chunk_key = expand(&root, &[b"dataspace-sealed/1 chunks\0", &bound], 32);
    let header_key = expand(&root, &[b"dataspace-sealed/1 header\0"], 32);
    let part = map(vec![
        ("key", Value::Bytes(wrapped)),
        ("mac", Value::Bytes(mac(&header_key, &[&header]))),
        ("header", Value::Bytes(header)),
    ]);

    let len = u16::try_from(part.len()).unwrap().to_be_bytes();
    let mut file = [b"DSSEALED", &len[..], &part].concat();
    for (index, chunk) in chunks.iter().enumerate() {
        let mut nonce = [0; 12];
        nonce[7..11].copy_from_slice(&u32::try_from(index).unwrap().to_be_bytes());
        nonce[11] = u8::from(index + 1 == chunks.len());
        file.extend(encrypt(&chunk_key, nonce, &bound, chunk));
    }
    file
}

/// The vectors of RFC 9180 for kem 32, kdf 1, aead 2 in base mode, first message.
#[test]
fn the_oracle_gives_the_known_answer_of_rfc_9180() {
    let public = from_hex("430f4b9859665145a6b1ba274024487bd66f03a2dd577d7753c68d7d7d00c00c");
    let public = PublicKey::from(<[u8; 32]>::try_from(public).unwrap());
    let seed = from_hex("dac33b0e9db1b59dbbea58d59a14e7b5896e9bdf98fad6891e99d1686492b9ee");
    assert_eq!(PublicKey::from(&derive_key_pair(&seed)), public);
    let found = seal_base(
        &public,
        b"Ode on a Grecian Urn",
        b"Count-0",
        b"Beauty is truth, truth beauty",
        &from_hex("2cd7c601cefb3d42a62b04b7a9041494c06c7843818e0ce28a8f704ae7ab20f9"),
    );
    let expected = [
        "6c93e09869df3402d7bf231bf540fadd35cd56be14f97178f0954db94b7fc256",
        "e5d84cd531cfb583096e7cfa9641bd3079cf3a91cda813c52deb5f512be9931980a41de125a925cdad859d5b7a",
    ];
    assert_eq!(found, from_hex(&expected.concat()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_second_implementation_seals_the_same_bytes(
        len in prop_oneof![0_usize..5_000, (0_usize..4).prop_map(|chunks| chunks << 10)],
        is_declared: bool,
        chunk_log2 in 10_u32..13,
        number in 3_u64..1_000_000,
    ) {
        let (content, chunk_len) = (content(len), 1_usize << chunk_log2);
        let seed = drawn(number);
        let secret = RecipientSecret::from_seed(&mut drawn(number ^ 1 << 40)).unwrap();
        let public = PublicKey::from(*secret.recipient().as_bytes());
        prop_assert_eq!(public, PublicKey::from(&derive_key_pair(&drawn::<32>(number ^ 1 << 40))));

        let declared = is_declared.then_some(len);
        let mut chunks: Vec<_> = content.chunks(chunk_len).collect();
        if chunks.is_empty() {
            chunks.push(b"");
        }
        let expected = seal_file(&public, chunk_len, declared, &chunks, &seed);
        let mut sealing = seal()
            .recipient(*secret.recipient())
            .chunk_len(ChunkLen::new(u64::try_from(chunk_len).unwrap()).unwrap());
        if is_declared {
            sealing = sealing.content_len(u64::try_from(len).unwrap());
        }
        let found = finished(sealing, &content, number);
        prop_assert_eq!(&found.to, &expected);
        prop_assert_eq!(&found.key.to_bytes()[..], &seed[..32]);
        prop_assert_eq!(read(&expected, &found.key).unwrap(), content);
        prop_assert_eq!(found.header.contract(), &contract().id);
    }
}

/// A provider has the key, and may seal what no sealer here would.
#[test]
fn a_file_that_its_own_sealer_cut_or_declared_otherwise_is_refused() {
    let content = content(4_096);
    let public = PublicKey::from(*consumer().recipient().as_bytes());
    let seed = drawn(51);
    let key = || ContentKey::from_bytes(&mut drawn(51));
    let refused = |declared, lens: &[usize]| {
        let mut rest = &content[..];
        let mut chunks = Vec::new();
        for len in lens {
            let (chunk, later) = rest.split_at(*len);
            chunks.push(chunk);
            rest = later;
        }
        let file = seal_file(&public, 1_024, declared, &chunks, &seed);
        let in_order = read(&file, &key());
        let by_ranges = read_ranges(&file, &key(), 100);
        match (in_order, by_ranges) {
            (Ok(in_order), Ok(by_ranges)) => {
                assert!(in_order == by_ranges && content.starts_with(&in_order));
                false
            }
            (Err((given, _)), Err(_)) => {
                assert!(content.starts_with(&given));
                assert!(given.is_empty() || declared.is_none_or(|len| given.len() < len));
                true
            }
            (in_order, by_ranges) => panic!("{declared:?} {lens:?}: {in_order:?} {by_ranges:?}"),
        }
    };
    for lens in [&[0][..], &[1], &[1_024], &[1_024, 1], &[1_024, 1_024]] {
        let len: usize = lens.iter().sum();
        assert!(!refused(None, lens), "{lens:?}");
        assert!(!refused(Some(len), lens), "{lens:?}");
        for declared in [len + 1, len.wrapping_sub(1), len + 1_024, 0, 1 << 20, 1 << 40] {
            if declared != len && declared <= 1 << 40 {
                assert!(refused(Some(declared), lens), "{declared} {lens:?}");
            }
        }
    }
    for lens in [
        &[][..],
        &[0, 0],
        &[1_024, 0],
        &[1_024, 1_024, 0],
        &[0, 1_024],
        &[500, 500],
        &[1_023, 1_024],
        &[1_024, 1_023, 1],
        &[1_025],
        &[2_048],
        &[1_024, 1_025],
    ] {
        let len: usize = lens.iter().sum();
        assert!(refused(None, lens), "{lens:?}");
        assert!(refused(Some(len), lens), "{lens:?}");
    }
}
