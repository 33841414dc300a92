//! What is done with data.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// What a consumer asks to do with a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Action {
    /// See the rows.
    Read,
    /// Run a query over the rows at the provider. Not carried out yet.
    Query,
    /// See aggregates alone. Not carried out yet.
    Aggregate,
    /// Receive a copy.
    Transfer,
    /// Make a new product from it.
    Derive,
    /// Train a model with it.
    Train,
    /// Show a picture or text to people.
    Display,
    /// Play sound or video.
    Play,
    /// Pass it on to others.
    Share,
}

impl Action {
    /// All actions, in the order of the schema.
    pub const ALL: [Self; 9] = [
        Self::Read,
        Self::Query,
        Self::Aggregate,
        Self::Transfer,
        Self::Derive,
        Self::Train,
        Self::Display,
        Self::Play,
        Self::Share,
    ];

    /// The name in terms, requests and Cedar.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Query => "query",
            Self::Aggregate => "aggregate",
            Self::Transfer => "transfer",
            Self::Derive => "derive",
            Self::Train => "train",
            Self::Display => "display",
            Self::Play => "play",
            Self::Share => "share",
        }
    }

    /// Returns true if a node carries it out: it releases the rows that the duties leave, which is what
    /// reading and receiving a copy are, and what the consumer needs for whatever it does on its
    /// own premises. A query or an aggregate tells less than the rows; nothing computes them yet,
    /// and to release the rows in their place would be more than was permitted. So a node refuses
    /// offers that permit these, and denies requests for them.
    #[must_use]
    pub const fn is_carried_out(self) -> bool {
        !matches!(self, Self::Query | Self::Aggregate)
    }

    /// Returns true if the consumer does it on its own premises, after the data was released, out of the
    /// monitor's sight.
    #[must_use]
    pub const fn is_after_release(self) -> bool {
        matches!(self, Self::Derive | Self::Train | Self::Display | Self::Play | Self::Share)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// No action has this name.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "not an action; the actions are read, query, aggregate, transfer, derive, train, display, play and share"
)]
pub struct ParseActionError;

impl FromStr for Action {
    type Err = ParseActionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|action| action.as_str() == text).ok_or(ParseActionError)
    }
}
