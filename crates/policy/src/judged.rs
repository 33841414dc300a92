//! What all policies said, before it is a decision.

use crate::engine::paved::Access;
use crate::engine::program::Outcome;
use crate::engine::shape::Constants;
use crate::facts::Facts;
use crate::policies::Policies;
use crate::shared::Shape;

/// A program, wherever its parts lie.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Active<'a> {
    pub(crate) shape: &'a Shape,
    pub(crate) constants: Constants<'a>,
}

/// What space and provider say.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OfLayers {
    space: Outcome,
    provider: Outcome,
}

/// What may forbid beside the contract. Only a contract permits.
#[derive(Clone, Copy, Debug, Default)]
pub struct Layers<'a> {
    /// The space's profile.
    pub space: Option<&'a Policies>,
    /// The provider's own policies.
    pub provider: Option<&'a Policies>,
}

impl<'a> Layers<'a> {
    /// The space's forbids alone.
    #[must_use]
    pub fn of_space(space: &'a Policies) -> Self {
        Self { space: Some(space), provider: None }
    }

    /// `None` if a number is larger than Cedar's.
    pub(crate) fn evaluate(self, facts: &Facts<'_>) -> Option<OfLayers> {
        // Only a contract's policies have places.
        let access = Access::new(facts, Constants::default())?;
        let layer = |layer: Option<&Policies>| match layer {
            Some(layer) => layer.code.evaluate(&access, None),
            None => Outcome::default(),
        };
        Some(OfLayers { space: layer(self.space), provider: layer(self.provider) })
    }
}

/// What all policies said, and to what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Judged<'a> {
    pub(crate) program: Active<'a>,
    pub(crate) facts: &'a Facts<'a>,
    pub(crate) layers: Layers<'a>,
    pub(crate) contract: Outcome,
    pub(crate) space: Outcome,
    pub(crate) provider: Outcome,
}

impl<'a> Active<'a> {
    pub(crate) fn text(self) -> String {
        let text = self.shape.places.text(&self.shape.text, self.constants);
        // INVARIANT: the constants were cut from the text.
        text.unwrap_or_default()
    }

    /// `None` if a number is larger than Cedar's.
    pub(crate) fn judge(
        self,
        facts: &'a Facts<'a>,
        layers: Layers<'a>,
        OfLayers { space, provider }: OfLayers,
    ) -> Option<Judged<'a>> {
        let access = Access::new(facts, self.constants)?;
        let contract = self.shape.code.evaluate(&access, Some(&self.shape.places));
        Some(Judged { program: self, facts, layers, contract, space, provider })
    }
}

impl<'a> Judged<'a> {
    /// The policies of space and provider.
    pub(crate) fn forbidding(
        &self,
    ) -> impl Iterator<Item = (&'a crate::policies::Policies, Outcome)> {
        let space = self.layers.space.map(|policies| (policies, self.space));
        let provider = self.layers.provider.map(|policies| (policies, self.provider));
        space.into_iter().chain(provider)
    }
}
