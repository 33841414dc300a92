//! The bytes of an index. All numbers are big-endian.
//!
//! ```text
//! "dataspace-index2", or "dataspace-index\n" of an older one, whose contracts have no meters
//! changes:      number u64; each: place u64, length u32, the record
//! relations:    number u64; each: length u16, DID of a consumer, length u16, name of a product
//! contracts:    number u64; each CONTRACT_LEN bytes, in the order of their conclusions; then what it counts beside
//!               uses: a byte with 1 for plays, 2 for seconds, 4 for an open play; METER_LEN bytes if it is not 0
//! terminations: number u64; each: length u32, the document's content in canonical CBOR
//! requests:     number u64; each: digest, time u64
//! length u32, the operator's signed statement about all bytes before it
//! ```

use std::io::{self, Read, Write};

use dataspace_identity::Did;
use dataspace_ledger::state::Place;
use dataspace_policy::{Meters, facts::Metered};
use dataspace_primitives::{Digest, Name, UnixMillis, cbor, envelope::DOCUMENT_LEN_MAX};
use dataspace_tlog::{LeafIndex, record::RECORD_LEN_MAX};
use dataspace_usage_contract::{ContractId, OfferId, Termination, quota::Counts};
use ring::digest::{Context, SHA256};

use crate::index::rows::{Answered, Made};

const MAGIC: [u8; 16] = *b"dataspace-index2";
/// Of an index in which no contract counts anything beside its uses.
const MAGIC_BEFORE: [u8; 16] = *b"dataspace-index\n";
/// Three digests, nine numbers of 8 bytes, two of 4.
const CONTRACT_LEN: usize = 3 * Digest::LEN + 9 * 8 + 2 * 4;
/// Seconds that are no play yet, plays, the second that the open one has come to, seconds.
const METER_LEN: usize = 4 + 8 + 4 + 8;
const PLAYS: u8 = 1;
const SECONDS: u8 = 2;
const OPEN: u8 = 4;
/// A limit of uses that is none.
const UNLIMITED: u64 = u64::MAX;

/// Bytes that are read, and summed, at a time. Longer than every field.
const CHUNK_LEN: usize = 1 << 18;

/// Reads, and sums what it reads: rows, and a digest.
pub(super) struct Source<R> {
    from: R,
    hash: Context,
    rows: u64,
    /// True if what contracts count beside uses is there.
    has_meters: bool,
    /// What was read ahead: up to `summed` it is in the digest, up to `taken` it was handed out.
    ahead: Vec<u8>,
    summed: usize,
    taken: usize,
}

/// Writes, and sums what it writes: rows, and a digest.
pub(super) struct Sink<W> {
    to: W,
    hash: Context,
    rows: u64,
}

fn damaged(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the index is damaged: {what}"))
}

fn finish(hash: Context) -> Digest {
    let mut bytes = [0; Digest::LEN];
    // A SHA-256 has as many bytes as a `Digest`.
    bytes.iter_mut().zip(hash.finish().as_ref()).for_each(|(to, from)| *to = *from);
    Digest::from_bytes(bytes)
}

impl Source<io::Cursor<Vec<u8>>> {
    /// An index without a row, and without a statement.
    pub(super) fn nothing() -> io::Result<Self> {
        let numbers = [0; 5 * 8];
        Self::new(io::Cursor::new([&MAGIC[..], &numbers].concat()))
    }
}

impl<R: Read> Source<R> {
    pub(super) fn new(from: R) -> io::Result<Self> {
        let (hash, ahead) = (Context::new(&SHA256), Vec::with_capacity(CHUNK_LEN));
        let (has_meters, rows) = (true, 0);
        let mut source = Self { from, hash, rows, has_meters, ahead, summed: 0, taken: 0 };
        source.has_meters = match source.array()? {
            MAGIC => true,
            MAGIC_BEFORE => false,
            _ => return Err(damaged("it begins otherwise")),
        };
        Ok(source)
    }

    /// Sums what was handed out.
    fn sum(&mut self) {
        let summed = self.ahead.get(self.summed..self.taken).unwrap_or_default();
        self.hash.update(summed);
        self.summed = self.taken;
    }

    /// Reads ahead until `len` bytes are there, or no more come.
    fn fill(&mut self, len: usize) -> io::Result<()> {
        if self.ahead.len() - self.taken >= len {
            return Ok(());
        }
        self.sum();
        self.ahead.drain(..self.taken);
        (self.summed, self.taken) = (0, 0);
        let more = CHUNK_LEN.max(len).saturating_sub(self.ahead.len());
        let more = u64::try_from(more).unwrap_or(u64::MAX);
        self.from.by_ref().take(more).read_to_end(&mut self.ahead)?;
        Ok(())
    }

    fn take(&mut self, len: usize) -> io::Result<&[u8]> {
        self.fill(len)?;
        let at = self.taken;
        let bytes = self.ahead.get(at..).and_then(|ahead| ahead.get(..len));
        let bytes = bytes.ok_or(io::ErrorKind::UnexpectedEof)?;
        self.taken = at.saturating_add(len);
        Ok(bytes)
    }

    fn array<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        self.take(N)?.first_chunk().copied().ok_or_else(|| damaged("a short row"))
    }

    pub(super) fn number(&mut self) -> io::Result<u64> {
        Ok(u64::from_be_bytes(self.array()?))
    }

    fn bytes(&mut self, len: usize, len_max: usize) -> io::Result<&[u8]> {
        if len > len_max {
            return Err(damaged("a row is too long"));
        }
        self.take(len)
    }

    fn long(&mut self, len_max: usize) -> io::Result<&[u8]> {
        let len = u32::from_be_bytes(self.array()?);
        self.bytes(usize::try_from(len).unwrap_or(usize::MAX), len_max)
    }

    fn short(&mut self) -> io::Result<&str> {
        let len = u16::from_be_bytes(self.array()?);
        let bytes = self.bytes(len.into(), usize::from(u16::MAX))?;
        std::str::from_utf8(bytes).map_err(|_| damaged("a name is no text"))
    }

    pub(super) fn change(&mut self) -> io::Result<(u64, &[u8])> {
        self.rows += 1;
        let index = self.number()?;
        Ok((index, self.long(RECORD_LEN_MAX)?))
    }

    pub(super) fn relation(&mut self) -> io::Result<(Did, Name)> {
        self.rows += 1;
        let consumer = self.short()?.parse().map_err(|_| damaged("a consumer is no DID"))?;
        let product = self.short()?.parse().map_err(|_| damaged("a product has no name"))?;
        Ok((consumer, product))
    }

    /// A contract, and the number of its relation.
    pub(super) fn contract(&mut self) -> io::Result<(Place, u32, Made)> {
        self.rows += 1;
        let mut row = Fields(self.take(CONTRACT_LEN)?);
        let id = ContractId::from_digest(row.digest()?);
        let offer = OfferId::from_digest(row.digest()?);
        let program = row.digest()?;
        let index = LeafIndex::new(row.number()?);
        let agreed_at = row.time()?;
        let limit = Some(row.number()?).filter(|limit| *limit != UNLIMITED);
        let permits = row.number()?;
        let (used, day, month) = (row.number()?, row.pair()?, row.pair()?);
        let counts = Counts::from_parts(used, day, month);
        let (compiler, relation) = (row.small()?, row.small()?);
        let (meters, metered) = self.meter()?;
        let place = Place { id, offer, index, agreed_at, program, limit, meters, compiler };
        Ok((place, relation, Made { permits, counts, metered }))
    }

    /// What a contract counts beside uses, and what was counted.
    fn meter(&mut self) -> io::Result<(Meters, Metered)> {
        let [kinds] = if self.has_meters { self.array()? } else { [0] };
        if kinds == 0 {
            return Ok((Meters::default(), Metered::default()));
        }
        let mut row = Fields(self.take(METER_LEN)?);
        let (after, plays) = (row.small()?, row.number()?);
        let (until, seconds) = (row.small()?, row.number()?);
        let has = |kind: u8| kinds & kind != 0;
        if kinds & !(PLAYS | SECONDS | OPEN) != 0 || (has(OPEN) && !has(PLAYS)) {
            return Err(damaged("a contract counts what is not known"));
        }
        let meters = Meters { plays_after: has(PLAYS).then_some(after), seconds: has(SECONDS) };
        let metered = Metered {
            plays: has(PLAYS).then_some(plays),
            played_until: has(OPEN).then_some(until),
            seconds: has(SECONDS).then_some(seconds),
        };
        Ok((meters, metered))
    }

    pub(super) fn termination(&mut self) -> io::Result<Termination> {
        self.rows += 1;
        let bytes = self.long(DOCUMENT_LEN_MAX)?;
        cbor::from_canonical(bytes, DOCUMENT_LEN_MAX)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    }

    pub(super) fn request(&mut self) -> io::Result<Answered> {
        self.rows += 1;
        let row: [u8; Digest::LEN + 8] = self.array()?;
        let mut row = Fields(&row);
        Ok(Answered { request: row.digest()?, at: row.time()? })
    }

    /// Rows and digest of all that was read, and the statement behind it.
    pub(super) fn finish(mut self) -> io::Result<((u64, Digest), Vec<u8>)> {
        self.sum();
        let sum = (self.rows, finish(self.hash.clone()));
        let statement = self.long(DOCUMENT_LEN_MAX)?.to_vec();
        match self.take(1) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok((sum, statement)),
            Err(error) => Err(error),
            Ok(_) => Err(damaged("it goes on after its end")),
        }
    }
}

/// The fields of a row.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn array<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let (first, rest) = self.0.split_first_chunk().ok_or_else(|| damaged("a short row"))?;
        self.0 = rest;
        Ok(*first)
    }

    fn digest(&mut self) -> io::Result<Digest> {
        Ok(Digest::from_bytes(self.array()?))
    }

    fn number(&mut self) -> io::Result<u64> {
        Ok(u64::from_be_bytes(self.array()?))
    }

    fn small(&mut self) -> io::Result<u32> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    fn pair(&mut self) -> io::Result<(u64, u64)> {
        Ok((self.number()?, self.number()?))
    }

    fn time(&mut self) -> io::Result<UnixMillis> {
        UnixMillis::try_from(self.number()?).map_err(|_| damaged("a time out of range"))
    }
}

impl<W: Write> Sink<W> {
    pub(super) fn new(to: W) -> io::Result<Self> {
        let mut sink = Self { to, hash: Context::new(&SHA256), rows: 0 };
        sink.put(&MAGIC)?;
        Ok(sink)
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hash.update(bytes);
        self.to.write_all(bytes)
    }

    pub(super) fn number(&mut self, number: u64) -> io::Result<()> {
        self.put(&number.to_be_bytes())
    }

    fn long(&mut self, bytes: &[u8]) -> io::Result<()> {
        let len = u32::try_from(bytes.len()).map_err(|_| damaged("a row is too long"))?;
        self.put(&len.to_be_bytes())?;
        self.put(bytes)
    }

    fn short(&mut self, text: &str) -> io::Result<()> {
        let len = u16::try_from(text.len()).map_err(|_| damaged("a name is too long"))?;
        self.put(&len.to_be_bytes())?;
        self.put(text.as_bytes())
    }

    pub(super) fn change(&mut self, index: u64, record: &[u8]) -> io::Result<()> {
        self.rows += 1;
        self.number(index)?;
        self.long(record)
    }

    pub(super) fn relation(&mut self, (consumer, product): &(Did, Name)) -> io::Result<()> {
        self.rows += 1;
        self.short(consumer.as_str())?;
        self.short(product.as_str())
    }

    pub(super) fn contract(
        &mut self,
        place: &Place,
        relation: u32,
        Made { permits, counts, metered }: &Made,
    ) -> io::Result<()> {
        self.rows += 1;
        let Place { id, offer, index, agreed_at, program, limit, meters, compiler } = place;
        let (used, day, month) = counts.to_parts();
        let mut row = Vec::with_capacity(CONTRACT_LEN + 1 + METER_LEN);
        for digest in [id.as_digest(), offer.as_digest(), program] {
            row.extend_from_slice(digest.as_bytes());
        }
        let limit = limit.unwrap_or(UNLIMITED);
        let numbers = [index.as_u64(), agreed_at.as_millis(), limit, *permits, used];
        for number in numbers.into_iter().chain([day.0, day.1, month.0, month.1]) {
            row.extend_from_slice(&number.to_be_bytes());
        }
        for number in [*compiler, relation] {
            row.extend_from_slice(&number.to_be_bytes());
        }
        let Metered { plays, played_until, seconds } = *metered;
        let kinds = [
            (meters.plays_after.is_some(), PLAYS),
            (meters.seconds, SECONDS),
            (meters.plays_after.is_some() && played_until.is_some(), OPEN),
        ];
        let kinds = kinds.into_iter().filter(|(has, _)| *has).fold(0, |all, (_, kind)| all | kind);
        row.push(kinds);
        if kinds != 0 {
            row.extend_from_slice(&meters.plays_after.unwrap_or_default().to_be_bytes());
            row.extend_from_slice(&plays.unwrap_or_default().to_be_bytes());
            row.extend_from_slice(&played_until.unwrap_or_default().to_be_bytes());
            row.extend_from_slice(&seconds.unwrap_or_default().to_be_bytes());
        }
        self.put(&row)
    }

    pub(super) fn termination(&mut self, termination: &Termination) -> io::Result<()> {
        self.rows += 1;
        let bytes = cbor::to_canonical(termination).map_err(io::Error::other)?;
        self.long(&bytes)
    }

    pub(super) fn request(&mut self, Answered { request, at }: &Answered) -> io::Result<()> {
        self.rows += 1;
        self.put(request.as_bytes())?;
        self.number(at.as_millis())
    }

    /// Rows and digest of all that was written.
    pub(super) fn sum(&self) -> (u64, Digest) {
        (self.rows, finish(self.hash.clone()))
    }

    pub(super) fn finish(mut self, statement: &[u8]) -> io::Result<W> {
        self.long(statement)?;
        Ok(self.to)
    }
}
