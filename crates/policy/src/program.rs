//! The decision on one access: the contract's own policies and the forbids of space and provider,
//! compiled.

use std::sync::{Arc, Mutex};

use cedar_policy::PolicySet;
use dataspace_primitives::Digest;

use crate::decision::{Decision, Denial};
use crate::engine::node::FactSet;
use crate::engine::paved::Access;
use crate::engine::program::{Code, Outcome};
use crate::engine::shape::{self, Constants, Parted};
use crate::facts::Facts;
use crate::judged::{Active, Judged, Layers, OfLayers};
use crate::oracle::{self, Filling};
use crate::policies::{self, InvalidPolicies, Policies, STACK_LEN};
use crate::shadow;
use crate::shared::{Shape, Shapes};

/// A contract's policies, ready to decide. Made once, when the contract becomes active; programs of
/// the same terms share their code and differ in constants.
#[derive(Debug)]
pub struct Program {
    pub(crate) shape: Arc<Shape>,
    /// Of the [`Constants`].
    pub(crate) block: Box<[u8]>,
}

const TOO_LARGE: &str = "a number is larger than Cedar's";

impl Program {
    /// Takes in the Cedar text that both parties signed, which decides.
    ///
    /// # Errors
    /// [`InvalidPolicies`] if the text is not acceptable Cedar.
    pub fn new(text: &str) -> Result<Self, InvalidPolicies> {
        Self::with(&Mutex::default(), text)
    }

    pub(crate) fn with(shapes: &Mutex<Shapes>, text: &str) -> Result<Self, InvalidPolicies> {
        policies::check_bounds(text)?;
        let Parted { shape, places, block } = shape::part(text);
        Ok(Self { shape: Shapes::get(shapes, shape, places)?, block })
    }

    /// The SHA-256 of the Cedar text that decides, made again for each call.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(self.text().as_bytes())
    }

    /// The Cedar text, made again from the shared code and the contract's constants.
    #[must_use]
    pub fn text(&self) -> String {
        self.active().text()
    }

    /// Decides by this contract and the forbids: permitted if the contract permits, nobody forbids
    /// and **no policy errs**. (Cedar by itself skips policies that err, forbids too.)
    ///
    /// Takes no memory for a permit by usual terms. One in [`SHADOW_SHARE`](crate::shadow::SHADOW_SHARE)
    /// decisions is compared with Cedar's own evaluator; a difference denies.
    pub fn decide<'a>(&'a self, facts: &'a Facts<'a>, layers: Layers<'a>) -> Decision<'a> {
        self.active().decide(facts, layers, layers.evaluate(facts))
    }

    /// As [`decide`](Self::decide), by Cedar's own evaluator on the signed text, which defines what
    /// is right. Slow; for checks.
    pub fn decide_by_cedar<'a>(&'a self, facts: &'a Facts<'a>, layers: Layers<'a>) -> Decision<'a> {
        self.active().decide_by_cedar(facts, layers)
    }

    /// Number of policies that are not compiled and run in Cedar's evaluator.
    #[must_use]
    pub fn fallbacks(&self) -> usize {
        self.shape.code.fallbacks()
    }

    fn active(&self) -> Active<'_> {
        Active { shape: &self.shape, constants: Constants(&self.block) }
    }
}

impl<'a> Active<'a> {
    /// As [`Program::decide`], after space and provider have spoken.
    pub(crate) fn decide(
        self,
        facts: &'a Facts<'a>,
        layers: Layers<'a>,
        of_layers: Option<OfLayers>,
    ) -> Decision<'a> {
        let judged = of_layers.and_then(|of_layers| self.judge(facts, layers, of_layers));
        let Some(judged) = judged else {
            return Decision::Deny(Denial::facts(TOO_LARGE.to_owned()));
        };
        if shadow::is_due() && !self.is_confirmed(&judged) {
            return Decision::Deny(Denial::mismatch());
        }
        judged.decision()
    }

    fn decide_by_cedar(self, facts: &'a Facts<'a>, layers: Layers<'a>) -> Decision<'a> {
        let judged = stacker::maybe_grow(STACK_LEN, STACK_LEN, || {
            Access::new(facts, self.constants).ok_or(TOO_LARGE)?;
            let set = policies::named(&self.text()).ok_or("the text cannot be read")?;
            let told = |code: &Code, set: &PolicySet| -> Result<Outcome, String> {
                let spoken = oracle::evaluate(set, facts, (None, FactSet::ALL))?;
                code.outcome(&spoken).ok_or_else(|| "a policy without a place".to_owned())
            };
            let layer = |layer: Option<&Policies>| {
                layer.map_or(Ok(Outcome::default()), |layer| told(&layer.code, &layer.set))
            };
            let contract = told(&self.shape.code, &set)?;
            let (space, provider) = (layer(layers.space)?, layer(layers.provider)?);
            Ok::<_, String>(Judged { program: self, facts, layers, contract, space, provider })
        });
        match judged {
            Ok(judged) => judged.decision(),
            Err(message) => Decision::Deny(Denial::facts(message)),
        }
    }

    /// Returns true if Cedar says the same.
    #[cold]
    fn is_confirmed(self, judged: &Judged<'_>) -> bool {
        let same = |code: &Code, set: Option<&PolicySet>, filling: Filling<'_>, found: Outcome| {
            let spoken =
                set.map(|set| oracle::evaluate(set, judged.facts, (filling, code.facts())));
            let cedar = spoken.and_then(Result::ok).and_then(|spoken| code.outcome(&spoken));
            cedar == Some(found.told())
        };
        let layer = |layer: Option<&Policies>, found| {
            layer.is_none_or(|layer| same(&layer.code, Some(&layer.set), None, found))
        };
        let filling = Some((&self.shape.places, self.constants));
        let agrees = same(&self.shape.code, self.shape.open(), filling, judged.contract)
            && layer(judged.layers.space, judged.space)
            && layer(judged.layers.provider, judged.provider);
        shadow::count(agrees);
        agrees
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::program::Bits;
    use crate::policies::Layer;

    const TEXT: &str = "@id(\"p\") permit (principal, action, resource);
        @id(\"q\") forbid (principal, action, resource) when { context.purpose == \"x\" };";

    #[test]
    fn a_difference_to_cedar_is_found_and_counted() {
        let program = Program::new(TEXT).unwrap();
        let space = Policies::parse(
            "@id(\"f\") forbid (principal, action, resource) unless
            { principal.region == \"DE\" };",
            Layer::Space,
        )
        .unwrap();
        let consumer = ("did:key:z6Mk", "DE".parse().unwrap());
        let now = "2026-06-01T00:00:00Z".parse().unwrap();
        let facts = Facts::new(consumer, crate::Action::Read, ("alloys", "open"), "research", now);
        let layers = Layers::of_space(&space);
        let program = program.active();
        let right = program.judge(&facts, layers, layers.evaluate(&facts).unwrap()).unwrap();
        let outcome = |permits: Bits, forbids, erred| Outcome { permits, forbids, erred };
        assert_eq!(right.contract, outcome(1, 0, 0));
        assert!(program.is_confirmed(&right));
        assert_eq!((shadow::shadow_checks(), shadow::shadow_mismatches()), (1, 0));
        let of_contract = [outcome(0, 0, 0), outcome(2, 0, 0), outcome(1, 2, 0), outcome(1, 0, 2)];
        let of_space = [outcome(0, 1, 0), outcome(0, 0, 1)];
        let wrongs = of_contract.map(|contract| Judged { contract, ..right });
        let wrongs = wrongs.into_iter().chain(of_space.map(|space| Judged { space, ..right }));
        for (count, wrong) in (1..).zip(wrongs) {
            assert!(!program.is_confirmed(&wrong), "{wrong:?}");
            assert_eq!(shadow::shadow_mismatches(), count);
        }
    }
}
