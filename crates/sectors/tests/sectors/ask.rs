//! One template at work: a request that it permits, and one wrong thing at a time that it denies.

use std::collections::{BTreeMap, BTreeSet};

use dataspace_policy::{
    Action, Contracts, Decision, Facts, Layers, Reason, Scope, Uses,
    facts::{Environment, Payment, Person},
};
use dataspace_primitives::{Digest, Name, Region, UnixMillis};
use dataspace_sectors::{Arguments, Language, Sector};
use dataspace_usage_contract::PublishedProfile;

use crate::support::{found, name};

pub(crate) const CONSUMER: &str = "did:web:consumer.example";

/// What is known of one access, as a node would gather it.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) action: Action,
    pub(crate) purpose: &'static str,
    pub(crate) class: &'static str,
    pub(crate) now: &'static str,
    pub(crate) agreed: &'static str,
    pub(crate) participant: &'static str,
    pub(crate) region: &'static str,
    pub(crate) recipient: Option<&'static str>,
    pub(crate) roles: Vec<&'static str>,
    pub(crate) attributes: Vec<(&'static str, &'static str)>,
    pub(crate) person: Option<&'static str>,
    /// The application, and whether it runs in a sandbox.
    pub(crate) environment: Option<(&'static str, bool)>,
    pub(crate) uses: Uses,
    pub(crate) asked_until: Option<u32>,
    pub(crate) payment: Option<Payment>,
    pub(crate) vouched: Vec<(&'static str, &'static str)>,
}

impl Ask {
    pub(crate) fn new(action: Action, purpose: &'static str, class: &'static str) -> Self {
        Self {
            action,
            purpose,
            class,
            now: "2027-02-01T10:00:00Z",
            agreed: "2027-02-01T00:00:00Z",
            participant: CONSUMER,
            region: "DE",
            recipient: None,
            roles: vec!["consumer"],
            attributes: vec![],
            person: None,
            environment: None,
            uses: Uses::default(),
            asked_until: None,
            payment: None,
            vouched: vec![],
        }
    }

    /// The ids of the policies and clauses that deny; none if it is permitted.
    pub(crate) fn decide(
        &self,
        contracts: &Contracts,
        contract: &Digest,
        space: &PublishedProfile,
    ) -> Vec<String> {
        let names = |all: &[&str]| all.iter().map(|one| name(one)).collect::<BTreeSet<_>>();
        let (roles, purpose) = (names(&self.roles), name(self.purpose));
        let persons = names(self.person.as_slice());
        let attributes: BTreeMap<Name, Name> =
            self.attributes.iter().map(|(key, value)| (name(key), name(value))).collect();
        let vouched: BTreeMap<Name, Name> =
            self.vouched.iter().map(|(kind, says)| (name(kind), name(says))).collect();
        let purposes = space.purposes(&purpose).cloned().unwrap_or_default();
        let at = |text: &str| text.parse::<UnixMillis>().unwrap();
        let region = |text: &str| Region::parse(text).unwrap();
        let consumer = (self.participant, region(self.region));
        let plain =
            Facts::new(consumer, self.action, ("product", self.class), self.purpose, at(self.now));
        let facts = Facts {
            roles: &roles,
            attributes: &attributes,
            payment: self.payment,
            vouched: &vouched,
            purposes: &purposes,
            agreed_at: at(self.agreed),
            recipient_region: self.recipient.map(region),
            uses: self.uses,
            asked_until: self.asked_until,
            person: self.person.map(|_| Person { id: "somebody", roles: &persons }),
            environment: self.environment.map(|(application, sandbox)| Environment {
                id: "somewhere",
                attested: None,
                sandbox,
                security_level: 0,
                connector: "connector",
                application,
            }),
            ..plain
        };
        match contracts.decide(contract, &facts, Layers::of_space(space.policies())) {
            Decision::Permit(_) => vec![],
            Decision::Deny(denial) => {
                let ids = denial.reasons().into_iter().map(|reason| match reason {
                    Reason::Unmet { clause, .. } | Reason::Prohibited { clause, .. } => clause,
                    Reason::Forbidden { policy, .. } => policy,
                    other => other.code().to_owned(),
                });
                ids.collect()
            }
        }
    }
}

/// One thing to change in a request, and the clause, or the space's forbid, that denies it then.
pub(crate) type Wrong = (&'static str, fn(&mut Ask));

/// Makes a contract of the template, sees that it permits the request, and that each wrong thing is denied by
/// the clause named. Every permission and prohibition must have one, and a permission one for each of its
/// constraints.
pub(crate) fn holds(
    sector: &Sector,
    template: &str,
    arguments: &Arguments,
    good: &Ask,
    wrongs: &[Wrong],
) {
    let space = found(sector, &Arguments::new());
    let draft = sector.template(template).unwrap().fill(arguments).unwrap();
    let terms = draft.terms(Language::English);
    let scope = Scope { consumer: good.participant.to_owned(), product: name("product") };
    let cedar = terms.to_cedar(&scope).unwrap();
    // The languages differ in what no program acts on alone.
    let chinese = draft.terms(Language::Chinese);
    assert_eq!(chinese.to_cedar(&scope).unwrap(), cedar);
    assert_eq!(chinese.duties, terms.duties);
    assert!(terms.lint().is_empty() && terms.not_carried_out().is_none(), "{:?}", terms.lint());

    let (mut contracts, id) = (Contracts::default(), Digest::of(template.as_bytes()));
    contracts.activate(id, &cedar).unwrap();
    assert_eq!(good.decide(&contracts, &id, &space), [""; 0], "{template}");
    for (clause, change) in wrongs {
        let mut ask = good.clone();
        change(&mut ask);
        let denied = ask.decide(&contracts, &id, &space);
        assert!(denied.iter().any(|one| one == clause), "{template}, {clause}: {denied:?} {ask:?}");
    }
    let tried = |id: String| wrongs.iter().filter(|(clause, _)| *clause == id).count();
    for (number, rule) in (1..).zip(&terms.permissions) {
        let (found, least) = (tried(format!("permission-{number}")), rule.constraints.len());
        assert!(found >= least, "{template}, permission-{number}: {found} of {least}");
    }
    for number in 1..=terms.prohibitions.len() {
        assert!(tried(format!("prohibition-{number}")) > 0, "{template}, prohibition-{number}");
    }
}

/// The templates of a sector are those that are named: none goes without its test.
pub(crate) fn covers(sector: &Sector, tested: &[&str]) {
    let mut all: Vec<_> = sector.templates().iter().map(|one| one.id().as_str()).collect();
    let mut tested = tested.to_vec();
    all.sort_unstable();
    tested.sort_unstable();
    assert_eq!(all, tested);
}
