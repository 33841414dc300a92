//! Countries and groups of them.

use std::collections::BTreeSet;

use dataspace_primitives::{
    Region, cbor,
    region::{InvalidRegion, RegionGroup, Regions},
};

/// The country codes in use, after the list of the IANA time zone data base (`iso3166.tab`): first
/// letter, then the second ones.
const IN_USE: &str = "
    A: D E F G I L M O Q R S T U W X Z
    B: A B D E F G H I J L M N O Q R S T V W Y Z
    C: A C D F G H I K L M N O R U V W X Y Z
    D: E J K M O Z
    E: C E G H R S T
    F: I J K M O R
    G: A B D E F G H I L M N P Q R S T U W Y
    H: K M N R T U
    I: D E L M N O Q R S T
    J: E M O P
    K: E G H I M N P R W Y Z
    L: A B C I K R S T U V Y
    M: A C D E F G H K L M N O P Q R S T U V W X Y Z
    N: A C E F G I L O P R U Z
    O: M
    P: A E F G H K L M N R S T W Y
    Q: A
    R: E O S U W
    S: A B C D E G H I J K L M N O R S T V X Y Z
    T: C D F G H J K L M N O R T V W Z
    U: A G M S Y Z
    V: A C E G I N U
    W: F S
    Y: E T
    Z: A M W
";

fn in_use() -> BTreeSet<String> {
    let lines = IN_USE.lines().filter_map(|line| line.trim().split_once(": "));
    lines.flat_map(|(a, all)| all.split(' ').map(move |b| format!("{a}{b}"))).collect()
}

fn refused(text: &str) -> String {
    Region::parse(text).unwrap_err().to_string()
}

#[test]
fn a_region_is_an_assigned_country_code() {
    let in_use = in_use();
    assert_eq!(in_use.len(), 249);
    for (a, b) in ('A'..='Z').flat_map(|a| ('A'..='Z').map(move |b| (a, b))) {
        let text = format!("{a}{b}");
        assert_eq!(Region::parse(&text).is_ok(), in_use.contains(&text), "{text}");
        // And so in signed documents.
        let bytes = cbor::to_canonical(&text).unwrap();
        let read = cbor::from_canonical::<Region>(&bytes, 64);
        assert_eq!(read.is_ok(), in_use.contains(&text), "{text}");
    }
    assert!(Region::all().map(|region| region.to_string()).eq(in_use));
}

#[test]
fn a_region_has_one_spelling() {
    let region = Region::parse("DE").unwrap();
    assert_eq!((region.as_str(), format!("{region:?}{region}")), ("DE", "DEDE".to_owned()));
    assert_eq!("DE".parse(), Ok(region));
    for text in ["", "D", "DEU", "D1", "D ", " DE", "ДЕ", "Ä", "D\0", "EU-DE", "xx", "eu"] {
        assert_eq!(Region::parse(text), Err(InvalidRegion::Form), "{text:?}");
    }
}

#[test]
fn a_wrong_code_is_refused_with_the_right_one() {
    assert_eq!(refused("UK"), "UK is not a country code of ISO 3166-1; write GB");
    assert_eq!(refused("EL"), "EL is not a country code of ISO 3166-1; write GR");
    assert_eq!(refused("De"), "De is not a country code of ISO 3166-1; write DE");
    assert_eq!(refused("uk"), "uk is not a country code of ISO 3166-1; write GB");
    for text in ["XX", "XK", "AA", "ZZ", "AN", "CS", "SU", "YU", "AC", "TA", "EZ", "UN", "QM"] {
        let words = format!("{text} is not assigned to a country in ISO 3166-1");
        assert_eq!(refused(text), words);
    }
}

#[test]
fn a_group_is_no_region_but_names_its_countries() {
    assert_eq!(
        refused("EU"),
        "EU is a group of countries, not a country; write the countries (AT, BE, BG, CY, CZ, DE, \
         DK, EE, ES, FI, FR, GR, HR, HU, IE, IT, LT, LU, LV, MT, NL, PL, PT, RO, SE, SI, SK)"
    );
    let members = |text: &str| BTreeSet::from(text.parse::<Regions>().unwrap());
    let (eu, eea) = (members("EU"), members("EEA"));
    assert_eq!((eu.len(), eea.len()), (27, 30));
    let beside: Vec<_> = eea.difference(&eu).map(Region::as_str).collect();
    assert_eq!(beside, ["IS", "LI", "NO"]);
    assert!(eu.is_subset(&eea) && eu.iter().all(|one| in_use().contains(one.as_str())));
    for outside in ["GB", "CH", "NO", "TR", "UA"] {
        assert!(!eu.contains(&Region::parse(outside).unwrap()), "{outside}");
    }
    assert_eq!(members("FR"), [Region::parse("FR").unwrap()].into());
    for text in ["eu", "eea", "EFTA", "XX", "", "EU "] {
        assert!(text.parse::<Regions>().is_err(), "{text:?}");
    }
    assert_eq!(RegionGroup::ALL.map(|group| group.to_string()), ["EU", "EEA"]);
}
