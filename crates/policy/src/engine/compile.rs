//! From Cedar's syntax tree to nodes.

use cedar_policy::Policy;
use cedar_policy::pst::{
    self, ActionConstraint, Clause, Effect, EntityOrSlot, EntityType, EntityUID, Expr, Literal,
    PatternElem, PrincipalConstraint, ResourceConstraint, UnaryOp, Var,
};

use super::deep;
use super::entity;
use super::extension::{self, Ip};
use super::node::{Binary, Comparison, Compiled, Instant, Node, Text};
use super::paved;
use super::shape::Places;
use super::value::{Constant, Constants};
use crate::action::Action;
use crate::facts::Fact;

/// Deepest nesting that is compiled; what is deeper runs in Cedar's evaluator.
pub(crate) const NODE_DEPTH_MAX: usize = 64;

/// What the compiler does not cover.
#[derive(Debug)]
pub(crate) struct NotCovered;

type Result<T> = std::result::Result<T, NotCovered>;

/// Which constants of a text are places that each contract fills. `None` for policies about other
/// schemas than a data space's.
pub(crate) type Paved<'a> = Option<&'a Places>;

/// Deepest nesting of Cedar's own syntax tree that is looked at; its chains are as deep as long.
// WHY: Cedar copies the tree by recursion, which must fit into the engine's `STACK_LEN`.
pub(crate) const TREE_DEPTH_MAX: usize = 1024;

pub(crate) fn policy(policy: &Policy, paved: Paved<'_>) -> Result<Compiled> {
    let condition = policy.as_ref().non_scope_constraints();
    if condition.is_some_and(|condition| deep::of_expr(condition) > TREE_DEPTH_MAX) {
        return Err(NotCovered);
    }
    // WHY: a policy made of text would be parsed once more for its syntax tree; without its text,
    // the tree is made from what Cedar's evaluator runs.
    let policy = Policy::from(policy.as_ref().clone()).try_into_pst().map_err(|_| NotCovered)?;
    let policy = match policy {
        pst::Policy::Static(policy) => policy,
        // Its entities in the places of the template's slots.
        pst::Policy::Linked(linked) => linked.into_static_policy().map_err(|_| NotCovered)?,
    };
    let body = policy.body();
    let compiler = Compiler { paved };
    let mut conditions = Vec::new();
    let mut actions = u16::MAX;
    compiler.scope(&mut conditions, Node::Principal, principal(&body.principal)?);
    match &body.action {
        ActionConstraint::Any => {}
        ActionConstraint::Eq(uid) if paved.is_some() => actions = action_bit(uid),
        ActionConstraint::In(uids) if paved.is_some() => {
            actions = uids.iter().map(action_bit).fold(0, |all, one| all | one);
        }
        ActionConstraint::Eq(uid) => {
            conditions.push(binary(Binary::Equal, Node::Action, compiler.entity(uid)));
        }
        ActionConstraint::In(uids) => {
            let set = Constants::new(uids.iter().map(entity_constant));
            let set = Node::Constant(Constant::Set(set));
            conditions.push(binary(Binary::In, Node::Action, set));
        }
    }
    compiler.scope(&mut conditions, Node::Resource, resource(&body.resource)?);
    for clause in body.clauses() {
        let condition = match clause {
            Clause::When(expr) => compiler.node(expr, 0)?,
            Clause::Unless(expr) => not(compiler.node(expr, 0)?),
        };
        match condition {
            Node::And(parts) => conditions.extend(parts),
            // No condition at all.
            Node::Constant(Constant::Bool(true)) => {}
            condition => conditions.push(condition),
        }
    }
    let is_permit = body.effect == Effect::Permit;
    Ok(Compiled { is_permit, actions, conditions: conditions.into() })
}

/// Actions of a data space have no groups; other actions are never asked for.
fn action_bit(uid: &EntityUID) -> u16 {
    let place = Action::ALL.iter().position(|action| action.as_str() == uid.eid.as_str());
    let place = place.filter(|_| uid.ty.to_string() == entity::ACTION);
    place.map_or(0, |place| 1 << place)
}

/// A scope's type, if it demands one, and the entity that it names, with how.
type Scope<'a> = (Option<&'a EntityType>, Option<(Binary, &'a EntityUID)>);

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

fn entity_constant(uid: &EntityUID) -> Constant {
    Constant::Entity { ty: uid.ty.to_string().into(), id: uid.eid.as_str().into() }
}

struct Compiler<'a> {
    paved: Paved<'a>,
}

impl Compiler<'_> {
    fn scope(&self, conditions: &mut Vec<Node>, variable: Node, (ty, named): Scope<'_>) {
        if let Some(ty) = ty {
            conditions.push(Node::Is(Box::new(variable.clone()), ty.to_string().into()));
        }
        if let Some((how, uid)) = named {
            conditions.push(self.binary(how, variable, self.entity(uid)));
        }
    }

    fn entity(&self, uid: &EntityUID) -> Node {
        let place = self.paved.and_then(|places| places.entity(&uid.ty.to_string(), &uid.eid));
        match place {
            Some((ty, place)) => Node::Place(ty, place),
            None => Node::Constant(entity_constant(uid)),
        }
    }

    fn node(&self, expr: &Expr, depth: usize) -> Result<Node> {
        if depth > NODE_DEPTH_MAX {
            return Err(NotCovered);
        }
        let node = |expr: &Expr| self.node(expr, depth + 1);
        Ok(match expr {
            Expr::Literal(Literal::EntityUID(uid)) => self.entity(uid),
            Expr::Literal(literal) => Node::Constant(match literal {
                Literal::Bool(value) => Constant::Bool(*value),
                Literal::Long(value) => Constant::Long(*value),
                Literal::String(value) => Constant::String(value.as_str().into()),
                _ => return Err(NotCovered),
            }),
            Expr::Var(Var::Principal) => Node::Principal,
            Expr::Var(Var::Action) => Node::Action,
            Expr::Var(Var::Resource) => Node::Resource,
            Expr::Var(Var::Context) if self.paved.is_some() => return Err(NotCovered),
            Expr::Var(Var::Context) => Node::Context,
            Expr::UnaryOp { op, expr } => match (op, self.time_place(expr)) {
                (UnaryOp::Datetime, Some(place)) => Node::TimePlace(place),
                _ => unary(*op, node(expr)?),
            },
            Expr::BinaryOp { op: pst::BinaryOp::And, .. } => {
                Node::And(self.chain(expr, pst::BinaryOp::And, depth)?)
            }
            Expr::BinaryOp { op: pst::BinaryOp::Or, .. } => {
                Node::Or(self.chain(expr, pst::BinaryOp::Or, depth)?)
            }
            Expr::BinaryOp { op, left, right } => {
                self.binary(operator(*op).ok_or(NotCovered)?, node(left)?, node(right)?)
            }
            Expr::GetAttr { expr, attr } => match (self.fact(expr, attr), expr.as_ref()) {
                (Some(fact), _) => Node::Fact(fact),
                (None, Expr::Var(Var::Context)) if self.paved.is_none() => {
                    Node::ContextAttribute(attr.as_str().into())
                }
                _ => Node::Attribute(Box::new(node(expr)?), attr.as_str().into()),
            },
            Expr::HasAttr { expr, attrs } => {
                let names = attrs.iter().map(pst::SmolStr::as_str);
                match (self.fact(expr, &attrs.head), self.paved, expr.as_ref()) {
                    (Some(fact), ..) => Node::IsKnown(fact, names.skip(1).map(Box::from).collect()),
                    (None, Some(_), Expr::Var(Var::Context)) => {
                        Node::Constant(Constant::Bool(false))
                    }
                    (None, None, Expr::Var(Var::Context)) => {
                        Node::ContextHas(names.map(Box::from).collect())
                    }
                    _ => Node::Has(Box::new(node(expr)?), names.map(Box::from).collect()),
                }
            }
            Expr::Like { expr, pattern } => Node::Like(Box::new(node(expr)?), parts(pattern)),
            Expr::Is { expr, entity_type, in_expr } => {
                let inner = node(expr)?;
                let is = Node::Is(Box::new(inner.clone()), entity_type.to_string().into());
                match in_expr {
                    None => is,
                    Some(within) => {
                        Node::And([is, self.binary(Binary::In, inner, node(within)?)].into())
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

    fn fact(&self, expr: &Expr, name: &str) -> Option<Fact> {
        self.paved.and_then(|_| paved::fact(expr, name))
    }

    fn time_place(&self, expr: &Expr) -> Option<u16> {
        match (self.paved, expr) {
            (Some(places), Expr::Literal(Literal::String(text))) => places.time(text),
            _ => None,
        }
    }

    fn binary(&self, op: Binary, left: Node, right: Node) -> Node {
        if self.paved.is_some() { shortened(op, left, right) } else { binary(op, left, right) }
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

/// Frequent comparisons of the paved path, each with the same result and the same errors.
fn shortened(op: Binary, left: Node, right: Node) -> Node {
    match (op, left, right) {
        (Binary::Equal, Node::Principal, Node::Place(entity::PARTICIPANT, place)) => {
            Node::ParticipantIs(Text::Place(place))
        }
        (Binary::Equal, Node::Resource, Node::Place(entity::PRODUCT, place)) => {
            Node::ProductIs(Text::Place(place))
        }
        (Binary::Equal, Node::Principal, Node::Constant(Constant::Entity { ty, id }))
            if *ty == *entity::PARTICIPANT =>
        {
            Node::ParticipantIs(Text::Own(id))
        }
        (Binary::Equal, Node::Resource, Node::Constant(Constant::Entity { ty, id }))
            if *ty == *entity::PRODUCT =>
        {
            Node::ProductIs(Text::Own(id))
        }
        (Binary::Equal, Node::Fact(fact), Node::Constant(Constant::String(text)))
        | (Binary::Equal, Node::Constant(Constant::String(text)), Node::Fact(fact)) => {
            Node::OneOf(fact, [text].into())
        }
        (Binary::Contains, Node::Constant(Constant::Set(set)), Node::Fact(fact)) => {
            match set.as_strings() {
                Some(texts) => Node::OneOf(fact, texts),
                None => binary(op, Node::Constant(Constant::Set(set)), Node::Fact(fact)),
            }
        }
        (op, Node::Fact(Fact::Now), right) => match (comparison(op), instant(&right)) {
            (Some(comparison), Some(instant)) => Node::Now(comparison, instant),
            _ => binary(op, Node::Fact(Fact::Now), right),
        },
        (op, left, right) => binary(op, left, right),
    }
}

fn comparison(op: Binary) -> Option<Comparison> {
    Some(match op {
        Binary::Less => Comparison::Less,
        Binary::LessOrEqual => Comparison::LessOrEqual,
        Binary::Greater => Comparison::Greater,
        Binary::GreaterOrEqual => Comparison::GreaterOrEqual,
        _ => return None,
    })
}

fn instant(node: &Node) -> Option<Instant> {
    match node {
        Node::Constant(Constant::Datetime(at)) => Some(Instant::Own(*at)),
        Node::TimePlace(place) => Some(Instant::Place(*place)),
        _ => None,
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
        return if op == UnaryOp::Not { not(node) } else { Node::Unary(op, Box::new(node)) };
    };
    let constant = match op {
        UnaryOp::Decimal => extension::decimal(text).map(Constant::Decimal),
        UnaryOp::Datetime => extension::datetime(text).map(Constant::Datetime),
        UnaryOp::Duration => extension::duration(text).map(Constant::Duration),
        UnaryOp::Ip => Ip::parse(text).map(Constant::Ip),
        _ => return Node::Unary(op, Box::new(node)),
    };
    match constant {
        Some(constant) => Node::Constant(constant),
        None => Node::Error(op, text.clone()),
    }
}

/// Cedar itself has `==`, `<` and `<=` alone: `a > b` is `!(a <= b)`.
fn not(node: Node) -> Node {
    match node {
        Node::Binary(Binary::Equal, sides) => Node::Binary(Binary::NotEqual, sides),
        Node::Binary(Binary::Less, sides) => Node::Binary(Binary::GreaterOrEqual, sides),
        Node::Binary(Binary::LessOrEqual, sides) => Node::Binary(Binary::Greater, sides),
        Node::Now(Comparison::Less, at) => Node::Now(Comparison::GreaterOrEqual, at),
        Node::Now(Comparison::LessOrEqual, at) => Node::Now(Comparison::Greater, at),
        node => Node::Unary(UnaryOp::Not, Box::new(node)),
    }
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
