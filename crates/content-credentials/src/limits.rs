//! How much is read.

/// Longest picture (JPEG, PNG), in bytes: it is held in memory, about four times over.
pub const PICTURE_LEN_MAX: u64 = 64 << 20;

/// Longest recording or film (WAV, MP4), in bytes: it is read piece by piece.
pub const FILM_LEN_MAX: u64 = 64 << 30;

/// Longest manifest store, in bytes, as it stands in the file and unpacked.
pub const MANIFEST_LEN_MAX: u64 = 16 << 20;

/// Most parts of a file: segments of a JPEG, chunks of a PNG or WAV, boxes of an MP4.
pub const PARTS_MAX: usize = 1 << 17;

/// Most ingredients of a manifest store that are verified, each as often as it is named.
pub const INGREDIENTS_MAX: u32 = 1_024;

/// Most reservations that are listed one by one; they are counted all.
pub const LISTED_MAX: usize = 64;

/// Longest list of trusted certificates, in bytes.
pub const TRUST_LEN_MAX: usize = 4 << 20;
