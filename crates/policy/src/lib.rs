//! placeholder

mod duty;

pub use crate::duty::{
    ColumnMask, DECIMALS_MAX, Duty, FILTER_VALUES_MAX, InvalidDuty, InvalidNumber, MaskMethod,
    Number, Operator, RowFilter, Scalar,
};
