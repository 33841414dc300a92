//! What a document is about, wherever it says so: one product, one provider, one consumer.

use super::at::At;
use super::error::{OdrlErrorKind, Refused};
use super::names::Term;
use super::value;

/// The product and the parties that a document names; the same in every rule.
#[derive(Default)]
pub(super) struct Parties<'a> {
    pub(super) target: Option<&'a str>,
    pub(super) assigner: Option<&'a str>,
    pub(super) assignee: Option<&'a str>,
}

impl<'a> Parties<'a> {
    /// Reads a member that names one of them; `false` for any other member.
    pub(super) fn read(&mut self, term: Term<'a>, at: At<'a>) -> Result<bool, Refused<'a>> {
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
            _ if super::metadata::is_label(term) => {}
            _ => return Err(member.error(OdrlErrorKind::UnknownMember)),
        }
    }
    found.ok_or_else(|| at.missing("@id"))
}
