//! Character sets other than UTF-8, decoded as a file is read.

use std::fmt;
use std::io::{self, Read};
use std::path::Path;

use encoding_rs::{Decoder, DecoderResult, Encoding};
use thiserror::Error;

use crate::file::{FileError, Snapshot, Stamp};

/// Bytes that are decoded at once, and room for what becomes of them.
const BUFFER_LEN: usize = 16 * 1024;

/// A character set that a provider states.
#[derive(Clone, Copy)]
pub(crate) struct Charset {
    encoding: &'static Encoding,
    // WHY a pointer: a program that states no character set is not linked with the tables of them all.
    decode: fn(Snapshot, &'static Encoding) -> Box<dyn Read + Send>,
}

impl Charset {
    /// `None` if the Encoding Standard knows no such name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let encoding = Encoding::for_label_no_replacement(name.as_bytes())?;
        let decode =
            |file, encoding| -> Box<dyn Read + Send> { Box::new(Decoded::new(file, encoding)) };
        Some(Self { encoding, decode })
    }

    pub(crate) fn name(self) -> &'static str {
        self.encoding.name()
    }
}

impl fmt::Debug for Charset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A file as UTF-8, as far as it is well formed.
pub(crate) enum Input {
    Plain(Snapshot),
    Decoded(Box<dyn Read + Send>),
}

impl Input {
    pub(crate) fn open(path: &Path, charset: Option<Charset>) -> Result<(Self, Stamp), FileError> {
        let (file, stamp) = Snapshot::open(path)?;
        let input = match charset {
            None => Self::Plain(file),
            Some(Charset { encoding, decode }) => Self::Decoded(decode(file, encoding)),
        };
        Ok((input, stamp))
    }
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(file) => file.read(buffer),
            Self::Decoded(decoded) => decoded.read(buffer),
        }
    }
}

/// Bytes that mean nothing in the stated character set.
#[derive(Clone, Copy, Debug, Error)]
#[error("malformed {0}")]
pub(crate) struct Malformed(&'static str);

impl Malformed {
    /// The character set, if this is what the error tells of.
    pub(crate) fn of(error: &io::Error) -> Option<&'static str> {
        error.get_ref()?.downcast_ref::<Self>().map(|malformed| malformed.0)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Reading,
    /// The file is read, not all of it decoded.
    Ending,
    Ended,
    /// After what was decoded comes an error.
    Malformed,
}

/// What a file's bytes mean, up to the first that mean nothing: those before are read, so that the
/// reader knows the line.
struct Decoded {
    file: Snapshot,
    decoder: Decoder,
    state: State,
    /// Bytes of the file, from the first that is not decoded.
    bytes: Vec<u8>,
    from: usize,
    /// UTF-8, from the first byte that is not given out.
    text: Vec<u8>,
    given: usize,
}

impl Decoded {
    fn new(file: Snapshot, encoding: &'static Encoding) -> Self {
        let decoder = encoding.new_decoder();
        let state = State::Reading;
        Self { file, decoder, state, bytes: Vec::new(), from: 0, text: Vec::new(), given: 0 }
    }

    fn decode(&mut self) -> io::Result<()> {
        if self.state == State::Reading && self.from == self.bytes.len() {
            self.bytes.resize(BUFFER_LEN, 0);
            let read = self.file.read(&mut self.bytes);
            self.bytes.truncate(*read.as_ref().unwrap_or(&0));
            self.from = 0;
            if read? == 0 {
                self.state = State::Ending;
            }
        }
        self.text.resize(BUFFER_LEN, 0);
        self.given = 0;
        let last = self.state == State::Ending;
        let bytes = self.bytes.get(self.from..).unwrap_or_default();
        let (result, read, written) =
            self.decoder.decode_to_utf8_without_replacement(bytes, &mut self.text, last);
        self.from += read;
        self.text.truncate(written);
        match result {
            DecoderResult::InputEmpty if last => self.state = State::Ended,
            DecoderResult::InputEmpty | DecoderResult::OutputFull => {}
            DecoderResult::Malformed(..) => self.state = State::Malformed,
        }
        Ok(())
    }
}

impl Read for Decoded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.given == self.text.len() {
            match self.state {
                State::Reading | State::Ending => self.decode()?,
                State::Ended => return Ok(0),
                State::Malformed => {
                    let malformed = Malformed(self.decoder.encoding().name());
                    return Err(io::Error::new(io::ErrorKind::InvalidData, malformed));
                }
            }
        }
        let mut rest = self.text.get(self.given..).unwrap_or_default();
        let read = rest.read(buffer)?;
        self.given += read;
        Ok(read)
    }
}
