//! What programs of the same terms share.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use cedar_policy::PolicySet;

use crate::engine::deep::{self, Deep};
use crate::engine::program::Code;
use crate::engine::shape::Places;
use crate::policies::{self, InvalidPolicies, Layer, STACK_LEN};

/// What programs of the same terms share.
pub(crate) struct Shape {
    pub(crate) text: Box<str>,
    pub(crate) places: Places,
    pub(crate) code: Code,
    /// For Cedar's evaluator, made when it is needed first; `None` would be a defect.
    open: OnceLock<Option<Deep<PolicySet>>>,
}

/// Shapes by their text.
#[derive(Debug, Default)]
pub(crate) struct Shapes {
    known: HashMap<Box<str>, Arc<Shape>>,
    /// With so many, those that no program has are dropped.
    full_at: usize,
}

/// So many shapes are kept, whether a program has them or not.
const KEPT_MIN: usize = if cfg!(test) { 8 } else { 1_024 };

impl Shapes {
    /// The shape of the text: a known one, or one that is compiled now, while others use the table.
    pub(crate) fn get(
        shapes: &Mutex<Self>,
        text: String,
        places: Places,
    ) -> Result<Arc<Shape>, InvalidPolicies> {
        // WHY: a text that stayed whole may read like the shape of another one, marks and all.
        if places.is_empty() {
            return Ok(Arc::new(Shape::new(text, places)?));
        }
        let known = Self::lock(shapes).known.get(text.as_str()).map(Arc::clone);
        if let Some(known) = known {
            return Ok(known);
        }
        // Without the lock.
        let shape = Arc::new(Shape::new(text, places)?);
        Ok(Self::lock(shapes).keep(shape))
    }

    pub(crate) fn lock(shapes: &Mutex<Self>) -> MutexGuard<'_, Self> {
        // A panic cannot leave a map half-changed that is changed by one call.
        shapes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a shape, unless another thread compiled the same one meanwhile; the one that is kept.
    fn keep(&mut self, shape: Arc<Shape>) -> Arc<Shape> {
        if let Some(known) = self.known.get(&shape.text) {
            return Arc::clone(known);
        }
        // WHY not when the last program is dropped: programs of one contract come and go.
        if self.known.len() >= self.full_at.max(KEPT_MIN) {
            self.known.retain(|_, shape| Arc::strong_count(shape) > 1);
            self.full_at = 2 * self.known.len();
        }
        self.known.insert(shape.text.clone(), Arc::clone(&shape));
        shape
    }

    /// Drops a shape if no program has it.
    pub(crate) fn release(&mut self, shape: &Arc<Shape>) {
        // This one and the table's.
        if Arc::strong_count(shape) == 2 {
            self.known.remove(&shape.text);
        }
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shape").field("text", &self.text).finish_non_exhaustive()
    }
}

impl Shape {
    fn new(text: String, places: Places) -> Result<Self, InvalidPolicies> {
        // WHY: with little stack left, Cedar's type checker gives up without an error, and the same
        // text would be good on one thread and bad on another.
        stacker::maybe_grow(STACK_LEN, STACK_LEN, || {
            let set = policies::intake(&text, Layer::Contract)?;
            let open = || policies::named(&places.open(&text)?);
            let code = Code::new(&set, &places, open);
            code.check_cost().map_err(|id| InvalidPolicies::Cost { id })?;
            Ok(Self { text: text.into(), places, code, open: OnceLock::new() })
        })
    }

    pub(crate) fn open(&self) -> Option<&PolicySet> {
        let open = self.open.get_or_init(|| {
            let text = self.places.open(&self.text)?;
            stacker::maybe_grow(STACK_LEN, STACK_LEN, || {
                let set = policies::named(&text)?;
                let depth = deep::of_policies(&set);
                Some(Deep::new(set, depth))
            })
        });
        open.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::Program;

    #[test]
    fn shapes_that_no_program_has_do_not_stay() {
        let shapes = Mutex::default();
        let text = |uses: usize| {
            format!(
                "@id(\"permission-1\")\npermit (principal == Dataspace::Participant::\"did:key:a\", action, \
                 resource) when {{ context.uses < {uses} }};\n"
            )
        };
        let used: Vec<_> =
            (1..4).map(|uses| Program::with(&shapes, &text(uses)).unwrap()).collect();
        for uses in 4..100 {
            drop(Program::with(&shapes, &text(uses)).unwrap());
            let known = Shapes::lock(&shapes).known.len();
            assert!(known <= KEPT_MIN, "{known}");
        }
        // Those that are used are still shared.
        for (uses, program) in (1..4).zip(&used) {
            let again = Program::with(&shapes, &text(uses)).unwrap();
            assert!(Arc::ptr_eq(&again.shape, &program.shape));
        }
    }
}
