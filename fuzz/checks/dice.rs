//! Choices that follow from an input or a number.

/// Choices: the bytes one by one, then `SplitMix64`, which is small, and the same everywhere.
pub(crate) struct Dice<'a> {
    bytes: &'a [u8],
    state: u64,
}

impl Dice<'_> {
    pub(crate) fn new(bytes: &[u8]) -> Dice<'_> {
        let state = bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Dice { bytes, state }
    }

    /// Choices from a number alone.
    #[cfg_attr(not(test), expect(dead_code, reason = "the fuzzer has bytes"))]
    pub(crate) fn seeded(state: u64) -> Self {
        Self { bytes: &[], state }
    }

    pub(crate) fn roll(&mut self, sides: usize) -> usize {
        if let Some((first, rest)) = self.bytes.split_first() {
            self.bytes = rest;
            return usize::from(*first) % sides;
        }
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % sides as u64).unwrap()
    }

    pub(crate) fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.roll(of.len())]
    }
}
