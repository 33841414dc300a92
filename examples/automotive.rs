//! Automotive: a fleet founds its space from the sector, and opens drives to a workshop by two templates: coarse
//! telemetry, and drives with consent. Another purpose is denied, important data do not go abroad, and a revoked
//! member gets nothing more, in the middle of a release.
//!
//! `cargo run --bin automotive -- DIR [FILE]` makes DIR and puts the node there. FILE is another table with the
//! columns `drive`, `time_utc`, `gps_lat`, `gps_long` and `speed_mph`.
#![expect(clippy::print_stdout, reason = "it tells what it does")]

use std::{env, error::Error, fs, path::PathBuf, time::Duration};

use dataspace::{
    Acceptance, Access, Action, Agreement, Clock as _, DidKeys, MembershipCredential,
    MembershipRevocation, NewOffer, NewRequest, NodeKeys, Offer, Region, Release, Setup, Signed,
    Statements, SystemClock, Table, Validity, Verified, generate_key, request_access_to, sectors,
};
use dataspace_data_plane::write_csv;

type Fallible<T> = Result<T, Box<dyn Error>>;

fn main() -> Fallible<()> {
    let dir = PathBuf::from(env::args_os().nth(1).ok_or("usage: automotive DIR [FILE]")?);
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/data/drives.csv");
    let file = env::args_os().nth(2).map_or_else(|| sample.into(), PathBuf::from);
    fs::create_dir(&dir)?;
    let now = SystemClock.now();
    let until = now.checked_add(Duration::from_secs(90 * 86_400)).ok_or("the year 9999")?;
    let validity = Validity::new(now, until)?;

    // The authority founds the space from the sector, and says where its important data are at home.
    let sector = sectors::automotive();
    let (authority, workshop) = (generate_key()?, generate_key()?);
    let keys = NodeKeys::create(&dir.join("keys"), None)?;
    let fleet = keys.did().clone();
    let home = sectors::Arguments::new().with("home", ["AT"]);
    let profile = sector.profile_with("roads".parse()?, authority.did().clone(), &home)?;
    let node = Setup::new(dir.join("node"), keys, authority.did().clone())
        .create(Signed::sign(&profile, &authority)?)?;
    for (_, words) in sector.forbids(sectors::Language::English) {
        println!("for every contract: {words}");
    }
    for (did, name, role) in
        [(&fleet, "Fleet", "provider"), (workshop.did(), "Workshop", "workshop")]
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
    for (product, class) in [("drives", "telemetry"), ("convoys", "important-data")] {
        node.register(product.parse()?, class.parse()?, Table::open(&file)?)?;
    }

    // An offer by a template, whose clauses the workshop reads, in English or in Chinese, and accepts.
    let contract = |product: &str, template: &str, arguments| -> Fallible<Verified<Agreement>> {
        let draft = sector.template(template).ok_or("no such template")?.fill(&arguments)?;
        println!("\n{template}");
        for language in sectors::Language::ALL {
            for clause in draft.clauses(language) {
                println!("  {} ({}) {}", clause.id, clause.assurance, clause.words);
            }
        }
        let terms = draft.terms(sectors::Language::English).clone();
        let (product, consumer) = (product.parse()?, Some(workshop.did().clone()));
        let offer =
            node.offer(NewOffer { product, consumer, terms, validity, expires_at: until })?;
        let read = Offer::verify(offer.clone(), &fleet, &DidKeys, now)?;
        Ok(node.conclude(offer, Acceptance::sign(&read, &workshop, now)?)?)
    };
    let ask = |agreement: &Verified<Agreement>, purpose: &str, to: &str| -> Fallible<Access> {
        let recipient_region = Some(Region::parse(to)?);
        let statements = Statements { recipient_region, ..Statements::default() };
        let new = NewRequest { statements, ..NewRequest::new(Action::Read, purpose.parse()?) };
        Ok(node.access(request_access_to(&workshop, agreement, new, &SystemClock)?)?)
    };

    let coarse = sectors::Arguments::new()
        .with("vehicle", "drive")
        .with("positions", ["gps_lat", "gps_long"])
        .with("seconds", ["time_utc"])
        .with("measurements", ["speed_mph"]);
    let agreement = contract("drives", "telemetry", coarse)?;
    let Access::Released(release) = ask(&agreement, "predictive-maintenance", "AT")? else {
        return Err("denied".into());
    };
    show(release)?;
    if let Access::Denied(denied) = ask(&agreement, "recall", "AT")? {
        println!("denied: {denied}");
    }

    // Important data: at home, with consent, and never abroad, whatever the contract says.
    let consent = sectors::Arguments::new().with("drives", [25]).with("lapses", until.to_string());
    let convoys = contract("convoys", "drive-consent", consent)?;
    for to in ["AT", "US"] {
        match ask(&convoys, "predictive-maintenance", to)? {
            Access::Released(release) => show(release)?,
            Access::Denied(denied) => println!("denied: {denied}"),
        }
    }

    // The workshop leaves the space. What it has opened ends before its next batch.
    let Access::Released(mut open) = ask(&agreement, "predictive-maintenance", "AT")? else {
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

/// How many rows are released, and the first of them.
fn show(release: Release) -> Fallible<()> {
    let batches = release.collect::<Result<Vec<_>, _>>()?;
    let (mut csv, schema) = (Vec::new(), batches.first().ok_or("no rows")?.schema());
    let rows = write_csv(&mut csv, &schema, &batches)?;
    println!("released {rows} rows, the first of them:");
    for line in String::from_utf8(csv)?.lines().take(2) {
        println!("  {line}");
    }
    Ok(())
}
