//! What trusted parties state: a function of the statements that are recorded, whatever the order in which
//! they came.
//!
//! Of the statements of one issuer, one kind and one subject, the one with the greatest serial number is
//! kept, whether it says something or withdraws what was said. It counts while the profile trusts its
//! issuer for its kind, while it is valid, and while the keys that signed it are believed.

use dataspace_identity::{Did, credential::CLOCK_SKEW};
use dataspace_primitives::{Name, Signed, UnixMillis, Verified};
use dataspace_usage_contract::{
    Statement,
    statement::{About, Subject},
};

use crate::facts::{Stated, Vouched};
use crate::refusal::Refusal;
use crate::state::change::{Change, Kind};
use crate::state::contract::Contract;
use crate::state::in_force::SpaceState;

impl SpaceState {
    /// Checks that the issuer of a statement signed it.
    pub(super) fn verify_statement(
        &self,
        statement: Signed<Statement>,
        now: UnixMillis,
    ) -> Result<Verified<Statement>, Refusal> {
        Ok(Statement::verify(statement, self, now)?)
    }

    /// A statement that was verified.
    ///
    /// # Errors
    /// [`Refusal`] if it is for another space or node, of a kind for which the profile does not trust its
    /// issuer, or not newer than the one that is kept.
    pub fn check_stated(
        &self,
        statement: Verified<Statement>,
        now: UnixMillis,
    ) -> Result<Change, Refusal> {
        self.check_signers(statement.signers(), now)?;
        let value = statement.value();
        let Statement { space, log, issuer, subject, kind, serial, .. } = value;
        match log {
            Some(log) => self.check_place(space, log)?,
            None => self.check_space(space)?,
        }
        let rule = self.profile.profile().statements.get(kind);
        let rule = rule.ok_or_else(|| Refusal::UnknownKind { kind: kind.clone() })?;
        if rule.by.party(self.log.operator()) != issuer {
            return Err(Refusal::NotTrusted { issuer: issuer.clone(), kind: kind.clone() });
        }
        if subject.about() != rule.about {
            return Err(Refusal::OtherSubject { kind: kind.clone(), expected: rule.about });
        }
        // WHY: a number without a bound, under a key that was stolen, could never be followed by another.
        if *serial > now.checked_add(CLOCK_SKEW).unwrap_or(UnixMillis::MAX).as_millis() {
            return Err(Refusal::SerialAhead { found: *serial });
        }
        match self.statements.of(subject, (issuer, kind)) {
            Some(known)
                if known.statement == *value && self.are_believed(known.signers.iter(), now) =>
            {
                return Err(Refusal::AlreadyInForce);
            }
            // The same words under a key that is believed take the place of those under one that no longer is.
            Some(known) if known.statement == *value => {}
            Some(known) if known.statement.serial >= *serial => {
                let (issuer, kind) = (issuer.clone(), kind.clone());
                let (current, found) = (known.statement.serial, *serial);
                return Err(Refusal::OlderStatement { issuer, kind, current, found });
            }
            None if !self.statements.has_room(kind) => return Err(Refusal::TooManyStatements),
            _ => {}
        }
        Ok(Change(Kind::Stated(Box::new(statement))))
    }

    /// The serial number of what an issuer last stated of a subject in this kind, be it valid or not.
    #[must_use]
    pub fn last_serial(&self, subject: &Subject, of: (&Did, &Name)) -> Option<u64> {
        self.statements.of(subject, of).map(|known| known.statement.serial)
    }

    /// What trusted parties state about an access under a contract at `now`.
    #[must_use]
    pub fn vouched(&self, contract: &Contract, stated: &Stated<'_>, now: UnixMillis) -> Vouched {
        let mut vouched = Vouched::default();
        for (kind, rule) in &self.profile.profile().statements {
            let subject = match rule.about {
                About::Contract => Subject::Contract(contract.id()),
                About::Product => Subject::Product(contract.product().clone()),
                About::Member => Subject::Member(contract.consumer().clone()),
                About::Environment => {
                    let environment = stated.told.environment;
                    let Some(id) = environment.and_then(|one| one.id.parse().ok()) else {
                        continue;
                    };
                    Subject::Environment { of: contract.consumer().clone(), id }
                }
                About::Space => Subject::Space,
            };
            let issuer = rule.by.party(self.log.operator());
            let Some(known) = self.statements.of(&subject, (issuer, kind)) else { continue };
            let Statement { value, validity, .. } = &known.statement;
            if let Some(value) = value
                && validity.contains(now)
                && self.are_believed(known.signers.iter(), now)
            {
                vouched.add(kind, (value, now), known.place);
            }
        }
        vouched
    }
}
