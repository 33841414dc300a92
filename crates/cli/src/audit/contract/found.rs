//! What is known of contracts, wherever they were read.

use dataspace_identity::Origin;
use dataspace_identity::SpaceId;
use dataspace_policy::Clause;
use dataspace_primitives::UnixMillis;
use dataspace_tlog::Finding;
use dataspace_usage_contract::{Agreement, ContractId};
use serde_json::Value;

use crate::audit::contract::end::{End, State};
use crate::audit::contract::parties::Parties;
use crate::audit::words::findings_to_json;
use crate::json::object;
use crate::labels;
use crate::outcome::Health;

/// All that was read, and verified, at one place.
pub(super) struct Found {
    /// As it can be shown.
    pub(super) place: String,
    /// `node`, `published` or `evidence`.
    pub(super) kind: &'static str,
    pub(super) space: SpaceId,
    pub(super) log: Origin,
    /// Records of the log that were read; of evidence, that its checkpoint covers.
    pub(super) records: u64,
    pub(super) contracts: Vec<Contract>,
    pub(super) findings: Vec<Finding>,
    /// True if every decision in the log follows.
    pub(super) is_sound: bool,
}

/// A contract, and what became of it.
pub(super) struct Contract {
    pub(super) id: ContractId,
    pub(super) agreement: Agreement,
    pub(super) parties: Parties,
    pub(super) clauses: Vec<Clause>,
    pub(super) concluded: (u64, UnixMillis),
    pub(super) state: State,
    /// What ended it, in the order of the log, and then what keeps it from being used.
    pub(super) ends: Vec<End>,
    /// Permitted and denied accesses; `None` where the log is not at hand.
    pub(super) accesses: Option<(u64, u64)>,
}

impl Found {
    pub(super) fn is_evidence(&self) -> bool {
        self.kind == "evidence"
    }

    pub(super) fn health(&self) -> Health {
        Health::of(self.is_sound)
    }

    pub(super) fn to_json(&self, with_cedar: bool) -> Value {
        let (proved, not_proved) = findings_to_json(&self.findings);
        let contracts: Vec<_> = self.contracts.iter().map(|one| one.to_json(with_cedar)).collect();
        let clauses = self.contracts.iter().flat_map(|one| &one.clauses);
        object! {
            "kind": self.kind,
            "path": self.place.as_str(),
            "log": self.log.as_str(),
            "authority": self.space.authority.as_str(),
            "space": self.space.name.as_str(),
            "records": self.records,
            "sound": self.is_sound,
            "contracts": contracts,
            "labels": labels::to_json(clauses),
            "proved": proved,
            "notProved": not_proved,
        }
    }
}

impl Contract {
    fn to_json(&self, with_cedar: bool) -> Value {
        let Agreement { product, product_class, validity, compiler, cedar, .. } = &self.agreement;
        let (record, time) = self.concluded;
        let accesses = self
            .accesses
            .map(|(permits, denials)| object! { "permits": permits, "denials": denials });
        let mut value = object! {
            "contract": self.id.to_string(),
            "provider": self.parties.provider.to_json(),
            "consumer": self.parties.consumer.to_json(),
            "product": product.as_str(),
            "productClass": product_class.as_str(),
            "from": validity.from().to_string(),
            "until": validity.until().to_string(),
            "concluded": object! { "record": record, "time": time.to_string() },
            "state": self.state.as_str(),
            "ends": self.ends.iter().map(|end| end.to_json(&self.parties)).collect::<Vec<_>>(),
            "accesses": accesses,
            "clauses": labels::clauses_to_json(&self.clauses),
            "compiler": *compiler,
        };
        if with_cedar && let Value::Object(fields) = &mut value {
            fields.insert("cedar".to_owned(), cedar.as_str().into());
        }
        value
    }
}
