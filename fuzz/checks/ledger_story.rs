//! What is tried next, at random: mostly what an honest node would write, sometimes what it must refuse.

use crate::dice::Dice;
use crate::ledger_documents::admission;
use crate::ledger_plain::{
    ACTIONS, About, Asked, Contract, Credential, Deletion, ELSEWHERE, Event, Flaw, LEAP, Log,
    METERED, PLAYS, PURPOSES, Policies, Product, Profile, Revocation, Space, Stated, TERMS, TEXTS,
    Termination, Tightened, Tried, Who, unit,
};
use crate::naive_ledger::Model;

/// Where a story stands.
pub(crate) struct Story<'d, 'b> {
    pub(crate) dice: &'d mut Dice<'b>,
    /// The clock, in units.
    at: u64,
    /// Where the clock stood before it leapt.
    before_leap: Option<u64>,
    /// Whether the clock leaps often.
    is_unsteady: bool,
    /// What comes next, in almost every story; the next one last.
    first: Vec<Event>,
}

impl<'d, 'b> Story<'d, 'b> {
    pub(crate) fn new(dice: &'d mut Dice<'b>) -> Self {
        let is_unsteady = dice.roll(4) == 0;
        let mut story = Self { dice, at: 10, before_leap: None, is_unsteady, first: Vec::new() };
        if story.once_in(10) {
            let one = story.revocation();
            story.first.push(Event::Revocation(one));
        }
        story.admit_all();
        for id in 0..3 {
            story.first.push(Event::Product(Product { id, class: id, descriptor: 0 }));
        }
        for product in 0..3 {
            let one = story.good_statement(0);
            story.first.push(Event::Stated(Stated { product, ..one }));
        }
        for consumer in [Who::Alice, Who::Bob] {
            let contract = story.good_contract(consumer);
            story.first.push(Event::Concluded { said: contract, contract });
        }
        story.first.reverse();
        story
    }

    fn admit_all(&mut self) {
        for who in [Who::Provider, Who::Alice, Who::Bob] {
            let one = self.good_credential(who);
            self.first.push(admission(one));
        }
    }

    /// Once in so many times.
    pub(crate) fn once_in(&mut self, times: usize) -> bool {
        self.dice.roll(times) == 0
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.dice.roll(of.len())]
    }

    /// Where it is, or rarely elsewhere.
    fn space(&mut self) -> Space {
        if self.once_in(24) { self.pick(&[Space::Sister, Space::Foreign]) } else { Space::Here }
    }

    fn log(&mut self) -> Log {
        if self.once_in(16) { self.pick(&[Log::Second, Log::Strangers]) } else { Log::Here }
    }

    /// Who should sign, or rarely somebody else.
    fn signer(&mut self, right: Who) -> Who {
        if self.once_in(24) { self.pick(&Who::ALL) } else { right }
    }

    pub(crate) fn profile(&mut self, version: u64) -> Tried {
        let less = Tightened {
            class: self.once_in(4),
            role: self.once_in(4),
            region: self.once_in(4),
            purpose: self.once_in(4),
            train: self.once_in(2),
            stated: self.once_in(4),
        };
        // The first one founds the space.
        let is_first = version == 1;
        let less = if is_first { Tightened::default() } else { less };
        let version = if self.once_in(16) { self.pick(&[0, 1, 2]) } else { version };
        let is_others = self.once_in(24) && !is_first;
        let space = if is_others { Space::Sister } else { Space::Here };
        let (signer, named) = (self.signer(Who::Authority), self.signer(Who::Authority));
        let profile = Profile { space, version, signer, named, less };
        let said = if self.once_in(24) { version + 1 } else { version };
        Tried {
            time: self.time(None),
            event: Event::Profile { said, profile },
            is_broken: self.once_in(40),
        }
    }

    fn good_credential(&mut self, subject: Who) -> Credential {
        Credential {
            space: Space::Here,
            signer: Who::Authority,
            subject,
            issued_at: unit(self.at),
            serial: 1,
            roles: self.pick(&[4, 4, 5]),
            region: self.pick(&[1, 1, 2]),
            from: unit(self.at - 8),
            until: unit(self.pick(&[30, 200, 2_000, 2_000]).max(self.at + 20)),
        }
    }

    fn credential(&mut self) -> Credential {
        let subject = self.pick(&[
            Who::Provider,
            Who::Provider,
            Who::Alice,
            Who::Alice,
            Who::Bob,
            Who::Stranger,
        ]);
        let mut one = self.good_credential(subject);
        (one.space, one.signer) = (self.space(), self.signer(Who::Authority));
        one.issued_at = unit(self.at + 1 - self.pick(&[0, 1, 1, 1, 2, 2, 3, 5, 9]));
        one.serial = self.pick(&[1, 1, 2, 3]);
        if self.once_in(16) {
            (one.roles, one.region) = (self.pick(&[0, 1, 2, 6]), self.pick(&[0, 1, 2]));
        }
        if self.once_in(4) {
            one.from = unit(self.at + 1 - self.pick(&[0, 1, 3]));
            one.until = one.from + unit(self.pick(&[1, 2, 4, 6])) - unit(0);
        }
        one
    }

    fn revocation(&mut self) -> Revocation {
        let back = self.pick(&[0, 1, 1, 2, 2, 3, 6]);
        Revocation {
            space: self.space(),
            signer: self.signer(Who::Authority),
            subject: self.pick(&[
                Who::Provider,
                Who::Alice,
                Who::Alice,
                Who::Bob,
                Who::Bob,
                Who::Stranger,
            ]),
            revoked_at: unit(self.at + 1 - back),
        }
    }

    fn product(&mut self) -> Product {
        let id = self.dice.roll(3);
        let class = if self.once_in(3) { self.dice.roll(3) } else { id };
        Product { id, class, descriptor: u8::from(self.once_in(8)) }
    }

    fn good_contract(&mut self, consumer: Who) -> Contract {
        let product = self.pick(&[0, 0, 1, 2]);
        Contract {
            space: Space::Here,
            log: Log::Here,
            provider: Who::Provider,
            consumer,
            product,
            class: product,
            terms: self.dice.roll(TERMS),
            from: unit(self.at - 4),
            until: unit(self.at + self.pick(&[40, 60, 2_000])),
            offer: u8::try_from(self.dice.roll(200)).expect("small"),
            flaw: Flaw::Nothing,
        }
    }

    fn contract(&mut self, model: &Model) -> (Contract, Contract) {
        let consumer = self.pick(&[Who::Alice, Who::Alice, Who::Bob, Who::Bob, Who::Stranger]);
        let mut one = self.good_contract(consumer);
        (one.space, one.log) = (self.space(), self.log());
        if (one.log == Log::Strangers) != self.once_in(24) {
            one.provider = Who::Stranger;
            one.consumer = Who::Alice;
        }
        if self.once_in(12) {
            one.class = self.dice.roll(3);
        }
        if self.once_in(6) {
            one.from = unit(self.at - 1 + self.pick(&[0, 1, 2, 3]));
            one.until = one.from + unit(self.pick(&[1, 3, 6])) - unit(0);
        }
        if self.once_in(16) {
            one.flaw = self.pick(&[Flaw::Text, Flaw::Parties]);
        }
        if one.terms == ELSEWHERE && one.flaw == Flaw::Text {
            one.flaw = Flaw::Nothing;
        }
        let known = model.contracts();
        if self.once_in(6) && !known.is_empty() {
            // The same offer once more: by the other, or with something changed.
            let (_, _, known) = self.pick(&known);
            one.offer = known.offer;
        }
        let said = Contract { offer: one.offer ^ u8::from(self.once_in(24)), ..one };
        (said, one)
    }

    fn termination(&mut self, model: &Model) -> (Contract, Termination) {
        let known = model.contracts();
        let contract = if known.is_empty() || self.once_in(8) {
            self.contract(model).1
        } else {
            self.pick(&known).2
        };
        let by = self.pick(&[contract.provider, contract.consumer]);
        let by = if self.once_in(12) { Who::Stranger } else { by };
        let signer =
            if self.once_in(8) { self.pick(&[contract.provider, Who::Stranger]) } else { by };
        let said = Contract { offer: contract.offer ^ u8::from(self.once_in(24)), ..contract };
        (said, Termination { contract, by, signer })
    }

    /// Mostly by the consumer of a contract that has none.
    fn deletion(&mut self, model: &Model) -> (Contract, Deletion) {
        let (said, Termination { contract, .. }) = self.termination(model);
        let by = if self.once_in(8) { contract.provider } else { contract.consumer };
        let signer = self.signer(contract.consumer);
        let log = if self.once_in(12) { Log::Second } else { Log::Here };
        let time = unit(self.at);
        let deleted_at = self.pick(&[time, time, time, time, time + 60_000, time + 60_001, 0]);
        (said, Deletion { contract, log, by, signer, deleted_at })
    }

    fn policies(&mut self, model: &Model) -> Policies {
        let next = model.own().map_or(0, |own| own.version) + 1;
        Policies {
            space: self.space(),
            log: if self.once_in(24) { Log::Second } else { Log::Here },
            signer: self.signer(Who::Provider),
            version: if self.once_in(8) { self.pick(&[0, 1, 2, next + 1]) } else { next },
            text: self.dice.roll(TEXTS),
        }
    }

    /// By whom the first profile trusts, about what it should be.
    fn good_statement(&mut self, kind: usize) -> Stated {
        let is_first = kind == 0;
        let issuer = if is_first { Who::Bob } else { Who::Provider };
        Stated {
            space: Space::Here,
            log: Some(Log::Here),
            issuer,
            signer: issuer,
            kind,
            about: if is_first { About::Product } else { About::Member },
            product: self.dice.roll(3),
            member: self.pick(&[Who::Alice, Who::Bob]),
            says: Some(true),
            serial: 1,
            from: unit(self.at - 8),
            until: unit(self.pick(&[200, 2_000, 2_000]).max(self.at + 20)),
        }
    }

    fn statement(&mut self) -> Stated {
        let kind = if self.once_in(12) { 2 } else { self.dice.roll(2) };
        let mut one = self.good_statement(kind);
        one.space = self.space();
        one.log = if self.once_in(8) { None } else { Some(self.log()) };
        if self.once_in(12) {
            one.issuer = self.pick(&Who::ALL);
            one.signer = one.issuer;
        }
        one.signer = self.signer(one.signer);
        if self.once_in(12) {
            one.about = self.pick(&[About::Product, About::Member, About::Space]);
        }
        one.says = self.pick(&[Some(true), Some(true), Some(false), None]);
        one.serial = self.pick(&[1, 2, 3, 4, 5, 9]);
        if self.once_in(4) {
            one.from = unit(self.at + 1 - self.pick(&[0, 1, 3]));
            one.until = one.from + unit(self.pick(&[1, 2, 4, 6])) - unit(0);
        }
        one
    }

    fn denials(&mut self) -> Event {
        let consumer = self.pick(&[Who::Alice, Who::Bob, Who::Stranger]);
        let (from, until) = (unit(self.at - 1), unit(self.at - self.pick(&[0, 1, 1, 2])));
        Event::Denials { consumer, from, until, count: self.pick(&[0, 1, 2, 7]) }
    }

    /// The report of a release: mostly of one that has none.
    fn released(&mut self, model: &Model) -> Event {
        let waiting = model.waiting();
        let is_any = waiting.is_empty() || self.once_in(6);
        let access =
            if is_any { self.dice.roll(model.past.len() + 2) } else { self.pick(&waiting) };
        let contract = match model.past.get(access) {
            Some((_, Event::Access { asked, .. })) if !self.once_in(8) => asked.contract,
            _ if self.once_in(3) || model.contracts().is_empty() => self.contract(model).1,
            _ => self.pick(&model.contracts()).2,
        };
        Event::Released { access, contract, is_possible: !self.once_in(12) }
    }

    /// The time by the clock; at the boundaries of documents, and just before them. Given a model, not
    /// before what its log says, or seldom.
    fn time(&mut self, model: Option<&Model>) -> u64 {
        let early = self.pick(&[0, 0, 0, 1, 60_000, 60_001]);
        let time = unit(self.at) - early;
        match model {
            Some(model) if !self.once_in(20) => time.max(model.latest()),
            _ => time,
        }
    }

    fn set_back(&mut self, model: &Model) -> Tried {
        let last = self.at - 1;
        let before = self.before_leap.take().unwrap_or(last);
        // All the way, or a little.
        let to = self.pick(&[before, before, before, before - 1, before - 2, last]);
        let from = model.latest() - self.pick(&[0, 0, 0, 0, 0, 0, 0, 1]);
        let time = unit(to) + self.pick(&[0, 0, 1]) - self.pick(&[0, 0, 60_000, 60_001]);
        if time < from {
            self.at = to + 1;
            match self.dice.roll(3) {
                0 => {}
                1 => self.admit_all(),
                _ => {
                    // What was good before the leap, or was of the leap.
                    let again = [self.again(model), self.again(model), self.again(model)];
                    self.first
                        .extend(again.iter().filter(|one| matches!(one, Event::Admission(..))));
                }
            }
        }
        Tried { time, event: Event::SetBack { from }, is_broken: false }
    }

    /// The next event that is no access; `None` if it is an access.
    pub(crate) fn change(&mut self, model: &Model) -> Option<Tried> {
        if let Some(event) = self.first.pop()
            && !self.once_in(24)
        {
            return Some(Tried {
                time: self.time(Some(model)),
                event,
                is_broken: self.once_in(60),
            });
        }
        self.at += self.pick(&[0, 0, 0, 0, 1, 1, 1, 2]);
        let is_back = self.once_in(if self.before_leap.is_some() { 4 } else { 80 });
        if is_back {
            return Some(self.set_back(model));
        }
        if self.before_leap.is_none() && self.once_in(if self.is_unsteady { 6 } else { 60 }) {
            self.before_leap = Some(self.at);
            // Far, to where some memberships end, or not far.
            let to =
                self.pick(&[self.at + LEAP, 200, 2_000, self.at + 2, self.at + 4, self.at + 12]);
            self.at = to.max(self.at + 1);
            if self.is_unsteady {
                let who = self.pick(&[Who::Provider, Who::Alice, Who::Bob]);
                let one = self.good_credential(who);
                self.first.push(admission(one));
            }
        }
        let event = match self.dice.roll(64) {
            0..5 => {
                let one = self.credential();
                admission(one)
            }
            5..7 => Event::Revocation(self.revocation()),
            7..9 => Event::Product(self.product()),
            9..15 => {
                let (said, contract) = self.contract(model);
                Event::Concluded { said, contract }
            }
            15..17 => {
                let (said, termination) = self.termination(model);
                Event::Terminated { said, termination }
            }
            17 => {
                let tried = self.profile(model.profile().version + 1);
                return Some(Tried { time: self.time(Some(model)), ..tried });
            }
            18 => Event::Policies(self.policies(model)),
            19 => self.pick(&[Event::Opened, Event::Archived]),
            20 => self.denials(),
            21 => self.again(model),
            22..25 => self.released(model),
            25..29 => Event::Stated(self.statement()),
            29 => {
                let (said, deletion) = self.deletion(model);
                Event::Deleted { said, deletion }
            }
            _ => return None,
        };
        let has_document = !matches!(
            event,
            Event::Product(_)
                | Event::Opened
                | Event::Archived
                | Event::Denials { .. }
                | Event::Released { .. }
        );
        let is_broken = has_document && self.once_in(40);
        Some(Tried { time: self.time(Some(model)), event, is_broken })
    }

    /// What was accepted before.
    fn again(&mut self, model: &Model) -> Event {
        let place = self.dice.roll(model.past.len());
        match model.past[place].1 {
            Event::SetBack { .. } | Event::Access { .. } => Event::Opened,
            other => other,
        }
    }

    /// An access under one of the contracts, and its time.
    pub(crate) fn access(&mut self, model: &Model) -> Option<(Asked, u64)> {
        let known = model.contracts();
        if known.is_empty() {
            return None;
        }
        // Mostly one that nobody has ended.
        let mut live = known.clone();
        live.retain(|(_, _, one)| {
            let is_over = one.until <= unit(self.at);
            !is_over && !model.is_terminated(one) && !model.ended_by_clock(one)
        });
        let is_any = live.is_empty() || self.once_in(6);
        let (_, _, contract) = if is_any { self.pick(&known) } else { self.pick(&live) };
        let action = if self.once_in(6) { self.dice.one(&ACTIONS) } else { "read" };
        let purpose = if self.once_in(6) { self.dice.one(&PURPOSES) } else { "research" };
        let recipient = self.pick(&[None, Some(1), Some(1), Some(2)]);
        let is_recording = matches!(contract.terms, PLAYS | METERED);
        let action = if is_recording && !self.once_in(4) { "play" } else { action };
        let stretch = (is_recording && !self.once_in(6)).then(|| {
            let from = self.pick(&[0, 0, 10, 29, 30, 31, 60, 60, 90]);
            (from, from + self.pick(&[1, 2, 20, 30, 30, 31]))
        });
        let asked = Asked { contract, action, purpose, recipient, stretch };
        let time = unit(self.at) - self.pick(&[0, 0, 0, 1, 60_000]);
        let time = if self.once_in(20) { time } else { time.max(model.last_change()) };
        Some((asked, time))
    }
}
