//! How deep Cedar's trees are, found without recursion, and stack for what Cedar does with them by
//! recursion: it compares, prints and drops them on whatever stack there is.

use std::fmt;
use std::ops::Deref;

use cedar_policy::{Entities, PolicySet};
use cedar_policy_core::ast::{self, ExprKind, PartialValue, ValueKind};

/// What a level takes at most, in any of Cedar's recursive functions and in an unoptimised build.
const LEVEL_LEN: usize = 2048;

/// Stack besides the levels, for a drop.
const BASE_LEN: usize = 128 << 10;

/// Deepest tree that is worked on: it asks for half a gibibyte of stack, where only what is
/// used takes memory.
pub(crate) const DEPTH_MAX: usize = 1 << 18;

/// Runs with this much stack, and enough for trees of this depth.
pub(crate) fn with_stack<T>(base: usize, depth: usize, run: impl FnOnce() -> T) -> T {
    let stack = depth.min(DEPTH_MAX).saturating_mul(LEVEL_LEN).saturating_add(base);
    stacker::maybe_grow(stack, stack, run)
}

/// What Cedar drops by recursion.
#[derive(Default)]
pub(crate) struct Deep<T: Default> {
    tree: T,
    depth: usize,
}

impl<T: Default> Deep<T> {
    pub(crate) fn new(tree: T, depth: usize) -> Self {
        Self { tree, depth }
    }
}

impl<T: Default> fmt::Debug for Deep<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deep").field("depth", &self.depth).finish_non_exhaustive()
    }
}

impl<T: Default> Deref for Deep<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.tree
    }
}

impl<T: Default> Drop for Deep<T> {
    fn drop(&mut self) {
        let tree = std::mem::take(&mut self.tree);
        if self.depth > DEPTH_MAX {
            // WHY: no stack is sure to be enough; what is lost is memory.
            std::mem::forget(tree);
        } else {
            with_stack(BASE_LEN, self.depth, || drop(tree));
        }
    }
}

/// Levels of the deepest condition.
pub(crate) fn of_policies(policies: &PolicySet) -> usize {
    let linked = policies.policies().map(|policy| policy.as_ref().non_scope_constraints());
    let templates = policies.templates().map(|template| template.as_ref().non_scope_constraints());
    linked.chain(templates).flatten().map(of_expr).max().unwrap_or_default()
}

/// Levels of the deepest attribute or tag.
pub(crate) fn of_entities(entities: &Entities) -> usize {
    let values = entities.iter().flat_map(|entity| {
        let entity: &ast::Entity = entity.as_ref();
        entity.attrs().chain(entity.tags())
    });
    values.map(|(_, value)| of_partial(value)).max().unwrap_or_default()
}

/// Levels of the deepest value of a context.
pub(crate) fn of_context(context: &ast::Context) -> usize {
    match context {
        ast::Context::Value(values) => values.values().map(of_value).max(),
        ast::Context::RestrictedResidual(values) => values.values().map(of_expr).max(),
    }
    .unwrap_or_default()
}

fn of_partial(value: &PartialValue) -> usize {
    match value {
        PartialValue::Value(value) => of_value(value),
        PartialValue::Residual(expr) => of_expr(expr),
    }
}

/// Levels of an expression; 1 for a leaf.
pub(crate) fn of_expr(expr: &ast::Expr) -> usize {
    levels(expr, |expr, open| match expr.expr_kind() {
        ExprKind::Lit(_) | ExprKind::Var(_) | ExprKind::Slot(_) | ExprKind::Unknown(_) => {}
        ExprKind::If { test_expr, then_expr, else_expr } => {
            open(test_expr);
            open(then_expr);
            open(else_expr);
        }
        ExprKind::And { left, right } | ExprKind::Or { left, right } => {
            open(left);
            open(right);
        }
        ExprKind::BinaryApp { arg1, arg2, .. } => {
            open(arg1);
            open(arg2);
        }
        ExprKind::UnaryApp { arg: inner, .. }
        | ExprKind::GetAttr { expr: inner, .. }
        | ExprKind::HasAttr { expr: inner, .. }
        | ExprKind::ExtHasAttr { expr: inner, .. }
        | ExprKind::Like { expr: inner, .. }
        | ExprKind::Is { expr: inner, .. } => open(inner),
        ExprKind::ExtensionFunctionApp { args: items, .. } | ExprKind::Set(items) => {
            items.iter().for_each(open);
        }
        ExprKind::Record(fields) => fields.values().for_each(open),
    })
}

/// Levels of a value; 1 for a leaf.
pub(crate) fn of_value(value: &ast::Value) -> usize {
    levels(value, |value, open| match value.value_kind() {
        ValueKind::Lit(_) | ValueKind::ExtensionValue(_) => {}
        ValueKind::Set(items) => items.iter().for_each(open),
        ValueKind::Record(fields) => fields.values().for_each(open),
    })
}

fn levels<'a, T>(root: &'a T, within: impl Fn(&'a T, &mut dyn FnMut(&'a T))) -> usize {
    let mut deepest = 0;
    let mut open = vec![(root, 1)];
    while let Some((tree, level)) = open.pop() {
        deepest = deepest.max(level);
        within(tree, &mut |inner| open.push((inner, level + 1)));
    }
    deepest
}
