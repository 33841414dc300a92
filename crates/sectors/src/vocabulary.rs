use std::collections::{BTreeMap, BTreeSet};

use dataspace_identity::Did;
use dataspace_odrl::OdrlOperands;
use dataspace_primitives::Name;
use dataspace_usage_contract::{
    DataRules, EntityRules, Parameters, Scenario, SpaceProfile, Suite, profile::DENIALS_PER_MINUTE,
};

/// The words of one sector.
#[derive(Clone, Copy, Debug)]
pub struct Vocabulary {
    /// Purposes, each with a description.
    pub scenarios: &'static [(&'static str, &'static str)],
    /// Classes of data products.
    pub product_classes: &'static [&'static str],
    /// Roles that participants may have.
    pub roles: &'static [&'static str],
}

/// Materials: producers, testing laboratories and research.
#[must_use]
pub fn materials() -> Vocabulary {
    Vocabulary {
        scenarios: &[
            ("research", "public research on materials"),
            ("alloy-design", "design of new alloys and compounds"),
            ("quality-assurance", "checking deliveries against their specification"),
            ("carbon-accounting", "product carbon footprints along the supply chain"),
        ],
        product_classes: &["computed-properties", "test-results", "process-data", "certificates"],
        roles: ROLES,
    }
}

/// Automotive: vehicle makers, suppliers, workshops and fleets.
#[must_use]
pub fn automotive() -> Vocabulary {
    Vocabulary {
        scenarios: &[
            ("predictive-maintenance", "finding failures before they happen"),
            ("traceability", "finding the parts that a defect concerns"),
            ("driver-assistance", "developing and testing assistance systems"),
            ("battery-passport", "obligations under the EU battery regulation"),
        ],
        product_classes: &["drive-recordings", "diagnostics", "part-data", "battery-data"],
        roles: ROLES,
    }
}

/// Audio-visual: archives, broadcasters, producers and model makers.
#[must_use]
pub fn audio_visual() -> Vocabulary {
    Vocabulary {
        scenarios: &[
            ("broadcast", "showing works to the public"),
            ("restoration", "preserving and restoring works"),
            ("model-training", "training of machine-learning models"),
            ("news-verification", "checking where pictures and recordings come from"),
        ],
        product_classes: &["pictures", "recordings", "moving-pictures", "metadata"],
        roles: ROLES,
    }
}

const ROLES: &[&str] = &["provider", "consumer"];

impl Vocabulary {
    /// A first profile, version 1: requests may be five minutes old, participants may be
    /// established anywhere, the space itself forbids nothing. For the authority to complete
    /// and sign.
    #[must_use]
    pub fn profile(&self, space: Name, authority: Did) -> SpaceProfile {
        SpaceProfile {
            space,
            version: 1,
            authority,
            parameters: Parameters {
                suite: Suite::Intl,
                request_age_secs_max: 300,
                denials_per_minute: DENIALS_PER_MINUTE,
            },
            scenarios: self.scenarios.iter().filter_map(pair).collect::<BTreeMap<_, _>>(),
            entities: EntityRules { roles: names(self.roles), regions: BTreeSet::new() },
            data: DataRules { product_classes: names(self.product_classes) },
            policies: String::new(),
            odrl: OdrlOperands::default(),
        }
    }
}

// INVARIANT: every word above is a name; the tests of this crate count them.
fn names(words: &[&str]) -> BTreeSet<Name> {
    words.iter().filter_map(|word| word.parse().ok()).collect()
}

fn pair((name, description): &(&str, &str)) -> Option<(Name, Scenario)> {
    Some((name.parse().ok()?, Scenario::new(description.parse().ok()?)))
}

#[cfg(test)]
mod tests {
    use dataspace_identity::SecretKey;
    use dataspace_primitives::{Signed, UnixMillis};
    use dataspace_usage_contract::PublishedProfile;

    use super::*;

    #[test]
    fn no_word_is_lost_and_every_profile_can_be_published() {
        let authority = SecretKey::from_seed(&mut [7; 32]).unwrap();
        for vocabulary in [materials(), automotive(), audio_visual()] {
            let profile = vocabulary.profile("space".parse().unwrap(), authority.did().clone());
            assert_eq!(profile.scenarios.len(), vocabulary.scenarios.len());
            assert_eq!(profile.data.product_classes.len(), vocabulary.product_classes.len());
            assert_eq!(profile.entities.roles.len(), vocabulary.roles.len());
            let signed = Signed::sign(&profile, &authority).unwrap();
            PublishedProfile::publish(signed, authority.did(), UnixMillis::MIN).unwrap();
        }
    }
}
