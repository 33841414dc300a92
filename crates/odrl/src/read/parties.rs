//! What a document is about, wherever it says so: one product, one provider, one consumer.

use crate::at::At;
use crate::error::{OdrlErrorKind, Refused};
use crate::names::Term;
use crate::read::value;

/// The product and the parties that a document names; the same in every rule.
#[derive(Default)]
pub(crate) struct Parties<'a> {
    pub(crate) target: Option<&'a str>,
    pub(crate) assigner: Option<&'a str>,
    pub(crate) assignee: Option<&'a str>,
}

impl<'a> Parties<'a> {
    /// Reads a member that names one of them; `false` for any other member.
    pub(crate) fn read(&mut self, term: Term<'a>, at: At<'a>) -> Result<bool, Refused<'a>> {
        let (what, place) = match (term, term.odrl()) {
            (_, Some("target")) => ("target", &mut self.target),
            (_, Some("assigner")) | (Term::Dspace("providerId"), _) => {
                ("assigner", &mut self.assigner)
            }
            (_, Some("assignee")) | (Term::Dspace("consumerId"), _) => {
                ("assignee", &mut self.assignee)
            }
            _ => return Ok(false),
        };
        if at.is_null() {
            return Ok(true);
        }
        let id = identifier(value::single(at)?)?;
        match place.replace(id) {
            Some(before) if before != id => Err(at.error(OdrlErrorKind::Differs { what })),
            _ => Ok(true),
        }
    }
}

/// An identifier, or an object that has no more than an identifier and a type.
fn identifier(at: At<'_>) -> Result<&str, Refused<'_>> {
    if let Ok(id) = at.id() {
        return Ok(id);
    }
    let mut found = None;
    for (term, member) in at.members().map_err(|_| at.expected("an identifier"))? {
        match (term, term.odrl()) {
            (Term::Keyword("@id"), _) => {
                if found.replace(member.id()?).is_some() {
                    return Err(member.error(OdrlErrorKind::DuplicateMember));
                }
            }
            (Term::Keyword("@type"), _) => {
                let kind = member.kind().and_then(Term::odrl);
                if !matches!(kind, Some("Asset" | "Party")) {
                    return Err(member.error(OdrlErrorKind::UnknownType).because(
                        "a collection is not one product or party; name the product or party \
                         itself, or say by constraints who is meant",
                    ));
                }
            }
            (_, Some("refinement" | "source" | "partOf")) => {
                return Err(member.error(OdrlErrorKind::UnknownMember).because(
                    "a part of a collection is not one product or party; name the product or party \
                     itself, or say by constraints who is meant",
                ));
            }
            _ if crate::read::metadata::is_label(term) => {}
            _ => return Err(member.error(OdrlErrorKind::UnknownMember)),
        }
    }
    found.ok_or_else(|| at.missing("@id"))
}
