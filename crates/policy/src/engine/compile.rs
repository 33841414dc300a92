//! From Cedar's syntax tree to nodes.

use cedar_policy::pst::{
    self, ActionConstraint, Clause, Effect, EntityOrSlot, EntityType, EntityUID, Expr, Literal,
    PatternElem, PrincipalConstraint, ResourceConstraint, UnaryOp, Var,
};

use super::extension::{self, Ip};
use super::node::{Binary, Compiled, Fact, Node};
use super::value::{Constant, Constants};

/// Deepest nesting that is compiled; what is deeper runs in Cedar's evaluator.
pub(crate) const NODE_DEPTH_MAX: usize = 64;

/// What the compiler does not cover.
#[derive(Debug)]
pub(crate) struct NotCovered;

type Result<T> = std::result::Result<T, NotCovered>;

/// Which attributes are facts of the paved path, where the context can be read in no other way.
/// `None` for policies about other schemas.
pub(crate) type Facts = Option<fn(&Expr, &str) -> Option<Fact>>;

pub(crate) fn policy(policy: &cedar_policy::Policy, facts: Facts) -> Result<Compiled> {
    let policy = policy.to_pst().map_err(|_| NotCovered)?;
    let pst::Policy::Static(policy) = policy else { return Err(NotCovered) };
    let body = policy.body();
    let mut conditions = Vec::new();
    scope(&mut conditions, Node::Principal, principal(&body.principal)?);
    match &body.action {
        ActionConstraint::Any => {}
        ActionConstraint::Eq(uid) => {
            conditions.push(binary(Binary::Equal, Node::Action, entity(uid)));
        }
        ActionConstraint::In(uids) => {
            let set = Constants::new(uids.iter().map(entity_constant));
            let set = Node::Constant(Constant::Set(set));
            conditions.push(binary(Binary::In, Node::Action, set));
        }
    }
    scope(&mut conditions, Node::Resource, resource(&body.resource)?);
    let compiler = Compiler { facts };
    for clause in body.clauses() {
        let condition = match clause {
            Clause::When(expr) => compiler.node(expr, 0)?,
            Clause::Unless(expr) => Node::Unary(UnaryOp::Not, Box::new(compiler.node(expr, 0)?)),
        };
        match condition {
            Node::And(parts) => conditions.extend(parts),
            condition => conditions.push(condition),
        }
    }
    Ok(Compiled { is_permit: body.effect == Effect::Permit, conditions: conditions.into() })
}

/// A scope's type, if it demands one, and the entity that it names, with how.
type Scope<'a> = (Option<&'a EntityType>, Option<(Binary, &'a EntityUID)>);

fn scope(conditions: &mut Vec<Node>, variable: Node, (ty, named): Scope<'_>) {
    if let Some(ty) = ty {
        conditions.push(Node::Is(Box::new(variable.clone()), ty.to_string().into()));
    }
    if let Some((how, uid)) = named {
        conditions.push(binary(how, variable, entity(uid)));
    }
}

fn principal(constraint: &PrincipalConstraint) -> Result<Scope<'_>> {
    Ok(match constraint {
        PrincipalConstraint::Any => (None, None),
        PrincipalConstraint::Eq(one) => (None, Some((Binary::Equal, named(one)?))),
        PrincipalConstraint::In(one) => (None, Some((Binary::In, named(one)?))),
        PrincipalConstraint::Is(ty) => (Some(ty), None),
        PrincipalConstraint::IsIn(ty, one) => (Some(ty), Some((Binary::In, named(one)?))),
    })
}

fn resource(constraint: &ResourceConstraint) -> Result<Scope<'_>> {
    Ok(match constraint {
        ResourceConstraint::Any => (None, None),
        ResourceConstraint::Eq(one) => (None, Some((Binary::Equal, named(one)?))),
        ResourceConstraint::In(one) => (None, Some((Binary::In, named(one)?))),
        ResourceConstraint::Is(ty) => (Some(ty), None),
        ResourceConstraint::IsIn(ty, one) => (Some(ty), Some((Binary::In, named(one)?))),
    })
}

fn named(one: &EntityOrSlot) -> Result<&EntityUID> {
    match one {
        EntityOrSlot::Entity(uid) => Ok(uid),
        EntityOrSlot::Slot(_) => Err(NotCovered),
    }
}

fn binary(op: Binary, left: Node, right: Node) -> Node {
    Node::Binary(op, Box::new([left, right]))
}

fn entity(uid: &EntityUID) -> Node {
    Node::Constant(entity_constant(uid))
}

fn entity_constant(uid: &EntityUID) -> Constant {
    Constant::Entity { ty: uid.ty.to_string().into(), id: uid.eid.as_str().into() }
}

struct Compiler {
    facts: Facts,
}

impl Compiler {
    fn node(&self, expr: &Expr, depth: usize) -> Result<Node> {
        if depth > NODE_DEPTH_MAX {
            return Err(NotCovered);
        }
        let node = |expr: &Expr| self.node(expr, depth + 1);
        Ok(match expr {
            Expr::Literal(literal) => Node::Constant(match literal {
                Literal::Bool(value) => Constant::Bool(*value),
                Literal::Long(value) => Constant::Long(*value),
                Literal::String(value) => Constant::String(value.as_str().into()),
                Literal::EntityUID(uid) => entity_constant(uid),
                _ => return Err(NotCovered),
            }),
            Expr::Var(Var::Principal) => Node::Principal,
            Expr::Var(Var::Action) => Node::Action,
            Expr::Var(Var::Resource) => Node::Resource,
            Expr::Var(Var::Context) if self.facts.is_some() => return Err(NotCovered),
            Expr::Var(Var::Context) => Node::Context,
            Expr::UnaryOp { op, expr } => unary(*op, node(expr)?),
            Expr::BinaryOp { op: pst::BinaryOp::And, .. } => {
                Node::And(self.chain(expr, pst::BinaryOp::And, depth)?)
            }
            Expr::BinaryOp { op: pst::BinaryOp::Or, .. } => {
                Node::Or(self.chain(expr, pst::BinaryOp::Or, depth)?)
            }
            Expr::BinaryOp { op, left, right } => {
                binary(operator(*op).ok_or(NotCovered)?, node(left)?, node(right)?)
            }
            Expr::GetAttr { expr, attr } => match self.facts.and_then(|facts| facts(expr, attr)) {
                Some(fact) => Node::Fact(fact),
                None => Node::Attribute(Box::new(node(expr)?), attr.as_str().into()),
            },
            Expr::HasAttr { expr, attrs } => {
                let mut names = attrs.iter().map(cedar_policy::pst::SmolStr::as_str);
                if let (Some(facts), Expr::Var(Var::Context)) = (self.facts, expr.as_ref()) {
                    let fact = names.next().and_then(|first| facts(expr, first));
                    let rest = names.map(Box::from).collect();
                    fact.map_or(Node::Constant(Constant::Bool(false)), |fact| {
                        Node::IsKnown(fact, rest)
                    })
                } else {
                    Node::Has(Box::new(node(expr)?), names.map(Box::from).collect())
                }
            }
            Expr::Like { expr, pattern } => Node::Like(Box::new(node(expr)?), parts(pattern)),
            Expr::Is { expr, entity_type, in_expr } => {
                let inner = node(expr)?;
                let is = Node::Is(Box::new(inner.clone()), entity_type.to_string().into());
                match in_expr {
                    None => is,
                    Some(within) => {
                        Node::And([is, binary(Binary::In, inner, node(within)?)].into())
                    }
                }
            }
            Expr::IfThenElse { cond, then_expr, else_expr } => {
                Node::If(Box::new([node(cond)?, node(then_expr)?, node(else_expr)?]))
            }
            Expr::Set(items) => {
                let items = items.iter().map(|item| node(item)).collect::<Result<Vec<_>>>()?;
                set(items)
            }
            Expr::Record(fields) => {
                let field = |(name, expr): (&String, &std::sync::Arc<Expr>)| {
                    Ok((Box::from(name.as_str()), node(expr)?))
                };
                Node::Record(fields.iter().map(field).collect::<Result<_>>()?)
            }
            _ => return Err(NotCovered),
        })
    }

    /// The links of a chain of one operator, left to right. `(a && b) && c` and `a && (b && c)`
    /// evaluate the same things in the same order.
    fn chain(&self, expr: &Expr, op: pst::BinaryOp, depth: usize) -> Result<Box<[Node]>> {
        let mut links = Vec::new();
        let mut open = vec![expr];
        while let Some(expr) = open.pop() {
            match expr {
                Expr::BinaryOp { op: found, left, right } if *found == op => {
                    open.push(right);
                    open.push(left);
                }
                expr => links.push(self.node(expr, depth + 1)?),
            }
        }
        Ok(links.into())
    }
}

fn set(items: Vec<Node>) -> Node {
    let is_constant = items.iter().all(|item| matches!(item, Node::Constant(_)));
    if !is_constant {
        return Node::Set(items.into());
    }
    let constants = items.into_iter().filter_map(|item| match item {
        Node::Constant(constant) => Some(constant),
        _ => None,
    });
    Node::Constant(Constant::Set(Constants::new(constants)))
}

/// A pattern, split at its wildcards.
fn parts(pattern: &[PatternElem]) -> Box<[Box<str>]> {
    let parts = pattern.split(|element| matches!(element, PatternElem::Wildcard));
    let text = |part: &[PatternElem]| {
        let characters = part.iter().filter_map(|element| match element {
            PatternElem::Char(character) => Some(*character),
            PatternElem::Wildcard => None,
        });
        characters.collect::<String>().into_boxed_str()
    };
    parts.map(text).collect()
}

/// Constructors of constants are evaluated once, here.
fn unary(op: UnaryOp, node: Node) -> Node {
    let Node::Constant(Constant::String(text)) = &node else {
        return Node::Unary(op, Box::new(node));
    };
    let constant = match op {
        UnaryOp::Decimal => extension::decimal(text).map(Constant::Decimal),
        UnaryOp::Datetime => extension::datetime(text).map(Constant::Datetime),
        UnaryOp::Duration => extension::duration(text).map(Constant::Duration),
        UnaryOp::Ip => Ip::parse(text).map(Constant::Ip),
        _ => return Node::Unary(op, Box::new(node)),
    };
    constant.map_or(Node::Error, Node::Constant)
}

fn operator(op: pst::BinaryOp) -> Option<Binary> {
    Some(match op {
        pst::BinaryOp::Eq => Binary::Equal,
        pst::BinaryOp::NotEq => Binary::NotEqual,
        pst::BinaryOp::Less => Binary::Less,
        pst::BinaryOp::LessEq => Binary::LessOrEqual,
        pst::BinaryOp::Greater => Binary::Greater,
        pst::BinaryOp::GreaterEq => Binary::GreaterOrEqual,
        pst::BinaryOp::Add => Binary::Add,
        pst::BinaryOp::Sub => Binary::Subtract,
        pst::BinaryOp::Mul => Binary::Multiply,
        pst::BinaryOp::In => Binary::In,
        pst::BinaryOp::Contains => Binary::Contains,
        pst::BinaryOp::ContainsAll => Binary::ContainsAll,
        pst::BinaryOp::ContainsAny => Binary::ContainsAny,
        pst::BinaryOp::GetTag => Binary::GetTag,
        pst::BinaryOp::HasTag => Binary::HasTag,
        pst::BinaryOp::IsInRange => Binary::IsInRange,
        pst::BinaryOp::Offset => Binary::Offset,
        pst::BinaryOp::DurationSince => Binary::DurationSince,
        pst::BinaryOp::DecimalLessThan => Binary::DecimalLess,
        pst::BinaryOp::DecimalLessEq => Binary::DecimalLessOrEqual,
        pst::BinaryOp::DecimalGreater => Binary::DecimalGreater,
        pst::BinaryOp::DecimalGreaterEq => Binary::DecimalGreaterOrEqual,
        _ => return None,
    })
}
