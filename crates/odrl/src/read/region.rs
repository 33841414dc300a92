//! Countries, by the codes and IRIs that documents name them with.

use std::collections::BTreeSet;

use dataspace_primitives::{
    Region,
    region::{RegionGroup, Regions},
};

use crate::at::At;
use crate::error::Refused;
use crate::read::value;

const EXPECTED: &str = "a country of ISO 3166-1, two upper-case letters";

/// What stands before a code of ISO 3166-1, of two or three letters.
const IRIS: [&str; 14] = [
    "http://publications.europa.eu/resource/authority/country/",
    "https://publications.europa.eu/resource/authority/country/",
    "http://ontologi.es/place/",
    "https://ontologi.es/place/",
    "https://www.iso.org/obp/ui/#iso:code:3166:",
    "http://www.iso.org/obp/ui/#iso:code:3166:",
    "https://www.iso.org/obp/ui#iso:code:3166:",
    "urn:iso:std:iso:3166:-1:",
    "urn:iso:std:iso:3166-1:",
    "urn:iso:3166-1:",
    "urn:iso:3166:",
    "iso3166-1:",
    "iso3166:",
    "ISO3166-1:",
];

/// Entities of Wikidata.
const WIKIDATA: [&str; 6] = [
    "http://www.wikidata.org/entity/",
    "http://www.wikidata.org/resource/",
    "https://www.wikidata.org/wiki/",
    "http://www.wikidata.org/wiki/",
    "https://www.wikidata.org/entity/",
    "https://www.wikidata.org/resource/",
];

/// Countries and groups in Wikidata.
const ENTITIES: [(&str, &str); 22] = [
    ("Q458", "EU"),
    ("Q183", "DE"),
    ("Q142", "FR"),
    ("Q29", "ES"),
    ("Q38", "IT"),
    ("Q40", "AT"),
    ("Q31", "BE"),
    ("Q55", "NL"),
    ("Q36", "PL"),
    ("Q45", "PT"),
    ("Q34", "SE"),
    ("Q35", "DK"),
    ("Q33", "FI"),
    ("Q27", "IE"),
    ("Q41", "GR"),
    ("Q20", "NO"),
    ("Q39", "CH"),
    ("Q145", "GB"),
    ("Q30", "US"),
    ("Q148", "CN"),
    ("Q17", "JP"),
    ("Q16", "CA"),
];

/// The countries that a value names: one, or those of a group.
pub(crate) fn read(at: At<'_>) -> Result<BTreeSet<Region>, Refused<'_>> {
    let name = value::name(at)?;
    match parse(name.as_str()) {
        Ok(regions) => Ok(regions),
        Err(help) => Err(at.expected(EXPECTED).because(help)),
    }
}

fn parse(text: &str) -> Result<BTreeSet<Region>, String> {
    let rest = |bases: &[&str]| bases.iter().find_map(|base| text.strip_prefix(base));
    if let Some(entity) = rest(&WIKIDATA) {
        let found = ENTITIES.iter().find(|(one, _)| *one == entity);
        return match found {
            Some((_, code)) => of_code(code),
            None => Err("write the code of ISO 3166-1, or EU or EEA".to_owned()),
        };
    }
    of_code(rest(&IRIS).unwrap_or(text))
}

fn of_code(code: &str) -> Result<BTreeSet<Region>, String> {
    let two = match code.as_bytes() {
        [a, b, c] if code != RegionGroup::Eea.as_str() => alpha_3([*a, *b, *c]),
        _ => None,
    };
    let regions: Regions = two.unwrap_or(code).parse().map_err(
        |error: dataspace_primitives::region::InvalidRegion| {
            format!("{error}; EU and EEA stand for their countries")
        },
    )?;
    Ok(regions.into())
}

/// The code of two letters.
fn alpha_3(code: [u8; 3]) -> Option<&'static str> {
    let found = ALPHA_3.split(' ').find(|entry| entry.as_bytes().get(2..) == Some(code.as_slice()));
    found.and_then(|entry| entry.get(..2))
}

/// ISO 3166-1: each code of two letters and the one of three letters behind it.
const ALPHA_3: &str = "\
    ADAND AEARE AFAFG AGATG AIAIA ALALB AMARM AOAGO AQATA ARARG ASASM ATAUT AUAUS AWABW \
    AXALA AZAZE BABIH BBBRB BDBGD BEBEL BFBFA BGBGR BHBHR BIBDI BJBEN BLBLM BMBMU BNBRN \
    BOBOL BQBES BRBRA BSBHS BTBTN BVBVT BWBWA BYBLR BZBLZ CACAN CCCCK CDCOD CFCAF CGCOG \
    CHCHE CICIV CKCOK CLCHL CMCMR CNCHN COCOL CRCRI CUCUB CVCPV CWCUW CXCXR CYCYP CZCZE \
    DEDEU DJDJI DKDNK DMDMA DODOM DZDZA ECECU EEEST EGEGY EHESH ERERI ESESP ETETH FIFIN \
    FJFJI FKFLK FMFSM FOFRO FRFRA GAGAB GBGBR GDGRD GEGEO GFGUF GGGGY GHGHA GIGIB GLGRL \
    GMGMB GNGIN GPGLP GQGNQ GRGRC GSSGS GTGTM GUGUM GWGNB GYGUY HKHKG HMHMD HNHND HRHRV \
    HTHTI HUHUN IDIDN IEIRL ILISR IMIMN ININD IOIOT IQIRQ IRIRN ISISL ITITA JEJEY JMJAM \
    JOJOR JPJPN KEKEN KGKGZ KHKHM KIKIR KMCOM KNKNA KPPRK KRKOR KWKWT KYCYM KZKAZ LALAO \
    LBLBN LCLCA LILIE LKLKA LRLBR LSLSO LTLTU LULUX LVLVA LYLBY MAMAR MCMCO MDMDA MEMNE \
    MFMAF MGMDG MHMHL MKMKD MLMLI MMMMR MNMNG MOMAC MPMNP MQMTQ MRMRT MSMSR MTMLT MUMUS \
    MVMDV MWMWI MXMEX MYMYS MZMOZ NANAM NCNCL NENER NFNFK NGNGA NINIC NLNLD NONOR NPNPL \
    NRNRU NUNIU NZNZL OMOMN PAPAN PEPER PFPYF PGPNG PHPHL PKPAK PLPOL PMSPM PNPCN PRPRI \
    PSPSE PTPRT PWPLW PYPRY QAQAT REREU ROROU RSSRB RURUS RWRWA SASAU SBSLB SCSYC SDSDN \
    SESWE SGSGP SHSHN SISVN SJSJM SKSVK SLSLE SMSMR SNSEN SOSOM SRSUR SSSSD STSTP SVSLV \
    SXSXM SYSYR SZSWZ TCTCA TDTCD TFATF TGTGO THTHA TJTJK TKTKL TLTLS TMTKM TNTUN TOTON \
    TRTUR TTTTO TVTUV TWTWN TZTZA UAUKR UGUGA UMUMI USUSA UYURY UZUZB VAVAT VCVCT VEVEN \
    VGVGB VIVIR VNVNM VUVUT WFWLF WSWSM YEYEM YTMYT ZAZAF ZMZMB ZWZWE";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_country_has_one_code_of_three_letters() {
        let mut seen = BTreeSet::new();
        let entries = ALPHA_3.split(' ').map(|entry| {
            let (two, three) = entry.split_at(2);
            assert!(three.len() == 3 && seen.insert(three), "{entry}");
            two.parse::<Region>().unwrap()
        });
        assert_eq!(entries.collect::<Vec<_>>(), Region::all().collect::<Vec<_>>());
    }

    #[test]
    fn a_country_is_known_by_code_and_iri() {
        for text in [
            "DE",
            "DEU",
            "http://publications.europa.eu/resource/authority/country/DEU",
            "http://ontologi.es/place/DE",
            "https://www.iso.org/obp/ui/#iso:code:3166:DE",
            "http://www.wikidata.org/entity/Q183",
        ] {
            assert_eq!(parse(text), Ok(["DE".parse().unwrap()].into()), "{text}");
        }
        for (text, len) in [("EU", 27), ("EEA", 30), ("https://www.wikidata.org/wiki/Q458", 27)] {
            assert_eq!(parse(text).unwrap().len(), len, "{text}");
        }
        for text in [
            "de",
            "UK",
            "XX",
            "GER",
            "Germany",
            "Europe",
            "http://ontologi.es/place/DE-BW",
            "http://www.wikidata.org/entity/Q1",
            "http://example.org/DE",
            "deu",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
