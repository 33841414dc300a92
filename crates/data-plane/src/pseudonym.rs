//! Pseudonyms: HMAC-SHA-256 under a key of one contract, or of one consumer.

use dataspace_policy::MaskMethod;
use dataspace_policy::duty::{PSEUDONYM_DIGITS, PseudonymScope};
use dataspace_primitives::{Name, Secrets, Zeroizing, secrets::SecretsError};

use crate::column::{Cells, boolean, value};
use crate::json::Json;
use crate::keyed_hash::{BLOCK_LEN, KeyedHash};
use crate::recipient::Recipient;

/// Bytes of the HMAC that a pseudonym shows (128 bits), as twice as many hexadecimal digits.
const PSEUDONYM_LEN: usize = PSEUDONYM_DIGITS / 2;

/// What a pseudonym can be joined with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Joined {
    scope: PseudonymScope,
    domain: Option<Name>,
}

impl Joined {
    /// `None` if the mask makes no pseudonyms.
    pub(crate) fn of(method: &MaskMethod) -> Option<Self> {
        match method {
            MaskMethod::Hash => Some(Self { scope: PseudonymScope::Contract, domain: None }),
            MaskMethod::Pseudonym { scope, domain } => {
                Some(Self { scope: *scope, domain: domain.clone() })
            }
            _ => None,
        }
    }

    fn is_of_consumer(&self) -> bool {
        self.scope == PseudonymScope::Consumer
    }
}

/// The secrets under which pseudonyms are made for one recipient, and the order of its rows.
pub(crate) struct PseudonymKeys {
    contract: PseudonymKey,
    /// Only where a mask needs it.
    consumer: Option<PseudonymKey>,
}

impl PseudonymKeys {
    /// The use of the contract's secret.
    const OF_CONTRACT: &str = "pseudonyms";
    /// The use of the consumer's.
    const OF_CONSUMER: &str = "pseudonyms of consumer";

    pub(crate) fn derive<'a>(
        secrets: &dyn Secrets,
        recipient: Recipient<'_>,
        mut joined: impl Iterator<Item = &'a Joined>,
    ) -> Result<Self, SecretsError> {
        let contract = secrets.derive(Self::OF_CONTRACT, recipient.contract)?;
        let consumer = if joined.any(Joined::is_of_consumer) {
            let key = secrets.derive(Self::OF_CONSUMER, recipient.consumer.as_bytes())?;
            Some(PseudonymKey(key))
        } else {
            None
        };
        Ok(Self { contract: PseudonymKey(contract), consumer })
    }

    /// What the order of rows is made with: always of the contract alone.
    pub(crate) fn order(&self) -> KeyedHash {
        self.contract.start(b"dataspace/row-order/v1\0")
    }
}

/// The secret of one contract or of one consumer.
///
/// Who has the key can find the value behind a pseudonym by trying values. It is wiped when
/// dropped, as all is that is made of it.
struct PseudonymKey(Zeroizing<[u8; 32]>);

impl PseudonymKey {
    fn start(&self, domain: &[u8]) -> KeyedHash {
        let mut start = KeyedHash::new(&self.0);
        start.update(domain);
        start
    }
}

/// Makes the pseudonyms of one column.
pub(crate) struct Pseudonyms {
    /// Has taken the key, the domain and the column's name.
    start: KeyedHash,
    /// Numbers of other columns, of other types, may be the same.
    are_shared: bool,
}

impl Pseudonyms {
    /// `None` if the keys were derived for other masks.
    pub(crate) fn new(keys: &PseudonymKeys, joined: &Joined, column: &str) -> Option<Self> {
        let key = match joined.scope {
            PseudonymScope::Contract => &keys.contract,
            PseudonymScope::Consumer => keys.consumer.as_ref()?,
        };
        let (label, name): (&[u8], _) = match &joined.domain {
            None => (b"dataspace/pseudonym/v2\0", column),
            Some(domain) => (b"dataspace/pseudonym-domain/v2\0", domain.as_str()),
        };
        let mut start = key.start(label);
        start.update(&u64::try_from(name.len()).unwrap_or(u64::MAX).to_be_bytes());
        start.update(name.as_bytes());
        // Zeros up to a whole block, so that what is the same for all values is hashed once.
        let len = label.len() + 8 + name.len();
        start.update(&vec![0; len.next_multiple_of(BLOCK_LEN) - len]);
        Some(Self { start, are_shared: joined.is_of_consumer() || joined.domain.is_some() })
    }

    /// Of subjects, which leave nowhere, and are the same in all columns: the HMAC has taken the key, and what it
    /// is used for.
    pub(crate) fn of_subjects(start: KeyedHash) -> Self {
        Self { start, are_shared: true }
    }

    /// Equal values of one kind have one pseudonym, however wide the array stores them: `7` as
    /// 8 or 64 bits, `x` as a string or a dictionary entry, `-0.0` and `0.0`, every NaN. Where other columns
    /// have the same pseudonyms, equal numbers are of one kind.
    // INVARIANT: name length, name, zeros, one byte for the kind, then the value and nothing more: no
    // two columns, kinds or values share a message.
    pub(crate) fn of(&self, cells: &Cells<'_>, row: usize) -> Option<Pseudonym> {
        self.id(cells, row).map(Pseudonym::of)
    }

    /// The bytes that a pseudonym shows.
    pub(crate) fn id(&self, cells: &Cells<'_>, row: usize) -> Option<[u8; PSEUDONYM_LEN]> {
        let float = |value| self.float(value);
        match cells {
            Cells::Boolean(array) => boolean(array, row).map(|v| self.tag(b'b', &[u8::from(v)])),
            Cells::Integer(get) => get(row).map(|v| self.tag(b'i', &v.to_be_bytes())),
            Cells::Float32(array) => value(array, row).map(|v| float(f64::from(v))),
            Cells::Float64(array) => value(array, row).map(float),
            Cells::Decimal(array) => value(array, row).map(|v| self.decimal(v, array.scale())),
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
        Some(Pseudonym::of(tag).as_ref().to_owned())
    }

    fn decimal(&self, mut value: i128, mut scale: i8) -> [u8; PSEUDONYM_LEN] {
        // A column has one scale; two columns have two.
        if !self.are_shared {
            return self.tag(b'd', &value.to_be_bytes());
        }
        while scale > 0 && value % 10 == 0 {
            (value, scale) = (value / 10, scale.saturating_sub(1));
        }
        let zeros = 10_i128.checked_pow(u32::from(scale.unsigned_abs()));
        let whole = zeros.and_then(|zeros| value.checked_mul(zeros)).filter(|_| scale <= 0);
        if let Some(whole) = whole {
            return self.tag(b'i', &whole.to_be_bytes());
        }
        self.tag(b'e', &[&scale.to_be_bytes()[..], &value.to_be_bytes()].concat())
    }

    fn float(&self, value: f64) -> [u8; PSEUDONYM_LEN] {
        if let Some(whole) = whole(value).filter(|_| self.are_shared) {
            return self.tag(b'i', &whole.to_be_bytes());
        }
        let value = if value.is_nan() { f64::NAN } else { value + 0.0 };
        self.tag(b'f', &value.to_bits().to_be_bytes())
    }

    fn tag(&self, kind: u8, value: &[u8]) -> [u8; PSEUDONYM_LEN] {
        let mut context = self.start.clone();
        context.update(&[kind]);
        context.update(value);
        // An HMAC-SHA-256 is longer.
        context.finish().first_chunk().copied().unwrap_or_default()
    }
}

/// The whole number that a float is, below 2^53, where it has every one.
#[expect(clippy::cast_possible_truncation, reason = "it is whole, and small enough")]
fn whole(value: f64) -> Option<i128> {
    let is_whole = value.abs() < 9_007_199_254_740_992.0 && value.fract() == 0.0;
    is_whole.then_some(value as i128)
}

/// Hexadecimal digits, lower case.
pub(crate) struct Pseudonym([u8; PSEUDONYM_DIGITS]);

impl Pseudonym {
    fn of(bytes: [u8; PSEUDONYM_LEN]) -> Self {
        let mut digits = [b'0'; PSEUDONYM_DIGITS];
        let digit = |nibble: u8| nibble + if nibble < 10 { b'0' } else { b'a' - 10 };
        for (pair, byte) in digits.as_chunks_mut().0.iter_mut().zip(bytes) {
            *pair = [digit(byte >> 4), digit(byte & 15)];
        }
        Self(digits)
    }
}

impl AsRef<str> for Pseudonym {
    fn as_ref(&self) -> &str {
        // INVARIANT: digits.
        str::from_utf8(&self.0).unwrap_or_default()
    }
}
