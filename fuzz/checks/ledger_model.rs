//! The ledger beside a naive model, on random sequences of events: the same changes are accepted and
//! refused for the same reasons, the same members and contracts are in force, accesses are decided alike on
//! the same facts and counts, a replay of the log finds nothing, and of a forged log it finds what was forged.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use dataspace_ledger::facts::{self, Stated};
use dataspace_ledger::{
    DenialReason, Refusal, SpaceState,
    state::{Case, Contract as Row, Document, Member, Releases, ReportError, Taken},
    times::{TimeError, Times},
};
use dataspace_policy::{
    Action, Uses,
    facts::{Metered, Told},
};
use dataspace_primitives::{Digest, Part, UnixMillis};
use dataspace_tlog::{AccessRecord, Event as Logged, LeafIndex, Record, Verdict};
use dataspace_usage_contract::{ContractId, meter::Use};

use crate::dice::Dice;
use crate::ledger_documents::{
    concluded, descriptor, did, log, millis, name, offer, record, region,
};
use crate::ledger_forged;
use crate::ledger_plain::{
    Asked, CLASSES, Contract, Event, LEAP, Log, PLAYS, PRODUCTS, Tried, UNIT, Who,
};
use crate::ledger_story::Story;
use crate::naive_ledger::Model;

/// What was tried, and what came of it.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) sequences: u64,
    pub(crate) changes: u64,
    pub(crate) accepted: u64,
    pub(crate) accesses: u64,
    pub(crate) permits: u64,
    /// Forged records, by what a replay found.
    pub(crate) forged: BTreeMap<&'static str, u64>,
    /// Changes that were refused, and decisions that a node cannot have made.
    pub(crate) refused: BTreeMap<String, u64>,
    /// Reasons for denials.
    pub(crate) reasons: BTreeMap<&'static str, u64>,
}

pub(crate) fn check(bytes: &[u8]) {
    check_one(&mut Dice::new(bytes), &mut Counts::default());
}

/// One sequence of 10 to 40 events.
pub(crate) fn check_one(dice: &mut Dice<'_>, counts: &mut Counts) {
    counts.sequences += 1;
    let events = 10 + dice.roll(31);
    let mut story = Story::new(dice);
    let mut run = Run::begin(&mut story, counts);
    for _ in 0..events {
        if let Some(tried) = story.change(&run.model) {
            run.change(&mut story, &tried, counts);
        } else if let Some((asked, now)) = story.access(&run.model) {
            run.access(&mut story, (&asked, now), counts);
        }
    }
    ledger_forged::replays_honest(&run.records);
    if let Some(found) = ledger_forged::finds_forged(story.dice, &run.records) {
        *counts.forged.entry(found).or_default() += 1;
    }
}

/// The name of a refusal: with that of the error inside, where that is one of documents.
fn told(refusal: &Refusal) -> String {
    let text = format!("{refusal:?}");
    let names: Vec<_> = text.split(|char: char| !char.is_ascii_alphanumeric()).collect();
    match names[..] {
        [
            first @ ("Profile" | "Credential" | "Revocation" | "Policies" | "Agree" | "Termination"
            | "Statement" | "Deletion"),
            second,
            ..,
        ] => {
            format!("{first}/{second}")
        }
        [first, ..] => first.to_owned(),
        [] => text,
    }
}

/// Asserts that a refusal is one of those that the model gives, or that there is none in both.
fn assert_told<T>(
    found: &Result<T, Refusal>,
    names: &[&str],
    counts: &mut Counts,
    what: &dyn Fn() -> String,
) {
    match found {
        Ok(_) => assert!(names.is_empty(), "accepted in spite of {names:?}: {}", what()),
        Err(refusal) => {
            let told = told(refusal);
            assert!(names.contains(&told.as_str()), "{told} in place of {names:?}: {}", what());
            *counts.refused.entry(told).or_default() += 1;
        }
    }
}

fn sorted(mut codes: Vec<&'static str>) -> Vec<&'static str> {
    codes.sort_unstable();
    codes
}

fn codes(reasons: &[DenialReason]) -> Vec<&'static str> {
    reasons.iter().map(DenialReason::code).collect()
}

fn id(contract: &Contract) -> ContractId {
    ContractId::from_digest(concluded(*contract).id)
}

/// Both sides after the same events.
struct Run {
    model: Model,
    state: SpaceState,
    times: Times,
    releases: Releases,
    documents: Vec<(Contract, Arc<Document>)>,
    records: Vec<Record>,
    /// Counts as whoever reads a log, not as a node that decides.
    is_read: bool,
}

impl Run {
    fn begin(story: &mut Story<'_, '_>, counts: &mut Counts) -> Self {
        loop {
            let mut tried = story.profile(1);
            if story.once_in(24) {
                tried.event = Event::Opened;
            }
            let (first, expected) = (record(&tried), Model::begins(&tried));
            let begun = SpaceState::begin(first.clone(), did(Who::Authority), log(Log::Here));
            assert_told(&begun, expected.names(), counts, &|| format!("{tried:?}"));
            let Ok(state) = begun else { continue };
            let (mut model, mut times) = (Model::default(), Times::after(UnixMillis::MIN));
            model.take(tried.time, tried.event);
            times.take(&first).expect("the first time");
            let mut releases = Releases::default();
            releases.take(LeafIndex::default(), &Taken::Nothing, &state).expect("no report");
            let (documents, records, is_read) = (Vec::new(), vec![first], story.once_in(2));
            return Self { model, state, times, releases, documents, records, is_read };
        }
    }

    fn row(&self, contract: &Contract) -> &Arc<Row> {
        self.state.contract(id(contract)).expect("a contract that was concluded")
    }

    /// Whether a record is in time, on both sides.
    fn is_in_time(&self, record: &Record, event: &Event) -> Option<Times> {
        let mut times = self.times;
        let found = times.take(record).map_err(|error| match error {
            TimeError::Before { .. } => "Before",
            TimeError::SetBack { .. } => "SetBack",
            _ => "another error",
        });
        let expected = self.model.refuses_time(record.time.as_millis(), event);
        assert_eq!(found.err(), expected, "{record:?}");
        found.ok().map(|()| times)
    }

    fn change(&mut self, story: &mut Story<'_, '_>, tried: &Tried, counts: &mut Counts) {
        counts.changes += 1;
        let record = record(tried);
        let checked = self.state.check(record.clone());
        let checked = checked.and_then(|taken| self.check_rivals(taken, millis(tried.time)));
        let expected = self.model.refuses(tried);
        let what = || format!("{tried:?} after {:#?}", self.model.past);
        assert_told(&checked, expected.names(), counts, &what);
        let times = self.is_in_time(&record, &tried.event);
        let (Ok(taken), Some(times)) = (checked, times) else { return };
        let expected = match tried.event {
            Event::Released { access, contract, is_possible } => {
                self.model.refuses_report(access, &contract, is_possible)
            }
            _ => None,
        };
        let reported = self.releases_after(&taken);
        let found = reported.as_ref().map_err(|error| match error {
            ReportError::NoPermit { .. } => "NoPermit",
            ReportError::Again { .. } => "Again",
            ReportError::OtherContract { .. } => "OtherContract",
            ReportError::Impossible => "Impossible",
            _ => "another error",
        });
        assert_eq!(found.err(), expected, "{}", what());
        if let Some(name) = expected {
            *counts.refused.entry(format!("Report/{name}")).or_default() += 1;
            return;
        }
        self.releases = reported.unwrap_or_default();
        counts.accepted += 1;
        if let Taken::Change(change) = taken {
            assert_eq!(change.to_event(), record.event);
            if let (Event::Concluded { contract, .. }, Some(document)) =
                (tried.event, change.document())
            {
                self.documents.push((contract, Arc::clone(document)));
            }
            self.state.apply(*change, LeafIndex::new(self.records.len() as u64));
        }
        self.times = times;
        self.records.push(record);
        self.model.take(tried.time, tried.event);
        for now in [tried.time, tried.time + UNIT, tried.time + LEAP * UNIT] {
            self.assert_same(now, story.dice.roll(self.records.len() + 1));
        }
    }

    /// Compares an exclusive contract with every contract in force, as a node and a replay do.
    fn check_rivals(&self, taken: Taken, now: UnixMillis) -> Result<Taken, Refusal> {
        if let Taken::Change(change) = &taken
            && let Some(document) = change.document()
        {
            let agreement = document.agreement().value();
            for rival in self.state.rivals(agreement) {
                let found = self.documents.iter().find(|(one, _)| id(one) == rival.id());
                let (_, found) = found.expect("the contract's document");
                SpaceState::check_rival(agreement, found, now)?;
            }
        }
        Ok(taken)
    }

    /// What is known of releases after the next record.
    fn releases_after(&self, taken: &Taken) -> Result<Releases, ReportError> {
        let mut releases = self.releases.clone();
        releases.take(LeafIndex::new(self.records.len() as u64), taken, &self.state)?;
        Ok(releases)
    }

    /// All that is in force at a time, and who was a member before a record.
    fn assert_same(&self, now: u64, place: usize) {
        let (model, state, at) = (&self.model, &self.state, millis(now));
        assert_eq!(state.profile().profile().version, model.profile().version);
        let own = state.own().map(|own| own.statement().version);
        assert_eq!(own, model.own().map(|own| own.version));
        for who in Who::ALL {
            let what = || format!("{who:?} at {now}, before {place}: {:#?}", model.past);
            let member = state.member(did(who)).map(AsRef::as_ref);
            assert_eq!(member.is_some(), model.admitted(who).is_some(), "{}", what());
            let is_member = member.is_some_and(|member| member.is_member_at(at));
            assert_eq!(is_member, model.is_member(who, now), "{}", what());
            let before = |member: &Member| {
                let admitted = member.credential_at(LeafIndex::new(place as u64));
                let one = admitted.map(dataspace_identity::Admitted::credential);
                one.map(|one| (one.issued_at.as_millis(), one.serial, one.roles.len()))
            };
            let expected = model
                .admitted_before(who, place)
                .map(|one| (one.issued_at, one.serial, one.roles.count_ones() as usize));
            assert_eq!(member.and_then(before), expected, "{}", what());
        }
        for (id, product) in PRODUCTS.iter().enumerate() {
            let known = state.product(&name(product)).ok();
            let known = known.map(|known| (known.class.as_str(), known.descriptor));
            let expected = model.product(id).map(|one| (CLASSES[one.class], descriptor(one)));
            assert_eq!(known, expected, "{product}");
        }
        let waiting = model.waiting();
        let first = waiting.first().map(|place| LeafIndex::new(*place as u64));
        assert_eq!(self.releases.waiting(), (waiting.len() as u64, first));
        let contracts = model.contracts();
        assert_eq!(state.contracts().len(), contracts.len());
        for (place, time, contract) in contracts {
            let row = self.row(&contract);
            assert_eq!(
                (row.index(), row.agreed_at()),
                (LeafIndex::new(place as u64), millis(time))
            );
            assert_eq!((row.limit(), row.offer()), (Model::limit(&contract), offer(&contract)));
            assert_eq!(
                (row.consumer(), row.product()),
                (did(contract.consumer), &name(PRODUCTS[contract.product]))
            );
            assert_eq!(state.termination(row.id()).is_some(), model.is_terminated(&contract));
            assert_eq!(state.deletion(row.id()).is_some(), model.is_deleted(&contract));
            assert_eq!(
                state.is_ended_by_clock(row),
                model.ended_by_clock(&contract),
                "{contract:?}"
            );
            let uses = row.uses_at(at, &Use::new(Action::Read, None));
            assert_eq!(four(uses), model.uses(&contract, now), "{contract:?} at {now}");
            let plays = model.plays(&contract, None);
            let expected = Metered {
                plays: plays.map(|(plays, _)| plays),
                played_until: plays.and_then(|(_, until)| until),
                seconds: model.seconds(&contract, None),
            };
            assert_eq!(row.metered(), expected, "{contract:?} at {now}");
        }
    }

    /// One access, decided by both, and recorded if an honest node would.
    fn access(
        &mut self,
        story: &mut Story<'_, '_>,
        (asked, now): (&Asked, u64),
        counts: &mut Counts,
    ) {
        counts.accesses += 1;
        let (contract, at) = (Arc::clone(self.row(&asked.contract)), millis(now));
        let one = Use::new(action(asked), stretch(asked).as_ref());
        let (uses, decided) = (contract.uses_at(at, &one), self.model.decide(asked, now));
        let mut access = self.decide(&contract, (asked, now), uses, counts);
        if let Some(request) = self.forgotten_request()
            && story.once_in(3)
        {
            access.request = request;
        }
        counts.permits += u64::from(decided.is_permit());
        for code in decided.standing.iter().chain(&decided.policy) {
            *counts.reasons.entry(code).or_default() += 1;
        }
        if story.once_in(4) {
            self.refuses_impossible(story, &access, asked, counts);
        }
        let event = Event::Access { asked: *asked, is_permitted: decided.is_permit() };
        let record = Record::new(at, Logged::Access(access.clone()));
        let Some(times) = self.is_in_time(&record, &event) else { return };
        let takes = decided.is_permit();
        let is_late = takes && self.model.is_late(&asked.contract, now);
        if !self.is_read {
            let others = [
                Uses { contract: uses.contract + 1, ..uses },
                Uses { consumer: uses.consumer + 1, ..uses },
                Uses { today: uses.today + 1, ..uses },
                Uses { metered: Metered { plays: Some(99), ..uses.metered }, ..uses },
                Uses { metered: Metered { seconds: Some(9_999), ..uses.metered }, ..uses },
            ];
            let other = others[story.dice.roll(others.len())];
            assert!(
                contract.submit(other, (takes, &one, at), || ()).is_none(),
                "decided on other counts"
            );
            let is_submitted = contract.submit(uses, (takes, &one, at), || ()).is_some();
            assert_eq!(is_submitted, !is_late, "{asked:?} at {now}");
        }
        // A node dates it anew.
        if is_late {
            return;
        }
        if self.is_read {
            let counted = self.state.count(&access, at);
            assert!(counted.is_ok(), "{counted:?}: {asked:?} at {now}");
        }
        let releases = self.releases_after(&Taken::Access(Box::new(access)));
        self.releases = releases.expect("a decision is no report");
        self.times = times;
        self.records.push(record);
        self.model.take(now, event);
        self.assert_same(now, story.dice.roll(self.records.len() + 1));
    }

    /// Decides by the ledger, holds all of it against the model, and gives what is recorded.
    fn decide(
        &self,
        contract: &Row,
        (asked, now): (&Asked, u64),
        uses: Uses,
        counts: &Counts,
    ) -> AccessRecord {
        let (consumer, purpose) = (did(asked.contract.consumer), name(asked.purpose));
        let what = || format!("{asked:?} at {now} after {:#?}", self.model.past);
        assert_eq!(four(uses), self.model.uses(&asked.contract, now), "{}", what());
        let stated = Stated {
            action: action(asked),
            access: Use::new(action(asked), stretch(asked).as_ref()),
            purpose: Cow::Borrowed(&purpose),
            person: None,
            told: Told { recipient_region: asked.recipient.map(region), ..Told::default() },
            uses,
        };
        let document = self.documents.iter().find(|(one, _)| *one == asked.contract);
        let vouched = self.state.vouched(contract, &stated, millis(now));
        let case = Case {
            contract,
            document: document.map(|(_, document)| document).expect("the contract's document"),
            member: self.state.member(consumer).expect("who concluded is known"),
            stated: &stated,
            vouched: &vouched,
            now: millis(now),
        };
        let facts = self.state.facts(&case);
        let recorded = facts::recorded(&facts, &vouched);
        assert_eq!(recorded, self.model.facts(asked, now, consumer.as_str()), "{}", what());

        let expected = self.model.decide(asked, now);
        let standing = codes(&self.state.standing(&case));
        assert_eq!(sorted(standing.clone()), sorted(expected.standing.clone()), "{}", what());
        let verdict = match self.state.judge(&case, &facts) {
            Ok(clauses) => {
                assert!(expected.is_permit(), "permitted in spite of {expected:?}: {}", what());
                assert_eq!(clauses, expected.clauses, "{}", what());
                let duties =
                    if asked.contract.terms == 9 { vec!["duty-1".to_owned()] } else { Vec::new() };
                Verdict::Permit { uses: uses.contract + 1, duties }
            }
            Err(reasons) => {
                // The reasons of standing come first.
                let all = [standing, expected.policy.clone()].concat();
                assert_eq!(codes(&reasons), all, "{}", what());
                assert!(!reasons.is_empty() && !expected.is_permit(), "{}", what());
                Verdict::Deny { reasons: reasons.iter().map(DenialReason::recorded).collect() }
            }
        };
        let concluded = concluded(asked.contract);
        AccessRecord {
            contract: concluded.id,
            program: concluded.program,
            profile: self.model.profile().version,
            request: Digest::of(&counts.accesses.to_be_bytes()),
            part: stretch(asked),
            facts: recorded,
            verdict,
        }
    }

    /// A request that was decided before the clock was set back, and not since: a node may decide on it
    /// again, since its contract has ended.
    fn forgotten_request(&self) -> Option<Digest> {
        let is_set_back = |record: &Record| matches!(record.event, Logged::ClockSetBack { .. });
        let place = self.records.iter().rposition(is_set_back)?;
        let requests = |records: &[Record]| {
            let all = records.iter().filter_map(|record| match &record.event {
                Logged::Access(access) => Some(access.request),
                _ => None,
            });
            all.collect::<Vec<_>>()
        };
        let (before, since) = self.records.split_at(place);
        let since = requests(since);
        requests(before).into_iter().find(|one| !since.contains(one))
    }

    /// A decision that its own node cannot have made is not counted.
    fn refuses_impossible(
        &self,
        story: &mut Story<'_, '_>,
        access: &AccessRecord,
        asked: &Asked,
        counts: &mut Counts,
    ) {
        let mut forged = access.clone();
        let limit = Model::limit(&asked.contract);
        let permit = |uses| Verdict::Permit { uses, duties: Vec::new() };
        let is_over =
            self.model.is_terminated(&asked.contract) || self.model.ended_by_clock(&asked.contract);
        let mut name = "Decision";
        match story.dice.roll(5) {
            0 => forged.program = Digest::of(b"other"),
            1 => {
                forged.profile += 1;
                forged.verdict = permit(1);
            }
            2 => forged.verdict = permit(0),
            3 => {
                forged.contract = Digest::of(b"other");
                name = "UnknownContract";
            }
            _ if is_over => forged.verdict = permit(1),
            _ if asked.contract.terms == PLAYS => {
                forged.facts.remove("plays");
                forged.verdict = permit(1);
            }
            _ => match limit {
                Some(limit) => forged.verdict = permit(limit + 1),
                None => forged.verdict = permit(0),
            },
        }
        let counted = self.state.count(&forged, millis(self.model.latest()));
        assert_told(&counted, &[name], counts, &|| format!("{forged:?}"));
    }
}

fn action(asked: &Asked) -> Action {
    asked.action.parse().expect("an action")
}

fn stretch(asked: &Asked) -> Option<Part> {
    asked.stretch.map(|(from, until)| Part::seconds(from, until).expect("not empty"))
}

fn four(uses: Uses) -> [u64; 4] {
    [uses.contract, uses.consumer, uses.today, uses.this_month]
}
