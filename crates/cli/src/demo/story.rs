use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use arrow_array::RecordBatch;
use dataspace_audit_log::Finding;
use dataspace_data_plane::{preview, write_csv};
use dataspace_identity::Did;
use dataspace_policy::{Action, Constraint, Legal, Rule, Terms};
use dataspace_primitives::{Name, Region, Signed, Validity, shown};
use dataspace_runtime::{
    Access, Clock, DataSpace, NewOffer, NodeKeys, Receipt, Setup, SystemClock, Table, generate_key,
};
use dataspace_usage_contract::{ContractId, SpaceProfile, contract_id};

use super::cast::{Authority, Consumer, year};
use super::choose::{self, Chosen};
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

struct Demo {
    dir: std::path::PathBuf,
    space: DataSpace,
    authority: Authority,
    institute: Consumer,
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
    let contract = demo.agree(&demo.institute, terms(2)?, year(now)?)?;
    demo.show_contract(contract)?;
    show_choice(&chosen, &kept);

    // Two more contracts on the same terms: one that soon ends, one with a member that will.
    let now = demo.space.now()?;
    let short = Validity::new(now, now.checked_add(SHORT).context("the year 9999")?)?;
    let short = demo.agree(&demo.institute, terms(2)?, short)?;
    let other = demo.agree(&demo.outsider, terms(2)?, year(now)?)?;

    heading(5, "Accesses: each decided, recorded, then released or denied");
    let research = name("research")?;
    let (receipt, released) = demo.permitted(&demo.institute, contract, &research)?;
    demo.show_release(&released)?;
    let denial = name("carbon-accounting")?;
    let denial = demo.denied("the wrong purpose", &demo.institute, contract, &denial)?;
    demo.permitted(&demo.institute, contract, &research)?;
    demo.denied("the quota is used up", &demo.institute, contract, &research)?;
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
    demo.denied("the contract has expired", &demo.institute, short, &research)?;
    demo.permitted(&demo.outsider, other, &research)?;
    let outsider = demo.outsider.key.did();
    let now = demo.space.now()?;
    demo.space.revoke(demo.authority.revocation(outsider, "fees were not paid", now)?)?;
    demo.denied("membership revoked", &demo.outsider, other, &research)?;

    demo.prove(&receipt, &denial)
}

fn name(text: &str) -> Result<Name> {
    Ok(text.parse()?)
}

fn heading(number: u8, text: &str) {
    say!("\n{}", paint::title(format!("{number}  {text}")));
}

fn short(did: &Did) -> String {
    let end = did.as_str().get(did.as_str().len().saturating_sub(8)..).unwrap_or_default();
    format!("did:key:…{end}")
}

fn found(dir: &Path) -> Result<Demo> {
    let authority = generate_key()?;
    let mill = NodeKeys::create(&dir.join("keys"), None)?;
    let (institute, outsider) =
        (Consumer::new("Institute of Metals")?, Consumer::new("Ore Traders")?);
    let authority_did = authority.did().clone();

    heading(1, "The authority founds a materials data space");
    let vocabulary = dataspace_sectors::materials();
    let mut profile: SpaceProfile =
        vocabulary.profile(name("materials-demo")?, authority_did.clone());
    SPACE_POLICIES.clone_into(&mut profile.policies);
    let mill_did = mill.did().clone();
    let space = Setup::new(dir.join("node"), mill, authority_did.clone())
        .create(Signed::sign(&profile, &authority)?)?;
    let authority = Authority { key: authority, space: profile.space_id() };
    files::write_new(&dir.join("authority.did"), format!("{authority_did}\n").as_bytes())?;
    say!(
        "   {:<22}version {}, signed by {}; forbids model training to everybody",
        profile.space,
        profile.version,
        short(&authority_did)
    );

    heading(2, "It admits three participants");
    let validity = year(SystemClock.now())?;
    let members = [
        (&mill_did, "Rolling Mill", "provider", "DE"),
        (institute.key.did(), institute.name, "consumer", "FR"),
        (outsider.key.did(), outsider.name, "consumer", "DE"),
    ];
    for (serial, (did, name, role, region)) in (1..).zip(members) {
        space.admit(authority.credential(serial, did, (name, role, region), validity)?)?;
        say!("   {name:<22}{role}, {region}, {}", short(did));
    }
    Ok(Demo { dir: dir.to_owned(), space, authority, institute, outsider })
}

impl Demo {
    fn register(&self, table: Table, data: &Path, data_name: &str) -> Result<()> {
        heading(3, "The rolling mill registers a data product");
        say!("   {data_name}");
        let first = table.read()?.next().transpose()?;
        let rows = match table.row_count() {
            Some(rows) => format!("{} rows", paint::thousands(rows)),
            None => "rows".to_owned(),
        };
        say!("   {rows} of {} columns:", table.schema().fields().len());
        show(first.as_slice());
        self.space
            .register(name(PRODUCT)?, name("computed-properties")?, table)
            .with_context(|| format!("cannot register {}", shown_path(data)))
    }

    /// Offer, acceptance and conclusion, each with its signature.
    fn agree(&self, consumer: &Consumer, terms: Terms, validity: Validity) -> Result<ContractId> {
        let offer = self.space.offer(NewOffer {
            product: name(PRODUCT)?,
            consumer: Some(consumer.key.did().clone()),
            terms,
            validity,
            expires_at: validity.until(),
        })?;
        let acceptance = consumer.accept(&offer, self.space.provider())?;
        Ok(contract_id(&self.space.conclude(offer, acceptance)?))
    }

    fn show_contract(&self, contract: ContractId) -> Result<()> {
        heading(4, "Mill and institute sign a usage contract");
        let agreement = self.space.agreement(contract).context("the contract is gone")?;
        say!("   {contract}");
        say!("   valid {}", agreement.value().validity);
        paint::clauses(&agreement.value().terms.clauses());
        let cedar = self.dir.join("contract.cedar");
        files::write_new(&cedar, agreement.value().cedar.as_bytes())?;
        let words = format!("the Cedar text that decides is in {}", shown_path(&cedar));
        say!("   {}", paint::dim(words));
        Ok(())
    }

    fn ask(&self, consumer: &Consumer, contract: ContractId, purpose: &Name) -> Result<Access> {
        let agreement = self.space.agreement(contract).context("the contract is gone")?;
        Ok(self.space.access(consumer.request(&agreement, purpose)?)?)
    }

    fn permitted(
        &self,
        consumer: &Consumer,
        contract: ContractId,
        purpose: &Name,
    ) -> Result<(Receipt, Vec<RecordBatch>)> {
        let release = match self.ask(consumer, contract, purpose)? {
            Access::Released(release) => release,
            Access::Denied(denied) => bail!("unexpectedly denied: {denied}"),
        };
        let (receipt, uses) = (release.receipt().clone(), release.uses());
        let schema = release.schema().context("a table")?;
        let columns = schema.fields().len();
        let batches = release.collect::<Result<Vec<_>, _>>()?;
        let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
        let limit = self.space.uses(contract).and_then(|(_, limit)| limit);
        let limit = limit.map(|limit| format!(" of {limit}")).unwrap_or_default();
        say!(
            "   {} {:<22}{purpose}: {} rows of {columns} columns; use {uses}{limit}, record {}",
            paint::good("released"),
            consumer.name,
            paint::thousands(rows),
            receipt.index
        );
        Ok((receipt, batches))
    }

    fn denied(
        &self,
        expected: &str,
        consumer: &Consumer,
        contract: ContractId,
        purpose: &Name,
    ) -> Result<Receipt> {
        match self.ask(consumer, contract, purpose)? {
            Access::Released(_) => bail!("released, although {expected}"),
            Access::Denied(denied) => {
                say!(
                    "   {}   {:<22}{denied}; record {}",
                    paint::bad("denied"),
                    consumer.name,
                    denied.receipt().index
                );
                Ok(denied.receipt())
            }
        }
    }

    /// The text with names in place of DIDs, for a narrow screen.
    fn with_names(&self, text: &str) -> String {
        [
            (self.space.provider(), "Rolling Mill"),
            (self.institute.key.did(), self.institute.name),
            (self.outsider.key.did(), self.outsider.name),
        ]
        .into_iter()
        .fold(text.to_owned(), |text, (did, name)| text.replace(&format!("{did} ({name:?})"), name))
        .replace(&format!("the log {}", self.space.log().origin()), "the log of Rolling Mill")
    }

    fn show_release(&self, batches: &[RecordBatch]) -> Result<()> {
        show(batches);
        let Some(schema) = batches.first().map(RecordBatch::schema) else { return Ok(()) };
        let file = self.dir.join("released.csv");
        let mut csv = Vec::new();
        write_csv(&mut csv, &schema, batches)?;
        files::write_new(&file, &csv)?;
        say!("   {}", paint::dim(format!("all of it is in {}", shown_path(&file))));
        Ok(())
    }

    fn prove(&self, receipt: &Receipt, denial: &Receipt) -> Result<()> {
        heading(
            6,
            "Proof of the first release, for anybody, with the authority's public key alone",
        );
        let evidence = self.space.evidence(receipt)?;
        let mut bytes = evidence.to_bytes()?;
        let file = self.dir.join("evidence.cbor");
        files::write_new(&file, &bytes)?;
        let authority = self.authority.key.did();
        let verified = verify::verify(&bytes, authority)?;
        let limits = verified.findings().into_iter().filter_map(|finding| match finding {
            Finding::Proved(words) => {
                say!("   {} {}", paint::good("proved  "), shown(&self.with_names(&words)));
                None
            }
            Finding::NotProved(words) => Some(words),
        });
        let limits = limits.count();
        say!("   {limits} things that it does not prove are listed by `verify`");

        let middle = bytes.len() / 2;
        if let Some(byte) = bytes.get_mut(middle) {
            *byte ^= 1;
        }
        match verify::verify(&bytes, authority) {
            Ok(_) => bail!("a flipped bit in the evidence was not found"),
            Err(error) => say!(
                "   {} the same file with one bit flipped in byte {middle}: {error}",
                paint::bad("refused ")
            ),
        }
        let written = format!("{} ({} bytes)", shown_path(&file), paint::thousands(bytes.len()));
        say!("   {}", paint::dim(format!("the evidence is in {written}")));
        let file = self.dir.join("denial.cbor");
        files::write_new(&file, &self.space.evidence(denial)?.to_bytes()?)?;
        let written = format!("evidence of the first denial is in {}", shown_path(&file));
        say!("   {}", paint::dim(written));
        let path = |name: &str| quoted(&self.dir.join(name));
        say!("\n{}", paint::title("Next"));
        for (command, words) in [
            (
                format!(
                    "cargo run --release -- verify {} --authority {}",
                    path("evidence.cbor"),
                    path("authority.did")
                ),
                "check the evidence as an auditor would",
            ),
            (
                format!(
                    "cargo run --release -- contract {} --authority {}",
                    path("node"),
                    path("authority.did")
                ),
                "read what was agreed in plain words, and what became of it",
            ),
            (
                format!("cargo run --release -- audit show {}", path("node")),
                "what the mill's log holds; `audit verify` checks it, `audit replay` decides again",
            ),
            (
                "cargo run --release -- demo --data FILE".to_owned(),
                "share a CSV or Parquet file of your own",
            ),
            ("cargo bench".to_owned(), "what a decision and a recorded access cost here"),
        ] {
            say!("   {}\n      {words}", paint::command(command));
        }
        Ok(())
    }
}

/// Why the duties of a table of somebody's own are what they are.
fn show_choice(chosen: &[Chosen], kept: &[String]) {
    if chosen.is_empty() && kept.is_empty() {
        return;
    }
    let words =
        "these duties were chosen by the names of the columns and the first rows; look at them";
    say!("   {}", paint::dim(words));
    for (number, one) in (1..).zip(chosen) {
        let column = one.duty.column().map_or("", |column| column.as_str());
        let (duty, column) = (format!("duty-{number}"), shown(column));
        say!("      {duty:<9}{column}: {}", shown(&one.why));
    }
    if !kept.is_empty() {
        let (some, rest) = kept.split_at(kept.len().min(KEPT_MAX));
        let more =
            if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
        say!("      {:<9}{}{more}", "as it is", shown(&some.join(", ")));
    }
}

/// The first three rows; the number of all of them is said elsewhere.
fn show(batches: &[RecordBatch]) {
    let first = batches.first().map(|batch| batch.slice(0, batch.num_rows().min(3)));
    let text = preview(first.as_slice(), 3, 92);
    for line in text.lines() {
        say!("      {}", paint::dim(shown(line)));
    }
}
