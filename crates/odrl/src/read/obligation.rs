//! Duties and legal clauses, as obligations. The Dataspace Protocol gives an action no members of
//! its own, so what a duty needs stands in the obligation's constraints.

use std::collections::{BTreeMap, BTreeSet};

use dataspace_policy::duty::{Broader, PseudonymScope, Tolerance};
use dataspace_policy::{
    Aggregate, ColumnMask, Duty, Exclusive, KeptColumns, Legal, Limit, MaskMethod, Operator,
    Persons, RowFilter, Sample, Terms, Watermark,
};
use dataspace_primitives::Name;

use crate::at::At;
use crate::error::{OdrlErrorKind, Refused};
use crate::names::{Comparison, Term, percent_decoded};
use crate::read::action::Named;
use crate::read::catena_x;
use crate::read::metadata;
use crate::read::parties::Parties;
use crate::read::region;
use crate::read::shape::{Atomic, Shape};
use crate::read::time;
use crate::read::value;

/// Reads one obligation into the list where it belongs.
pub(crate) fn read<'a>(
    at: At<'a>,
    parties: &mut Parties<'a>,
    terms: &mut Terms,
) -> Result<(), Refused<'a>> {
    let (mut action, mut parameters, mut informed) = (None, None, None);
    for (term, member) in at.members()? {
        let is_repeated = match (term, term.odrl()) {
            (Term::Keyword("@id"), _) => {
                member.id()?;
                false
            }
            (Term::Keyword("@type"), _) => {
                let kind = member.kind().and_then(Term::odrl);
                if !matches!(kind, Some("Duty" | "Obligation")) {
                    return Err(member.error(OdrlErrorKind::UnknownType));
                }
                false
            }
            (_, Some("action")) => action.replace(Named::read(value::single(member)?)?).is_some(),
            (_, Some("constraint")) => parameters.replace(comparisons(member)?).is_some(),
            (_, Some("informedParty")) => informed.replace(member).is_some(),
            _ if parties.read(term, member)? || metadata::is_label(term) => false,
            (_, Some("consequence")) => {
                return Err(member.error(OdrlErrorKind::UnknownMember).because(
                    "whether a duty was fulfilled is not known here, so nothing can follow from \
                     it; write the consequence as a sentence of a `dataspace:heed`",
                ));
            }
            _ => return Err(member.error(OdrlErrorKind::UnknownMember)),
        };
        if is_repeated {
            return Err(member.error(OdrlErrorKind::DuplicateMember));
        }
    }
    let action = action.ok_or_else(|| at.missing("action"))?;
    let mut with = Parameters { at, all: parameters.unwrap_or_default() };
    if let (Some(party), Term::Plain("inform") | Term::Odrl("inform")) = (informed, action.term) {
        terms.legal.push(Legal::Notify(value::name(value::single(party)?)?));
        return with.end();
    }
    if let Some(party) = informed {
        return Err(party.error(OdrlErrorKind::UnknownMember));
    }
    let Terms { duties, legal, exclusive, .. } = terms;
    match (action.term.odrl(), action.term.own()) {
        (_, Some("mark")) => duties.push(mark(&mut with)?),
        (_, Some("mask")) => duties.push(checked(at, mask(&mut with)?)?),
        (_, Some("filter")) => duties.push(checked(at, filter(&mut with)?)?),
        (_, Some("aggregate")) => duties.push(checked(at, aggregate(&mut with)?)?),
        (_, Some("sample")) => duties.push(checked(at, sample(&mut with)?)?),
        (_, Some("limit")) => {
            let rows = value::integer(with.required("dataspace:rows")?.right)?;
            duties.push(checked(at, Duty::Limit(Limit { rows }))?);
        }
        (_, Some("persons")) => duties.push(checked(at, persons(&mut with)?)?),
        (_, Some("watermark")) => duties.push(checked(at, watermark(&mut with)?)?),
        (_, Some("keep")) => duties.push(checked(at, keep(&mut with)?)?),
        (_, Some("exclude")) => {
            let one = self::exclusive(&mut with)?;
            if exclusive.replace(one).is_some() {
                return Err(at.error(OdrlErrorKind::DuplicateMember));
            }
        }
        (_, Some("heed")) => legal.push(Legal::Text(with.name("dataspace:text")?)),
        (_, Some("comply")) => {
            return with.each_kept(|operand, operator, values| {
                legal.push(Legal::Operand { operand, operator, values });
            });
        }
        (_, Some("refrain")) => {
            return with.each_kept(|operand, operator, values| {
                legal.push(Legal::Forbidden { operand, operator, values });
            });
        }
        (Some("use" | "USE"), _) => {
            return with.each(|one| catena_x::provision(one).map(|one| legal.push(one)));
        }
        (Some("delete"), _) => {
            let secs = time::seconds(with.required("odrl:delayPeriod")?.right)?;
            legal.push(Legal::DeleteAfter(secs));
        }
        (_, Some("modifyAtRest")) => {
            legal.push(Legal::ModifyAtRest(with.name("dataspace:method")?));
        }
        (_, Some("log")) => legal.push(Legal::Log),
        (Some("inform"), _) => legal.push(Legal::Notify(with.name("odrl:recipient")?)),
        (Some("nextPolicy"), _) => legal.push(Legal::ShareUnder(with.name("dataspace:policy")?)),
        _ => return Err(action.refused()),
    }
    with.end()
}

/// The comparisons of a list.
fn comparisons(at: At<'_>) -> Result<Vec<Atomic<'_>>, Refused<'_>> {
    let mut all = Vec::new();
    for item in at.items() {
        flatten(item, &mut all)?;
    }
    Ok(all)
}

/// The comparisons of plain `and`s, in their order.
fn flatten<'a>(at: At<'a>, all: &mut Vec<Atomic<'a>>) -> Result<(), Refused<'a>> {
    match Shape::of(at)? {
        Shape::Atomic(atomic) => {
            all.push(atomic);
            Ok(())
        }
        Shape::And(items) => items.into_iter().try_for_each(|item| flatten(item, all)),
        _ => Err(at.expected("comparisons that all hold")),
    }
}

fn checked(at: At<'_>, duty: Duty) -> Result<Duty, Refused<'_>> {
    duty.check().map_err(|error| at.error(OdrlErrorKind::Duty(error)))?;
    Ok(duty)
}

/// What is still to be read of an obligation.
struct Parameters<'a> {
    at: At<'a>,
    all: Vec<Atomic<'a>>,
}

impl<'a> Parameters<'a> {
    /// Takes out the first comparison of this operand.
    fn take(&mut self, operand: &'static str) -> Result<Option<Atomic<'a>>, Refused<'a>> {
        for (i, one) in self.all.iter().enumerate() {
            let (found, wanted) = (one.left.term()?, Term::of(operand));
            if found == wanted || (found.odrl().is_some() && found.odrl() == wanted.odrl()) {
                return Ok(Some(self.all.remove(i)));
            }
        }
        Ok(None)
    }

    /// Takes out the one that says what this operand equals.
    fn required(&mut self, operand: &'static str) -> Result<Atomic<'a>, Refused<'a>> {
        self.optional(operand)?.ok_or_else(|| self.at.missing(operand))
    }

    /// The same, if there is one.
    fn optional(&mut self, operand: &'static str) -> Result<Option<Atomic<'a>>, Refused<'a>> {
        let Some(mut one) = self.take(operand)? else { return Ok(None) };
        if one.comparison()? != Comparison::Eq {
            return Err(one.refused());
        }
        one.right = value::single(one.right)?;
        Ok(Some(one))
    }

    fn name(&mut self, operand: &'static str) -> Result<Name, Refused<'a>> {
        value::name(self.required(operand)?.right)
    }

    /// Takes out the names that this operand is among.
    fn names(&mut self, operand: &'static str) -> Result<Option<BTreeSet<Name>>, Refused<'a>> {
        let Some(one) = self.take(operand)? else { return Ok(None) };
        if !matches!(one.comparison()?, Comparison::Eq | Comparison::IsAnyOf) {
            return Err(one.refused());
        }
        Ok(Some(texts(one.right)?.into_iter().collect()))
    }

    /// Nothing may be left over.
    fn end(self) -> Result<(), Refused<'a>> {
        match self.all.first() {
            Some(one) => Err(one.left.error(OdrlErrorKind::UnknownOperand).because(
                "this duty does not ask for it; a condition on when a duty binds is not possible",
            )),
            None => Ok(()),
        }
    }

    /// Reads them one by one; at least one.
    fn each(
        self,
        read: impl FnMut(&Atomic<'a>) -> Result<(), Refused<'a>>,
    ) -> Result<(), Refused<'a>> {
        if self.all.is_empty() {
            return Err(self.at.missing("constraint"));
        }
        self.all.iter().try_for_each(read)
    }

    /// Reads comparisons that are kept: one by one as they stand, or a single one in its parts.
    fn each_kept(mut self, mut keep: impl FnMut(Name, Name, Vec<Name>)) -> Result<(), Refused<'a>> {
        if self.all.iter().all(|one| one.left.term().ok() != Some(Term::Own("operand"))) {
            return self.each(|one| {
                let (operand, operator, values) = kept(one)?;
                keep(operand, operator, values);
                Ok(())
            });
        }
        let (operand, operator) =
            (self.name("dataspace:operand")?, self.name("dataspace:operator")?);
        let values = self.take("dataspace:values")?;
        let values = values.ok_or_else(|| self.at.missing("dataspace:values"))?;
        if !matches!(values.comparison()?, Comparison::Eq | Comparison::IsAnyOf) {
            return Err(values.refused());
        }
        keep(operand, operator, texts(values.right)?);
        self.end()
    }
}

fn mask<'a>(with: &mut Parameters<'a>) -> Result<Duty, Refused<'a>> {
    let column = with.name("dataspace:column")?;
    let at = with.required("dataspace:method")?.right;
    let found = value::name(at)?;
    let is_it = |one: &MaskMethod| Term::of(one.in_odrl().0) == Term::of(found.as_str());
    let method = MaskMethod::ALL.into_iter().find(is_it);
    let method = match Term::of(found.as_str()) {
        Term::Own("constant") => {
            Some(MaskMethod::Constant(value::scalar(with.required("dataspace:value")?.right)?))
        }
        Term::Own("generalise") => Some(generalise(with)?),
        _ => method,
    };
    let method = method.ok_or_else(|| at.expected("one of our methods, such as dataspace:drop"))?;
    let method = match (method.in_odrl(), &method) {
        (_, MaskMethod::Hash) => hash(with)?,
        ((_, None), _) => method,
        ((_, Some((operand, _))), _) => {
            let at = with.required(operand)?.right;
            let number = method.with_number(value::integer(at)?);
            number.ok_or_else(|| at.expected(value::INTEGER))?
        }
    };
    Ok(Duty::Mask(ColumnMask { column, method }))
}

fn mark<'a>(with: &mut Parameters<'a>) -> Result<Duty, Refused<'a>> {
    use dataspace_policy::duty as policy;

    let at = with.required("dataspace:method")?.right;
    let found = value::name(at)?;
    let is_it = |one: &policy::MarkMethod| Term::of(one.in_odrl()) == Term::of(found.as_str());
    let method = policy::MarkMethod::ALL.into_iter().find(is_it);
    let method = method.ok_or_else(|| at.expected("dataspace:visible or dataspace:trace"))?;
    Ok(Duty::Mark(policy::Mark { method }))
}

fn exclusive<'a>(with: &mut Parameters<'a>) -> Result<Exclusive, Refused<'a>> {
    let territories = match with.take("odrl:spatial")? {
        None => BTreeSet::new(),
        Some(one) if matches!(one.comparison()?, Comparison::Eq | Comparison::IsAnyOf) => {
            let mut all = BTreeSet::new();
            for item in one.right.items() {
                all.extend(region::read(item)?);
            }
            all
        }
        Some(one) => return Err(one.refused()),
    };
    let time = with.take("odrl:dateTime")?.ok_or_else(|| with.at.missing("odrl:dateTime"))?;
    if time.comparison()? != Comparison::Lt {
        return Err(time.refused());
    }
    let until = time::end(value::single(time.right)?)?;
    Ok(Exclusive { territories, until })
}

/// Broader values, each with those that it stands for.
fn generalise<'a>(with: &mut Parameters<'a>) -> Result<MaskMethod, Refused<'a>> {
    const BROADER: &str = "broader/";
    let mut values = BTreeMap::new();
    let mut rest = Vec::new();
    for one in std::mem::take(&mut with.all) {
        let Some(broader) = one.left.term()?.own().and_then(|name| name.strip_prefix(BROADER))
        else {
            rest.push(one);
            continue;
        };
        if !matches!(one.comparison()?, Comparison::Eq | Comparison::IsAnyOf) {
            return Err(one.refused());
        }
        let decoded = percent_decoded(broader).and_then(|name| name.parse::<Name>().ok());
        let broader = decoded.ok_or_else(|| one.left.expected("a broader value"))?;
        for value in one.right.items() {
            if values.insert(value::name(value)?, broader.clone()).is_some() {
                return Err(value.expected("each value with one broader value"));
            }
        }
    }
    with.all = rest;
    let others = with.name("dataspace:others")?;
    Ok(MaskMethod::Generalise(Broader { values, others }))
}

fn sample<'a>(with: &mut Parameters<'a>) -> Result<Duty, Refused<'a>> {
    let per_million = value::integer(with.required("dataspace:perMillion")?.right)?;
    let subject = with.optional("dataspace:subject")?;
    let subject = subject.map(|one| value::name(one.right)).transpose()?;
    Ok(Duty::Sample(Sample { per_million, subject }))
}

fn persons<'a>(with: &mut Parameters<'a>) -> Result<Duty, Refused<'a>> {
    let at_most = value::integer(with.required("dataspace:atMost")?.right)?;
    let column = with.name("dataspace:column")?;
    let (zone, register) = (with.name("dataspace:zone")?, with.name("dataspace:register")?);
    Ok(Duty::Persons(Persons { column, at_most, zone, register }))
}

fn watermark<'a>(with: &mut Parameters<'a>) -> Result<Duty, Refused<'a>> {
    let column = with.name("dataspace:column")?;
    let tolerance = if let Some(one) = with.optional("dataspace:perMillion")? {
        Tolerance::Relative(value::integer(one.right)?)
    } else {
        Tolerance::Absolute(value::decimal(with.required("dataspace:tolerance")?.right)?)
    };
    Ok(Duty::Watermark(Watermark { column, tolerance }))
}

/// Pseudonyms, of this contract alone unless more is said.
fn hash<'a>(with: &mut Parameters<'a>) -> Result<MaskMethod, Refused<'a>> {
    let scope = match with.optional("dataspace:scope")? {
        None => PseudonymScope::Contract,
        Some(one) => {
            let name = value::name(one.right)?;
            let found = PseudonymScope::ALL.into_iter().find(|one| one.as_str() == name.as_str());
            found.ok_or_else(|| one.right.expected("contract or consumer"))?
        }
    };
    let domain = with.optional("dataspace:domain")?;
    let domain = domain.map(|one| value::name(one.right)).transpose()?;
    Ok(match (scope, domain) {
        (PseudonymScope::Contract, None) => MaskMethod::Hash,
        (scope, domain) => MaskMethod::Pseudonym { scope, domain },
    })
}

fn keep<'a>(with: &mut Parameters<'a>) -> Result<Duty, Refused<'a>> {
    let columns = with.names("dataspace:column")?;
    let columns = columns.ok_or_else(|| with.at.missing("dataspace:column"))?;
    Ok(Duty::Keep(KeptColumns { columns }))
}

fn aggregate<'a>(with: &mut Parameters<'a>) -> Result<Duty, Refused<'a>> {
    Ok(Duty::Aggregate(Aggregate {
        by: with.names("dataspace:by")?.unwrap_or_default(),
        subject: with.name("dataspace:subject")?,
        least: value::integer(with.required("dataspace:least")?.right)?,
        mean: with.names("dataspace:mean")?.unwrap_or_default(),
        sum: with.names("dataspace:sum")?.unwrap_or_default(),
    }))
}

fn filter<'a>(with: &mut Parameters<'a>) -> Result<Duty, Refused<'a>> {
    let column = with.name("dataspace:column")?;
    let one = with.take("dataspace:value")?.ok_or_else(|| with.at.missing("dataspace:value"))?;
    let operator = match one.comparison()? {
        Comparison::Eq => Operator::Eq,
        Comparison::Neq => Operator::Neq,
        Comparison::Lt => Operator::Lt,
        Comparison::Lteq => Operator::Lteq,
        Comparison::Gt => Operator::Gt,
        Comparison::Gteq => Operator::Gteq,
        Comparison::IsAnyOf => Operator::IsAnyOf,
        _ => return Err(one.refused()),
    };
    let items = one.right.items().into_iter();
    let values = items.map(value::scalar).collect::<Result<_, _>>()?;
    Ok(Duty::Filter(RowFilter { column, operator, values }))
}

/// A comparison that the parties, not a machine, understand: as it stands.
fn kept<'a>(one: &Atomic<'a>) -> Result<(Name, Name, Vec<Name>), Refused<'a>> {
    let name = |at: At<'a>| at.id()?.parse().map_err(|_| at.expected("a text of 1 to 128 bytes"));
    Ok((name(one.left)?, name(one.operator)?, texts(one.right)?))
}

fn texts(at: At<'_>) -> Result<Vec<Name>, Refused<'_>> {
    at.items().into_iter().map(value::any_text).collect()
}
