//! Who can open a file, and for what.

use std::io::{Cursor, Read as _};

use dataspace_primitives::{Digest, Validity};
use dataspace_sealed::{
    ContentKey, Contract, Recipient, RecipientSecret, Seal, Sealed, WrappedKey,
    content_key::WrapError, read::ReadError, sealed::UnwrapError,
};

use crate::support::{
    consumer, content, contract, day, drawn, finished, from_hex, head_len, now, read, seal, sealed,
    to_hex,
};

fn other_consumer() -> RecipientSecret {
    RecipientSecret::from_seed(&mut drawn(11)).unwrap()
}

#[test]
fn a_key_is_unwrapped_by_its_recipient_alone() {
    let (file, key) = sealed(&content(10));
    let sealed = Sealed::read(&file[..]).unwrap();
    let found = sealed.unwrap_key(&consumer(), &contract(), now()).unwrap();
    assert_eq!(found.to_bytes(), key.to_bytes());
    let error = sealed.unwrap_key(&other_consumer(), &contract(), now()).unwrap_err();
    assert_eq!(error, UnwrapError::Key);
}

#[test]
fn a_file_is_opened_for_its_contract_and_product_alone() {
    let (file, _) = sealed(&content(10));
    let sealed = Sealed::read(&file[..]).unwrap();
    let other = Contract { id: Digest::of(b"another agreement"), ..contract() };
    let error = sealed.unwrap_key(&consumer(), &other, now()).unwrap_err();
    assert_eq!(error, UnwrapError::Contract);
    let other = Contract { product: "steels".parse().unwrap(), ..contract() };
    let error = sealed.unwrap_key(&consumer(), &other, now()).unwrap_err();
    assert_eq!(error, UnwrapError::Product);
}

#[test]
fn a_file_is_opened_while_its_contract_lives() {
    let (file, _) = sealed(&content(10));
    let sealed = Sealed::read(&file[..]).unwrap();
    let at = |day| sealed.unwrap_key(&consumer(), &contract(), day).map(drop);
    assert_eq!(at(day("2025-12-31")), Err(UnwrapError::NotInForce));
    assert_eq!(at(day("2026-01-01")), Ok(()));
    assert_eq!(at(day("2026-12-31")), Ok(()));
    assert_eq!(at(day("2027-01-01")), Err(UnwrapError::NotInForce));
    // Terminated in May.
    let validity = Validity::new(day("2026-01-01"), day("2026-05-01")).unwrap();
    let ended = Contract { validity, ..contract() };
    let error = sealed.unwrap_key(&consumer(), &ended, now()).unwrap_err();
    assert_eq!(error, UnwrapError::NotInForce);
}

/// A provider seals once, for nobody yet, and releases the key to two consumers, one after the other.
#[test]
fn a_key_is_released_later_without_touching_the_file() {
    let content = content(3_000);
    let nobody_yet = Seal::new(contract().id, contract().product);
    let file = finished(nobody_yet, &content, 12);
    let sealed = Sealed::read(Cursor::new(&file.to)).unwrap();
    assert!(sealed.wrapped_key().is_none());
    let error = sealed.unwrap_key(&consumer(), &contract(), now()).unwrap_err();
    assert_eq!(error, UnwrapError::NoKey);

    // All that the provider kept: the key. The header is in the file.
    let kept = ContentKey::from_bytes(&mut file.key.to_bytes());
    for (secret, seed) in [(consumer(), 13), (other_consumer(), 14)] {
        let wrapped = kept.wrap(sealed.header(), secret.recipient(), &mut drawn(seed)).unwrap();
        let received = WrappedKey::from_bytes(*wrapped.as_bytes());
        let key = sealed.unwrap_released(&received, &secret, &contract(), now()).unwrap();
        assert_eq!(read(&file.to, &key).unwrap(), content);
        let stranger = RecipientSecret::from_seed(&mut drawn(15)).unwrap();
        let error = sealed.unwrap_released(&received, &stranger, &contract(), now()).unwrap_err();
        assert_eq!(error, UnwrapError::Key);
    }
}

/// A provider seals for a monitor, which releases the key to the consumer, and reads nothing but the head.
#[test]
fn a_monitor_releases_the_key_that_was_wrapped_for_it() {
    let content = content(3_000);
    let monitor = RecipientSecret::from_seed(&mut drawn(61)).unwrap();
    let file = finished(seal().recipient(*monitor.recipient()), &content, 62).to;

    let head = Sealed::read(&file[..head_len(&file)]).unwrap();
    let key = head.unwrap_key(&monitor, &contract(), now()).unwrap();
    let released = key.wrap(head.header(), consumer().recipient(), &mut drawn(63)).unwrap();
    let late = day("2027-01-01");
    assert!(head.unwrap_key(&monitor, &contract(), late).is_err());

    let sealed = Sealed::read(&file[..]).unwrap();
    assert!(sealed.unwrap_key(&consumer(), &contract(), now()).is_err());
    let key = sealed.unwrap_released(&released, &consumer(), &contract(), now()).unwrap();
    assert_eq!(read(&file, &key).unwrap(), content);
    assert!(sealed.unwrap_released(&released, &consumer(), &contract(), late).is_err());
}

#[test]
fn a_released_key_is_for_one_file() {
    let (first, second) = (finished(seal(), b"first", 16), finished(seal(), b"second", 17));
    let wrapped = first.key.wrap(&first.header, consumer().recipient(), &mut drawn(18)).unwrap();
    let sealed = Sealed::read(&second.to[..]).unwrap();
    let error = sealed.unwrap_released(&wrapped, &consumer(), &contract(), now()).unwrap_err();
    assert_eq!(error, UnwrapError::Key);
    // Nor does its key open another file, though contract and product are the same.
    let opened = Sealed::read(&second.to[..]).unwrap().open(&first.key);
    assert!(matches!(opened, Err(ReadError::Key)));
}

/// One content key, wrongly drawn for two contracts: what is wrapped for the one is of no use for the other.
#[test]
fn a_key_wrapped_for_one_contract_is_of_no_use_under_another() {
    let other = Contract { id: Digest::of(b"another agreement"), ..contract() };
    let ours = finished(seal(), b"content", 19);
    let theirs = Seal::new(other.id, other.product.clone());
    let theirs = finished(theirs.recipient(*consumer().recipient()), b"content", 19);
    assert_eq!(ours.key.to_bytes(), theirs.key.to_bytes());
    let sealed = Sealed::read(&theirs.to[..]).unwrap();
    let wrapped = Sealed::read(&ours.to[..]).unwrap().wrapped_key().cloned().unwrap();
    let error = sealed.unwrap_released(&wrapped, &consumer(), &other, now()).unwrap_err();
    assert_eq!(error, UnwrapError::Key);
    // The chunks of one under the head of the other.
    let mixed = [&theirs.to[..head_len(&theirs.to)], &ours.to[head_len(&ours.to)..]].concat();
    assert!(read(&mixed, &theirs.key).is_err());
}

#[test]
fn no_bit_of_a_wrapped_key_can_be_changed() {
    let (file, _) = sealed(&content(10));
    let sealed = Sealed::read(&file[..]).unwrap();
    let good = *sealed.wrapped_key().unwrap().as_bytes();
    for bit in 0..8 * WrappedKey::LEN {
        let mut bytes = good;
        bytes[bit / 8] ^= 1 << (bit % 8);
        let wrapped = WrappedKey::from_bytes(bytes);
        let found = sealed.unwrap_released(&wrapped, &consumer(), &contract(), now());
        assert_eq!(found.map(drop), Err(UnwrapError::Key), "bit {bit}");
    }
    for encapsulated in [[0; 32], [0xff; 32]] {
        let mut bytes = good;
        bytes[..32].copy_from_slice(&encapsulated);
        let wrapped = WrappedKey::from_bytes(bytes);
        assert!(sealed.unwrap_released(&wrapped, &consumer(), &contract(), now()).is_err());
    }
}

/// RFC 9180's vector for this suite: key pair, and the encapsulated key that its randomness gives.
#[test]
fn key_pairs_and_encapsulated_keys_are_those_of_rfc_9180() {
    let hex = |text: &str| <[u8; 32]>::try_from(from_hex(text)).unwrap();
    let mut seed = hex("dac33b0e9db1b59dbbea58d59a14e7b5896e9bdf98fad6891e99d1686492b9ee");
    let secret = RecipientSecret::from_seed(&mut seed).unwrap();
    let public = hex("430f4b9859665145a6b1ba274024487bd66f03a2dd577d7753c68d7d7d00c00c");
    assert_eq!((secret.recipient().as_bytes(), seed), (&public, [0; 32]));
    let file = finished(seal(), b"", 20);
    let mut drawn = hex("2cd7c601cefb3d42a62b04b7a9041494c06c7843818e0ce28a8f704ae7ab20f9");
    let recipient = Recipient::from_bytes(&public).unwrap();
    let wrapped = file.key.wrap(&file.header, &recipient, &mut drawn).unwrap();
    let encapsulated = hex("6c93e09869df3402d7bf231bf540fadd35cd56be14f97178f0954db94b7fc256");
    assert_eq!((&wrapped.as_bytes()[..32], drawn), (&encapsulated[..], [0; 32]));
}

/// The points of small order on the curve and its twist (RFC 7748 §7; the list of Bernstein's "Curve25519: new
/// Diffie-Hellman speed records"), and second spellings of coordinates.
#[test]
fn a_recipient_that_shares_its_secret_with_everybody_is_refused() {
    let mut one = [0; 32];
    one[0] = 1;
    let hex = |text: &str| <[u8; 32]>::try_from(from_hex(text)).unwrap();
    let prime = |low: u8| {
        let mut bytes = [0xff; 32];
        (bytes[0], bytes[31]) = (low, 0x7f);
        bytes
    };
    for bytes in [
        [0; 32],
        one,
        hex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
        hex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
        prime(0xec),
        prime(0xed),
        prime(0xee),
        // 9 + p, and 9 with the highest bit.
        prime(0xf6),
        [0xff; 32],
    ] {
        assert!(Recipient::from_bytes(&bytes).is_err(), "{bytes:02x?}");
    }
    let mut base = [0; 32];
    base[0] = 9;
    assert!(Recipient::from_bytes(&base).is_ok());
    base[31] = 0x80;
    assert!(Recipient::from_bytes(&base).is_err());
}

#[test]
fn seeds_are_wiped_and_not_taken_twice() {
    let mut seed = drawn(1);
    RecipientSecret::from_seed(&mut seed).unwrap();
    assert_eq!(seed, [0; 32]);
    assert!(RecipientSecret::from_seed(&mut seed).is_err());
    let file = finished(seal(), b"", 21);
    let wrap = |seed: &mut [u8; 32]| file.key.wrap(&file.header, consumer().recipient(), seed);
    let mut seed = drawn(2);
    wrap(&mut seed).unwrap();
    assert_eq!(wrap(&mut seed), Err(WrapError::Seed));
    let mut bytes = drawn(3);
    let _key = ContentKey::from_bytes(&mut bytes);
    assert_eq!(bytes, [0; 32]);
}

#[test]
fn no_key_shows_in_debug() {
    let secret = consumer();
    let file = finished(seal(), b"content", 22);
    let numbers = |bytes: &[u8]| format!("{bytes:?}").trim_matches(['[', ']']).to_owned();
    let key = file.key.to_bytes();
    let sealed = Sealed::read(&file.to[..]).unwrap();
    let shown = [
        format!("{secret:?}"),
        format!("{:?}", file.key),
        format!("{:?}", sealed.wrapped_key()),
        format!("{sealed:?}"),
        format!("{:?}", Sealed::read(&file.to[..]).unwrap().open(&file.key).unwrap()),
        format!("{:?}", Sealed::read(Cursor::new(&file.to)).unwrap().ranges(&file.key).unwrap()),
    ];
    assert_eq!(shown[1], "ContentKey(..)");
    assert!(shown[0].starts_with("RecipientSecret { recipient: x25519:"), "{}", shown[0]);
    for shown in shown {
        assert!(!shown.contains(&to_hex(&key[..4])), "{shown}");
        assert!(!shown.contains(&numbers(&key[..4])), "{shown}");
    }
}

#[test]
fn errors_carry_no_values() {
    let (file, _) = sealed(&content(10));
    let sealed = Sealed::read(&file[..]).unwrap();
    let other = Contract { product: "steels".parse().unwrap(), ..contract() };
    let error = sealed.unwrap_key(&consumer(), &other, now()).unwrap_err().to_string();
    assert!(!error.contains("steels") && !error.contains("alloys"), "{error}");
    let opened = Sealed::read(&file[..file.len() - 1]).unwrap();
    let key = opened.unwrap_key(&consumer(), &contract(), now()).unwrap();
    let error = opened.open(&key).unwrap().read(&mut [0; 9]).unwrap_err().to_string();
    assert_eq!(error, "the sealed file was changed: a chunk is not authentic at its place");
}
