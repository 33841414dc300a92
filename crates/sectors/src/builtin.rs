//! The three sectors, from their files.

use std::sync::LazyLock;

use crate::sector::{Files, Sector};

/// Reads a sector from its directory.
macro_rules! sector {
    ($dir:literal: $($template:literal)+) => {
        LazyLock::new(|| {
            let files = Files {
                profile: include_str!(concat!("../", $dir, "/profile.json")),
                forbids: include_str!(concat!("../", $dir, "/forbids.cedar")),
                schema: include_str!(concat!("../", $dir, "/schema.cedarschema")),
                templates: &[
                    $(include_str!(concat!("../", $dir, "/templates/", $template, ".json"))),+
                ],
            };
            // INVARIANT: the tests of this crate parse the same files. A sector without words makes a
            // profile that no authority can publish.
            Sector::parse(files).unwrap_or_default()
        })
    };
}

static MATERIALS: LazyLock<Sector> = sector!("materials":
    "research-attribution"
    "embargo"
    "masked-composition"
    "aggregate-only"
    "supplier-grade"
    "training-passes"
    "pay-per-access"
    "pay-per-query"
    "export-controlled"
    "joint-evaluation"
);

static AUTOMOTIVE: LazyLock<Sector> = sector!("automotive":
    "quality-analysis"
    "traceability"
    "telemetry"
    "exterior-video"
    "exterior-video-attested"
    "cross-border"
    "drive-consent"
    "insurer-aggregate"
    "battery-passport-public"
    "battery-passport-interest"
    "battery-passport-authority"
);

static AUDIO_VISUAL: LazyLock<Sector> = sector!("audio-visual":
    "territory-window"
    "exclusive-territory"
    "plays"
    "seconds"
    "preview"
    "first-seconds"
    "no-training"
    "training-listed"
    "training-paid"
    "subtitles-only"
    "holdback"
    "speech-without-names"
    "traced-copies"
    "traced-plays"
    "screener"
);

/// Materials: producers, testing laboratories and research.
#[must_use]
pub fn materials() -> &'static Sector {
    &MATERIALS
}

/// Automotive: vehicle makers, suppliers, workshops and fleets.
#[must_use]
pub fn automotive() -> &'static Sector {
    &AUTOMOTIVE
}

/// Audio-visual: archives, broadcasters, producers and model makers.
#[must_use]
pub fn audio_visual() -> &'static Sector {
    &AUDIO_VISUAL
}

/// The three sectors.
#[must_use]
pub fn all() -> [&'static Sector; 3] {
    [materials(), automotive(), audio_visual()]
}
