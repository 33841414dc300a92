//! Conditions of joins ask whether the query is over: a join may compare pairs for hours without giving a
//! batch to anybody who could ask.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, LogicalPlan, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use crate::stop::{IsOver, check};

/// Gives its argument back, or ends the query. No text can name it.
struct JoinCheck {
    is_over: IsOver,
    signature: Signature,
}

impl fmt::Debug for JoinCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JoinCheck")
    }
}

// One query has one of them.
impl PartialEq for JoinCheck {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.is_over, &other.is_over)
    }
}

impl Eq for JoinCheck {}

impl Hash for JoinCheck {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name().hash(state);
    }
}

impl ScalarUDFImpl for JoinCheck {
    fn name(&self) -> &'static str {
        "join check"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        check(&self.is_over)?;
        args.args
            .into_iter()
            .next()
            .ok_or_else(|| DataFusionError::Internal("a join check has one argument".to_owned()))
    }
}

/// The plan, with a check in the condition of each join that has one beside equal columns.
pub(crate) fn with_join_checks(plan: LogicalPlan, is_over: &IsOver) -> Result<LogicalPlan> {
    let check = ScalarUDF::from(JoinCheck {
        is_over: Arc::clone(is_over),
        signature: Signature::exact(vec![DataType::Boolean], Volatility::Volatile),
    });
    let check = Arc::new(check);
    let checked = plan.transform_up_with_subqueries(|node| match node {
        LogicalPlan::Join(mut join) => {
            let filter = join.filter.take();
            let is_checked = filter.is_some();
            join.filter = filter.map(|filter| check.call(vec![filter]));
            let join = LogicalPlan::Join(join);
            Ok(if is_checked { Transformed::yes(join) } else { Transformed::no(join) })
        }
        node => Ok(Transformed::no(node)),
    })?;
    Ok(checked.data)
}
