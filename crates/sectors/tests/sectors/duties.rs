//! The duties of templates on data: what is named leaves as it should, and what is not stays.

use std::cell::RefCell;
use std::collections::HashSet;
use std::fmt::Write as _;
use std::path::PathBuf;

use dataspace_data_plane::subjects::{Admission, NotAdmitted, SubjectId};
use dataspace_data_plane::{Document, Piece, Plan, Product, Table, product::Recipient, write_csv};
use dataspace_policy::Persons;
use dataspace_primitives::{Secrets, Zeroizing, secrets::SecretsError};
use tempfile::TempDir;

use dataspace_sectors::{Arguments, Language, Sector, audio_visual, automotive, materials};

const RECIPIENT: Recipient<'_> = Recipient { contract: b"contract", consumer: "did:key:z6Mk" };

struct Key;

impl Secrets for Key {
    fn derive(&self, _: &str, _: &[u8]) -> Result<Zeroizing<[u8; 32]>, SecretsError> {
        Ok(Zeroizing::new([5; 32]))
    }
}

/// The columns and rows that leave under the template.
fn released(
    table: &Table,
    sector: &Sector,
    template: &str,
    arguments: &Arguments,
) -> (String, Vec<Vec<String>>) {
    let draft = sector.template(template).unwrap().fill(arguments).unwrap();
    let duties = &draft.terms(Language::English).duties;
    let plan = Plan::compile(duties, &table.schema(), &Key, RECIPIENT).unwrap();
    let batches: Vec<_> = plan.run(table).unwrap().map(Result::unwrap).collect();
    let mut csv = Vec::new();
    write_csv(&mut csv, &plan.output_schema(), &batches).unwrap();
    let text = String::from_utf8(csv).unwrap();
    let mut lines = text.lines();
    let head = lines.next().unwrap().to_owned();
    (head, lines.map(|line| line.split(',').map(str::to_owned).collect()).collect())
}

/// A table, and the directory in which it lies.
fn table(csv: &str) -> (TempDir, Table) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("table.csv");
    std::fs::write(&path, csv).unwrap();
    let table = Table::open(path).unwrap();
    (dir, table)
}

/// A file of the shared real data; prints that the test is skipped where there is none.
fn shared(path: &str) -> Option<PathBuf> {
    let root = std::env::var_os("DATASPACE_DATA").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    );
    let file = root.join(path);
    if !file.exists() {
        println!("skipped: there is no {}", file.display());
    }
    Some(file).filter(|file| file.exists())
}

fn is_pseudonym(cell: &str) -> bool {
    cell.len() == 32 && cell.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[test]
fn a_composition_leaves_rounded_and_without_its_furnace() {
    let (_dir, table) =
        table("sample,iron,chromium,furnace\nS-1,70.26,18.04,F7\nS-2,69.95,18.55,F9\n");
    let arguments = Arguments::new().with("sample", "sample").with("shares", ["iron", "chromium"]);
    let (head, rows) = released(&table, materials(), "masked-composition", &arguments);
    assert_eq!(head, "sample,iron,chromium");
    assert!(rows.iter().all(|row| is_pseudonym(&row[0])));
    let mut shares: Vec<_> = rows.iter().map(|row| row[1..].join(" ")).collect();
    shares.sort();
    assert_eq!(shares, ["70.0 18.6", "70.3 18.0"]);
}

#[test]
fn grades_that_are_not_named_stay() {
    let (_dir, table) = table("grade,batch\nS235,1\nS355,2\ns235,3\n,4\nS235 ,5\n");
    let arguments = Arguments::new().with("column", "grade").with("grades", ["S235"]);
    let (_, rows) = released(&table, materials(), "supplier-grade", &arguments);
    assert_eq!(rows, [["S235", "1"]]);
}

#[test]
fn a_partner_gets_its_own_parts() {
    let (_dir, table) = table("part,partner\nP-1,BPNL1\nP-2,BPNL2\nP-3,BPNL1\n");
    let arguments = Arguments::new()
        .with("partner", "did:web:a.example")
        .with("column", "partner")
        .with("numbers", ["BPNL1"]);
    let (_, rows) = released(&table, automotive(), "traceability", &arguments);
    assert_eq!(rows, [["P-1", "BPNL1"], ["P-3", "BPNL1"]]);
}

#[test]
fn telemetry_leaves_coarse_and_without_its_driver() {
    let (_dir, table) = table(
        "vehicle,driver,at,lat,long,speed\nV1,Ann,1559139937,41.2565,-95.9345,30.5\nV1,Ann,1559139999,41.2565,-95.9345,31.5\n",
    );
    let arguments = Arguments::new()
        .with("vehicle", "vehicle")
        .with("positions", ["lat", "long"])
        .with("cells", 10)
        .with("seconds", ["at"])
        .with("measurements", ["speed"]);
    let (head, rows) = released(&table, automotive(), "telemetry", &arguments);
    assert_eq!(head, "vehicle,at,lat,long,speed");
    assert_eq!(rows.len(), 2);
    for row in &rows {
        assert!(is_pseudonym(&row[0]) && row[0] == rows[0][0]);
        assert_eq!(row[1].parse::<u64>().unwrap() % 60, 0);
        // The middle of a tenth of a degree.
        assert_eq!((row[2].as_str(), row[3].as_str()), ("41.25", "-95.95"));
    }
}

#[test]
fn drives_without_consent_stay() {
    let (_dir, table) = table("drive,speed\n25,1\n26,2\n250,3\n");
    let arguments = Arguments::new().with("drives", [25]).with("lapses", "2027-01-01T00:00:00Z");
    let (_, rows) = released(&table, automotive(), "drive-consent", &arguments);
    assert_eq!(rows, [["25", "1"]]);
}

#[test]
fn views_of_a_passport_have_their_columns_alone() {
    let (_dir, table) =
        table("manufacturer,chemistry,disassembly,test_reports\nA,LFP,steps,reports\n");
    let shown = |columns: &[&str]| Arguments::new().with("shown", columns.to_vec());
    let public = shown(&["chemistry", "manufacturer"]);
    let (head, _) = released(&table, automotive(), "battery-passport-public", &public);
    assert_eq!(head, "manufacturer,chemistry");
    let interest = shown(&["chemistry", "manufacturer", "disassembly"]);
    let (head, _) = released(&table, automotive(), "battery-passport-interest", &interest);
    assert_eq!(head, "manufacturer,chemistry,disassembly");
    let authority = shown(&["chemistry", "manufacturer", "test_reports"]);
    let (head, _) = released(&table, automotive(), "battery-passport-authority", &authority);
    assert_eq!(head, "manufacturer,chemistry,test_reports");
}

#[test]
fn other_templates_hide_what_they_name() {
    let (_dir, cars) = table("vin,driver,fault\nWVW1,Ann,P0420\n");
    let arguments = Arguments::new().with("vehicle", "vin").with("shown", ["fault"]);
    let (head, rows) = released(&cars, automotive(), "quality-analysis", &arguments);
    assert_eq!(head, "vin,fault");
    assert!(is_pseudonym(&rows[0][0]));
    let arguments = Arguments::new().with("countries", ["DE"]).with("shown", ["fault"]);
    let (head, _) = released(&cars, automotive(), "cross-border", &arguments);
    assert_eq!(head, "fault");

    let (_dir, speech) = table("speaker,name,digit,recording\nS1,Jackson,7,7_jackson_0.wav\n");
    let arguments = Arguments::new().with("speaker", "speaker").with("shown", ["digit"]);
    let (head, rows) = released(&speech, audio_visual(), "speech-without-names", &arguments);
    assert_eq!(head, "speaker,digit");
    assert!(is_pseudonym(&rows[0][0]));

    let (_dir, assets) = table("asset,text\nA-1,one\nA-2,two\n");
    let arguments = audio_visual().template("training-listed").unwrap().example();
    let (_, rows) =
        released(&assets, audio_visual(), "training-listed", &arguments.with("assets", ["A-2"]));
    assert_eq!(rows, [["A-2", "two"]]);
}

/// Says who was asked for.
#[derive(Default)]
struct Asked(RefCell<Vec<(Persons, usize)>>);

impl Admission for Asked {
    fn year(&self, _: &Persons) -> Result<u16, NotAdmitted> {
        Ok(2026)
    }

    fn admit(
        &self,
        duty: &Persons,
        _: u16,
        persons: &HashSet<SubjectId>,
    ) -> Result<(), NotAdmitted> {
        self.0.borrow_mut().push((duty.clone(), persons.len()));
        Ok(())
    }
}

#[test]
fn persons_are_counted_at_the_border_if_a_column_says_who_they_are() {
    let (_dir, cars) = table("vin,driver,fault\nW1,Ann,P0420\nW2,Bo,P0420\nW3,Ann,P0300\nW4,,P1\n");
    let plain = Arguments::new().with("countries", ["DE"]).with("shown", ["fault"]);
    let register: &[&str] = &["driver"];
    let counted = plain.clone().with("persons", register.to_vec());
    let few = counted.clone().with("threshold", 1);
    let other = counted.clone().with("register", "sensitive").with("zone", "Asia/Urumqi");
    let template = automotive().template("cross-border").unwrap();
    for (arguments, expected, rows) in [
        (&plain, None, 4),
        (&counted, Some((100_000, "export", "Asia/Shanghai")), 3),
        (&other, Some((100_000, "sensitive", "Asia/Urumqi")), 3),
        (&few, None, 0),
    ] {
        let draft = template.fill(arguments).unwrap();
        let duties = &draft.terms(Language::Chinese).duties;
        let asked = Asked::default();
        let mut delivery = cars.open(duties, None, &Key, RECIPIENT).unwrap();
        assert_eq!(delivery.admit(&asked).is_ok(), rows > 0);
        let mut left = 0;
        while let Ok(Some(Piece::Rows(batch))) = delivery.next() {
            assert_eq!(batch.num_columns(), 1, "the persons themselves do not leave");
            left += batch.num_rows();
        }
        assert_eq!(left, rows);
        let expected = expected.map(|(at_most, register, zone)| {
            let name = |text: &str| text.parse().unwrap();
            let (column, register, zone) = (name("driver"), name(register), name(zone));
            (Persons { column, at_most, zone, register }, 2)
        });
        assert_eq!(asked.0.into_inner(), Vec::from_iter(expected));
    }
    let two: &[&str] = &["driver", "vin"];
    for wrong in [
        plain.clone().with("persons", two.to_vec()),
        counted.clone().with("threshold", 0),
        counted.clone().with("threshold", 4_000_001),
        counted.with("zone", "Asia/Peking"),
    ] {
        assert!(template.fill(&wrong).is_err(), "{wrong:?}");
    }
}

#[test]
fn real_compounds_leave_rounded() {
    let Some(path) = shared("materials/transport.parquet") else { return };
    let arguments = Arguments::new()
        .with("sample", "mp_id")
        .with("shares", ["S_p", "S_n"])
        .with("decimals", 1)
        .with("others", ["pretty_formula"]);
    let table = Table::open(path).unwrap();
    let (head, rows) = released(&table, materials(), "masked-composition", &arguments);
    let columns: Vec<_> = head.split(',').collect();
    assert_eq!(columns.len(), 4);
    assert_eq!(rows.len(), 47_737);
    let place = |name: &str| columns.iter().position(|one| *one == name).unwrap();
    for row in &rows {
        assert!(is_pseudonym(&row[place("mp_id")]));
        let decimals = row[place("S_p")].split_once('.').map_or(0, |(_, after)| after.len());
        assert!(decimals <= 1, "{row:?}");
    }
}

#[test]
fn real_drives_leave_on_a_grid() {
    let Some(path) = shared("automotive/drives.parquet") else { return };
    let table = Table::open(path).unwrap();
    let arguments = Arguments::new()
        .with("vehicle", "drive")
        .with("positions", ["gps_lat", "gps_long"])
        .with("cells", 10)
        .with("seconds", ["time_utc"])
        .with("measurements", ["speed_mph"]);
    let (head, rows) = released(&table, automotive(), "telemetry", &arguments);
    let columns: Vec<_> = head.split(',').collect();
    assert_eq!(columns.len(), 5);
    assert_eq!(rows.len(), 23_187);
    let place = columns.iter().position(|one| *one == "gps_lat").unwrap();
    for row in rows.iter().filter(|row| !row[place].is_empty()) {
        let cell = row[place].parse::<f64>().unwrap() * 10.0;
        assert!((cell - cell.floor() - 0.5).abs() < 1e-6, "{row:?}");
    }
}

/// What leaves of a document under the template.
fn viewed(document: &Document, template: &str, arguments: &Arguments) -> serde_json::Value {
    let draft = automotive().template(template).unwrap().fill(arguments).unwrap();
    let duties = &draft.terms(Language::English).duties;
    document.check(duties).unwrap();
    let mut delivery = document.open(duties, None, &Key, RECIPIENT).unwrap();
    let mut all = Vec::new();
    while let Some(piece) = delivery.next().unwrap() {
        let Piece::Bytes { bytes, .. } = piece else { panic!("rows") };
        all.extend_from_slice(&bytes);
    }
    serde_json::from_slice(&all).unwrap()
}

#[test]
fn a_real_passport_has_its_views() {
    let Some(path) = shared("automotive/battery_pass.json") else { return };
    let whole: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let passport = Document::open(path).unwrap();
    let none = Arguments::new();
    let public = viewed(&passport, "battery-passport-public", &none);
    let interest = viewed(&passport, "battery-passport-interest", &none);
    let authority = viewed(&passport, "battery-passport-authority", &none);
    let to_all = [
        "/identification/chemistry",
        "/identification/identification/type",
        "/materials/active/cobalt/recycled",
        "/materials/active/lead/recycled",
        "/materials/active/lithium/recycled",
        "/materials/active/nickel/recycled",
        "/materials/hazardous/other",
        "/operation/manufacturer",
        "/safety/usableExtinguishAgent",
        "/sustainability/carbonFootprint",
        "/sustainability/documents",
    ];
    let detail = [
        "/materials/active/cobalt/location",
        "/materials/hazardous/cadmium",
        "/materials/hazardous/lead",
        "/materials/hazardous/mercury",
        "/safety/dismantling",
    ];
    let of_one = ["/performance/dynamic", "/sustainability/status"];
    let reports = ["/conformity/resultOfTestReport", "/performance/rated/testReport"];
    for (view, shown, hidden) in [
        (&public, to_all.to_vec(), [&detail[..], &of_one, &reports].concat()),
        (&interest, [&to_all[..], &detail, &of_one].concat(), reports.to_vec()),
        (&authority, [&to_all[..], &detail, &reports].concat(), of_one.to_vec()),
    ] {
        for pointer in shown {
            assert!(whole.pointer(pointer).is_some(), "{pointer}");
            assert_eq!(view.pointer(pointer), whole.pointer(pointer), "{pointer}");
        }
        for pointer in hidden.into_iter().chain(["/identification/identification/serial"]) {
            let is_hidden = whole.pointer(pointer).is_some() && view.pointer(pointer).is_none();
            assert!(is_hidden, "{pointer}");
        }
        assert!(!view.to_string().contains("SN12345678"));
    }
}

#[test]
fn figures_leave_for_groups_with_enough_subjects_alone() {
    let mut csv = "vin,model,speed\n".to_owned();
    for number in 0..50 {
        // Fifty of the one, forty-nine of the other; one twice, which makes it no more.
        let speed = if number % 2 == 0 { 10.5 } else { 20.5 };
        writeln!(csv, "A{number},saloon,{speed}\nB{},coupe,30.5", number % 49).unwrap();
    }
    let (_dir, table) = table(&csv);
    let arguments =
        Arguments::new().with("vehicle", "vin").with("groups", ["model"]).with("means", ["speed"]);
    let (head, rows) = released(&table, automotive(), "insurer-aggregate", &arguments);
    assert_eq!(head, "model,rows,mean_speed");
    assert_eq!(rows, [["saloon", "50", "15.5"]]);

    let arguments = Arguments::new().with("sample", "vin").with("means", ["speed"]);
    let (_, rows) = released(&table, materials(), "aggregate-only", &arguments);
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0][0], "100");
}

#[test]
fn marked_copies_are_of_pictures_and_recordings_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.png");
    // Waves: 160 pixels along a side have room for a trace.
    let wave =
        |x: u32, y: u32| image::Luma([u8::try_from(100 + (x * x / 9 + y * 5) % 90).unwrap()]);
    image::GrayImage::from_fn(160, 160, wave).save(&path).unwrap();
    let picture = dataspace_media::Picture::open(path).unwrap();
    let (_dir, table) = table("a,b\n1,2\n");
    for template in ["traced-copies", "traced-plays", "screener"] {
        let arguments = audio_visual().template(template).unwrap().example();
        let draft = audio_visual().template(template).unwrap().fill(&arguments).unwrap();
        let duties = &draft.terms(Language::English).duties;
        assert_eq!(draft.terms(Language::Chinese).duties, *duties);
        picture.check(duties).unwrap();
        let mut delivery = picture.open(duties, None, &Key, RECIPIENT).unwrap();
        let Some(Piece::Bytes { bytes, .. }) = delivery.next().unwrap() else { panic!("rows") };
        let found = picture.compare(&bytes).unwrap().of_contract(&Key, b"contract").unwrap();
        assert!(found.is_found(), "{template}: {found:?}");
        assert!(Product::check(&table, duties).is_err());
    }
}
