//! How large a document may be.

/// Longest ODRL document that is read, in bytes.
pub const ODRL_LEN_MAX: usize = 256 * 1024;

/// Deepest nesting of objects and arrays in a document that is read: 16 in a policy of the deepest
/// terms, and 8 around it in a message or catalogue.
pub const ODRL_DEPTH_MAX: usize = 24;

/// Most values in a document that is read, members and items counted. Terms that are written within
/// [`ODRL_LEN_MAX`] have fewer.
pub const ODRL_VALUES_MAX: usize = ODRL_LEN_MAX / 4;
