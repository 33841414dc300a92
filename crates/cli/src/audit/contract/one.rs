//! One contract in plain words.

use dataspace_primitives::shown;
use dataspace_usage_contract::Agreement;

use crate::audit::contract::found::{Contract, Found};
use crate::audit::contract::parties::Party;
use crate::audit::words::count;
use crate::out::say;
use crate::{labels, paint, verify};

pub(super) fn show(found: &Found, contract: &Contract, with_cedar: bool) {
    let Agreement { product, product_class, validity, compiler, cedar, .. } = &contract.agreement;
    let (record, time) = contract.concluded;
    say!("{}", paint::title(format!("Contract {}", contract.id)));
    say!("   space      {}, founded by the authority", shown(&found.space.name));
    say!("              {}", found.space.authority);
    party("provider", &contract.parties.provider);
    party("consumer", &contract.parties.consumer);
    say!("   product    {}, of the class {}", shown(product), shown(product_class));
    say!("   valid      {validity}");
    say!("   concluded  at {time}, by record {record} of the provider's log");
    say!("              {}", found.log);
    say!("   state      {}", contract.state.words());
    for end in &contract.ends {
        say!("              {}", end.words(&contract.parties));
    }
    if let Some((permits, denials)) = contract.accesses {
        say!("   accesses   {} permitted, {denials} denied", paint::thousands(permits));
    }

    let clauses = count(u64::try_from(contract.clauses.len()).unwrap_or(u64::MAX), "clause");
    say!("\n{}", paint::title(format!("What was agreed, in {clauses}")));
    paint::clauses(&contract.clauses);

    if with_cedar {
        let title = format!("The Cedar text that decides (version {compiler} of the compiler)");
        say!("\n{}", paint::title(title));
        for line in cedar.lines() {
            say!("{}", shown(line));
        }
    }
    say!("\n{}", paint::title("What was checked"));
    verify::findings(&found.findings);
    labels::legend(&contract.clauses);
}

fn party(role: &str, party: &Party) {
    let credential = &party.0;
    let roles: Vec<_> = credential.roles.iter().map(|role| shown(role).to_string()).collect();
    say!(
        "   {role:<9}  {}, {}, with the role {}",
        shown(&credential.name),
        credential.region,
        roles.join(" and ")
    );
    say!("              {}", party.did());
}
