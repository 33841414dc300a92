//! The files of a sector: those that are here are proved, and those that say two things or none are refused.

use std::error::Error;

use dataspace_sectors::{
    Language, Sector,
    sector::{Files, InvalidSector},
};

use crate::support::{IDS, files};

/// The error and all its causes.
fn told(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}

fn parse(profile: &str, forbids: &str, templates: &[String]) -> Result<Sector, InvalidSector> {
    let templates: Vec<_> = templates.iter().map(String::as_str).collect();
    Sector::parse(Files { profile, forbids, templates: &templates })
}

#[test]
fn the_files_here_are_proved_and_the_library_has_them_all() {
    for (id, sector) in IDS.into_iter().zip(dataspace_sectors::all()) {
        let (profile, forbids, templates) = files(id);
        let parsed = parse(&profile, &forbids, &templates)
            .unwrap_or_else(|error| panic!("{id}: {}", told(&error)));
        assert_eq!(sector.id(), id);
        let ids = |sector: &Sector| {
            let mut ids: Vec<_> = sector.templates().iter().map(|one| one.id().clone()).collect();
            ids.sort();
            ids
        };
        assert_eq!(ids(sector), ids(&parsed));
        assert!(sector.templates().len() >= 7, "{id}");
    }
}
