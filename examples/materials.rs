//! Materials: a laboratory opens computed properties of compounds to an institute, for research, three
//! times, with pseudonyms in place of identifiers; the institute reads two columns, and keeps the evidence.
//!
//! `cargo run --bin materials -- DIR` makes DIR and puts the node there.
#![expect(clippy::print_stdout, reason = "it tells what it does")]

use std::{env, error::Error, fs, path::PathBuf, time::Duration};

use dataspace::{
    Acceptance, Access, Action, Clock as _, ColumnMask, Constraint, DidKeys, Duty, Evidence,
    MaskMethod, MembershipCredential, NewOffer, NewRequest, NodeKeys, Offer, Part, RecordBatch,
    Region, Rule, Setup, Signed, SystemClock, Table, Terms, Validity, generate_key,
    request_access_to, sectors,
};

fn main() -> Result<(), Box<dyn Error>> {
    let dir = PathBuf::from(env::args_os().nth(1).ok_or("usage: materials DIR")?);
    fs::create_dir(&dir)?;
    let now = SystemClock.now();
    let until = now.checked_add(Duration::from_secs(365 * 86_400)).ok_or("the year 9999")?;
    let validity = Validity::new(now, until)?;

    // The authority of the space signs its profile, and a credential for each member.
    let (authority, institute) = (generate_key()?, generate_key()?);
    let keys = NodeKeys::create(&dir.join("keys"), None)?;
    let laboratory = keys.did().clone();
    let profile = sectors::materials().profile("alloys".parse()?, authority.did().clone());
    let node = Setup::new(dir.join("node"), keys, authority.did().clone())
        .create(Signed::sign(&profile, &authority)?)?;
    for (did, name, role) in
        [(&laboratory, "Laboratory", "provider"), (institute.did(), "Institute", "consumer")]
    {
        let credential = MembershipCredential {
            space: profile.space_id(),
            subject: did.clone(),
            name: name.parse()?,
            serial: 1,
            issued_at: now,
            roles: [role.parse()?].into(),
            attributes: [].into(),
            region: Region::parse("DE")?,
            validity,
        };
        node.admit(Signed::sign(&credential, &authority)?)?;
    }

    // What the laboratory has, and on what terms: examples/data/README.md cites the source.
    let table = Table::open(concat!(env!("CARGO_MANIFEST_DIR"), "/data/thermoelectrics.csv"))?;
    node.register("iron-oxides".parse()?, "computed-properties".parse()?, table)?;
    let rule = Rule::new([Action::Read])
        .when(Constraint::Purpose(["research".parse()?, "alloy-design".parse()?].into()))
        .when(Constraint::Count(3));
    let mask = ColumnMask { column: "mp_id".parse()?, method: MaskMethod::Hash };
    let offer = node.offer(NewOffer {
        product: "iron-oxides".parse()?,
        consumer: Some(institute.did().clone()),
        terms: Terms::new().permit(rule).duty(Duty::Mask(mask)),
        validity,
        expires_at: until,
    })?;

    // The institute reads the terms in plain words, and accepts.
    let read = Offer::verify(offer.clone(), &laboratory, &DidKeys, now)?;
    for clause in read.value().terms.clauses() {
        println!("{}  {}", clause.id, clause.words);
    }
    let agreement = node.conclude(offer, Acceptance::sign(&read, &institute, now)?)?;

    // It asks for two columns; the laboratory's node reads no others of the file.
    let columns = ["pretty_formula".parse()?, "PF_p".parse()?].into();
    let new = NewRequest {
        part: Some(Part::rows(Some(columns), None)?),
        ..NewRequest::new(Action::Read, "research".parse()?)
    };
    let request = request_access_to(&institute, &agreement, new, &SystemClock)?;
    let Access::Released(release) = node.access(request)? else { return Err("denied".into()) };
    let (receipt, uses) = (release.receipt().clone(), release.uses());
    let batches = release.collect::<Result<Vec<_>, _>>()?;
    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    println!("released {rows} rows of 2 columns; use {uses} of 3, record {}", receipt.index);

    // One file shows anybody who knows the authority what was agreed, asked and decided.
    let evidence = node.evidence(&receipt)?.to_bytes()?;
    let shown = Evidence::from_bytes(&evidence)?.verify(authority.did())?;
    let asked = shown.request().ok_or("no request")?;
    println!("evidence of {} bytes: asked for {:?}", evidence.len(), asked.part);
    Ok(())
}
