//! Reading a document, from the policy down to the values of its comparisons.

mod action;
mod catena_x;
mod comparison;
mod constraint;
mod left_operand;
mod metadata;
mod obligation;
mod offset;
mod parties;
mod place;
mod policy;
mod region;
mod shape;
mod time;
mod value;

pub(crate) use self::catena_x::operand as operand_of_catena_x;
pub(crate) use self::left_operand::is_known;
