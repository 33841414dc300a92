//! Sealed files, beside ring's AES-256-GCM alone on the same buffers: the same chunks, taken from the same memory into a
//! buffer of one chunk, encrypted there, and added to the same memory (`floor/aes-256-gcm`); and beside the cipher
//! that only goes over the content where it lies (`floor/in-place`), as `write_in_place` does.

use std::cell::Cell;
use std::hint::black_box;
use std::io::{self, BufRead as _, Cursor, Read, Seek, SeekFrom, Write};
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, ensure};
use dataspace_benches::{Effort, Report, median, mix, time};
use dataspace_primitives::{Digest, UnixMillis, Validity};
use dataspace_sealed::{
    ChunkLen, ContentKey, Contract, Recipient, RecipientSecret, Seal, Sealed, Sealer,
};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

const TAG_LEN: usize = 16;

fn main() -> Result<()> {
    let effort = Effort::from_args();
    let mib: u16 = if effort.is_full() { 64 } else { 1 };
    let content: Vec<u8> = (0..u64::from(mib) << 17).flat_map(|at| mix(at).to_le_bytes()).collect();
    let recipient = *consumer()?.recipient();
    let (floor, mut in_place, mut floor_in_place) =
        (Floor::new()?, content.clone(), content.clone());
    let (mut file, mut floor_file) = (Vec::new(), Vec::new());
    // Once before, so that all memory is there.
    let mut key = seal(&content, &mut file, &recipient, None)?;
    floor.seal(&content, &mut floor_file)?;

    let mut rates = [const { Vec::new() }; 6];
    for round in 0..effort.samples {
        let [sealed, floor_sealed] = both(
            round,
            || seal(&content, &mut file, &recipient, None).map(|drawn| key = drawn),
            || floor.seal(&content, &mut floor_file),
        )?;
        let is_whole = |len| if len == content.len() { Ok(()) } else { Err(anyhow!("not whole")) };
        let [opened, floor_opened] = both(
            round,
            || open(&file, &key).and_then(is_whole),
            || floor.open(&floor_file).and_then(is_whole),
        )?;
        let [sealed_in_place, floor_sealed_in_place] = both(
            round,
            || seal_in_place(&mut in_place, &recipient),
            || floor.seal_in_place(&mut floor_in_place),
        )?;
        let took =
            [sealed, floor_sealed, opened, floor_opened, sealed_in_place, floor_sealed_in_place];
        for (rates, took) in rates.iter_mut().zip(took) {
            rates.push(f64::from(mib) / took.as_secs_f64());
        }
    }
    let mut report = Report::new("sealed", effort);
    let [sealed, floor_sealed, opened, floor_opened, sealed_in_place, floor_in_place] =
        rates.map(median);
    report.row("seal/64MiB", sealed, "MiB/s", Some("floor/aes-256-gcm"));
    report.row("floor/aes-256-gcm", floor_sealed, "MiB/s", Some("floor/in-place"));
    report.row("open/64MiB", opened, "MiB/s", Some("floor/aes-256-gcm-open"));
    report.row("floor/aes-256-gcm-open", floor_opened, "MiB/s", Some("floor/in-place"));
    report.row("seal-in-place/64MiB", sealed_in_place, "MiB/s", Some("floor/in-place"));
    report.row("floor/in-place", floor_in_place, "MiB/s", None);
    ranges(effort, &content, &mut report)?;
    unwrap(effort, &content, &mut report)?;
    report.finish()
}

/// How long both take, one right after the other, so that what else the machine does hits both; every other
/// time the second one first.
fn both(
    round: usize,
    ours: impl FnOnce() -> Result<()>,
    floor: impl FnOnce() -> Result<()>,
) -> Result<[Duration; 2]> {
    if round.is_multiple_of(2) {
        let ((ours, done), (floor, also)) = (time(ours), time(floor));
        done.and(also)?;
        Ok([ours, floor])
    } else {
        let ((floor, done), (ours, also)) = (time(floor), time(ours));
        done.and(also)?;
        Ok([ours, floor])
    }
}

fn consumer() -> Result<RecipientSecret> {
    Ok(RecipientSecret::from_seed(&mut [7; RecipientSecret::SEED_LEN])?)
}

fn contract() -> Result<Contract> {
    let product = "alloys".parse()?;
    Ok(Contract { id: Digest::of(b"agreement"), product, validity: Validity::ALWAYS })
}

/// Seals the content into `file`, whose memory is used again.
fn seal(
    content: &[u8],
    file: &mut Vec<u8>,
    recipient: &Recipient,
    declared: Option<u64>,
) -> Result<ContentKey> {
    file.clear();
    let mut sealer = begin(file, recipient, declared)?;
    sealer.write_all(content)?;
    Ok(sealer.finish()?.key)
}

/// Seals the content where it lies, for a writer that costs nothing.
fn seal_in_place(content: &mut [u8], recipient: &Recipient) -> Result<()> {
    let mut sealer = begin(io::sink(), recipient, None)?;
    sealer.write_in_place(content)?;
    sealer.finish()?;
    Ok(())
}

fn begin<W: Write>(to: W, recipient: &Recipient, declared: Option<u64>) -> Result<Sealer<W>> {
    let contract = contract()?;
    let mut seal = Seal::new(contract.id, contract.product).recipient(*recipient);
    if let Some(len) = declared {
        seal = seal.content_len(len);
    }
    Ok(seal.begin(to, &mut [9; Seal::SEED_LEN])?)
}

/// Reads all of the content, and gives its length.
fn open(file: &[u8], key: &ContentKey) -> Result<usize> {
    let mut content = Sealed::read(file)?.open(key)?;
    let mut all = 0;
    loop {
        let len = black_box(content.fill_buf()?).len();
        if len == 0 {
            return Ok(all);
        }
        all += len;
        content.consume(len);
    }
}

/// The cipher alone, with nonces by index and a digest as associated data.
struct Floor {
    key: LessSafeKey,
    chunk_len: usize,
}

impl Floor {
    fn new() -> Result<Self> {
        let key = UnboundKey::new(&AES_256_GCM, &[3; 32]).map_err(|_| anyhow!("no key"))?;
        let chunk_len = usize::try_from(ChunkLen::default().bytes())?;
        Ok(Self { key: LessSafeKey::new(key), chunk_len })
    }

    fn nonce(index: usize) -> Result<Nonce> {
        let mut nonce = [0; NONCE_LEN];
        let (_, number) = nonce.split_last_chunk_mut().context("12 bytes")?;
        *number = u64::try_from(index)?.to_be_bytes();
        Ok(Nonce::assume_unique_for_key(nonce))
    }

    fn seal(&self, content: &[u8], file: &mut Vec<u8>) -> Result<()> {
        file.clear();
        let mut buffer = Vec::with_capacity(self.chunk_len + TAG_LEN);
        for (index, chunk) in content.chunks(self.chunk_len).enumerate() {
            buffer.clear();
            buffer.extend_from_slice(chunk);
            let (nonce, aad) = (Self::nonce(index)?, Aad::from([5; 32]));
            let sealed = self.key.seal_in_place_append_tag(nonce, aad, &mut buffer);
            sealed.map_err(|_| anyhow!("not sealed"))?;
            file.extend_from_slice(&buffer);
        }
        Ok(())
    }

    fn open(&self, file: &[u8]) -> Result<usize> {
        let (mut buffer, mut all) = (Vec::with_capacity(self.chunk_len + TAG_LEN), 0);
        for (index, chunk) in file.chunks(self.chunk_len + TAG_LEN).enumerate() {
            buffer.clear();
            buffer.extend_from_slice(chunk);
            let (nonce, aad) = (Self::nonce(index)?, Aad::from([5; 32]));
            let content = self.key.open_in_place(nonce, aad, &mut buffer);
            all += black_box(content.map_err(|_| anyhow!("not opened"))?).len();
        }
        Ok(all)
    }

    fn seal_in_place(&self, content: &mut [u8]) -> Result<()> {
        for (index, chunk) in content.chunks_mut(self.chunk_len).enumerate() {
            let (nonce, aad) = (Self::nonce(index)?, Aad::from([5; 32]));
            let tag = self.key.seal_in_place_separate_tag(nonce, aad, chunk);
            let _tag = black_box(tag.map_err(|_| anyhow!("not sealed"))?);
        }
        Ok(())
    }
}

/// Time of 64 KiB anywhere, and from how many chunks they are read at most; also of the first such range, with
/// opening the file.
fn ranges(effort: Effort, content: &[u8], report: &mut Report) -> Result<()> {
    let mut file = Vec::new();
    let len = u64::try_from(content.len())?;
    let key = seal(content, &mut file, consumer()?.recipient(), Some(len))?;
    let mut into = vec![0; 1 << 16];
    let span = len - u64::try_from(into.len())?;

    let mut opened = Sealed::read(Cursor::new(&file))?.ranges(&key)?;
    let (mut at, mut failed) = (0, None);
    let took = effort.micros(|| {
        at += 1;
        failed = opened.read_range(mix(at) % span, black_box(&mut into)).err().or(failed.take());
    });
    failed.map_or(Ok(()), Err)?;
    report.row("range/64KiB", took, "µs", None);

    let (mut most, mut most_with_opening) = (0, 0);
    let chunk_len = ChunkLen::default().bytes() + u64::try_from(TAG_LEN)?;
    for at in 0..200 {
        let read = Rc::new(Cell::new(0));
        let sealed = Sealed::read(Counted { from: Cursor::new(&file), read: Rc::clone(&read) })?;
        let head_len = read.replace(0);
        ensure!(head_len < 1_034, "a long head");
        let mut opened = sealed.ranges(&key)?;
        let at_opening = read.get().div_ceil(chunk_len);
        read.set(0);
        opened.read_range(mix(at) % span, &mut into)?;
        let touched = read.get().div_ceil(chunk_len);
        most = most.max(touched);
        most_with_opening = most_with_opening.max(at_opening + touched);
    }
    report.row("range-chunks/64KiB", f64::from(u16::try_from(most)?), "chunks", None);
    let with_opening = f64::from(u16::try_from(most_with_opening)?);
    report.row("range-chunks/opening", with_opening, "chunks", None);
    Ok(())
}

/// Counts the bytes that are read.
struct Counted<'a> {
    from: Cursor<&'a Vec<u8>>,
    read: Rc<Cell<u64>>,
}

impl Read for Counted<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let len = self.from.read(to)?;
        self.read.set(self.read.get() + u64::try_from(len).unwrap_or(u64::MAX));
        Ok(len)
    }
}

impl Seek for Counted<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.from.seek(to)
    }
}

/// Wrapping a key for a consumer, and unwrapping it.
fn unwrap(effort: Effort, content: &[u8], report: &mut Report) -> Result<()> {
    let mut file = Vec::new();
    let key = seal(content, &mut file, consumer()?.recipient(), None)?;
    let (secret, contract, now) = (consumer()?, contract()?, UnixMillis::MIN);
    let sealed = Sealed::read(&file[..])?;
    let mut failed = None;
    let took = effort.micros(|| {
        let seed = &mut [11; ContentKey::WRAP_SEED_LEN];
        failed = key.wrap(sealed.header(), secret.recipient(), seed).err().or(failed.take());
    });
    failed.map_or(Ok(()), Err)?;
    report.row("key/wrap", took, "µs", None);
    let mut failed = None;
    let took = effort.micros(|| {
        failed = sealed.unwrap_key(&secret, &contract, now).err().or(failed.take());
    });
    failed.map_or(Ok(()), Err)?;
    report.row("key/unwrap", took, "µs", None);
    Ok(())
}
