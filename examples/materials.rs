//! Materials: a laboratory founds its space from the sector, and opens properties of compounds to an
//! institute by three templates: masked and rounded, paid by access with a monthly cap, and under export control,
//! where the space denies what the contract would permit.
//!
//! `cargo run --bin materials -- DIR [FILE]` makes DIR and puts the node there. FILE is another table with the
//! columns `mp_id`, `S_p` and `S_n`.
#![expect(clippy::print_stdout, reason = "it tells what it does")]

use std::{env, error::Error, fs, path::PathBuf, time::Duration};

use dataspace::{
    Acceptance, Access, Action, Agreement, Clock as _, DidKeys, Evidence, MembershipCredential,
    NewOffer, NewRequest, NodeKeys, Offer, Region, Setup, Signed, Statements, SystemClock, Table,
    Validity, Verified, generate_key, request_access_to, sectors,
};
use dataspace_data_plane::write_csv;

type Fallible<T> = Result<T, Box<dyn Error>>;

fn main() -> Fallible<()> {
    let dir = PathBuf::from(env::args_os().nth(1).ok_or("usage: materials DIR [FILE]")?);
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/data/thermoelectrics.csv");
    let file = env::args_os().nth(2).map_or_else(|| sample.into(), PathBuf::from);
    fs::create_dir(&dir)?;
    let now = SystemClock.now();
    let until = now.checked_add(Duration::from_secs(365 * 86_400)).ok_or("the year 9999")?;
    let validity = Validity::new(now, until)?;

    // The authority founds the space from the sector, with its forbids, and signs a credential for each member.
    let sector = sectors::materials();
    let (authority, institute) = (generate_key()?, generate_key()?);
    let keys = NodeKeys::create(&dir.join("keys"), None)?;
    let laboratory = keys.did().clone();
    let profile = sector.profile("alloys".parse()?, authority.did().clone());
    let node = Setup::new(dir.join("node"), keys, authority.did().clone())
        .create(Signed::sign(&profile, &authority)?)?;
    for (_, words) in sector.forbids(sectors::Language::English) {
        println!("for every contract: {words}");
    }
    for (did, name, role, region) in [
        (&laboratory, "Laboratory", "laboratory", "DE"),
        (institute.did(), "Institute", "consumer", "CH"),
    ] {
        let credential = MembershipCredential {
            space: profile.space_id(),
            subject: did.clone(),
            name: name.parse()?,
            serial: 1,
            issued_at: now,
            roles: [role.parse()?].into(),
            attributes: [("export-licence".parse()?, "valid".parse()?)].into(),
            region: Region::parse(region)?,
            validity,
        };
        node.admit(Signed::sign(&credential, &authority)?)?;
    }
    for (product, class) in
        [("compounds", "computed-properties"), ("creep-tests", "export-controlled")]
    {
        node.register(product.parse()?, class.parse()?, Table::open(&file)?)?;
    }

    // An offer by a template, whose clauses the institute reads, in English or in Chinese, and accepts.
    let contract = |product: &str, template: &str, arguments| -> Fallible<Verified<Agreement>> {
        let draft = sector.template(template).ok_or("no such template")?.fill(&arguments)?;
        println!("\n{template}");
        for language in sectors::Language::ALL {
            for clause in draft.clauses(language) {
                println!("  {} ({}) {}", clause.id, clause.assurance, clause.words);
            }
        }
        let offer = node.offer(NewOffer {
            product: product.parse()?,
            consumer: Some(institute.did().clone()),
            terms: draft.terms(sectors::Language::English).clone(),
            validity,
            expires_at: until,
        })?;
        let read = Offer::verify(offer.clone(), &laboratory, &DidKeys, now)?;
        Ok(node.conclude(offer, Acceptance::sign(&read, &institute, now)?)?)
    };
    let ask = |agreement: &Verified<Agreement>, purpose: &str| -> Fallible<Access> {
        let recipient_region = Some(Region::parse("CH")?);
        let statements = Statements { recipient_region, ..Statements::default() };
        let new = NewRequest { statements, ..NewRequest::new(Action::Read, purpose.parse()?) };
        Ok(node.access(request_access_to(&institute, agreement, new, &SystemClock)?)?)
    };

    let masked = sectors::Arguments::new().with("sample", "mp_id").with("shares", ["S_p", "S_n"]);
    let agreement = contract("compounds", "masked-composition", masked)?;
    let Access::Released(release) = ask(&agreement, "simulation")? else {
        return Err("denied".into());
    };
    let receipt = release.receipt().clone();
    let batches = release.collect::<Result<Vec<_>, _>>()?;
    let (mut csv, schema) = (Vec::new(), batches.first().ok_or("no rows")?.schema());
    let rows = write_csv(&mut csv, &schema, &batches)?;
    println!("released {rows} rows, the first of them:");
    for line in String::from_utf8(csv)?.lines().take(2) {
        println!("  {line}");
    }
    if let Access::Denied(denied) = ask(&agreement, "model-training")? {
        println!("denied: {denied}");
    }
    // One file shows anybody who knows the authority what was agreed, asked and decided.
    let evidence = node.evidence(&receipt)?.to_bytes()?;
    Evidence::from_bytes(&evidence)?.verify(authority.did())?;
    println!("evidence of {} bytes, verified", evidence.len());

    let priced = sectors::Arguments::new().with("price", "2.50 EUR").with("cap", 2);
    let agreement = contract("compounds", "pay-per-access", priced)?;
    for _ in 0..3 {
        match ask(&agreement, "alloy-design")? {
            Access::Released(release) => println!("released: use {} of 2", release.uses()),
            Access::Denied(denied) => println!("denied: {denied}"),
        }
    }

    // The contract names the institute's country; the space keeps such data in the EU.
    let abroad = sectors::Arguments::new().with("countries", ["CH"]);
    let agreement = contract("creep-tests", "export-controlled", abroad)?;
    if let Access::Denied(denied) = ask(&agreement, "quality-assurance")? {
        println!("denied: {denied}");
    }
    Ok(())
}
