//! Policies of a sector, checked against what there is in it.

use std::collections::BTreeSet;

use dataspace_identity::Did;
use dataspace_policy::{
    Layer, Policies, Scope, Terms, Vocabulary, extension::Extension, policies::InvalidPolicies,
};
use dataspace_primitives::Name;

use crate::sector::{InvalidSector, Sector};

impl Sector {
    /// Takes in forbids that somebody adds in a space of this sector, in its profile or as a provider: as every
    /// space does, and what they name is there in this sector: its purposes, classes and roles, and the tags of
    /// `schema.cedarschema`. A forbid with a mistyped name would hold for everybody, or for nobody.
    ///
    /// # Errors
    /// [`InvalidPolicies`], with the policy, and the line of one that does not fit the schema.
    pub fn check_policies(
        &self,
        space: &Name,
        (text, layer): (&str, Layer),
    ) -> Result<Policies, InvalidPolicies> {
        let policies = Policies::parse_extended(text, layer, self.extension()?)?;
        policies.check_values(&self.vocabulary(space))?;
        Ok(policies)
    }

    /// The tags that policies of this sector can speak of.
    ///
    /// # Errors
    /// [`InvalidPolicies::Schema`] of a sector without words.
    fn extension(&self) -> Result<&Extension, InvalidPolicies> {
        let none = || InvalidPolicies::Schema { message: "the sector has no schema".to_owned() };
        self.extension.as_deref().ok_or_else(none)
    }

    /// The Cedar text of a template's terms fits the schema.
    pub(super) fn check_text(&self, terms: &Terms) -> Result<(), InvalidPolicies> {
        let unwritten = |message: String| InvalidPolicies::Schema { message };
        let product = "product".parse().map_err(|_| unwritten(String::new()))?;
        let scope = Scope { consumer: "did:example:consumer".to_owned(), product };
        let text = terms.to_cedar(&scope).map_err(|error| unwritten(error.to_string()))?;
        Policies::parse_extended(&text, Layer::Contract, self.extension()?)?;
        Ok(())
    }

    /// The forbids are those that the profile tells, and a space of this sector takes them.
    pub(super) fn check_forbids(&self) -> Result<(), InvalidSector> {
        let policies = Policies::parse_extended(&self.by_default, Layer::Space, self.extension()?)?;
        let told: BTreeSet<_> = self.forbids.keys().map(Name::as_str).collect();
        if policies.ids().collect::<BTreeSet<_>>() != told {
            return Err(InvalidSector::Forbids);
        }
        let space = self.forbids.keys().next();
        // No forbid of a sector names a space.
        let space = space.ok_or(InvalidSector::Forbids)?;
        let vocabulary = Vocabulary { is_did: |_| false, ..self.vocabulary(space) };
        Ok(policies.check_values(&vocabulary)?)
    }

    fn vocabulary<'a>(&'a self, space: &'a Name) -> Vocabulary<'a> {
        Vocabulary {
            space,
            purposes: self.scenarios.keys().collect(),
            classes: self.classes.keys().collect(),
            roles: self.roles.keys().collect(),
            is_did: |text| text.parse::<Did>().is_ok(),
        }
    }
}
