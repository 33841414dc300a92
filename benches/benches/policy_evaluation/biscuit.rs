//! Biscuit: the contract is a token, verified once and kept; an authorizer for each request.

use std::time::Duration;

use anyhow::Result;
use biscuit_auth::builder::{Policy, fact, int, string};
use biscuit_auth::{AuthorizerBuilder, AuthorizerLimits, Biscuit, KeyPair};
use dataspace_benches::{Effort, Report};

use crate::world::{self, CLASS, FROM, PURPOSE, Plain, UNTIL};

const POLICY: &str = "allow if right($consumer, $product, $class, $purpose, $from, $until), \
    request($consumer, $product, $class, $purpose, $now), $now >= $from, $now < $until";

pub(crate) fn rows(effort: Effort, report: &mut Report) -> Result<()> {
    let (root, policy) = (KeyPair::new(), Policy::try_from(POLICY)?);
    let right = [
        string(&world::consumer(0)),
        string(&world::product(0)),
        string(CLASS),
        string(PURPOSE),
        int(i64::try_from(FROM)?),
        int(i64::try_from(UNTIL)?),
    ];
    let token = Biscuit::builder().fact(fact("right", &right))?.build(&root)?.to_vec()?;
    let token = Biscuit::from(token, root.public())?;
    let all = (world::good(1), world::wrong(1));
    world::measure((effort, report), "biscuit/1", (&all.0, &all.1), |plain| {
        authorize(plain, &policy, &token).is_ok()
    })
}

fn authorize(plain: &Plain, policy: &Policy, token: &Biscuit) -> Result<usize> {
    let request = [
        string(&plain.consumer),
        string(&plain.product),
        string(&plain.class),
        string(&plain.purpose),
        int(i64::try_from(plain.now)?),
    ];
    let limits =
        AuthorizerLimits { max_time: Duration::from_secs(1), ..AuthorizerLimits::default() };
    let mut authorizer = AuthorizerBuilder::new()
        .fact(fact("request", &request))?
        .policy(policy.clone())?
        .set_limits(limits)
        .build(token)?;
    Ok(authorizer.authorize()?)
}
