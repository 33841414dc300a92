//! Kinds of files, by their first bytes and never by their names.

/// A kind of file in which credentials are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Jpeg,
    Png,
    Wav,
    Mp4,
}

impl Kind {
    /// Bytes by which it is told.
    pub(crate) const HEAD_LEN: usize = 12;

    pub(crate) fn of(head: &[u8]) -> Option<Self> {
        match head {
            [0xff, 0xd8, 0xff, ..] => Some(Self::Jpeg),
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some(Self::Png),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'A', b'V', b'E', ..] => Some(Self::Wav),
            [_, _, _, _, b'f', b't', b'y', b'p', ..] => Some(Self::Mp4),
            _ => None,
        }
    }

    /// As the engine calls it.
    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Wav => "audio/wav",
            Self::Mp4 => "video/mp4",
        }
    }

    pub(crate) fn is_picture(self) -> bool {
        matches!(self, Self::Jpeg | Self::Png)
    }
}
