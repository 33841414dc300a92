//! Casbin, with a contract as a line of its policy. Its values are strings; milliseconds of the same
//! number of digits compare as such.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use anyhow::{Result, bail, ensure};
use casbin::{CoreApi as _, DefaultModel, Enforcer, MgmtApi as _};
use dataspace_benches::{Effort, Report};

use crate::world::{self, CLASS, FROM, MANY, PURPOSE, UNTIL};

const MODEL: &str = "[request_definition]
r = consumer, product, class, purpose, now
[policy_definition]
p = consumer, product, class, purpose, from, until
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = r.consumer == p.consumer && r.product == p.product && r.class == p.class && \
r.purpose == p.purpose && r.now >= p.from && r.now < p.until
";

pub(crate) fn rows(effort: Effort, report: &mut Report) -> Result<()> {
    for contracts in [1, MANY] {
        let model = ready(DefaultModel::from_str(MODEL))??;
        let mut enforcer = ready(Enforcer::new(model, ()))??;
        let lines = (0..contracts).map(|number| {
            let (consumer, product) = (world::consumer(number), world::product(number));
            let (class, purpose) = (CLASS.to_owned(), PURPOSE.to_owned());
            vec![consumer, product, class, purpose, FROM.to_string(), UNTIL.to_string()]
        });
        ensure!(ready(enforcer.add_policies(lines.collect()))??, "casbin takes no policies");

        let name = format!("casbin/{contracts}");
        let all = (world::good(contracts), world::wrong(contracts));
        world::measure((effort, report), &name, (&all.0, &all.1), |plain| {
            let now = plain.now.to_string();
            let (consumer, product) = (plain.consumer.clone(), plain.product.clone());
            let request = vec![consumer, product, plain.class.clone(), plain.purpose.clone(), now];
            enforcer.enforce(request).unwrap_or(false)
        })?;
    }
    Ok(())
}

/// The result of a future that waits for nothing.
fn ready<T>(future: impl Future<Output = T>) -> Result<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Ok(value),
        Poll::Pending => bail!("casbin waits"),
    }
}
