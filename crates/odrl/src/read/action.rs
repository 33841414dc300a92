//! Actions of rules, and of obligations.

use std::collections::BTreeSet;

use dataspace_policy::{Action, ClauseKind};

use crate::at::At;
use crate::error::{OdrlErrorKind, Refused, shown};
use crate::names::{Comparison, Term, action_term};
use crate::read::shape::Atomic;
use crate::read::value;

/// An action as it stands in a document.
pub(crate) struct Named<'a> {
    pub(crate) at: At<'a>,
    pub(crate) term: Term<'a>,
    text: &'a str,
}

impl<'a> Named<'a> {
    /// Reads `"use"`, `{"@id": "odrl:use"}`, `{"odrl:type": "USE"}` and
    /// `{"rdf:value": {"@id": "odrl:use"}}`.
    pub(crate) fn read(at: At<'a>) -> Result<Self, Refused<'a>> {
        let (outer, mut named, mut label, mut is_refined) = (at, None, None, false);
        if let Ok(text) = at.id() {
            named = Some((at, text));
        } else {
            for (term, member) in at.alone().members()? {
                match term {
                    _ if member.is_null() => {}
                    // The label of the node; another member may say which action it is.
                    Term::Keyword("@id") => label = Some(member),
                    Term::Keyword("@type")
                        if member.kind().and_then(Term::odrl) == Some("Action") => {}
                    Term::Rdf("value")
                    | Term::Odrl("type" | "action")
                    | Term::Plain("action")
                    | Term::Keyword("@type") => {
                        if named.replace((member, member.id()?)).is_some() {
                            return Err(member.error(OdrlErrorKind::DuplicateMember));
                        }
                    }
                    Term::Plain("refinement" | "constraint")
                    | Term::Odrl("refinement" | "constraint") => is_refined = true,
                    _ => return Err(member.error(OdrlErrorKind::UnknownMember)),
                }
            }
        }
        if let Some(at) = label {
            let text = at.id()?;
            // WHY: readers would differ in which of two actions they take.
            if named.is_some() && actions(at.names.term(text)).is_some() {
                return Err(at.error(OdrlErrorKind::DuplicateMember));
            }
            named = named.or(Some((at, text)));
        }
        let (at, text) = named.ok_or_else(|| at.missing("rdf:value"))?;
        let action = Self { at, term: at.names.term(text), text };
        if is_refined {
            let is_known = actions(action.term).is_some();
            let refined = outer.expected("an action by itself").because(
                "what refines an action belongs into the constraints of its rule; write it there",
            );
            return Err(if is_known { refined } else { action.refused() });
        }
        Ok(action)
    }

    /// Refuses it, with the reason if it is an action of ODRL.
    pub(crate) fn refused(&self) -> Refused<'a> {
        let refused = self.at.error(OdrlErrorKind::UnknownAction);
        let name = shown(self.text);
        let why = match self.term.odrl() {
            Some(
                "sell" | "give" | "lend" | "lease" | "license" | "transfer" | "grantUse"
                | "secondaryUse" | "commercialize" | "share" | "move",
            ) => {
                "is passing on in a way that nobody here can tell from another; permit or forbid \
                 `distribute`, or bind the consumer by the sentence of a `dataspace:heed`"
            }
            Some(
                "modify" | "anonymize" | "annotate" | "transform" | "translate" | "extract"
                | "index" | "digitize" | "textToSpeech" | "write" | "append" | "appendTo"
                | "include" | "copy" | "aggregate",
            ) => {
                "is a way of making something new that nobody here can tell from another; use \
                 `derive`, or bind the consumer by the sentence of a `dataspace:heed`"
            }
            Some(
                "print" | "present" | "reproduce" | "stream" | "execute" | "install" | "archive"
                | "concurrentUse" | "export" | "view" | "preview" | "uninstall"
                | "ensureExclusivity",
            ) => {
                "happens at the consumer, out of sight, and is not told from other uses; use \
                 `read`, `display` or `play`, or bind the consumer by the sentence of a \
                 `dataspace:heed`"
            }
            Some("compensate" | "pay") => {
                "cannot be carried out here; ask for the payment with the constraint \
                 `dataspace:payment eq paid`"
            }
            Some("watermark") => {
                "does not say how; use the obligation `dataspace:mark` with the method \
                 `dataspace:visible` or `dataspace:trace`"
            }
            Some("obtainConsent" | "acceptTracking" | "reviewPolicy" | "inform") => {
                "is a condition that no fact answers; have the authority certify it in a credential \
                 and ask for that, or bind the consumer by the sentence of a `dataspace:heed`"
            }
            _ => {
                "is not an action of ODRL that is known here; use one of use, read, derive, display, \
                 play, distribute, or an action of https://w3id.org/dataspace/terms/"
            }
        };
        refused.because(format!("{name} {why}"))
    }
}

/// The actions that a permission or prohibition of a term is about: `use` is every use (ODRL
/// Vocabulary §3.9). Who may access may read and no more; who must not may do nothing.
pub(crate) fn of_rule(term: Term<'_>, kind: ClauseKind) -> Option<Vec<Action>> {
    match (term, kind) {
        (Term::Plain("access") | Term::CatenaX("access"), ClauseKind::Prohibition) => {
            Some(Action::ALL.to_vec())
        }
        _ => actions(term),
    }
}

/// The actions that are permitted by a term.
fn actions(term: Term<'_>) -> Option<Vec<Action>> {
    match term {
        Term::Plain("use" | "USE") | Term::Odrl("use" | "USE") | Term::Ids("use" | "USE") => {
            return Some(Action::ALL.to_vec());
        }
        // WHY: it lets a participant see the offer; no more of what is behind it than needed.
        Term::Plain("access") | Term::CatenaX("access") => return Some(vec![Action::Read]),
        _ => {}
    }
    let found = Action::ALL.into_iter().find(|action| match Term::of(action_term(*action)) {
        Term::Odrl(name) => term.odrl() == Some(name),
        own => term == own,
    });
    found.map(|action| vec![action])
}

/// `use`, narrowed to some actions: the Dataspace Protocol has one action in a rule.
pub(crate) fn some<'a>(atomic: &Atomic<'a>) -> Result<BTreeSet<Action>, Refused<'a>> {
    let items = match atomic.comparison()? {
        Comparison::Eq => vec![value::single(atomic.right)?],
        Comparison::IsAnyOf => atomic.right.items(),
        _ => return Err(atomic.refused()),
    };
    let mut all = BTreeSet::new();
    for item in items {
        let name = value::name(item)?;
        let found = actions(Term::of(name.as_str()));
        all.extend(found.ok_or_else(|| item.error(OdrlErrorKind::UnknownAction))?);
    }
    Ok(all)
}
