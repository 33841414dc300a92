//! Cedar, as an application may call it, with its own type for the time.

use std::fmt::Write as _;
use std::str::FromStr as _;

use anyhow::{Context as _, Result};
use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityId, EntityTypeName, EntityUid,
    PolicySet, Request, RestrictedExpression as Expr,
};
use dataspace_benches::{Effort, Report};
use dataspace_primitives::UnixMillis;

use crate::world::{self, CLASS, FROM, MANY, PURPOSE, Plain, UNTIL};

pub(crate) fn rows(effort: Effort, report: &mut Report) -> Result<()> {
    let (types, one, authorizer) = (Types::new()?, policies(1)?, Authorizer::new());
    let (good, wrong) = (world::good(1), world::wrong(1));
    let permits = |request: &Request, entities: &Entities, policies: &PolicySet| {
        authorizer.is_authorized(request, policies, entities).decision() == Decision::Allow
    };

    world::measure((effort, report), "cedar-application/1", (&good, &wrong), |plain| {
        let (Ok(request), Ok(entities)) = (types.request(plain), types.entities([plain])) else {
            return false;
        };
        permits(&request, &entities, &one)
    })?;

    // A fact that only the wrong ones have is another entity under the same name.
    let shared = types.entities(good.first())?;
    let wrong_class = |plain: &&Plain| plain.class != CLASS;
    let others: Vec<_> = wrong.iter().filter(|plain| !wrong_class(plain)).cloned().collect();
    world::measure((effort, report), "cedar-entities-shared/1", (&good, &others), |plain| {
        types.request(plain).is_ok_and(|request| permits(&request, &shared, &one))
    })?;

    for contracts in [1, MANY] {
        let (many, name) = (policies(contracts)?, format!("cedar-prebuilt/{contracts}"));
        let ready = |all: Vec<Plain>| {
            let ready = |plain| Ok((types.request(plain)?, types.entities([plain])?));
            all.iter().map(ready).collect::<Result<Vec<_>>>()
        };
        let all = (ready(world::good(contracts))?, ready(world::wrong(contracts))?);
        let decide = |(request, entities): &(Request, Entities)| permits(request, entities, &many);
        world::measure((effort, report), &name, (&all.0, &all.1), decide)?;
    }
    Ok(())
}

fn time(at: u64) -> Result<String> {
    Ok(UnixMillis::new(at).context("after the year 9999")?.to_string())
}

fn policies(contracts: u32) -> Result<PolicySet> {
    let mut text = String::new();
    for number in 0..contracts {
        writeln!(
            text,
            "permit (principal == Participant::{:?}, action == Action::\"read\", \
             resource == Product::{:?}) when {{ [{PURPOSE:?}].contains(context.purpose) }} \
             when {{ context.now >= datetime(\"{}\") && context.now < datetime(\"{}\") }} \
             when {{ resource.class == {CLASS:?} }};",
            world::consumer(number),
            world::product(number),
            time(FROM)?,
            time(UNTIL)?,
        )?;
    }
    PolicySet::from_str(&text).context("not a policy set")
}

/// What does not change from call to call.
struct Types {
    participant: EntityTypeName,
    product: EntityTypeName,
    read: EntityUid,
}

impl Types {
    fn new() -> Result<Self> {
        let (participant, product) = ("Participant".parse()?, "Product".parse()?);
        Ok(Self { participant, product, read: "Action::\"read\"".parse()? })
    }

    fn participant(&self, plain: &Plain) -> EntityUid {
        let id = EntityId::new(&plain.consumer);
        EntityUid::from_type_name_and_id(self.participant.clone(), id)
    }

    fn product(&self, plain: &Plain) -> EntityUid {
        EntityUid::from_type_name_and_id(self.product.clone(), EntityId::new(&plain.product))
    }

    fn request(&self, plain: &Plain) -> Result<Request> {
        let context = Context::from_pairs([
            ("now".to_owned(), Expr::new_datetime(time(plain.now)?)),
            ("purpose".to_owned(), Expr::new_string(plain.purpose.clone())),
        ])?;
        let (principal, resource) = (self.participant(plain), self.product(plain));
        Ok(Request::new(principal, self.read.clone(), resource, context, None)?)
    }

    fn entities<'a>(&self, plain: impl IntoIterator<Item = &'a Plain>) -> Result<Entities> {
        let mut all = Vec::new();
        for plain in plain {
            let class = ("class".to_owned(), Expr::new_string(plain.class.clone()));
            all.push(Entity::new(self.product(plain), [class].into(), [].into())?);
            all.push(Entity::with_uid(self.participant(plain)));
        }
        Ok(Entities::from_entities(all, None)?)
    }
}
