//! A scan that goes to another machine as a description: it opens what is held for it, once, and nothing else.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::util::pretty::pretty_format_batches;
use datafusion::execution::TaskContext;
use datafusion::physical_plan::{
    ChildrenPropertiesMode, ExecutionPlan, ReplaceChildrenOptions, collect,
};
use dataspace_policy::{Duty, MaskMethod};
use dataspace_primitives::{Digest, Name, cbor};
use dataspace_query::distributed::{
    DescribeError, Held, HeldViews, HoldError, ScanDescription, ScanError, ScanPermit, decode,
    duties_digest, encode, plan,
};
use dataspace_query::{GovernedView, Query};
use proptest::prelude::*;

use crate::common::{batch, duties, mask, people, table, view, views};

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn names(all: &[&str]) -> BTreeSet<Name> {
    all.iter().map(|one| name(one)).collect()
}

fn permit() -> ScanPermit {
    ScanPermit {
        contract: Digest::of(b"contract"),
        product: name("people"),
        duties: duties_digest(&duties()).unwrap(),
        log: name("mill.example/log"),
        index: 41,
        request: Digest::of(b"request"),
    }
}

fn people_of(permit: ScanPermit) -> GovernedView {
    view(table(vec![batch(&people())]), duties(), 1).permitted_by(permit)
}

fn planned(sql: &str, view: GovernedView) -> Arc<dyn ExecutionPlan> {
    plan(&Query::parse(sql).unwrap(), &views(vec![("people", view)])).unwrap()
}

/// The one scan of a plan.
fn scan_of(plan: &Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan> {
    match plan.children().as_slice() {
        [] => Arc::clone(plan),
        children => scan_of(children[0]),
    }
}

/// The plan as an engine sends it: its scans as bytes, and read back.
fn sent(
    plan: Arc<dyn ExecutionPlan>,
    held: &dyn Held,
) -> Result<Arc<dyn ExecutionPlan>, ScanError> {
    let children: Vec<_> = plan.children().into_iter().cloned().collect();
    if children.is_empty() {
        return decode(&encode(&plan).unwrap(), held, || false);
    }
    let children = children.into_iter().map(|child| sent(child, held));
    let children = children.collect::<Result<Vec<_>, _>>()?;
    let options = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
    Ok(plan.replace_children(children, options).unwrap())
}

fn run(plan: Arc<dyn ExecutionPlan>) -> Result<Vec<RecordBatch>, String> {
    let mut all = std::pin::pin!(collect(plan, Arc::new(TaskContext::default())));
    loop {
        if let Poll::Ready(all) = all.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return all.map_err(|error| error.to_string());
        }
    }
}

fn held_for(columns: &[&str]) -> HeldViews {
    let held = HeldViews::new();
    held.hold(people_of(permit()), &names(columns)).unwrap();
    held
}

const BY_CITY: &str = "SELECT city, count(*) AS n, sum(salary) AS salary FROM people GROUP BY city";

fn error(decoded: Result<Arc<dyn ExecutionPlan>, ScanError>) -> ScanError {
    match decoded {
        Err(error) => error,
        Ok(_) => panic!("it was given out"),
    }
}

#[test]
fn a_plan_that_was_sent_gives_the_rows_that_it_gives_here() {
    for sql in [
        BY_CITY,
        "SELECT count(*) FROM people",
        "SELECT city, age FROM people WHERE age > 30 ORDER BY age",
        "SELECT region, max(age) FROM people GROUP BY region LIMIT 3",
    ] {
        let query = Query::parse(sql).unwrap();
        let here = views(vec![("people", people_of(permit()))]);
        let rows = query.run(&here, dataspace_query::Limits::default(), || false).unwrap();
        let here: Vec<_> = rows.map(Result::unwrap).collect();

        let plan = planned(sql, people_of(permit()));
        let scan = ScanDescription::from_bytes(&encode(&scan_of(&plan)).unwrap()).unwrap();
        let columns: Vec<_> = scan.columns().iter().map(Name::as_str).collect();
        let there = run(sent(plan, &held_for(&columns)).unwrap()).unwrap();
        let here: String = here
            .iter()
            .map(|batch| dataspace_data_plane::preview(std::slice::from_ref(batch), 99, 200))
            .collect();
        let there = pretty_format_batches(&there).unwrap().to_string();
        let words = |text: &str| -> BTreeSet<String> {
            let split = text.split(|c: char| c.is_whitespace() || "|+".contains(c));
            split
                .filter(|word| word.chars().any(char::is_alphanumeric))
                .map(str::to_owned)
                .collect()
        };
        assert_eq!(words(&here), words(&there), "{here}\n{there}");
    }
}

#[test]
fn what_the_description_says_is_no_row_no_key_and_no_duty() {
    let bytes = encode(&scan_of(&planned(BY_CITY, people_of(permit())))).unwrap();
    let scan = ScanDescription::from_bytes(&bytes).unwrap();
    assert_eq!(*scan.permit(), permit());
    assert_eq!(scan.columns(), [name("city"), name("salary")]);
    let text = String::from_utf8_lossy(&bytes);
    for part in ["SECRET", "Ulm", "eu", "region", "note", "51000"] {
        assert!(!text.contains(part), "{part}: {text}");
    }
    assert!(bytes.len() < 400, "{}", bytes.len());
}

#[test]
fn a_description_gives_out_once() {
    let held = held_for(&["city", "salary"]);
    let plan = planned(BY_CITY, people_of(permit()));
    let bytes = encode(&scan_of(&plan)).unwrap();
    let there = decode(&bytes, &held, || false).unwrap();
    assert!(matches!(error(decode(&bytes, &held, || false)), ScanError::NotHeld));
    assert!(!run(Arc::clone(&there)).unwrap().is_empty());
    // Nor does the plan itself a second time, nor its description again.
    assert!(run(Arc::clone(&there)).is_err());
    assert_eq!(encode(&there).unwrap(), bytes);
    assert!(matches!(error(decode(&bytes, &held, || false)), ScanError::NotHeld));
}

#[test]
fn many_machines_that_ask_at_once_get_one_answer() {
    let held = held_for(&["city", "salary"]);
    let bytes = encode(&scan_of(&planned(BY_CITY, people_of(permit())))).unwrap();
    let given: usize = std::thread::scope(|scope| {
        let all: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| usize::from(decode(&bytes, &held, || false).is_ok())))
            .collect();
        all.into_iter().map(|one| one.join().unwrap()).sum()
    });
    assert_eq!(given, 1);
}

#[test]
fn another_node_has_nothing_for_it() {
    let bytes = encode(&scan_of(&planned(BY_CITY, people_of(permit())))).unwrap();
    assert!(matches!(error(decode(&bytes, &HeldViews::new(), || false)), ScanError::NotHeld));
}

#[test]
fn another_contract_permit_projection_or_schema_has_nothing_and_costs_nothing() {
    let held = held_for(&["city", "salary"]);
    let others = [
        ScanPermit { contract: Digest::of(b"another"), ..permit() },
        ScanPermit { product: name("persons"), ..permit() },
        ScanPermit { duties: duties_digest(&[]).unwrap(), ..permit() },
        ScanPermit { log: name("other.example/log"), ..permit() },
        ScanPermit { index: 42, ..permit() },
        ScanPermit { request: Digest::of(b"another"), ..permit() },
    ];
    for permit in others {
        let bytes = encode(&scan_of(&planned(BY_CITY, people_of(permit)))).unwrap();
        assert!(matches!(error(decode(&bytes, &held, || false)), ScanError::NotHeld));
    }
    for sql in [
        "SELECT city, salary, age FROM people",
        "SELECT city FROM people",
        "SELECT * FROM people",
        "SELECT count(*) FROM people",
    ] {
        let bytes = encode(&scan_of(&planned(sql, people_of(permit())))).unwrap();
        assert!(matches!(error(decode(&bytes, &held, || false)), ScanError::NotHeld), "{sql}");
    }
    let mut fewer = duties();
    fewer.push(mask("age", MaskMethod::Drop));
    let narrow = view(table(vec![batch(&people())]), fewer, 1).permitted_by(permit());
    let bytes = encode(&scan_of(&planned(BY_CITY, narrow))).unwrap();
    assert!(matches!(error(decode(&bytes, &held, || false)), ScanError::NotHeld));
    // It is still there for the right one.
    let plan = planned(BY_CITY, people_of(permit()));
    assert!(run(sent(plan, &held).unwrap()).is_ok());
}

/// A node that gives out whatever it has.
struct Careless(GovernedView);

impl Held for Careless {
    fn give(&self, _: &ScanDescription) -> Option<GovernedView> {
        Some(self.0.clone())
    }
}

#[test]
fn a_node_that_gives_another_view_than_was_described_gives_nothing() {
    let bytes = encode(&scan_of(&planned(BY_CITY, people_of(permit())))).unwrap();
    let others = [
        people_of(ScanPermit { index: 42, ..permit() }),
        view(table(vec![batch(&people())]), duties(), 1),
        view(table(vec![batch(&people())]), Vec::<Duty>::new(), 1).permitted_by(permit()),
    ];
    for other in others {
        let given = decode(&bytes, &Careless(other), || false);
        assert!(matches!(error(given), ScanError::OtherView));
    }
    assert!(decode(&bytes, &Careless(people_of(permit())), || false).is_ok());
}

#[test]
fn only_governed_scans_with_a_permit_are_described() {
    let plan = planned(BY_CITY, people_of(permit()));
    assert!(matches!(encode(&plan), Err(DescribeError::NotAScan)));
    let unnamed = view(table(vec![batch(&people())]), duties(), 1);
    let plan = planned(BY_CITY, unnamed.clone());
    assert!(matches!(encode(&scan_of(&plan)), Err(DescribeError::NoPermit)));
    let held = HeldViews::new();
    let refused = held.hold(unnamed, &names(&["city"]));
    assert!(matches!(refused, Err(HoldError::Describe(DescribeError::NoPermit))));
}

#[test]
fn what_is_held_is_counted_and_can_be_let_go() {
    let held = HeldViews::new();
    let scan = held.hold(people_of(permit()), &names(&["city"])).unwrap();
    let twice = held.hold(people_of(permit()), &names(&["city"]));
    assert!(matches!(twice, Err(HoldError::Twice)));
    assert!(held.let_go(&scan) && !held.let_go(&scan));
    for index in 0..1_024 {
        held.hold(people_of(ScanPermit { index, ..permit() }), &names(&["city"])).unwrap();
    }
    let full = held.hold(people_of(permit()), &names(&["age"]));
    assert!(matches!(full, Err(HoldError::Full)));
}

#[test]
fn a_permit_that_is_withdrawn_ends_a_scan_elsewhere_too() {
    let held = held_for(&["city", "salary"]);
    let bytes = encode(&scan_of(&planned(BY_CITY, people_of(permit())))).unwrap();
    let is_over = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&is_over);
    let scan = decode(&bytes, &held, move || told.load(Ordering::Relaxed)).unwrap();
    is_over.store(true, Ordering::Relaxed);
    assert!(run(scan).is_err());
}

/// The bytes with one part of them exchanged.
fn changed(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let at = bytes.windows(from.len()).position(|part| part == from).unwrap();
    [&bytes[..at], to, &bytes[at + from.len()..]].concat()
}

#[test]
fn descriptions_of_other_versions_and_with_more_in_them_are_refused() {
    let bytes = encode(&scan_of(&planned(BY_CITY, people_of(permit())))).unwrap();
    let version = changed(&bytes, b"av\x01", b"av\x02");
    assert!(matches!(ScanDescription::from_bytes(&version), Err(ScanError::Version { found: 2 })));
    for cut in 0..bytes.len() {
        assert!(matches!(ScanDescription::from_bytes(&bytes[..cut]), Err(ScanError::Malformed(_))));
    }
    let longer = [&bytes[..], b"\0"].concat();
    assert!(matches!(ScanDescription::from_bytes(&longer), Err(ScanError::Malformed(_))));
    let long = vec![0; (1 << 20) + 1];
    assert!(matches!(ScanDescription::from_bytes(&long), Err(ScanError::Malformed(_))));
    let many = changed(&bytes, b"\x82\x64city\x66salary", &{
        let mut many = vec![0x99, 0x10, 0x01];
        many.extend(b"\x61a".repeat(4_097));
        many
    });
    assert!(cbor::check_canonical(&many, 1 << 20).is_ok());
    assert!(matches!(ScanDescription::from_bytes(&many), Err(ScanError::Malformed(_))));
}

/// Columns twice, or in another order, are other descriptions, and nothing is held for them.
#[test]
fn columns_in_another_order_or_twice_find_nothing() {
    let bytes = encode(&scan_of(&planned(BY_CITY, people_of(permit())))).unwrap();
    for columns in [&b"\x82\x66salary\x64city"[..], b"\x82\x64city\x64city", b"\x81\x64city"] {
        let other = changed(&bytes, b"\x82\x64city\x66salary", columns);
        assert!(ScanDescription::from_bytes(&other).is_ok());
        let held = held_for(&["city", "salary"]);
        assert!(matches!(error(decode(&other, &held, || false)), ScanError::NotHeld));
        let careless = Careless(people_of(permit()));
        let given = decode(&other, &careless, || false);
        if columns == b"\x81\x64city" {
            // That is another scan, which this node has, too.
            assert_eq!(given.unwrap().schema().fields().len(), 1);
        } else {
            assert!(matches!(error(given), ScanError::OtherView));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn a_description_that_was_changed_gives_nothing(
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        kind in 0..3_u8,
    ) {
        let bytes = encode(&scan_of(&planned(BY_CITY, people_of(permit())))).unwrap();
        let mut other = bytes.clone();
        let at = at.index(other.len());
        match kind {
            0 => other[at] = byte,
            1 => drop(other.remove(at)),
            _ => other.insert(at, byte),
        }
        let held = held_for(&["city", "salary"]);
        prop_assert!(other == bytes || decode(&other, &held, || false).is_err());
    }
}

/// Two nodes, two contracts: each gives out its own part of one plan.
#[test]
fn a_join_of_two_nodes_is_read_where_each_table_is() {
    let sql = "SELECT count(*) AS n FROM a JOIN b ON a.city = b.city";
    let [here, there] = [b"here", b"away"]
        .map(|contract| people_of(ScanPermit { contract: Digest::of(contract), ..permit() }));
    let all = views(vec![("a", here.clone()), ("b", there.clone())]);
    let both = HeldViews::new();
    let query = Query::parse(sql).unwrap();
    let mut waiting = vec![plan(&query, &all).unwrap()];
    let mut scans = Vec::new();
    while let Some(step) = waiting.pop() {
        match step.children().as_slice() {
            [] => scans.push(ScanDescription::from_bytes(&encode(&step).unwrap()).unwrap()),
            children => waiting.extend(children.iter().map(|child| Arc::clone(child))),
        }
    }
    assert_eq!(scans.len(), 2);
    let contracts: BTreeSet<_> = scans.iter().map(|scan| scan.permit().contract).collect();
    assert_eq!(contracts.len(), 2);
    for view in [here, there] {
        both.hold(view, &names(&["city"])).unwrap();
    }
    let all = sent(plan(&query, &all).unwrap(), &both).unwrap();
    // 3 of Ulm with each other, 1 of Bonn.
    assert!(pretty_format_batches(&run(all).unwrap()).unwrap().to_string().contains("| 10"));
}
