//! What constraints ask for: comparisons, and what joins them.

use dataspace_policy::Constraint;
use dataspace_primitives::Validity;

use crate::at::At;
use crate::error::Refused;
use crate::read::left_operand;
use crate::read::place::Place;
use crate::read::shape::{Shape, joined};

/// `None` if all of it became legal clauses, or holds in any case.
pub(crate) fn read<'a>(
    at: At<'a>,
    place: &mut Place<'_>,
) -> Result<Option<Constraint>, Refused<'a>> {
    let inside = |items: Vec<At<'a>>| {
        let mut all = Vec::new();
        for item in items {
            all.extend(read(item, &mut Place::Inside)?);
        }
        Ok(all)
    };
    Ok(match Shape::of(at)? {
        Shape::Atomic(atomic) => left_operand::read(&atomic, place)?,
        Shape::Not(item) => {
            read(item, &mut Place::Inside)?.map(|one| Constraint::Not(Box::new(one)))
        }
        Shape::Or(items) => joined(inside(items)?, Constraint::Any),
        Shape::Xone(items) => joined(inside(items)?, Constraint::One),
        Shape::And(items) => {
            let (mut all, mut are_atomic) = (Vec::new(), true);
            for item in items {
                are_atomic &= matches!(Shape::of(item)?, Shape::Atomic(_));
                all.extend(read(item, &mut place.again())?);
            }
            match all.as_slice() {
                // A time is written so; `All` of the two has an `and` of one around the first.
                [Constraint::From(from), Constraint::Before(until)] if are_atomic => {
                    let time = Validity::new(*from, *until);
                    Some(time.map_or(Constraint::All(all), Constraint::Time))
                }
                _ => joined(all, Constraint::All),
            }
        }
    })
}
