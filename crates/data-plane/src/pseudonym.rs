//! Pseudonyms: HMAC-SHA-256 under a key of one contract.

use dataspace_policy::duty::PSEUDONYM_DIGITS;
use dataspace_primitives::{Secrets, Zeroizing, secrets::SecretsError};
use ring::hmac;

use crate::column::{Cells, boolean, value};
use crate::json::Json;

/// Bytes of the HMAC that a pseudonym shows (128 bits), as twice as many hexadecimal digits.
const PSEUDONYM_LEN: usize = PSEUDONYM_DIGITS / 2;

/// The secret under which the pseudonyms of one contract are made, of this contract alone.
///
/// Who has the key can find the value behind a pseudonym by trying values. It is wiped when
/// dropped; the key schedule that `ring` makes of it while a batch is masked is not.
pub(crate) struct PseudonymKey(Zeroizing<[u8; 32]>);

impl PseudonymKey {
    /// The use for which it is derived.
    const PURPOSE: &str = "pseudonyms";

    pub(crate) fn derive(secrets: &dyn Secrets, contract: &[u8]) -> Result<Self, SecretsError> {
        secrets.derive(Self::PURPOSE, contract).map(Self)
    }

    fn start(&self, domain: &[u8]) -> hmac::Context {
        let mut start = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, &*self.0));
        start.update(domain);
        start
    }

    /// What the order of rows is made with.
    pub(crate) fn order(&self) -> hmac::Context {
        self.start(b"dataspace/row-order/v1\0")
    }
}

/// Makes the pseudonyms of one column.
pub(crate) struct Pseudonyms {
    /// Has taken the key, the domain and the column's name.
    start: hmac::Context,
}

impl Pseudonyms {
    pub(crate) fn new(key: &PseudonymKey, column: &str) -> Self {
        let mut start = key.start(b"dataspace/pseudonym/v1\0");
        start.update(&u64::try_from(column.len()).unwrap_or(u64::MAX).to_be_bytes());
        start.update(column.as_bytes());
        Self { start }
    }

    /// Equal values of one kind have one pseudonym, however wide the array stores them: `7` as
    /// 8 or 64 bits, `x` as a string or a dictionary entry, `-0.0` and `0.0`, every NaN.
    // INVARIANT: name length, name, one byte for the kind, then the value and nothing more: no
    // two columns, kinds or values share a message.
    pub(crate) fn of(&self, cells: &Cells<'_>, row: usize) -> Option<Pseudonym> {
        let float = |value| self.float(value);
        match cells {
            Cells::Boolean(array) => boolean(array, row).map(|v| self.tag(b'b', &[u8::from(v)])),
            Cells::Integer(get) => get(row).map(|v| self.tag(b'i', &v.to_be_bytes())),
            Cells::Float32(array) => value(array, row).map(|v| float(f64::from(v))),
            Cells::Float64(array) => value(array, row).map(float),
            // A column has one scale.
            Cells::Decimal(array) => value(array, row).map(|v| self.tag(b'd', &v.to_be_bytes())),
            Cells::Instant(get) => get(row).map(|v| self.tag(b'n', &v.to_be_bytes())),
            Cells::Text(text) => text.get(row).map(|v| self.tag(b't', v.as_bytes())),
        }
    }

    /// The same for a single value of a document; `None` of one that is missing or not single.
    pub(crate) fn of_json(&self, value: &Json) -> Option<String> {
        let tag = match value {
            Json::Bool(value) => self.tag(b'b', &[u8::from(*value)]),
            Json::Integer(value) => self.tag(b'i', &value.to_be_bytes()),
            Json::Float(value) => self.float(*value),
            Json::Text(text) => self.tag(b't', text.as_bytes()),
            Json::Null | Json::Array(_) | Json::Object(_) => return None,
        };
        Some(tag.as_ref().to_owned())
    }

    fn float(&self, value: f64) -> Pseudonym {
        let value = if value.is_nan() { f64::NAN } else { value + 0.0 };
        self.tag(b'f', &value.to_bits().to_be_bytes())
    }

    fn tag(&self, kind: u8, value: &[u8]) -> Pseudonym {
        let mut context = self.start.clone();
        context.update(&[kind]);
        context.update(value);
        let tag = context.sign();
        let mut digits = [b'0'; PSEUDONYM_DIGITS];
        let bytes = tag.as_ref().iter().take(PSEUDONYM_LEN);
        let nibbles = bytes.flat_map(|byte| [byte >> 4, byte & 15]);
        for (digit, nibble) in digits.iter_mut().zip(nibbles) {
            *digit = nibble + if nibble < 10 { b'0' } else { b'a' - 10 };
        }
        Pseudonym(digits)
    }
}

/// Hexadecimal digits, lower case.
pub(crate) struct Pseudonym([u8; PSEUDONYM_DIGITS]);

impl AsRef<str> for Pseudonym {
    fn as_ref(&self) -> &str {
        // INVARIANT: digits.
        str::from_utf8(&self.0).unwrap_or_default()
    }
}
