use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use arrow_array::RecordBatch;
use dataspace_data_plane::Table;
use dataspace_identity::Did;
use dataspace_policy::{Action, Constraint, Legal, Rule, Terms};
use dataspace_primitives::{Name, Region, Signed, Validity, shown};
use dataspace_runtime::{
    Access, Arrival, Clock as _, DataSpace, Incoming, NewOffer, NewRequest, NodeKeys, Reply, Setup,
    SystemClock, consumer::Arrived, generate_key,
};
use dataspace_tlog::{Finding, LeafIndex, record::ReceivedAnswer};
use dataspace_usage_contract::{ContractId, Offer, SpaceProfile, contract_id};

use super::cast::{Authority, Consumer, Institute, year};
use super::choose::{self, Chosen};
use super::page::{self, entry, heading, note};
use super::sample;
use crate::out::say;
use crate::shell::{quoted, shown_path};
use crate::{files, paint, verify};

/// What the authority forbids to everybody, whatever the contracts say.
const SPACE_POLICIES: &str = r#"@id("no-model-training")
forbid (principal, action == Dataspace::Action::"train", resource);
"#;

/// Columns without a duty that are named.
const KEPT_MAX: usize = 16;
const PRODUCT: &str = "shared-table";
const SHORT: Duration = Duration::from_millis(900);
/// As wide as the name of a member.
const NAMES: usize = 20;
/// As wide as `released`.
const VERDICTS: usize = 8;

struct Demo {
    dir: std::path::PathBuf,
    space: DataSpace,
    authority: Authority,
    institute: Institute,
    outsider: Consumer,
}

/// `data_name` is how a table of somebody's own is called; without it, `data` is the sample.
pub(crate) fn tell(dir: &Path, data: &Path, data_name: Option<&str>) -> Result<()> {
    let demo = found(dir)?;
    let is_sample = data_name.is_none();
    let data_name = data_name.unwrap_or("thermoelectrics.csv (real iron compounds)");
    let table = Table::open(data).with_context(|| format!("cannot share {data_name}"))?;
    let (chosen, kept) = if is_sample { Default::default() } else { choose::duties(&table)? };
    let duties = if is_sample {
        sample::duties()?
    } else {
        chosen.iter().map(|one| one.duty.clone()).collect()
    };
    demo.register(table, data, data_name)?;

    let terms = |uses| {
        let read = Rule::new([Action::Read])
            .when(Constraint::Purpose([name("research")?, name("alloy-design")?].into()))
            .when(Constraint::Jurisdiction([Region::parse("DE")?, Region::parse("FR")?].into()))
            .when(Constraint::Count(uses));
        let terms = Terms::new()
            .permit(read)
            .prohibit(Rule::new([Action::Share, Action::Train]))
            .legal(Legal::Text(name("results are published with the provider's name")?));
        anyhow::Ok(duties.iter().cloned().fold(terms, Terms::duty))
    };
    let now = demo.space.now()?;
    let contract = demo.agree(terms(2)?, year(now)?)?;
    demo.show_contract(contract)?;
    show_choice(&chosen, &kept);

    // Two more contracts on the same terms: one that soon ends, one with a member that will.
    let now = demo.space.now()?;
    let short = Validity::new(now, now.checked_add(SHORT).context("the year 9999")?)?;
    let short = demo.agree(terms(2)?, short)?;
    let other = demo.agree_with_outsider(terms(2)?, year(now)?)?;

    heading(5, "Each access: decided, recorded, then released");
    let released = demo.released(contract, true)?;
    let denial = demo.denied("the wrong purpose", contract, "carbon-accounting")?;
    demo.released(contract, false)?;
    demo.denied("the quota is used up", contract, "research")?;
    while demo
        .space
        .agreement(short)
        .context("contract")?
        .value()
        .validity
        .contains(demo.space.now()?)
    {
        thread::sleep(Duration::from_millis(20));
    }
    demo.denied("the contract has expired", short, "research")?;
    demo.outsider_reads(other)?;
    let outsider = demo.outsider.key.did();
    let now = demo.space.now()?;
    demo.space.revoke(demo.authority.revocation(outsider, "fees were not paid", now)?)?;
    demo.outsider_is_denied(other)?;

    demo.prove(&released, &denial)
}

fn name(text: &str) -> Result<Name> {
    Ok(text.parse()?)
}

fn short(did: &Did) -> String {
    let end = did.as_str().get(did.as_str().len().saturating_sub(8)..).unwrap_or_default();
    format!("did:key:…{end}")
}

fn found(dir: &Path) -> Result<Demo> {
    let authority = generate_key()?;
    let (mill_dir, institute_dir) = (dir.join("mill"), dir.join("institute"));
    for dir in [&mill_dir, &institute_dir] {
        std::fs::create_dir(dir).with_context(|| format!("cannot create {}", shown_path(dir)))?;
    }
    let mill = NodeKeys::create(&mill_dir.join("keys"), None)?;
    let outsider = Consumer::new("Ore Traders")?;
    let authority_did = authority.did().clone();

    heading(1, "The authority founds a materials data space");
    let vocabulary = dataspace_sectors::materials();
    let mut profile: SpaceProfile =
        vocabulary.profile(name("materials-demo")?, authority_did.clone());
    SPACE_POLICIES.clone_into(&mut profile.policies);
    let provider = mill.did().clone();
    let signed = Signed::sign(&profile, &authority)?;
    let space =
        Setup::new(mill_dir.join("node"), mill, authority_did.clone()).create(signed.clone())?;
    let institute = Institute::make(&institute_dir, &authority_did, &signed)?;
    let authority = Authority { key: authority, space: profile.space_id() };
    files::write_new(&dir.join("authority.did"), format!("{authority_did}\n").as_bytes())?;
    let words = format!(
        "version {}, signed by {}; forbids model training to everybody",
        profile.version,
        short(&authority_did)
    );
    entry(str::to_owned, profile.space.as_str(), NAMES, &words);

    heading(2, "It admits three participants");
    let validity = year(SystemClock.now())?;
    let members = [
        (&provider, "Rolling Mill", "provider", "DE"),
        (&institute.did, institute.name, "consumer", "FR"),
        (outsider.key.did(), outsider.name, "consumer", "DE"),
    ];
    for (serial, (did, name, role, region)) in (1..).zip(members) {
        let credential = authority.credential(serial, did, (name, role, region), validity)?;
        if *did == provider {
            institute.node.admit(&credential)?;
        }
        space.admit(credential)?;
        entry(str::to_owned, name, NAMES, &format!("{role}, {region}, {}", short(did)));
    }
    Ok(Demo { dir: dir.to_owned(), space, authority, institute, outsider })
}

impl Demo {
    fn register(&self, table: Table, data: &Path, data_name: &str) -> Result<()> {
        heading(3, "The rolling mill registers a data product");
        page::text(data_name);
        let first = table.read()?.next().transpose()?;
        let rows = match table.row_count() {
            Some(rows) => format!("{} rows", paint::thousands(rows)),
            None => "rows".to_owned(),
        };
        page::text(&format!("{rows} of {} columns:", table.schema().fields().len()));
        page::rows(first.as_slice());
        self.space
            .register(name(PRODUCT)?, name("computed-properties")?, table)
            .with_context(|| format!("cannot register {}", shown_path(data)))
    }

    fn offer(&self, to: &Did, terms: Terms, validity: Validity) -> Result<Signed<Offer>> {
        let (product, consumer, expires_at) = (name(PRODUCT)?, Some(to.clone()), validity.until());
        Ok(self.space.offer(NewOffer { product, consumer, terms, validity, expires_at })?)
    }

    /// Offer, acceptance and conclusion, each with its signature: both halves record them.
    fn agree(&self, terms: Terms, validity: Validity) -> Result<ContractId> {
        let node = &self.institute.node;
        let offer = self.offer(&self.institute.did, terms, validity)?;
        Ok(node.conclude(&self.space, node.keep(&offer)?)?)
    }

    /// The same with a consumer that has no node.
    fn agree_with_outsider(&self, terms: Terms, validity: Validity) -> Result<ContractId> {
        let offer = self.offer(self.outsider.key.did(), terms, validity)?;
        let acceptance = self.outsider.accept(&offer, self.space.provider())?;
        Ok(contract_id(&self.space.conclude(offer, acceptance)?))
    }

    fn show_contract(&self, contract: ContractId) -> Result<()> {
        heading(4, "Mill and institute sign a usage contract");
        let agreement = self.space.agreement(contract).context("the contract is gone")?;
        let validity = agreement.value().validity;
        page::text(&format!("contract {}", contract.as_digest().to_short()));
        page::text(&format!("valid {validity}"));
        for clause in agreement.value().terms.clauses() {
            say!("   {}  {}", paint::label(clause.assurance), clause.id);
            page::inner(&clause.words);
        }
        let cedar = self.dir.join("contract.cedar");
        files::write_new(&cedar, agreement.value().cedar.as_bytes())?;
        note(0, &format!("the Cedar text that decides is in {}", shown_path(&cedar)));
        Ok(())
    }

    fn ask(&self, contract: ContractId, purpose: &str) -> Result<Reply> {
        let new = NewRequest::new(Action::Read, name(purpose)?);
        Ok(self.institute.node.access(&self.space, contract, new)?)
    }

    /// The institute gets data, and compares them with the contract.
    fn released(&self, contract: ContractId, is_shown: bool) -> Result<Arrival> {
        let mut incoming = match self.ask(contract, "research")? {
            Reply::Data(incoming) => incoming,
            Reply::Denied(denied) => bail!("unexpectedly denied: {denied}"),
        };
        let (record, csv) = (incoming.record(), read(&mut incoming)?);
        let columns = incoming.columns().unwrap_or_default().len();
        let arrival = incoming.finish()?;
        let ReceivedAnswer::Released { rows, is_whole: true, .. } = arrival.answer else {
            bail!("the release was cut off: {arrival}");
        };
        let (used, limit) = self.space.uses(contract).context("the contract is gone")?;
        let limit = limit.map(|limit| format!(" of {limit}")).unwrap_or_default();
        let words = format!(
            "{}, for research: {} rows of {columns} columns; use {used}{limit}, record {record}",
            self.institute.name,
            paint::thousands(rows),
        );
        entry(paint::good_text, "released", VERDICTS, &words);
        if let Some(complaint) = arrival.complaints.first() {
            bail!("the institute complains: {complaint}");
        }
        if is_shown {
            let file = self.dir.join("institute/released.csv");
            files::write_new(&file, &csv)?;
            let table = Table::open(&file)?.read()?.collect::<Result<Vec<_>, _>>()?;
            page::rows(&table);
            let words = format!(
                "by the institute: masks, filter, evidence and the mill's log are as agreed; record \
                 {} of its own log",
                arrival.index
            );
            entry(paint::good_text, "checked", VERDICTS, &words);
            note(0, &format!("all of it is in {}", shown_path(&file)));
        }
        Ok(arrival)
    }

    fn denied(&self, expected: &str, contract: ContractId, purpose: &str) -> Result<Arrival> {
        match self.ask(contract, purpose)? {
            Reply::Data(_) => bail!("released, although {expected}"),
            Reply::Denied(denied) => {
                let ReceivedAnswer::Denied { reasons } = &denied.answer else {
                    bail!("no denial: {denied}");
                };
                let evidence = denied.evidence.clone().context("evidence of the denial")?;
                let record = evidence.verify(self.authority.key.did())?.index();
                show_denial(self.institute.name, &reasons.join("; "), record);
                Ok(*denied)
            }
        }
    }

    fn outsider_asks(&self, contract: ContractId) -> Result<Access> {
        let agreement = self.space.agreement(contract).context("the contract is gone")?;
        let request = self.outsider.request(&agreement, &name("research")?)?;
        Ok(self.space.access(request)?)
    }

    fn outsider_reads(&self, contract: ContractId) -> Result<()> {
        let release = match self.outsider_asks(contract)? {
            Access::Released(release) => release,
            Access::Denied(denied) => bail!("unexpectedly denied: {denied}"),
        };
        let (record, uses) = (release.receipt().index, release.uses());
        let batches = release.collect::<Result<Vec<_>, _>>()?;
        let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
        let words = format!(
            "{}, for research: {} rows; use {uses} of 2, record {record}",
            self.outsider.name,
            paint::thousands(rows)
        );
        entry(paint::good_text, "released", VERDICTS, &words);
        Ok(())
    }

    fn outsider_is_denied(&self, contract: ContractId) -> Result<()> {
        match self.outsider_asks(contract)? {
            Access::Released(_) => bail!("released, although the membership was revoked"),
            Access::Denied(denied) => {
                let record = denied.receipt().index;
                show_denial(self.outsider.name, &denied.to_string(), record);
                Ok(())
            }
        }
    }

    /// The text with names in place of DIDs, and short contracts, for a narrow screen.
    fn with_names(&self, text: &str) -> String {
        let text = [
            (self.space.provider(), "Rolling Mill"),
            (&self.institute.did, self.institute.name),
            (self.outsider.key.did(), self.outsider.name),
        ]
        .into_iter()
        .fold(text.to_owned(), |text, (did, name)| text.replace(&format!("{did} ({name:?})"), name))
        .replace(&format!("the log {}", self.space.log().origin()), "the log of Rolling Mill")
        .replace(&format!("`{}`", self.space.log().origin()), "of Rolling Mill");
        self.space.contracts().iter().fold(text, |text, contract| {
            text.replace(&contract.to_string(), &contract.as_digest().to_short())
        })
    }

    fn prove(&self, released: &Arrival, denial: &Arrival) -> Result<()> {
        heading(6, "Proof of the first release, for anybody");
        let evidence = released.evidence.as_ref().context("evidence")?;
        let mut bytes = evidence.to_bytes()?;
        let file = self.dir.join("evidence.cbor");
        files::write_new(&file, &bytes)?;
        let authority = self.authority.key.did();
        let verified = verify::verify(&bytes, authority)?;
        let limits = verified.findings().into_iter().filter_map(|finding| match finding {
            Finding::Proved(words) => {
                let words = shown(&self.with_names(&words)).to_string();
                entry(paint::good_text, "proved", VERDICTS, &words);
                None
            }
            Finding::NotProved(words) => Some(words),
        });
        let limits = limits.count();
        page::text(&format!("{limits} things that it does not prove are listed by `verify`"));

        let middle = bytes.len() / 2;
        if let Some(byte) = bytes.get_mut(middle) {
            *byte ^= 1;
        }
        match verify::verify(&bytes, authority) {
            Ok(_) => bail!("a flipped bit in the evidence was not found"),
            Err(error) => {
                let error = self.with_names(&error.to_string());
                let words = format!("the same file with one bit flipped in byte {middle}: {error}");
                entry(paint::bad_text, "refused", VERDICTS, &words);
            }
        }
        let size = paint::thousands(bytes.len());
        note(0, &format!("the evidence is in {} ({size} bytes)", shown_path(&file)));
        let file = self.dir.join("denial.cbor");
        let evidence = denial.evidence.as_ref().context("evidence")?;
        files::write_new(&file, &evidence.to_bytes()?)?;
        note(0, &format!("evidence of the first denial is in {}", shown_path(&file)));
        self.show_next();
        Ok(())
    }

    fn show_next(&self) {
        let path = |name: &str| quoted(&self.dir.join(name));
        let (authority, evidence) = (path("authority.did"), path("evidence.cbor"));
        let (mill, institute) = (path("mill/node"), path("institute/node"));
        let run = ["cargo", "run", "--release", "--"];
        say!("\n{}", paint::title("Next"));
        for (words, what) in [
            (
                &["verify", &evidence, "--authority", &authority][..],
                "check the evidence as an auditor would",
            ),
            (
                &["contract", &mill, "--authority", &authority],
                "read what was agreed in plain words, and what became of it",
            ),
            (&["audit", "show", &mill], "what the mill's log holds; `audit verify` checks it"),
            (
                &["audit", "replay", &mill, "--authority", &authority],
                "make every decision again, from what was signed",
            ),
            (&["audit", "show", &institute], "what the institute's own log holds"),
            (&["demo", "--data", "FILE"], "share a CSV or Parquet file of your own"),
        ] {
            page::command(&[&run, words].concat(), what);
        }
        page::command(&["cargo", "bench"], "what a decision and a recorded access cost here");
    }
}

/// Everything that comes, with a header.
fn read(incoming: &mut Incoming) -> Result<Vec<u8>> {
    let mut csv = Vec::new();
    let mut header = csv::Writer::from_writer(&mut csv);
    header.write_record(incoming.columns().unwrap_or_default())?;
    header.flush()?;
    drop(header);
    while let Some(piece) = incoming.next_piece() {
        match piece {
            Arrived::Rows(rows) => csv.extend_from_slice(&rows),
            _ => bail!("a table is made of rows"),
        }
    }
    Ok(csv)
}

fn show_denial(who: &str, why: &str, record: LeafIndex) {
    let words = format!("{who}: {}; record {record}", shown(why));
    entry(paint::bad_text, "denied", VERDICTS, &words);
}

/// Why the duties of a table of somebody's own are what they are.
fn show_choice(chosen: &[Chosen], kept: &[String]) {
    if chosen.is_empty() && kept.is_empty() {
        return;
    }
    note(
        0,
        "these duties were chosen by the names of the columns and the first rows; look at them",
    );
    for (number, one) in (1..).zip(chosen) {
        let column = one.duty.column().map_or("", |column| column.as_str());
        let words = format!("{}: {}", shown(column), shown(&one.why));
        entry(str::to_owned, &format!("duty-{number}"), VERDICTS, &words);
    }
    if !kept.is_empty() {
        let (some, rest) = kept.split_at(kept.len().min(KEPT_MAX));
        let more =
            if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
        let words = format!("{}{more}", shown(&some.join(", ")));
        entry(str::to_owned, "as it is", VERDICTS, &words);
    }
}
