//! What credentials are worth.

use std::fmt;

use dataspace_primitives::shown;

/// What credentials are worth.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Standing {
    /// There are none.
    Absent,
    /// The file names a place where they are. Nothing is fetched; put them into the file.
    Elsewhere,
    /// They do not hold: changed, of another file, too large, malformed.
    Broken {
        /// Why, in words of the library that reads them, or by codes of the standard.
        why: String,
    },
    /// Signature and hashes hold. Who signed is on no list that was given, and can be anybody.
    Intact {
        /// As the certificate says.
        signer: String,
    },
    /// Signature and hashes hold, by a signer whose certificate is of the list that was given.
    Trusted {
        /// As the certificate says.
        signer: String,
    },
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("there are no content credentials"),
            Self::Elsewhere => {
                f.write_str("the content credentials lie elsewhere, and nothing is fetched")
            }
            Self::Broken { why } => {
                write!(f, "the content credentials do not hold: {}", shown(why).at_most(256))
            }
            Self::Intact { signer } => write!(
                f,
                "the content credentials are intact; their signer is on no list that was given, and calls itself {}",
                named(signer)
            ),
            Self::Trusted { signer } => {
                write!(f, "the content credentials are intact and of {}", named(signer))
            }
        }
    }
}

fn named(signer: &str) -> String {
    if signer.is_empty() { "nothing".to_owned() } else { shown(signer).at_most(128).to_string() }
}
