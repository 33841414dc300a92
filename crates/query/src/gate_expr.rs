//! What an expression may consist of.

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, CastKind, CeilFloorKind, DataType, DateTimeField, DuplicateTreatment,
    ExactNumberInfo, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentClause,
    FunctionArgumentList, FunctionArguments, Interval, TimezoneInfo, TypedString, UnaryOperator,
    Value, ValueWithSpan, WindowFrameBound, WindowSpec, WindowType,
};
use dataspace_primitives::shown;

use crate::functions::{AGGREGATE, OVER_WINDOW, SCALAR, WINDOW};
use crate::gate::{Gate, bare, check_ident, none_of, refused, sum};
use crate::text_error::TextError;

/// Bytes of an interval's text.
const INTERVAL_LEN_MAX: usize = 64;

impl Gate {
    /// How many `SELECT`s stand in the expression.
    pub(crate) fn expr(&mut self, expr: &Expr) -> Result<usize, TextError> {
        self.deeper(|gate| gate.level(expr))
    }

    fn all<'e>(&mut self, list: impl IntoIterator<Item = &'e Expr>) -> Result<usize, TextError> {
        let mut selects = 0;
        for expr in list {
            selects = sum(selects, self.expr(expr)?)?;
        }
        Ok(selects)
    }

    fn level(&mut self, expr: &Expr) -> Result<usize, TextError> {
        match expr {
            Expr::Identifier(ident) => check_ident(ident).map(|()| 0),
            Expr::CompoundIdentifier(parts) => {
                none_of(&[(parts.len() > 2, "names of more than two parts are")])?;
                parts.iter().try_for_each(check_ident).map(|()| 0)
            }
            Expr::Value(value) => check_value(value).map(|()| 0),
            Expr::TypedString(TypedString { data_type, value, uses_odbc_syntax }) => {
                none_of(&[(*uses_odbc_syntax, "{…} is")])?;
                check_type(data_type)?;
                check_value(value).map(|()| 0)
            }
            Expr::Interval(interval) => check_interval(interval).map(|()| 0),
            Expr::Nested(one)
            | Expr::IsFalse(one)
            | Expr::IsNotFalse(one)
            | Expr::IsTrue(one)
            | Expr::IsNotTrue(one)
            | Expr::IsNull(one)
            | Expr::IsNotNull(one)
            | Expr::IsUnknown(one)
            | Expr::IsNotUnknown(one) => self.expr(one),
            Expr::IsDistinctFrom(a, b) | Expr::IsNotDistinctFrom(a, b) => self.all([&**a, &**b]),
            Expr::InList { expr, list, negated: _ } => {
                self.all(std::iter::once(&**expr).chain(list))
            }
            Expr::InSubquery { expr, subquery, negated: _ } => {
                sum(self.expr(expr)?, self.query(subquery)?)
            }
            Expr::Exists { subquery, negated: _ } | Expr::Subquery(subquery) => {
                self.query(subquery)
            }
            Expr::Between { expr, negated: _, low, high } => self.all([&**expr, &**low, &**high]),
            Expr::BinaryOp { left, op, right } => {
                check_operator(op)?;
                self.all([&**left, &**right])
            }
            Expr::UnaryOp { op, expr } => match op {
                UnaryOperator::Not | UnaryOperator::Minus | UnaryOperator::Plus => self.expr(expr),
                _ => refused("this operator is"),
            },
            Expr::Like { negated: _, any, expr, pattern, escape_char }
            | Expr::ILike { negated: _, any, expr, pattern, escape_char } => {
                // A pattern that is different for each row would be compiled for each.
                none_of(&[
                    (*any, "LIKE ANY is"),
                    (escape_char.is_some(), "ESCAPE is"),
                    (!is_text(pattern), "LIKE with anything but a text as its pattern is"),
                ])?;
                self.expr(expr)
            }
            Expr::Cast { kind, expr, data_type, array, format } => {
                none_of(&[
                    (*array, "ARRAY is"),
                    (format.is_some(), "FORMAT is"),
                    (matches!(kind, CastKind::SafeCast), "SAFE_CAST is"),
                ])?;
                check_type(data_type)?;
                self.expr(expr)
            }
            Expr::Case { case_token: _, end_token: _, operand, conditions, else_result } => {
                let whens = conditions.iter().flat_map(|when| [&when.condition, &when.result]);
                let others = operand.iter().chain(else_result).map(|expr| &**expr);
                self.all(others.chain(whens))
            }
            Expr::Function(function) => self.function(function),
            other => self.named_syntax(other),
        }
    }

    /// Functions with a syntax of their own.
    fn named_syntax(&mut self, expr: &Expr) -> Result<usize, TextError> {
        match expr {
            Expr::Extract { field, syntax: _, expr } => {
                check_field(field)?;
                self.expr(expr)
            }
            Expr::Ceil { expr, field } | Expr::Floor { expr, field } => match field {
                CeilFloorKind::DateTimeField(DateTimeField::NoDateTime) => self.expr(expr),
                _ => refused("CEIL and FLOOR to something are"),
            },
            Expr::Position { expr, r#in } => self.all([&**expr, &**r#in]),
            Expr::Substring { expr, substring_from, substring_for, special: _, shorthand: _ } => {
                let others = substring_from.iter().chain(substring_for);
                self.all(std::iter::once(expr).chain(others).map(|expr| &**expr))
            }
            Expr::Trim { trim_where: _, trim_what, expr, trim_characters } => {
                let what = trim_what.iter().map(|expr| &**expr);
                self.all(
                    std::iter::once(&**expr).chain(what).chain(trim_characters.iter().flatten()),
                )
            }
            Expr::SimilarTo { .. } | Expr::RLike { .. } => refused("regular expressions are"),
            Expr::AtTimeZone { .. } => refused("AT TIME ZONE is"),
            Expr::GroupingSets(_) | Expr::Cube(_) | Expr::Rollup(_) => {
                refused("GROUPING SETS, CUBE and ROLLUP are")
            }
            _ => refused("this kind of expression is"),
        }
    }

    fn function(&mut self, function: &Function) -> Result<usize, TextError> {
        let Function {
            name,
            uses_odbc_syntax,
            parameters,
            args,
            filter,
            null_treatment,
            over,
            within_group,
        } = function;
        none_of(&[
            (*uses_odbc_syntax, "{…} is"),
            (!matches!(parameters, FunctionArguments::None), "parameters of functions are"),
            (!within_group.is_empty(), "WITHIN GROUP is"),
        ])?;
        let name = bare(name)?;
        let known = |list: &[&str]| list.contains(&name.as_str());
        let is_known = match over {
            None => known(SCALAR) || known(AGGREGATE),
            Some(_) => known(WINDOW) || known(OVER_WINDOW),
        };
        if !is_known {
            return Err(TextError::Function { name: shown(&name).at_most(64).to_string() });
        }
        let is_aggregate = known(AGGREGATE);
        none_of(&[
            (filter.is_some() && (!is_aggregate || over.is_some()), "FILTER on this function is"),
            (null_treatment.is_some() && over.is_none(), "NULLS on this function is"),
        ])?;
        let mut selects = match args {
            FunctionArguments::None => return refused("functions without brackets are"),
            FunctionArguments::Subquery(_) => return refused("a SELECT as an argument is"),
            FunctionArguments::List(list) => {
                self.arguments(list, name == "count", is_aggregate && over.is_none())?
            }
        };
        selects = sum(selects, self.all(filter.iter().map(|expr| &**expr))?)?;
        match over {
            None => Ok(selects),
            Some(WindowType::NamedWindow(_)) => refused("WINDOW is"),
            Some(WindowType::WindowSpec(spec)) => sum(selects, self.window(spec)?),
        }
    }

    fn arguments(
        &mut self,
        list: &FunctionArgumentList,
        takes_rows: bool,
        takes_distinct: bool,
    ) -> Result<usize, TextError> {
        let FunctionArgumentList { duplicate_treatment, args, clauses } = list;
        let is_distinct = matches!(duplicate_treatment, Some(DuplicateTreatment::Distinct));
        none_of(&[(is_distinct && !takes_distinct, "DISTINCT in this function is")])?;
        for clause in clauses {
            match clause {
                FunctionArgumentClause::IgnoreOrRespectNulls(_) => {}
                _ => return refused("clauses in arguments are"),
            }
        }
        let mut selects = 0;
        for arg in args {
            match arg {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => {
                    selects = sum(selects, self.expr(expr)?)?;
                }
                FunctionArg::Unnamed(FunctionArgExpr::Wildcard) if takes_rows => {}
                _ => return refused("this kind of argument is"),
            }
        }
        Ok(selects)
    }

    fn window(&mut self, spec: &WindowSpec) -> Result<usize, TextError> {
        let WindowSpec { window_name, partition_by, order_by, window_frame } = spec;
        none_of(&[(window_name.is_some(), "WINDOW is")])?;
        if let Some(frame) = window_frame {
            for bound in std::iter::once(&frame.start_bound).chain(&frame.end_bound) {
                match bound {
                    WindowFrameBound::CurrentRow
                    | WindowFrameBound::Preceding(None)
                    | WindowFrameBound::Following(None) => {}
                    WindowFrameBound::Preceding(Some(by))
                    | WindowFrameBound::Following(Some(by)) => match &**by {
                        Expr::Value(value) => check_value(value)?,
                        Expr::Interval(interval) => check_interval(interval)?,
                        _ => return refused("this kind of frame is"),
                    },
                }
            }
        }
        sum(self.all(partition_by)?, self.order_by(order_by)?)
    }
}

fn is_text(expr: &Expr) -> bool {
    matches!(expr, Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(_), .. }))
}

fn check_value(value: &ValueWithSpan) -> Result<(), TextError> {
    match &value.value {
        Value::Number(_, false)
        | Value::SingleQuotedString(_)
        | Value::Boolean(_)
        | Value::Null => Ok(()),
        Value::Placeholder(_) => refused("placeholders are"),
        _ => refused("this kind of constant is"),
    }
}

fn check_interval(interval: &Interval) -> Result<(), TextError> {
    let Interval {
        value,
        leading_field,
        leading_precision,
        last_field,
        fractional_seconds_precision,
    } = interval;
    none_of(&[
        (leading_precision.is_some() || fractional_seconds_precision.is_some(), "precisions are"),
        (last_field.is_some(), "INTERVAL … TO is"),
    ])?;
    if let Some(field) = leading_field {
        check_field(field)?;
    }
    match &**value {
        Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(text), .. })
            if text.len() <= INTERVAL_LEN_MAX =>
        {
            Ok(())
        }
        _ => refused("an INTERVAL of anything but a short text is"),
    }
}

fn check_field(field: &DateTimeField) -> Result<(), TextError> {
    use DateTimeField as Field;
    match field {
        Field::Year
        | Field::Years
        | Field::Quarter
        | Field::Month
        | Field::Months
        | Field::Week(None)
        | Field::Weeks
        | Field::Day
        | Field::Days
        | Field::DayOfWeek
        | Field::DayOfYear
        | Field::Dow
        | Field::Doy
        | Field::Hour
        | Field::Hours
        | Field::Minute
        | Field::Minutes
        | Field::Second
        | Field::Seconds
        | Field::Epoch => Ok(()),
        _ => refused("this part of a date is"),
    }
}

fn check_operator(operator: &BinaryOperator) -> Result<(), TextError> {
    use BinaryOperator as Op;
    match operator {
        Op::Plus
        | Op::Minus
        | Op::Multiply
        | Op::Divide
        | Op::Modulo
        | Op::Gt
        | Op::Lt
        | Op::GtEq
        | Op::LtEq
        | Op::Eq
        | Op::NotEq
        | Op::And
        | Op::Or => Ok(()),
        Op::PGRegexMatch
        | Op::PGRegexIMatch
        | Op::PGRegexNotMatch
        | Op::PGRegexNotIMatch
        | Op::Regexp
        | Op::Match => refused("regular expressions are"),
        Op::StringConcat => refused("joining texts by || is"),
        _ => refused("this operator is"),
    }
}

fn check_type(data_type: &DataType) -> Result<(), TextError> {
    match data_type {
        // The engine counts wrongly with them.
        DataType::Decimal(ExactNumberInfo::PrecisionAndScale(_, scale))
        | DataType::Numeric(ExactNumberInfo::PrecisionAndScale(_, scale))
            if *scale < 0 =>
        {
            refused("decimals with digits left of the point alone are")
        }
        DataType::Boolean
        | DataType::Bool
        | DataType::TinyInt(None)
        | DataType::SmallInt(None)
        | DataType::Int(None)
        | DataType::Integer(None)
        | DataType::BigInt(None)
        | DataType::Real
        | DataType::Float(ExactNumberInfo::None)
        | DataType::Double(ExactNumberInfo::None)
        | DataType::DoublePrecision
        | DataType::Decimal(_)
        | DataType::Numeric(_)
        | DataType::Varchar(None)
        | DataType::Text
        | DataType::Date
        | DataType::Timestamp(None, TimezoneInfo::None) => Ok(()),
        _ => refused("this type is"),
    }
}
