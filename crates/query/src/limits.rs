//! What a query may be and may take.

/// Longest SQL text, in bytes.
pub const TEXT_LEN_MAX: usize = 16 * 1024;

/// Most tokens of a text: words, numbers, texts and signs, without white space and comments.
pub const TOKENS_MAX: usize = 2_048;

/// Deepest nesting of brackets.
pub const BRACKETS_MAX: usize = 16;

/// Deepest nesting of expressions, as of `a + b + c`, which is two deep.
pub const DEPTH_MAX: usize = 256;

/// Most `SELECT`s of a text, where one of a `WITH` counts each time that it is named, with all that it
/// names itself.
pub const SELECTS_MAX: usize = 32;

/// Most rows in a batch within the engine.
pub const BATCH_ROWS: usize = 4_096;

/// Most bytes of a batch of more than one row within the engine.
pub const BATCH_LEN_MAX: usize = 8 * 1024 * 1024;

/// Most bytes of one row, as it leaves a view and after each step of a query: fixed widths and texts.
pub const ROW_LEN_MAX: usize = 64 * 1024;

/// Most columns of what a step of a query gives.
pub const COLUMNS_MAX: usize = 1_024;

/// What one query may take and give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_field_names, reason = "each is a bound, and says so")]
pub struct Limits {
    /// Most rows of the result.
    pub rows_max: u64,
    /// Most bytes of the result, as its values take them.
    pub bytes_max: u64,
    /// Most bytes that sorts, groups, joins and windows keep at once. The batches under way, a few of at
    /// most [`BATCH_ROWS`] rows, come on top.
    pub memory_max: usize,
}

impl Default for Limits {
    /// A million rows, 256 MiB of result, 256 MiB of memory.
    fn default() -> Self {
        Self { rows_max: 1_000_000, bytes_max: 256 * 1024 * 1024, memory_max: 256 * 1024 * 1024 }
    }
}
