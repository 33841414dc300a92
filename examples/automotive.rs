//! Automotive: a fleet opens recordings of drives to a workshop, for predictive maintenance, with
//! positions coarsened and standing cars left out. A request for another purpose is denied, and a
//! revoked member gets nothing more, in the middle of a release.
//!
//! `cargo run --bin automotive -- DIR` makes DIR and puts the node there.
#![expect(clippy::print_stdout, reason = "it tells what it does")]

use std::{env, error::Error, fs, path::PathBuf, time::Duration};

use dataspace::{
    Acceptance, Access, Action, Clock as _, ColumnMask, Constraint, DidKeys, Duty, MaskMethod,
    MembershipCredential, MembershipRevocation, NewOffer, NodeKeys, Offer, Operator, Region,
    RowFilter, Rule, Scalar, Setup, Signed, SystemClock, Table, Terms, Validity, generate_key,
    request_access, sectors,
};

fn main() -> Result<(), Box<dyn Error>> {
    let dir = PathBuf::from(env::args_os().nth(1).ok_or("usage: automotive DIR")?);
    fs::create_dir(&dir)?;
    let now = SystemClock.now();
    let until = now.checked_add(Duration::from_secs(90 * 86_400)).ok_or("the year 9999")?;
    let validity = Validity::new(now, until)?;

    let (authority, workshop) = (generate_key()?, generate_key()?);
    let keys = NodeKeys::create(&dir.join("keys"), None)?;
    let fleet = keys.did().clone();
    let profile = sectors::automotive().profile("roads".parse()?, authority.did().clone());
    let node = Setup::new(dir.join("node"), keys, authority.did().clone())
        .create(Signed::sign(&profile, &authority)?)?;
    for (did, name, role) in
        [(&fleet, "Fleet", "provider"), (workshop.did(), "Workshop", "consumer")]
    {
        let credential = MembershipCredential {
            space: profile.space_id(),
            subject: did.clone(),
            name: name.parse()?,
            serial: 1,
            issued_at: now,
            roles: [role.parse()?].into(),
            attributes: [].into(),
            region: Region::parse("AT")?,
            validity,
        };
        node.admit(Signed::sign(&credential, &authority)?)?;
    }

    // Real drives; examples/data/README.md cites the source.
    let table = Table::open(concat!(env!("CARGO_MANIFEST_DIR"), "/data/drives.csv"))?;
    node.register("drives".parse()?, "drive-recordings".parse()?, table)?;
    let rule = Rule::new([Action::Read])
        .when(Constraint::Purpose(["predictive-maintenance".parse()?].into()));
    let coarse = |column: &str| -> Result<Duty, Box<dyn Error>> {
        let method = MaskMethod::Round { decimals: 1 }; // about eleven kilometres
        Ok(Duty::Mask(ColumnMask { column: column.parse()?, method }))
    };
    let moving = RowFilter {
        column: "speed_mph".parse()?,
        operator: Operator::Gt,
        values: vec![Scalar::Number("1".parse()?)],
    };
    let terms = Terms::new()
        .permit(rule)
        .duty(Duty::Filter(moving))
        .duty(coarse("gps_lat")?)
        .duty(coarse("gps_long")?);
    let (product, consumer) = ("drives".parse()?, None);
    let offer = node.offer(NewOffer { product, consumer, terms, validity, expires_at: until })?;
    let read = Offer::verify(offer.clone(), &fleet, &DidKeys, now)?;
    for clause in read.value().terms.clauses() {
        println!("{}  {}", clause.id, clause.words);
    }
    let agreement = node.conclude(offer, Acceptance::sign(&read, &workshop, now)?)?;

    let ask = |purpose: &str| -> Result<Access, Box<dyn Error>> {
        let purpose = purpose.parse()?;
        let request = request_access(&workshop, &agreement, Action::Read, purpose, &SystemClock)?;
        Ok(node.access(request)?)
    };
    if let Access::Released(release) = ask("predictive-maintenance")? {
        let mut rows = 0;
        for batch in release {
            rows += batch?.num_rows();
        }
        println!("released {rows} of 142 rows: while the car was moving");
    }
    if let Access::Denied(denied) = ask("driver-assistance")? {
        println!("denied: {denied}");
    }

    // The workshop leaves the space. What it has opened ends before its next batch.
    let Access::Released(mut open) = ask("predictive-maintenance")? else {
        return Err("denied".into());
    };
    node.revoke(Signed::sign(
        &MembershipRevocation {
            space: profile.space_id(),
            subject: workshop.did().clone(),
            revoked_at: SystemClock.now(),
            reason: "left the association".parse()?,
        },
        &authority,
    )?)?;
    match open.next() {
        Some(Err(stopped)) => println!("stopped: {stopped}"),
        _ => return Err("a revoked member was given data".into()),
    }
    Ok(())
}
