//! What a query may consist of: every clause that is not named here is refused.

use std::collections::BTreeSet;

use datafusion::sql::sqlparser::ast::{
    Distinct, Expr, GroupByExpr, Ident, Join, JoinConstraint, JoinOperator, LimitClause,
    ObjectName, ObjectNamePart, OrderBy, OrderByExpr, OrderByKind, Query, Select, SelectFlavor,
    SelectItem, SelectItemQualifiedWildcardKind, SetExpr, SetOperator, SetQuantifier, TableAlias,
    TableFactor, TableWithJoins, WildcardAdditionalOptions,
};

use crate::limits::{DEPTH_MAX, SELECTS_MAX};
use crate::text_error::TextError;

/// A `WITH` that is in scope.
struct With {
    name: String,
    selects: usize,
}

/// One walk over a query.
#[derive(Default)]
pub(crate) struct Gate {
    with: Vec<With>,
    views: BTreeSet<String>,
    depth: usize,
}

pub(crate) fn refused<T>(what: &'static str) -> Result<T, TextError> {
    Err(TextError::Refused { what })
}

/// Refuses the first of these that is there.
pub(crate) fn none_of(found: &[(bool, &'static str)]) -> Result<(), TextError> {
    match found.iter().find(|(is_there, _)| *is_there) {
        Some((_, what)) => refused(what),
        None => Ok(()),
    }
}

/// A name as the planner reads it.
fn normal(ident: &Ident) -> Result<String, TextError> {
    match ident.quote_style {
        None => Ok(ident.value.to_ascii_lowercase()),
        Some('"') => Ok(ident.value.clone()),
        Some(_) => refused("names in other quotes than \"…\" are"),
    }
}

pub(crate) fn check_ident(ident: &Ident) -> Result<(), TextError> {
    none_of(&[(ident.value.starts_with('@'), "variables are")])?;
    normal(ident).map(drop)
}

/// The one part of a name.
pub(crate) fn bare(name: &ObjectName) -> Result<String, TextError> {
    match name.0.as_slice() {
        [ObjectNamePart::Identifier(ident)] => normal(ident),
        _ => refused("names of catalogues, schemas and files are"),
    }
}

fn check_alias(alias: Option<&TableAlias>) -> Result<(), TextError> {
    let Some(TableAlias { explicit: _, name, columns, at }) = alias else { return Ok(()) };
    none_of(&[(at.is_some(), "this kind of alias is")])?;
    check_ident(name)?;
    for column in columns {
        none_of(&[(column.data_type.is_some(), "types of aliases are")])?;
        check_ident(&column.name)?;
    }
    Ok(())
}

impl Gate {
    /// The views that the query names, if all of it is taken.
    pub(crate) fn check(query: &Query) -> Result<BTreeSet<String>, TextError> {
        let mut gate = Self::default();
        gate.query(query)?;
        Ok(gate.views)
    }

    /// One level deeper.
    pub(crate) fn deeper<T>(
        &mut self,
        step: impl FnOnce(&mut Self) -> Result<T, TextError>,
    ) -> Result<T, TextError> {
        if self.depth >= DEPTH_MAX {
            return Err(TextError::Depth);
        }
        self.depth += 1;
        let result = step(self);
        self.depth -= 1;
        result
    }

    /// How many `SELECT`s the query comes to.
    pub(crate) fn query(&mut self, query: &Query) -> Result<usize, TextError> {
        self.deeper(|gate| {
            let outer = gate.with.len();
            let selects = gate.query_in_scope(query);
            gate.with.truncate(outer);
            selects
        })
    }

    fn query_in_scope(&mut self, query: &Query) -> Result<usize, TextError> {
        let Query {
            with,
            body,
            order_by,
            limit_clause,
            fetch,
            locks,
            for_clause,
            settings,
            format_clause,
            pipe_operators,
        } = query;
        none_of(&[
            (fetch.is_some(), "FETCH is"),
            (!locks.is_empty(), "FOR UPDATE and FOR SHARE are"),
            (for_clause.is_some(), "FOR is"),
            (settings.is_some(), "SETTINGS is"),
            (format_clause.is_some(), "FORMAT is"),
            (!pipe_operators.is_empty(), "|> is"),
        ])?;
        if let Some(with) = with {
            none_of(&[(with.recursive, "WITH RECURSIVE is")])?;
            for table in &with.cte_tables {
                none_of(&[
                    (table.from.is_some(), "WITH … FROM is"),
                    (table.materialized.is_some(), "MATERIALIZED is"),
                ])?;
                check_alias(Some(&table.alias))?;
                let selects = self.query(&table.query)?;
                self.with.push(With { name: normal(&table.alias.name)?, selects });
            }
        }
        let mut selects = self.set(body)?;
        if let Some(OrderBy { kind, interpolate }) = order_by {
            none_of(&[(interpolate.is_some(), "INTERPOLATE is")])?;
            match kind {
                OrderByKind::All(_) => return refused("ORDER BY ALL is"),
                OrderByKind::Expressions(list) => selects += self.order_by(list)?,
            }
        }
        match limit_clause {
            None => {}
            Some(LimitClause::LimitOffset { limit, offset, limit_by }) => {
                none_of(&[(!limit_by.is_empty(), "LIMIT … BY is")])?;
                for number in limit.iter().chain(offset.iter().map(|offset| &offset.value)) {
                    check_number(number)?;
                }
            }
            Some(LimitClause::OffsetCommaLimit { .. }) => return refused("LIMIT a, b is"),
        }
        sum(selects, 0)
    }

    fn set(&mut self, set: &SetExpr) -> Result<usize, TextError> {
        self.deeper(|gate| match set {
            SetExpr::Select(select) => gate.select(select),
            SetExpr::Query(query) => gate.query(query),
            SetExpr::SetOperation { left, op, set_quantifier, right } => {
                match op {
                    SetOperator::Union | SetOperator::Intersect | SetOperator::Except => {}
                    SetOperator::Minus => return refused("MINUS is"),
                }
                match set_quantifier {
                    SetQuantifier::All | SetQuantifier::Distinct | SetQuantifier::None => {}
                    _ => return refused("BY NAME is"),
                }
                sum(gate.set(left)?, gate.set(right)?)
            }
            SetExpr::Values(_) => refused("VALUES is"),
            SetExpr::Table(_) => refused("TABLE is"),
            SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_) => {
                Err(TextError::NotAQuery)
            }
        })
    }

    fn select(&mut self, select: &Select) -> Result<usize, TextError> {
        let Select {
            select_token: _,
            optimizer_hints,
            distinct,
            select_modifiers,
            top,
            top_before_distinct: _,
            projection,
            exclude,
            into,
            from,
            lateral_views,
            prewhere,
            selection,
            connect_by,
            group_by,
            cluster_by,
            distribute_by,
            sort_by,
            having,
            named_window,
            qualify,
            window_before_qualify: _,
            value_table_mode,
            flavor,
        } = select;
        none_of(&[
            (!optimizer_hints.is_empty(), "hints are"),
            (matches!(distinct, Some(Distinct::On(_))), "DISTINCT ON is"),
            (select_modifiers.is_some(), "modifiers of SELECT are"),
            (top.is_some(), "TOP is"),
            (exclude.is_some(), "EXCLUDE is"),
            (into.is_some(), "INTO is"),
            (!lateral_views.is_empty(), "LATERAL is"),
            (prewhere.is_some(), "PREWHERE is"),
            (!connect_by.is_empty(), "CONNECT BY is"),
            (!cluster_by.is_empty(), "CLUSTER BY is"),
            (!distribute_by.is_empty(), "DISTRIBUTE BY is"),
            (!sort_by.is_empty(), "SORT BY is"),
            (!named_window.is_empty(), "WINDOW is"),
            (qualify.is_some(), "QUALIFY is"),
            (value_table_mode.is_some(), "SELECT AS is"),
            (!matches!(flavor, SelectFlavor::Standard), "FROM without SELECT is"),
        ])?;
        let mut selects = 1;
        for item in projection {
            selects = sum(selects, self.item(item)?)?;
        }
        for table in from {
            selects = sum(selects, self.table(table)?)?;
        }
        let mut expressions: Vec<&Expr> = selection.iter().chain(having).collect();
        match group_by {
            GroupByExpr::All(_) => return refused("GROUP BY ALL is"),
            GroupByExpr::Expressions(list, modifiers) => {
                none_of(&[(!modifiers.is_empty(), "modifiers of GROUP BY are")])?;
                expressions.extend(list);
            }
        }
        for expression in expressions {
            selects = sum(selects, self.expr(expression)?)?;
        }
        Ok(selects)
    }

    fn item(&mut self, item: &SelectItem) -> Result<usize, TextError> {
        match item {
            SelectItem::UnnamedExpr(expr) => self.expr(expr),
            SelectItem::ExprWithAlias { expr, alias } => {
                check_ident(alias)?;
                self.expr(expr)
            }
            SelectItem::ExprWithAliases { .. } => refused("several aliases are"),
            SelectItem::Wildcard(options) => check_wildcard(options),
            SelectItem::QualifiedWildcard(kind, options) => match kind {
                SelectItemQualifiedWildcardKind::ObjectName(name) => {
                    bare(name)?;
                    check_wildcard(options)
                }
                SelectItemQualifiedWildcardKind::Expr(_) => refused("(…).* is"),
            },
        }
    }

    fn table(&mut self, table: &TableWithJoins) -> Result<usize, TextError> {
        self.deeper(|gate| {
            let mut selects = gate.factor(&table.relation)?;
            for join in &table.joins {
                selects = sum(selects, gate.join(join)?)?;
            }
            Ok(selects)
        })
    }

    fn join(&mut self, join: &Join) -> Result<usize, TextError> {
        let Join { relation, global, join_operator } = join;
        none_of(&[(*global, "GLOBAL is")])?;
        let (JoinOperator::Join(constraint)
        | JoinOperator::Inner(constraint)
        | JoinOperator::Left(constraint)
        | JoinOperator::LeftOuter(constraint)
        | JoinOperator::Right(constraint)
        | JoinOperator::RightOuter(constraint)
        | JoinOperator::FullOuter(constraint)
        | JoinOperator::CrossJoin(constraint)) = join_operator
        else {
            return refused("this kind of JOIN is");
        };
        let selects = self.factor(relation)?;
        match constraint {
            JoinConstraint::On(expr) => sum(selects, self.expr(expr)?),
            JoinConstraint::Using(columns) => {
                for column in columns {
                    bare(column)?;
                }
                Ok(selects)
            }
            JoinConstraint::Natural | JoinConstraint::None => Ok(selects),
        }
    }

    fn factor(&mut self, factor: &TableFactor) -> Result<usize, TextError> {
        match factor {
            TableFactor::Table {
                name,
                alias,
                args,
                with_hints,
                version,
                with_ordinality,
                partitions,
                json_path,
                sample,
                index_hints,
            } => {
                none_of(&[
                    (args.is_some(), "functions that give tables are"),
                    (!with_hints.is_empty() || !index_hints.is_empty(), "hints are"),
                    (version.is_some(), "versions of tables are"),
                    (*with_ordinality, "WITH ORDINALITY is"),
                    (!partitions.is_empty(), "PARTITION is"),
                    (json_path.is_some(), "paths into tables are"),
                    (sample.is_some(), "TABLESAMPLE is"),
                ])?;
                check_alias(alias.as_ref())?;
                let name = bare(name)?;
                if let Some(with) = self.with.iter().rev().find(|with| with.name == name) {
                    return Ok(with.selects);
                }
                self.views.insert(name);
                Ok(1)
            }
            TableFactor::Derived { lateral, subquery, alias, sample } => {
                none_of(&[(*lateral, "LATERAL is"), (sample.is_some(), "TABLESAMPLE is")])?;
                check_alias(alias.as_ref())?;
                self.query(subquery)
            }
            TableFactor::NestedJoin { table_with_joins, alias } => {
                check_alias(alias.as_ref())?;
                self.table(table_with_joins)
            }
            _ => refused("this kind of table is"),
        }
    }

    /// Expressions to sort by.
    pub(crate) fn order_by(&mut self, list: &[OrderByExpr]) -> Result<usize, TextError> {
        let mut selects = 0;
        for OrderByExpr { expr, options: _, with_fill } in list {
            none_of(&[(with_fill.is_some(), "WITH FILL is")])?;
            selects = sum(selects, self.expr(expr)?)?;
        }
        Ok(selects)
    }
}

/// Adds what two parts come to.
pub(crate) fn sum(a: usize, b: usize) -> Result<usize, TextError> {
    let sum = a.saturating_add(b);
    if sum > SELECTS_MAX { Err(TextError::Selects) } else { Ok(sum) }
}

/// A number as it stands.
fn check_number(expr: &Expr) -> Result<(), TextError> {
    use datafusion::sql::sqlparser::ast::Value;
    match expr {
        Expr::Value(value) if matches!(value.value, Value::Number(..)) => Ok(()),
        _ => refused("LIMIT and OFFSET by anything but a number are"),
    }
}

fn check_wildcard(options: &WildcardAdditionalOptions) -> Result<usize, TextError> {
    let WildcardAdditionalOptions {
        wildcard_token: _,
        opt_ilike,
        opt_exclude,
        opt_except,
        opt_replace,
        opt_rename,
        opt_alias,
    } = options;
    let is_plain = opt_ilike.is_none()
        && opt_exclude.is_none()
        && opt_except.is_none()
        && opt_replace.is_none()
        && opt_rename.is_none()
        && opt_alias.is_none();
    if is_plain { Ok(0) } else { refused("options of * are") }
}
