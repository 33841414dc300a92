//! One record in plain words.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use dataspace_identity::{
    Did, DidKeys, KeyDocument, MembershipCredential, MembershipRevocation, Resolver, claimed_keys,
};
use dataspace_ledger::outcome::report_words;
use dataspace_primitives::{Digest, Payload, Signed, UnixMillis, shown, shown::counted};
use dataspace_tlog::{
    AccessRecord, Event, Fact, LeafIndex, Record, Verdict,
    record::{
        ConsumerEvent, ContentVersion, ReceivedAnswer, ReceivedRecord, ReleaseEnd, ReleaseReport,
    },
};
use dataspace_usage_contract::{
    Acceptance, AccessRequest, Agreement, DeletionStatement, Offer, ProviderPolicies, SpaceProfile,
    Statement, Termination, statement::Subject,
};
use serde_json::{Value, json};

use crate::audit::event_kind::EventKind;
use crate::json::object;

/// One record as people read it. The texts in it may be anything: they are to be shown by [`dataspace_primitives::shown()`].
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) index: u64,
    pub(crate) time: Option<UnixMillis>,
    pub(crate) kind: EventKind,
    /// Of an access: whether it was permitted.
    pub(crate) is_permit: Option<bool>,
    /// Whom it is about; the consumer first.
    pub(crate) participants: BTreeSet<String>,
    pub(crate) contract: Option<Digest>,
    pub(crate) action: Option<String>,
    pub(crate) product: Option<String>,
    pub(crate) purpose: Option<String>,
    pub(crate) uses: Option<u64>,
    pub(crate) what: String,
    /// Whom to show.
    pub(crate) about: Option<String>,
    facts: Option<Value>,
}

impl Row {
    pub(crate) fn of(index: LeafIndex, bytes: &[u8]) -> Self {
        let mut row = Self {
            index: index.as_u64(),
            time: None,
            kind: EventKind::Other,
            is_permit: None,
            participants: BTreeSet::new(),
            contract: None,
            action: None,
            product: None,
            purpose: None,
            uses: None,
            what: String::new(),
            about: None,
            facts: None,
        };
        match Record::from_bytes(bytes) {
            Ok(record) => row.read(record),
            Err(error) => row.what = format!("{} bytes that are no record: {error}", bytes.len()),
        }
        row
    }

    /// `permit` and `deny` for accesses, else the kind of event.
    pub(crate) fn label(&self) -> &'static str {
        match self.is_permit {
            Some(true) => "permit",
            Some(false) => "deny",
            None => self.kind.as_str(),
        }
    }

    fn about(&mut self, did: &str) {
        self.participants.insert(did.to_owned());
        self.about.get_or_insert_with(|| did.to_owned());
    }

    fn read(&mut self, record: Record) {
        let time = record.time;
        self.time = Some(time);
        match record.event {
            Event::Profile { document, .. } => {
                self.kind = EventKind::Profile;
                self.document::<SpaceProfile>(&document, time, |row, profile| {
                    row.about(profile.authority.as_str());
                    format!(
                        "space {}, version {}: {} purposes, {} classes",
                        shown(&profile.space),
                        profile.version,
                        profile.scenarios.len(),
                        profile.data.product_classes.len()
                    )
                });
            }
            Event::Keys { document, .. } => self.keys(&document, time),
            Event::Admission { document } => {
                self.kind = EventKind::Admission;
                self.document::<MembershipCredential>(&document, time, |row, credential| {
                    row.about(credential.subject.as_str());
                    let roles = credential.roles.iter().map(|role| shown(role).to_string());
                    let roles: Vec<_> = roles.collect();
                    let (name, until) = (shown(&credential.name), credential.validity.until());
                    let (roles, region) = (roles.join(", "), credential.region);
                    format!("{name}: {roles}, {region}, until {until}")
                });
            }
            Event::MembershipRevoked { document } => {
                self.kind = EventKind::Revocation;
                self.document::<MembershipRevocation>(&document, time, |row, revocation| {
                    row.about(revocation.subject.as_str());
                    format!("from {} on: {}", revocation.revoked_at, shown(&revocation.reason))
                });
            }
            Event::Product { id, class, forbids, .. } => {
                self.kind = EventKind::Product;
                self.product = Some(id.to_string());
                self.what = format!("{} ({})", shown(&id), shown(&class));
                if !forbids.is_empty() {
                    let actions: Vec<_> =
                        forbids.iter().map(|action| shown(action).to_string()).collect();
                    self.what = format!("{}, forbids {}", self.what, actions.join(", "));
                }
            }
            Event::Concluded { contract, document } => {
                self.kind = EventKind::Contract;
                self.contract = Some(contract);
                self.document::<Agreement>(&document, time, |row, agreement| {
                    row.about(agreement.consumer.as_str());
                    row.about(agreement.provider.as_str());
                    row.product = Some(agreement.product.to_string());
                    let uses = uses_of(agreement);
                    let text = agreement.compiled_elsewhere().map(|version| {
                        format!("; its text is of compiler version {version}, not checked here")
                    });
                    let (product, until) = (shown(&agreement.product), agreement.validity.until());
                    format!("{product}{uses}, until {until}{}", text.unwrap_or_default())
                });
            }
            Event::Terminated { contract, document } => {
                self.kind = EventKind::Termination;
                self.contract = Some(contract);
                self.document::<Termination>(&document, time, |row, termination| {
                    row.about(termination.by.as_str());
                    termination.reason.to_string()
                });
            }
            Event::Deleted { contract, document } => {
                self.contract = Some(contract);
                self.deletion(&document, time);
            }
            Event::Policies { document } => self.policies(&document, time),
            Event::Stated { document } => self.stated(&document, time),
            Event::Archived { before } => {
                self.kind = EventKind::Archive;
                self.what = format!("the records before {before} are kept elsewhere");
            }
            Event::Opened { .. } => {
                self.kind = EventKind::Opened;
                "the node was opened, not before this time".clone_into(&mut self.what);
            }
            Event::ClockSetBack { from } => {
                self.kind = EventKind::ClockSetBack;
                self.what = format!(
                    "WARNING: the clock was set back from {from}; all contracts before this have ended"
                );
            }
            Event::Denials { consumer, from, until, count } => {
                self.kind = EventKind::Denials;
                self.about(consumer.as_str());
                self.what = format!(
                    "{count} denials from {from} to {until}, more than are recorded one by one"
                );
            }
            Event::Access(access) => self.access(access),
            Event::Released(report) => self.released(&report),
            Event::Consumer(event) => self.consumer(event, time),
        }
    }

    /// A record of a consumer's own log.
    fn consumer(&mut self, event: ConsumerEvent, time: UnixMillis) {
        match event {
            ConsumerEvent::Begun => {
                self.kind = EventKind::Opened;
                "the log of a consumer begins".clone_into(&mut self.what);
            }
            ConsumerEvent::Offered { document } => {
                self.kind = EventKind::Offer;
                self.document::<Offer>(&document, time, |row, offer| {
                    row.about(offer.provider.as_str());
                    row.product = Some(offer.product.to_string());
                    format!("{}, open until {}", shown(&offer.product), offer.expires_at)
                });
            }
            ConsumerEvent::Accepted { document } => {
                self.kind = EventKind::Acceptance;
                self.document::<Acceptance>(&document, time, |row, acceptance| {
                    row.about(acceptance.consumer.as_str());
                    row.contract = Some(*acceptance.contract.as_digest());
                    format!("offer {}", acceptance.offer.as_digest().to_short())
                });
            }
            ConsumerEvent::Requested { contract, document } => {
                self.kind = EventKind::Request;
                self.contract = Some(contract);
                self.document::<AccessRequest>(&document, time, |row, request| {
                    row.about(request.consumer.as_str());
                    row.action = Some(request.action.to_string());
                    row.purpose = Some(request.purpose.to_string());
                    format!("{} for {}", request.action, shown(&request.purpose))
                });
            }
            ConsumerEvent::Received(received) => self.received(&received),
            ConsumerEvent::Opening(access) => {
                self.access(access);
                self.kind = EventKind::Opening;
            }
        }
    }

    fn received(&mut self, received: &ReceivedRecord) {
        self.kind = EventKind::Answer;
        self.contract = Some(received.contract);
        let what = match &received.answer {
            ReceivedAnswer::Released { rows, bytes, is_whole, .. } => {
                let rows = if *rows > 0 { counted(*rows, "row") + ", " } else { String::new() };
                let end = if *is_whole { "" } else { ", not to the end" };
                format!("{rows}{}{end}", counted(*bytes, "byte"))
            }
            ReceivedAnswer::Denied { reasons } => {
                let reasons: Vec<_> = reasons.iter().map(|one| shown(one).to_string()).collect();
                format!("denied: {}", reasons.join("; "))
            }
            ReceivedAnswer::None { why } => format!("no decision: {}", shown(why)),
        };
        let evidence = match received.evidence {
            Some(_) => format!("; evidence/{}….cbor", received.request.to_short()),
            None => String::new(),
        };
        self.what = format!("{what}{evidence}");
        for complaint in &received.complaints {
            // Writing to a string does not fail.
            let _ = write!(self.what, "; COMPLAINT: {}", shown(complaint));
        }
    }

    fn document<T: Payload + Clone>(
        &mut self,
        bytes: &[u8],
        time: UnixMillis,
        words: impl FnOnce(&mut Self, &T) -> String,
    ) {
        // What a did:web signed is verified by keys that other records state.
        let is_by_others = Signed::<T>::from_bytes(bytes.to_vec()).is_ok_and(|signed| {
            signed.claimed_signers().any(|id| Did::of_key(id).is_ok_and(|did| !did.is_key()))
        });
        self.what = match content::<T>(bytes, (time, &DidKeys)) {
            Some(value) => words(self, &value),
            None if is_by_others => {
                "signed with keys that the log states; a replay verifies it".to_owned()
            }
            None => format!("a document of {} bytes that does not verify", bytes.len()),
        };
    }

    fn deletion(&mut self, bytes: &[u8], time: UnixMillis) {
        self.kind = EventKind::Deletion;
        self.document::<DeletionStatement>(bytes, time, |row, statement| {
            row.about(statement.consumer.as_str());
            let DeletionStatement { files, reason, deleted_at, .. } = statement;
            let files = files.len();
            format!("states that {files} sealed files open no more since {deleted_at}: {reason}")
        });
    }

    fn policies(&mut self, bytes: &[u8], time: UnixMillis) {
        self.kind = EventKind::Policies;
        self.document::<ProviderPolicies>(bytes, time, |row, policies| {
            row.about(policies.log.operator().as_str());
            let ids: Vec<_> = policies.cedar.split("@id(\"").skip(1).collect();
            let ids: Vec<_> = ids.iter().filter_map(|id| id.split('"').next()).collect();
            let version = policies.version;
            if ids.is_empty() {
                format!("version {version}: withdrawn")
            } else {
                format!("version {version}: {}", ids.join(", "))
            }
        });
    }

    fn stated(&mut self, bytes: &[u8], time: UnixMillis) {
        self.kind = EventKind::Statement;
        self.document::<Statement>(bytes, time, |row, statement| {
            row.about(statement.issuer.as_str());
            if let Subject::Contract(contract) = &statement.subject {
                row.contract = Some(*contract.as_digest());
            }
            let (kind, subject) = (&statement.kind, &statement.subject);
            let says = match &statement.value {
                None => "withdrawn".to_owned(),
                Some(value) => format!("{value}, {}", statement.validity),
            };
            shown(&format!("{kind} of {subject}: {says}")).to_string()
        });
    }

    fn keys(&mut self, bytes: &[u8], time: UnixMillis) {
        self.kind = EventKind::Keys;
        self.document::<KeyDocument>(bytes, time, |row, keys| {
            row.about(keys.subject.as_str());
            let (subject, count) = (short_did(keys.subject.as_str()), keys.keys.len());
            format!("keys of {subject}, version {}: {count}", keys.version)
        });
    }

    fn access(&mut self, access: AccessRecord) {
        self.kind = EventKind::Access;
        self.contract = Some(access.contract);
        let text = |name: &str| match access.facts.get(name) {
            Some(Fact::Text(text)) => Some(text.clone()),
            _ => None,
        };
        (self.action, self.product) = (text("action"), text("product"));
        self.purpose = text("purpose");
        if let Some(participant) = text("participant") {
            self.about(&participant);
        }
        let part = |part: &Option<String>| shown(part.as_deref().unwrap_or("?")).to_string();
        let asked =
            format!("{} {} for {}", part(&self.action), part(&self.product), part(&self.purpose));
        let facts = object! {
            "facts": json!(access.facts),
            "profile": access.profile,
            "program": access.program.to_string(),
            "request": access.request.to_string(),
        };
        let verdict = match access.verdict {
            Verdict::Permit { uses, duties } => {
                self.is_permit = Some(true);
                self.uses = Some(uses);
                let after = match duties.len() {
                    0 => String::new(),
                    1 => ", 1 duty".to_owned(),
                    duties => format!(", {duties} duties"),
                };
                self.what = format!("{asked}: use {uses}{after}");
                object! { "decision": "permit", "uses": uses, "duties": duties }
            }
            Verdict::Deny { reasons } => {
                self.is_permit = Some(false);
                let shown: Vec<_> =
                    reasons.iter().map(|reason| shown(reason).to_string()).collect();
                self.what = format!("{asked}: {}", shown.join("; "));
                object! { "decision": "deny", "reasons": reasons }
            }
        };
        self.facts = Some(object! { "verdict": verdict, "basis": facts });
    }

    fn released(&mut self, report: &ReleaseReport) {
        self.kind = EventKind::Release;
        self.contract = Some(report.contract);
        self.what = format!("of record {}: {}", report.access, report_words(report));
        let version = report.version.map(|version| match version {
            ContentVersion::Content(content) => object! { "content": content.to_string() },
            ContentVersion::Stamp(stamp) => object! { "stamp": stamp.to_string() },
        });
        let end = match report.end {
            ReleaseEnd::Whole => "whole",
            ReleaseEnd::Stopped => "stopped",
            ReleaseEnd::Failed => "failed",
            ReleaseEnd::Dropped => "dropped",
        };
        self.facts = Some(object! {
            "access": report.access.as_u64(),
            "end": end,
            "pieces": report.pieces,
            "rows": report.rows,
            "bytes": report.bytes,
            "content": report.content.to_string(),
            "version": version,
            "subjects": report.subjects,
        });
    }

    pub(crate) fn to_json(&self) -> Value {
        let participants: Vec<_> = self.participants.iter().map(String::as_str).collect();
        let mut value = object! {
            "record": self.index,
            "time": self.time.map(|time| time.to_string()),
            "event": self.kind.as_str(),
            "participants": participants,
            "what": self.what.as_str(),
        };
        if let Value::Object(fields) = &mut value {
            let texts = [
                ("contract", self.contract.map(|contract| contract.to_string())),
                ("action", self.action.clone()),
                ("product", self.product.clone()),
                ("purpose", self.purpose.clone()),
            ];
            for (name, text) in texts {
                fields.extend(text.map(|text| (name.to_owned(), Value::String(text))));
            }
            if let Some(Value::Object(more)) = &self.facts {
                fields.extend(more.clone());
            }
        }
        value
    }
}

/// `, 2 uses`, if they are counted.
fn uses_of(agreement: &Agreement) -> String {
    let uses = agreement.terms.uses_max();
    uses.map(|uses| format!(", {}", counted(uses.into(), "use"))).unwrap_or_default()
}

/// What a document says that its own signers signed. Whether they may say it, a replay tells.
pub(super) fn content<T: Payload + Clone>(
    bytes: &[u8],
    (time, resolver): (UnixMillis, &dyn Resolver),
) -> Option<T> {
    let signed = Signed::<T>::from_bytes(bytes.to_vec()).ok()?;
    let keys = claimed_keys(&signed, resolver).ok()?;
    Some(signed.verify(&keys, time).ok()?.value().clone())
}

/// `did:key:…SLVJe5sb`; whatever is no DID stays as it is.
pub(crate) fn short_did(did: &str) -> String {
    let rest = did.strip_prefix("did:key:");
    match rest.and_then(|rest| rest.get(rest.len().checked_sub(8)?..)) {
        Some(end) => format!("did:key:…{end}"),
        None => did.to_owned(),
    }
}
