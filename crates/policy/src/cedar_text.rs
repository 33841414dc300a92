//! Terms to Cedar text: one policy for each permission and prohibition, readable, with the
//! clause's id.

use std::fmt::{self, Write as _};

use dataspace_primitives::Name;

use crate::clause::ClauseKind;
use crate::terms::{Constraint, InvalidTerms, Rule, Terms};

/// Whom and what a contract is about: its policies apply to nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// The consumer's DID.
    pub consumer: String,
    /// The product's identifier.
    pub product: Name,
}

impl Terms {
    /// The Cedar text that both parties sign beside the terms, and that decides.
    ///
    /// The same terms and scope always give the same text.
    ///
    /// # Errors
    /// [`InvalidTerms`] if the terms must not be signed.
    pub fn to_cedar(&self, scope: &Scope) -> Result<String, InvalidTerms> {
        self.check()?;
        let mut text = String::new();
        for (id, rule) in self.rules() {
            // Writing to a `String` does not fail.
            let _infallible = policy(&mut text, id.kind, &id.to_string(), rule, scope);
        }
        Ok(text)
    }
}

fn policy(
    text: &mut String,
    kind: ClauseKind,
    id: &str,
    rule: &Rule,
    scope: &Scope,
) -> fmt::Result {
    if !text.is_empty() {
        text.push('\n');
    }
    let effect = if kind == ClauseKind::Prohibition { "forbid" } else { "permit" };
    // WHY: `{:?}` of a `str` writes exactly the escapes that Cedar reads (both follow Rust).
    writeln!(text, "@id({id:?})\n{effect} (")?;
    writeln!(text, "  principal == Dataspace::Participant::{:?},", scope.consumer)?;
    let actions: Vec<_> =
        rule.actions.iter().map(|a| format!("Dataspace::Action::\"{a}\"")).collect();
    writeln!(text, "  action in [{}],", actions.join(", "))?;
    write!(text, "  resource == Dataspace::Product::{:?}\n)", scope.product.as_str())?;
    for constraint in &rule.constraints {
        write!(text, "\nwhen {{ {} }}", condition(constraint))?;
    }
    writeln!(text, ";")
}

fn condition(constraint: &Constraint) -> String {
    match constraint {
        Constraint::Purpose(purposes) => {
            format!("{}.contains(context.purpose)", set(purposes.iter().map(Name::to_string)))
        }
        Constraint::Time(validity) => format!(
            "context.now >= datetime(\"{}\") && context.now < datetime(\"{}\")",
            validity.from(),
            validity.until()
        ),
        Constraint::Jurisdiction(regions) => {
            format!("{}.contains(principal.region)", set(regions.iter().map(ToString::to_string)))
        }
        Constraint::Count(max) => format!("context.uses < {max}"),
    }
}

fn set(values: impl Iterator<Item = String>) -> String {
    let values: Vec<_> = values.map(|value| format!("{value:?}")).collect();
    format!("[{}]", values.join(", "))
}
