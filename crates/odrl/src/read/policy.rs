//! The policy object and its rules.

use dataspace_policy::{Action, ClauseId, ClauseKind, Legal, Rule};

use crate::at::At;
use crate::document::{OdrlKind, OdrlPolicy};
use crate::error::{OdrlError, OdrlErrorKind, Refused, shown};
use crate::json::text;
use crate::json::{self, Json};
use crate::names::Term;
use crate::names::context::Names;
use crate::operands::OdrlOperands;
use crate::read::action::{self, Named};
use crate::read::catena_x;
use crate::read::constraint;
use crate::read::metadata;
use crate::read::obligation;
use crate::read::parties::Parties;
use crate::read::place::Place;
use crate::read::shape::Shape;
use crate::read::time;

impl OdrlPolicy {
    /// Reads an ODRL document.
    ///
    /// Takes time and memory in proportion to the text.
    ///
    /// ```
    /// use dataspace_odrl::OdrlPolicy;
    /// use dataspace_policy::{Action, Constraint, Rule, Terms};
    ///
    /// let offer = r#"{"@type": "Offer", "@id": "urn:uuid:1", "permission": [{
    ///     "action": "use",
    ///     "constraint": [{"leftOperand": "count", "operator": "lt", "rightOperand": "4"}]
    /// }]}"#;
    /// let terms = Terms::new().permit(Rule::new(Action::ALL).when(Constraint::Count(3)));
    /// assert_eq!(OdrlPolicy::parse(offer)?.terms, terms);
    /// # Ok::<(), dataspace_odrl::OdrlError>(())
    /// ```
    ///
    /// # Errors
    /// [`OdrlError`] with the first place that cannot be understood, or that says what
    /// [`Terms::check`](dataspace_policy::Terms::check) refuses.
    pub fn parse(text: &str) -> Result<Self, OdrlError> {
        Self::parse_in(text, &OdrlOperands::default())
    }

    /// Reads an ODRL document of a space that gives names of its own a meaning.
    ///
    /// ```
    /// use dataspace_odrl::{OdrlOperands, OdrlPolicy, operands::{OperandFact, OwnOperand, ValueType}};
    ///
    /// let tier = OperandFact::Attribute { name: "tier".parse()?, values: ValueType::Text };
    /// let own = OwnOperand { fact: tier, words: "the partner tier".parse()? };
    /// let mut operands = OdrlOperands::default();
    /// operands.operands.insert("https://space.example/terms/tier".parse()?, own);
    /// operands.check()?;
    ///
    /// let offer = r#"{"@type": "Offer", "@id": "urn:uuid:1", "permission": [{
    ///     "action": "use",
    ///     "constraint": [{
    ///         "leftOperand": "https://space.example/terms/tier",
    ///         "operator": "eq",
    ///         "rightOperand": "gold"
    ///     }]
    /// }]}"#;
    /// let terms = OdrlPolicy::parse_in(offer, &operands)?.terms;
    /// let words = &terms.clauses_in(&operands)[0].words;
    /// assert!(words.ends_with("if the partner tier is gold"), "{words}");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`OdrlPolicy::parse`].
    pub fn parse_in(text: &str, operands: &OdrlOperands) -> Result<Self, OdrlError> {
        Self::parse_at(text, "", operands)
    }

    /// Reads the policy at a place of a document of the Dataspace Protocol: `/offer` or
    /// `/agreement` of a message, `/hasPolicy/0` of a dataset. The document's own context gives the
    /// names their meaning. Nothing else of the document is read.
    ///
    /// ```
    /// use dataspace_odrl::{OdrlOperands, OdrlPolicy};
    ///
    /// let message = r#"{
    ///     "@context": ["https://w3id.org/dspace/2025/1/context.jsonld"],
    ///     "@type": "ContractRequestMessage",
    ///     "consumerPid": "urn:uuid:1",
    ///     "callbackAddress": "https://consumer.example/dsp",
    ///     "offer": {"@type": "Offer", "@id": "urn:uuid:2", "permission": [{"action": "resell"}]}
    /// }"#;
    /// let error = OdrlPolicy::parse_at(message, "/offer", &OdrlOperands::default()).unwrap_err();
    /// assert_eq!(error.pointer, "/offer/permission/0/action");
    /// ```
    ///
    /// # Errors
    /// As [`OdrlPolicy::parse`], with places in the whole document; [`OdrlErrorKind::Nothing`] where
    /// the pointer (RFC 6901) leads nowhere.
    pub fn parse_at(text: &str, pointer: &str, operands: &OdrlOperands) -> Result<Self, OdrlError> {
        let json = text::parse(text)?;
        let root = if pointer.is_empty() { root(&json) } else { &json };
        let names = Names::read(root, operands).map_err(|error| error.within(&json))?;
        let mut at = At { json: root, names: &names };
        let nothing = || OdrlError::whole(OdrlErrorKind::Nothing).at(pointer);
        for step in json::steps(pointer).ok_or_else(nothing)? {
            at = at.step(&step).ok_or_else(nothing)?;
            if let Some(context) = at.step("@context") {
                return Err(inner_context(context).within(&json));
            }
        }
        document(at).map_err(|error| error.within(&json))
    }
}

/// The policy object; it is the only item where JSON-LD was expanded, which leaves no context.
fn root<'a>(json: &'a Json<'a>) -> &'a Json<'a> {
    let Json::Array(all) = json else { return json };
    match all.as_slice() {
        [one @ Json::Object(all)] if all.iter().all(|(name, _)| name != "@context") => one,
        _ => json,
    }
}

/// The lists of a policy, not yet read.
#[derive(Default)]
struct Lists<'a> {
    permission: Option<At<'a>>,
    prohibition: Option<At<'a>>,
    obligation: Option<At<'a>>,
    sentences: Vec<Legal>,
}

fn document(root: At<'_>) -> Result<OdrlPolicy, Refused<'_>> {
    let (mut policy, mut parties) = (OdrlPolicy::default(), Parties::default());
    let lists = members(root, &mut policy, &mut parties)?;
    let terms = &mut policy.terms;
    let permission = items(lists.permission);
    let is_only = permission.len() == 1;
    for (at, number) in permission.iter().zip(1..) {
        let clause = ClauseId { kind: ClauseKind::Permission, number };
        let place = if is_only { Place::Permission(&mut terms.legal) } else { Place::OneOfSeveral };
        let parts = RuleParts::read(*at, clause.kind, &mut parties)?;
        terms.permissions.push(parts.rule(clause, place)?);
        for duty in items(parts.duty) {
            if !is_only {
                return Err(duty.error(OdrlErrorKind::Scope));
            }
            obligation::read(duty, &mut parties, terms)?;
        }
    }
    for at in items(lists.prohibition) {
        let number = u16::try_from(terms.prohibitions.len()).unwrap_or(u16::MAX).saturating_add(1);
        let clause = ClauseId { kind: ClauseKind::Prohibition, number };
        let parts = RuleParts::read(at, clause.kind, &mut parties)?;
        if parts.is_every_use()
            && let Some(actions) = catena_x::restrictions(&parts.constraints, &mut terms.legal)?
        {
            terms.prohibitions.extend((!actions.is_empty()).then(|| Rule::new(actions)));
        } else {
            terms.prohibitions.push(parts.rule(clause, Place::Inside)?);
        }
    }
    for at in items(lists.obligation) {
        obligation::read(at, &mut parties, terms)?;
    }
    terms.legal.extend(lists.sentences);
    let text = |id: Option<&str>| id.map(str::to_owned);
    policy.target = text(parties.target);
    policy.assigner = text(parties.assigner);
    policy.assignee = text(parties.assignee);
    policy.terms.check().map_err(|error| root.error(OdrlErrorKind::Terms(error)))?;
    Ok(policy)
}

fn members<'a>(
    root: At<'a>,
    policy: &mut OdrlPolicy,
    parties: &mut Parties<'a>,
) -> Result<Lists<'a>, Refused<'a>> {
    let mut lists = Lists::default();
    let (mut profiles, mut id) = (None, None);
    let mut named = [false; 3];
    for (term, at) in root.members()? {
        let is_repeated = match (term, term.odrl()) {
            (Term::Keyword("@context"), _) => false,
            (Term::Keyword("@id"), _) => identify(&mut id, at)?,
            (Term::Keyword("@type"), _) => policy.kind.replace(kind(at)?).is_some(),
            (_, Some("permission")) => lists.permission.replace(at).is_some(),
            (_, Some("prohibition")) => lists.prohibition.replace(at).is_some(),
            (_, Some("obligation")) => lists.obligation.replace(at).is_some(),
            (_, Some("profile")) => {
                at.items().into_iter().filter(|at| !at.is_null()).try_for_each(profile)?;
                profiles.replace(at).is_some()
            }
            (_, Some("timestamp")) | (Term::Dspace("timestamp"), _) => {
                policy.timestamp.replace(time::stated(at)?).is_some()
            }
            // Prohibitions prevail here in any case.
            (_, Some("conflict")) if at.term()?.odrl() == Some("prohibit") => false,
            (_, Some(what @ ("target" | "assigner" | "assignee"))) => {
                parties.read(term, at)?;
                let places = ["target", "assigner", "assignee"].into_iter();
                let place = named.iter_mut().zip(places).find(|(_, one)| *one == what);
                place.is_some_and(|(seen, _)| std::mem::replace(seen, true))
            }
            _ if metadata::is_label(term) || parties.read(term, at)? => false,
            _ => match metadata::binding(term) {
                Some(name) => {
                    lists.sentences.push(metadata::sentence(name, at)?);
                    false
                }
                None => return Err(unknown_member(root, at, term)),
            },
        };
        if is_repeated {
            return Err(at.error(OdrlErrorKind::DuplicateMember));
        }
    }
    policy.id = id.map(str::to_owned);
    Ok(lists)
}

/// `@id` and `uid` say the same, once each; `true` if one of them stands twice.
fn identify<'a>(id: &mut Option<&'a str>, at: At<'a>) -> Result<bool, Refused<'a>> {
    if at.is_null() {
        return Ok(false);
    }
    let found = at.id()?;
    match id.replace(found) {
        Some(before) if before != found => Err(at.error(OdrlErrorKind::Differs { what: "@id" })),
        _ => Ok(false),
    }
}

fn unknown_member<'a>(root: At<'a>, at: At<'a>, term: Term<'a>) -> Refused<'a> {
    let refused = at.error(OdrlErrorKind::UnknownMember);
    match (term, term.odrl()) {
        (Term::Keyword("@graph"), _) => {
            refused.because("give the policy itself, without the graph around it")
        }
        (_, Some("inheritFrom")) => refused.because(
            "what another document says cannot be signed by naming it; write its rules out here",
        ),
        (_, Some("conflict")) => refused.because(
            "here a prohibition prevails over a permission, always; leave the member out, or write \
             `prohibit`",
        ),
        (_, Some("policy")) | (Term::Edc("policy"), _) => refused.because(
            "this is a message around a policy, not a policy; give what stands in this member",
        ),
        (_, Some("action" | "constraint" | "duty")) => refused.because(
            "this belongs into a rule; write it within permission, prohibition or obligation",
        ),
        _ => refused.because(format!(
            "{} is not a member of an ODRL policy that is known here, and could restrict it; take \
             it out, or say with a constraint what it demands",
            shown(root.name_of(at))
        )),
    }
}

fn profile(at: At<'_>) -> Result<(), Refused<'_>> {
    let text = at.id()?;
    let names = at.names;
    let is_known = match names.term(text) {
        Term::Own("")
        | Term::CatenaX("" | "profile2405")
        | Term::Plain("profile2405")
        | Term::Odrl("" | "core") => true,
        _ => names.operands.has_profile(&names.iri(text)),
    };
    if is_known { Ok(()) } else { Err(at.error(OdrlErrorKind::UnknownProfile)) }
}

fn kind(at: At<'_>) -> Result<OdrlKind, Refused<'_>> {
    let unknown = || at.error(OdrlErrorKind::UnknownType);
    let term = at.names.term(at.id().map_err(|_| unknown())?);
    if let Term::Plain(name) | Term::Edc(name) | Term::Dspace(name) = term
        && (name.ends_with("Definition") || name.ends_with("Message"))
    {
        return Err(unknown().because(
            "this is a message around a policy; give what stands in its member `policy`, `offer` or \
             `agreement`",
        ));
    }
    match term.odrl() {
        Some("Set" | "Policy") => Ok(OdrlKind::Set),
        Some("Offer") => Ok(OdrlKind::Offer),
        Some("Agreement") => Ok(OdrlKind::Agreement),
        Some("Request" | "Assertion" | "Privacy" | "Ticket") => Err(unknown().because(
            "this type of policy is no offer of a provider: nobody grants by it what could be \
             signed here; write a Set, an Offer or an Agreement",
        )),
        _ => Err(unknown()),
    }
}

fn items(at: Option<At<'_>>) -> Vec<At<'_>> {
    at.filter(|at| !at.is_null()).map(At::items).unwrap_or_default()
}

/// A permission or prohibition, not yet understood.
struct RuleParts<'a> {
    at: At<'a>,
    kind: ClauseKind,
    actions: Vec<Named<'a>>,
    constraints: Vec<At<'a>>,
    duty: Option<At<'a>>,
}

impl<'a> RuleParts<'a> {
    fn read(at: At<'a>, kind: ClauseKind, parties: &mut Parties<'a>) -> Result<Self, Refused<'a>> {
        let (mut actions, mut constraints, mut duty) = (None, None, None);
        let is_prohibition = kind == ClauseKind::Prohibition;
        for (term, member) in at.members()? {
            let is_repeated = match (term, term.odrl()) {
                (Term::Keyword("@context"), _) => return Err(inner_context(member)),
                (Term::Keyword("@id"), _) => {
                    member.id()?;
                    false
                }
                (Term::Keyword("@type"), _) => {
                    let kind = if is_prohibition { "Prohibition" } else { "Permission" };
                    if member.kind().and_then(Term::odrl) != Some(kind) {
                        return Err(member.error(OdrlErrorKind::UnknownType));
                    }
                    false
                }
                (_, Some("action")) => {
                    let all = member.items().into_iter().map(Named::read);
                    actions.replace(all.collect::<Result<Vec<_>, _>>()?).is_some()
                }
                (_, Some("constraint")) => constraints.replace(member.items()).is_some(),
                (_, Some("duty")) if !is_prohibition => duty.replace(member).is_some(),
                _ if parties.read(term, member)? || metadata::is_label(term) => false,
                (_, Some("remedy" | "duty")) => {
                    return Err(member.error(OdrlErrorKind::UnknownMember).because(
                        "a breach of a prohibition is prevented here or not seen at all, so \
                         nothing can follow from it; write the consequence as a sentence of a \
                         `dataspace:heed`",
                    ));
                }
                _ => {
                    return Err(member.error(OdrlErrorKind::UnknownMember).because(format!(
                        "{} is not a member of an ODRL rule that is known here, and could restrict \
                         it; take it out, or say with a constraint what it demands",
                        shown(at.name_of(member))
                    )));
                }
            };
            if is_repeated {
                return Err(member.error(OdrlErrorKind::DuplicateMember));
            }
        }
        let actions = actions.ok_or_else(|| at.missing("action"))?;
        let constraints = constraints.unwrap_or_default();
        Ok(Self { at, kind, actions, constraints, duty })
    }

    fn is_every_use(&self) -> bool {
        let found = self.actions.iter().find_map(|one| action::of_rule(one.term, self.kind));
        self.actions.len() == 1 && found.is_some_and(|all| all.len() == Action::ALL.len())
    }

    fn rule(&self, clause: ClauseId, mut place: Place<'_>) -> Result<Rule, Refused<'a>> {
        let mut rule = Rule::new([]);
        for one in &self.actions {
            let found = action::of_rule(one.term, self.kind);
            rule.actions.extend(found.ok_or_else(|| one.refused())?);
        }
        let mut has_actions = false;
        for item in &self.constraints {
            match Shape::of(*item)? {
                Shape::Atomic(atomic) if atomic.left.term()? == Term::Own("action") => {
                    let is_every_use = rule.actions.len() == Action::ALL.len();
                    if has_actions || !is_every_use {
                        return Err(atomic.left.error(OdrlErrorKind::UnknownOperand));
                    }
                    has_actions = true;
                    rule.actions = action::some(&atomic)?;
                }
                _ => rule.constraints.extend(constraint::read(*item, &mut place)?),
            }
        }
        rule.check(clause).map_err(|error| self.at.error(OdrlErrorKind::Terms(error)))?;
        Ok(rule)
    }
}

/// Refuses a second context inside the document, which could give names another meaning there.
fn inner_context(at: At<'_>) -> Refused<'_> {
    at.error(OdrlErrorKind::UnknownContext)
        .because("write one @context, at the beginning of the document")
}
