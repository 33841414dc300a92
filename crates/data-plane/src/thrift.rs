//! A look over a structure of the Thrift compact protocol before the decoder takes its word.
//!
//! Parquet's footer and page headers are such structures. The decoder allocates by counts that it
//! reads there, and skips lists by their counts, so that a few bytes cost gibibytes or minutes.

/// How deep structures and lists may lie in each other; Parquet's lie five deep.
const DEPTH_MAX: usize = 16;

/// What a visitor sees.
#[derive(Clone, Copy)]
pub(crate) enum Seen {
    /// What kind of field begins: the number of its type in the protocol. Booleans are kinds of their own.
    Field(u8),
    /// What kind of elements a list has.
    Items(u8),
    /// A number in a field.
    Integer(i64),
    /// The end of a structure in a field or a list.
    End,
}

/// Types of fields and elements.
pub(crate) const I32: u8 = 5;
pub(crate) const I64: u8 = 6;
pub(crate) const BINARY: u8 = 8;
pub(crate) const LIST: u8 = 9;
pub(crate) const STRUCT: u8 = 12;

/// What is wrong with a structure.
pub(crate) enum Fault {
    /// It goes on past the bytes at hand.
    Short,
    /// No writer of Parquet writes this.
    Malformed,
    /// The visitor refused this.
    Refused(Seen),
}

/// Walks over the structure at the start of `bytes`, and shows `fits` each field, each integer and the
/// end of each structure in it, with the identifiers of the fields around it. Time is linear in `bytes`.
pub(crate) fn walk(bytes: &[u8], fits: &mut dyn FnMut(&[i16], Seen) -> bool) -> Result<(), Fault> {
    Walk { rest: bytes, path: Vec::new(), fits }.structure(DEPTH_MAX)
}

struct Walk<'a> {
    rest: &'a [u8],
    path: Vec<i16>,
    fits: &'a mut dyn FnMut(&[i16], Seen) -> bool,
}

impl Walk<'_> {
    fn structure(&mut self, depth: usize) -> Result<(), Fault> {
        let mut id = 0_i16;
        loop {
            let head = self.byte()?;
            if head == 0 {
                return Ok(());
            }
            id = match head >> 4 {
                0 => i16::try_from(zigzag(self.varint()?)).map_err(|_| Fault::Malformed)?,
                delta => id.checked_add(i16::from(delta)).ok_or(Fault::Malformed)?,
            };
            self.path.push(id);
            self.show(Seen::Field(head & 0x0f))?;
            // A boolean field is its type.
            if !matches!(head & 0x0f, 1 | 2) {
                self.value(head & 0x0f, depth)?;
            }
            self.path.pop();
        }
    }

    fn value(&mut self, kind: u8, depth: usize) -> Result<(), Fault> {
        match kind {
            3 => self.skip(1),
            4..=6 => {
                let value = zigzag(self.varint()?);
                self.show(Seen::Integer(value))
            }
            7 => self.skip(8),
            8 => {
                let len = self.varint()?;
                self.skip(len)
            }
            9 | 10 => self.list(depth.checked_sub(1).ok_or(Fault::Malformed)?),
            12 => {
                self.structure(depth.checked_sub(1).ok_or(Fault::Malformed)?)?;
                self.show(Seen::End)
            }
            _ => Err(Fault::Malformed),
        }
    }

    fn show(&mut self, seen: Seen) -> Result<(), Fault> {
        if (self.fits)(&self.path, seen) { Ok(()) } else { Err(Fault::Refused(seen)) }
    }

    fn list(&mut self, depth: usize) -> Result<(), Fault> {
        let head = self.byte()?;
        let count = match head >> 4 {
            15 => self.varint()?,
            count => u64::from(count),
        };
        self.show(Seen::Items(head & 0x0f))?;
        // INVARIANT: each element takes at least a byte, so that the loop ends with the bytes.
        for _ in 0..count {
            self.value(head & 0x0f, depth)?;
        }
        Ok(())
    }

    fn byte(&mut self) -> Result<u8, Fault> {
        let (byte, rest) = self.rest.split_first().ok_or(Fault::Short)?;
        self.rest = rest;
        Ok(*byte)
    }

    fn skip(&mut self, len: u64) -> Result<(), Fault> {
        let len = usize::try_from(len).map_err(|_| Fault::Malformed)?;
        self.rest = self.rest.get(len..).ok_or(Fault::Short)?;
        Ok(())
    }

    fn varint(&mut self) -> Result<u64, Fault> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Fault::Malformed)
    }
}

fn zigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -(value & 1).cast_signed()
}
