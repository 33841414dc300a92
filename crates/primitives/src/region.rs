//! Countries, and groups of them.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A jurisdiction: an officially assigned country code of ISO 3166-1 alpha-2, two upper-case
/// letters, such as `DE`. Codes that are reserved, withdrawn or for private use (`UK`, `EU`, `AN`,
/// `XK`) are none: a rule about them would never match anybody.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Region([u8; 2]);

/// Why a text is not a region, with what would be right where that is known.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidRegion {
    /// Not two upper-case letters.
    #[error("a region is a country code of ISO 3166-1, two upper-case letters such as DE")]
    Form,
    /// Another spelling of an assigned code.
    #[error("{found} is not a country code of ISO 3166-1; write {right}")]
    Spelling {
        /// Two ASCII letters.
        found: String,
        /// The code.
        right: Region,
    },
    /// A group, where one country is asked for.
    #[error("{group} is a group of countries, not a country; write the countries ({})", group.list())]
    Group {
        /// The group.
        group: RegionGroup,
    },
    /// Two upper-case letters that are not, or no longer, assigned to a country.
    #[error("{found} is not assigned to a country in ISO 3166-1")]
    Unassigned {
        /// Two upper-case ASCII letters.
        found: String,
    },
}

impl Region {
    /// The two letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // INVARIANT: two ASCII letters.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Takes an assigned code in its one spelling.
    ///
    /// # Errors
    /// [`InvalidRegion`] for anything else.
    pub fn parse(text: &str) -> Result<Self, InvalidRegion> {
        let [a, b] = *text.as_bytes() else { return Err(InvalidRegion::Form) };
        if !(a.is_ascii_alphabetic() && b.is_ascii_alphabetic()) {
            return Err(InvalidRegion::Form);
        }
        if let Some(region) = Self::assigned([a, b]) {
            return Ok(region);
        }
        let upper = [a.to_ascii_uppercase(), b.to_ascii_uppercase()];
        let found = text.to_owned();
        let instead = INSTEAD.iter().find_map(|(used, right)| (**used == upper).then_some(**right));
        if let Some(right) = Self::assigned(instead.unwrap_or(upper)) {
            return Err(InvalidRegion::Spelling { found, right });
        }
        if let Some(group) = RegionGroup::ALL.into_iter().find(|group| group.as_str() == text) {
            return Err(InvalidRegion::Group { group });
        }
        if upper != [a, b] {
            return Err(InvalidRegion::Form);
        }
        Err(InvalidRegion::Unassigned { found })
    }

    /// All assigned regions, in order.
    #[must_use = "iterators are lazy"]
    pub fn all() -> impl ExactSizeIterator<Item = Self> {
        ASSIGNED.iter().map(|code| Self(**code))
    }

    fn assigned(code: [u8; 2]) -> Option<Self> {
        ASSIGNED.binary_search(&&code).is_ok().then_some(Self(code))
    }
}

impl FromStr for Region {
    type Err = InvalidRegion;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Region {
    type Error = InvalidRegion;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<Region> for String {
    fn from(region: Region) -> Self {
        region.to_string()
    }
}

impl AsRef<str> for Region {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A named group of countries. It stands in no signed document: terms hold the countries, so that
/// a later change of the group changes no contract.
///
/// Members as of 2026-01-01. Territories of a member with a country code of their own (Åland AX, Réunion
/// RE and others) are not named by the group: who means them names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RegionGroup {
    /// The European Union: 27 states since 2020-02-01.
    Eu,
    /// The European Economic Area: those, Iceland, Liechtenstein and Norway.
    Eea,
}

impl RegionGroup {
    /// All groups.
    pub const ALL: [Self; 2] = [Self::Eu, Self::Eea];

    /// The short name: `EU`, `EEA`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Eu => "EU",
            Self::Eea => "EEA",
        }
    }

    /// The countries.
    #[must_use]
    pub fn members(self) -> BTreeSet<Region> {
        let more: &[_] = match self {
            Self::Eu => &[],
            Self::Eea => &EEA_BESIDE_EU,
        };
        EU.iter().chain(more).map(|code| Region(**code)).collect()
    }

    fn list(self) -> String {
        self.members().iter().map(Region::as_str).collect::<Vec<_>>().join(", ")
    }
}

impl fmt::Display for RegionGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The countries that a text names: one by its code, or those of a [`RegionGroup`].
///
/// ```
/// use dataspace_primitives::{Region, region::Regions};
///
/// let eu: Regions = "EU".parse()?;
/// assert!(eu.as_set().len() == 27 && eu.as_set().contains(&Region::parse("FR")?));
/// assert_eq!("FR".parse::<Regions>()?.as_set().len(), 1);
/// assert_eq!(
///     "UK".parse::<Regions>().unwrap_err().to_string(),
///     "UK is not a country code of ISO 3166-1; write GB"
/// );
/// # Ok::<(), dataspace_primitives::region::InvalidRegion>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Regions(BTreeSet<Region>);

impl Regions {
    /// The countries; at least one.
    #[must_use]
    pub fn as_set(&self) -> &BTreeSet<Region> {
        &self.0
    }
}

impl FromStr for Regions {
    type Err = InvalidRegion;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let group = RegionGroup::ALL.into_iter().find(|group| group.as_str() == text);
        match group {
            Some(group) => Ok(Self(group.members())),
            None => Region::parse(text).map(|region| Self([region].into())),
        }
    }
}

impl From<Regions> for BTreeSet<Region> {
    fn from(regions: Regions) -> Self {
        regions.0
    }
}

/// Codes that people write for a country, and its code.
const INSTEAD: [(&[u8; 2], &[u8; 2]); 2] = [(b"UK", b"GB"), (b"EL", b"GR")];

const EU: [&[u8; 2]; 27] = [
    b"AT", b"BE", b"BG", b"CY", b"CZ", b"DE", b"DK", b"EE", b"ES", b"FI", b"FR", b"GR", b"HR",
    b"HU", b"IE", b"IT", b"LT", b"LU", b"LV", b"MT", b"NL", b"PL", b"PT", b"RO", b"SE", b"SI",
    b"SK",
];

const EEA_BESIDE_EU: [&[u8; 2]; 3] = [b"IS", b"LI", b"NO"];

/// ISO 3166-1, officially assigned alpha-2 codes as of 2026-01-01, in order.
const ASSIGNED: [&[u8; 2]; 249] = [
    b"AD", b"AE", b"AF", b"AG", b"AI", b"AL", b"AM", b"AO", b"AQ", b"AR", b"AS", b"AT", b"AU",
    b"AW", b"AX", b"AZ", b"BA", b"BB", b"BD", b"BE", b"BF", b"BG", b"BH", b"BI", b"BJ", b"BL",
    b"BM", b"BN", b"BO", b"BQ", b"BR", b"BS", b"BT", b"BV", b"BW", b"BY", b"BZ", b"CA", b"CC",
    b"CD", b"CF", b"CG", b"CH", b"CI", b"CK", b"CL", b"CM", b"CN", b"CO", b"CR", b"CU", b"CV",
    b"CW", b"CX", b"CY", b"CZ", b"DE", b"DJ", b"DK", b"DM", b"DO", b"DZ", b"EC", b"EE", b"EG",
    b"EH", b"ER", b"ES", b"ET", b"FI", b"FJ", b"FK", b"FM", b"FO", b"FR", b"GA", b"GB", b"GD",
    b"GE", b"GF", b"GG", b"GH", b"GI", b"GL", b"GM", b"GN", b"GP", b"GQ", b"GR", b"GS", b"GT",
    b"GU", b"GW", b"GY", b"HK", b"HM", b"HN", b"HR", b"HT", b"HU", b"ID", b"IE", b"IL", b"IM",
    b"IN", b"IO", b"IQ", b"IR", b"IS", b"IT", b"JE", b"JM", b"JO", b"JP", b"KE", b"KG", b"KH",
    b"KI", b"KM", b"KN", b"KP", b"KR", b"KW", b"KY", b"KZ", b"LA", b"LB", b"LC", b"LI", b"LK",
    b"LR", b"LS", b"LT", b"LU", b"LV", b"LY", b"MA", b"MC", b"MD", b"ME", b"MF", b"MG", b"MH",
    b"MK", b"ML", b"MM", b"MN", b"MO", b"MP", b"MQ", b"MR", b"MS", b"MT", b"MU", b"MV", b"MW",
    b"MX", b"MY", b"MZ", b"NA", b"NC", b"NE", b"NF", b"NG", b"NI", b"NL", b"NO", b"NP", b"NR",
    b"NU", b"NZ", b"OM", b"PA", b"PE", b"PF", b"PG", b"PH", b"PK", b"PL", b"PM", b"PN", b"PR",
    b"PS", b"PT", b"PW", b"PY", b"QA", b"RE", b"RO", b"RS", b"RU", b"RW", b"SA", b"SB", b"SC",
    b"SD", b"SE", b"SG", b"SH", b"SI", b"SJ", b"SK", b"SL", b"SM", b"SN", b"SO", b"SR", b"SS",
    b"ST", b"SV", b"SX", b"SY", b"SZ", b"TC", b"TD", b"TF", b"TG", b"TH", b"TJ", b"TK", b"TL",
    b"TM", b"TN", b"TO", b"TR", b"TT", b"TV", b"TW", b"TZ", b"UA", b"UG", b"UM", b"US", b"UY",
    b"UZ", b"VA", b"VC", b"VE", b"VG", b"VI", b"VN", b"VU", b"WF", b"WS", b"YE", b"YT", b"ZA",
    b"ZM", b"ZW",
];
