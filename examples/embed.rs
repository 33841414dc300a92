//! A provider embeds a node: it founds a space, admits two members, registers a table, offers it,
//! concludes a contract, answers two requests for access, publishes its log, and closes.
//!
//! `cargo run --bin embed -- DIR` makes DIR and puts the node there. All keys are in this one program
//! so that it can be read in one go; really, authority and consumer hold theirs, and what they sign
//! comes as bytes.
#![expect(clippy::print_stdout, reason = "it tells what it does")]

use std::env;
use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use dataspace_audit_log::{PublishDir, Publisher};
use dataspace_data_plane::Table;
use dataspace_identity::{DidKeys, MembershipCredential};
use dataspace_policy::{Action, ColumnMask, Constraint, Duty, MaskMethod, Rule, Terms};
use dataspace_primitives::{Region, Signed, Validity};
use dataspace_runtime::{
    Access, Clock as _, NewOffer, NodeKeys, Setup, SystemClock, generate_key, request_access,
};
use dataspace_usage_contract::{Acceptance, Offer};

const YEAR: Duration = Duration::from_secs(365 * 86_400);

fn main() -> Result<(), Box<dyn Error>> {
    let dir = PathBuf::from(env::args_os().nth(1).ok_or("usage: embed DIR")?);
    fs::create_dir(&dir)?;
    let (authority, institute) = (generate_key()?, generate_key()?);
    // The mill's keys are kept: the node is opened with them again. Give a passphrase to seal them.
    let mill = NodeKeys::create(&dir.join("keys"), None)?;
    let (authority_did, mill_did) = (authority.did().clone(), mill.did().clone());
    let now = SystemClock.now();
    let validity = Validity::new(now, now.checked_add(YEAR).ok_or("the year 9999")?)?;

    // Found: the authority signs the profile of the space, the mill's node begins its log with it.
    let profile = dataspace_sectors::materials().profile("steel".parse()?, authority_did.clone());
    let node = Setup::new(dir.join("node"), mill, authority_did.clone())
        .create(Signed::sign(&profile, &authority)?)?;

    // Admit: the authority signs a credential for each member, the provider among them.
    let members = [
        (&mill_did, "Rolling Mill", "provider"),
        (institute.did(), "Institute of Metals", "consumer"),
    ];
    for (serial, (did, name, role)) in (1..).zip(members) {
        let credential = MembershipCredential {
            space: profile.space_id(),
            subject: did.clone(),
            name: name.parse()?,
            serial,
            issued_at: now,
            roles: [role.parse()?].into(),
            attributes: [].into(),
            region: Region::parse("DE")?,
            validity,
        };
        node.admit(Signed::sign(&credential, &authority)?)?;
    }

    // Register: real properties of iron oxides; examples/data/README.md cites the source.
    let table = Table::open(concat!(env!("CARGO_MANIFEST_DIR"), "/data/thermoelectrics.csv"))?;
    node.register("iron-oxides".parse()?, "computed-properties".parse()?, table)?;

    // Offer: for research, twice, with a pseudonym in place of each identifier.
    let rule = Rule::new([Action::Read])
        .when(Constraint::Purpose(["research".parse()?].into()))
        .when(Constraint::Count(2));
    let mask = ColumnMask { column: "mp_id".parse()?, method: MaskMethod::Hash };
    let offer = node.offer(NewOffer {
        product: "iron-oxides".parse()?,
        consumer: Some(institute.did().clone()),
        terms: Terms::new().permit(rule).duty(Duty::Mask(mask)),
        validity,
        expires_at: validity.until(),
    })?;

    // Conclude: the institute checks the offer and signs; the node checks that, signs, and records.
    let verified = Offer::verify(offer.clone(), &mill_did, &DidKeys, SystemClock.now())?;
    let acceptance = Acceptance::sign(&verified, &institute, SystemClock.now())?;
    let agreement = node.conclude(offer, acceptance)?;
    for clause in agreement.value().terms.clauses() {
        println!("{}  {} ({})", clause.id, clause.words, clause.assurance);
    }

    // Access: the first request is permitted; the second one is for a purpose that was not agreed.
    for purpose in ["research", "carbon-accounting"] {
        let purpose = purpose.parse()?;
        let request = request_access(&institute, &agreement, Action::Read, purpose, &SystemClock)?;
        match node.access(request)? {
            Access::Released(release) => {
                let (record, mut rows) = (release.receipt().index, 0);
                for batch in release {
                    rows += batch?.num_rows(); // an Arrow record batch, masked and filtered
                }
                println!("released {rows} rows; record {record}");
            }
            Access::Denied(denied) => println!("denied: {denied}"),
        }
    }

    // Publish what an auditor reads, from any web server; then close.
    let checkpoint = node.checkpoint()?;
    let store = PublishDir::open(&dir.join("public"))?;
    let mut publisher = Publisher::open(store, checkpoint.origin().clone())?;
    publisher.publish_log(node.log(), &checkpoint)?;
    let last = node.close()?;
    println!("closed with {} records, root {}", last.size(), last.root());
    println!("auditor {} {authority_did}", dir.join("public").display());
    Ok(())
}
