//! The binary as its users run it.
#![cfg(test)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn dataspace(args: &[&str], dir: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dataspace"));
    command.args(args).current_dir(dir).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Runs the demo into `dir/demo`; gives what it printed.
fn demo(dir: &Path) -> String {
    let output = dataspace(&["demo", "--dir", "demo"], dir);
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

#[test]
fn the_demo_permits_what_the_contract_permits_and_says_why_it_denies() {
    let dir = tempfile::tempdir().unwrap();
    let output = demo(dir.path());
    let widest = output.lines().map(|line| line.chars().count()).max().unwrap();
    assert!(widest <= 60, "{widest}");
    assert_eq!(output.matches("\n   released ").count(), 3);
    let output = output.split_whitespace().collect::<Vec<_>>().join(" ");
    for reason in [
        "permission-1: the purpose must be alloy-design or research; the request says carbon-accounting",
        "permission-1: at most 2 uses are permitted; 2 were made",
        "the contract expired at",
        "the space authority revoked the consumer's membership",
        "the same file with one bit flipped",
    ] {
        assert_eq!(output.matches(reason).count(), 1, "{reason}");
    }
    for label in [
        "enforced duty-1",
        "attested permission-1",
        "legal prohibition-1",
        "checked by the institute",
    ] {
        assert!(output.contains(label), "{label}");
    }
}

#[test]
fn what_the_demo_releases_is_masked_and_filtered() {
    let dir = tempfile::tempdir().unwrap();
    demo(dir.path());
    let released = fs::read_to_string(dir.path().join("demo/institute/released.csv")).unwrap();
    let original = fs::read_to_string(dir.path().join("demo/thermoelectrics.csv")).unwrap();
    assert!(released.lines().count() < original.lines().count());
    assert!(!released.contains("mp-") && !released.contains("m_n") && !released.contains("Fe2O3"));
}

#[test]
fn without_arguments_the_demo_runs_in_a_new_directory_each_time() {
    let dir = tempfile::tempdir().unwrap();
    for expected in ["dataspace-demo", "dataspace-demo-2"] {
        assert!(dataspace(&[], dir.path()).status.success());
        assert!(dir.path().join(expected).join("evidence.cbor").is_file());
    }
}

#[test]
fn evidence_verifies_elsewhere_with_nothing_but_the_authority() {
    let dir = tempfile::tempdir().unwrap();
    demo(dir.path());
    let away = tempfile::tempdir().unwrap();
    fs::copy(dir.path().join("demo/evidence.cbor"), away.path().join("e")).unwrap();
    let did = fs::read_to_string(dir.path().join("demo/authority.did")).unwrap();
    fs::remove_dir_all(dir.path()).unwrap();

    let output = dataspace(&["verify", "e", "--authority", did.trim()], away.path());
    assert!(output.status.success());
    assert!(text(&output.stdout).contains("permitted as use 1 of the contract"));

    let output = dataspace(&["verify", "e", "--authority", did.trim(), "--json"], away.path());
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["verdict"]["decision"], "permit");
    assert!(json["proved"].as_array().unwrap().len() >= 5);
}

#[test]
fn evidence_proves_nothing_when_changed_or_under_another_authority() {
    let dir = tempfile::tempdir().unwrap();
    demo(dir.path());
    let file = dir.path().join("demo/evidence.cbor");
    let mut bytes = fs::read(&file).unwrap();
    let last = bytes.len() - 100;
    bytes[last] ^= 0x10;
    fs::write(dir.path().join("changed"), &bytes).unwrap();
    let changed =
        dataspace(&["verify", "changed", "--authority", "demo/authority.did"], dir.path());
    assert_eq!(changed.status.code(), Some(1));
    assert!(text(&changed.stderr).contains("proves nothing"));

    // The institute's DID in place of the authority's.
    let other = "did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp";
    let foreign = dataspace(&["verify", "demo/evidence.cbor", "--authority", other], dir.path());
    assert_eq!(foreign.status.code(), Some(2));
    assert!(foreign.stdout.is_empty());
}

#[test]
fn evidence_without_the_asked_cosignatures_says_so() {
    let dir = tempfile::tempdir().unwrap();
    demo(dir.path());
    let args = ["verify", "demo/evidence.cbor", "--authority", "demo/authority.did"];
    // A public witness, which has never seen this log.
    let witness = "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2";
    let verify = |more: &[&str]| dataspace(&[&args[..], more].concat(), dir.path());
    let shown = verify(&["--witness", witness]);
    assert_eq!(shown.status.code(), Some(1));
    let shown = text(&shown.stdout);
    assert!(shown.contains("not proved that the witness remora.n621.de saw the checkpoint"));
    assert!(shown.contains("0 of 1 witnesses cosigned, 1 are asked for"));
    for bad in [
        &["--witness", "remora.n621.de"][..],
        &["--witness", witness, "--witness", witness],
        &["--witness", witness, "--quorum", "2"],
        &["--quorum", "1"],
    ] {
        let refused = verify(bad);
        assert!(!refused.status.success() && refused.stdout.is_empty(), "{bad:?}");
    }
}

#[test]
fn errors_say_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    demo(dir.path());
    let again = dataspace(&["demo", "--dir", "demo"], dir.path());
    assert_eq!(again.status.code(), Some(2));
    assert!(text(&again.stderr).contains("choose another --dir"));

    let absent = dataspace(&["--data", "absent.csv"], dir.path());
    assert_eq!(absent.status.code(), Some(2));
    assert!(text(&absent.stderr).contains("absent.csv"));

    fs::write(dir.path().join("ragged.csv"), "a,b\n1,2\n3\n").unwrap();
    let ragged = dataspace(&["--data", "ragged.csv"], dir.path());
    assert_eq!(ragged.status.code(), Some(2));
    assert!(text(&ragged.stderr).contains("ragged.csv"));

    let nobody = dataspace(&["verify", "demo/evidence.cbor", "--authority", "nobody"], dir.path());
    assert!(text(&nobody.stderr).contains("neither a DID nor a readable file"));
}

#[test]
fn a_table_of_texts_alone_can_be_shared_too() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("texts.csv"), "name,secret\nalpha,one\nbeta,two\n").unwrap();
    let output = dataspace(&["--dir", "demo", "--data", "texts.csv"], dir.path());
    assert!(output.status.success(), "{}", text(&output.stderr));
    let released = fs::read_to_string(dir.path().join("demo/institute/released.csv")).unwrap();
    assert!(!released.contains("alpha") && released.contains("on") && !released.contains("one"));
}

const STAFF: &str = "\
employee_id,firstName,email,country,year,age,salary,latitude,zip,hired,department,remark
E-1001,Ada,ada@example.org,DE,2021,34,51234.50,48.13743,80331,2021-04-01,Casting,likes tea
E-1002,Bo,bo@example.org,FR,2022,41,61240.25,48.85661,75001,2022-09-15,Casting,works nights
E-1003,Cy,cy@example.org,DE,2023,29,43870.00,52.52001,10115,2023-01-31,Rolling,new here
E-1004,Di,di@example.org,AT,2024,57,90215.75,48.20817,1010,2024-06-30,Rolling,part time
";

#[test]
fn a_table_of_people_leaves_without_what_tells_who_they_are_and_says_why() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("staff.csv"), STAFF).unwrap();
    let output = dataspace(&["--dir", "demo", "--data", "staff.csv"], dir.path());
    assert!(output.status.success(), "{}", text(&output.stderr));
    let said = text(&output.stdout);
    for part in [
        "only rows where year is at least 2023",
        "year: it holds years",
        "email: its name is that of a person's own data",
        "employee_id: its name is that of an identifier",
        "salary: exact numbers tell which row it is",
        "hired: it holds dates",
        "as it is country, year, department",
    ] {
        assert!(said.contains(part), "{part} is not in {said}");
    }
    let released = fs::read_to_string(dir.path().join("demo/institute/released.csv")).unwrap();
    let head = "employee_id,country,year,age,salary,latitude,zip,hired,department,remark";
    assert_eq!(released.lines().next(), Some(head));
    assert_eq!(released.lines().count(), 3);
    for secret in ["E-10", "Cy", "@", "43870", "52.52", "10115", "2023-01-31", "new here", ",29,"] {
        assert!(!released.contains(secret), "{secret} is in {released}");
    }
    assert!(released.contains(",DE,2023,30,44000") && released.contains(",2023-01,Rolling,"));
}

#[test]
fn without_years_a_country_or_a_number_chooses_the_rows() {
    let dir = tempfile::tempdir().unwrap();
    for (name, table, filter) in [
        ("a.csv", "country,amount\nDE,10.5\nDE,7.25\nFR,9.125\n", "where country is \"DE\""),
        ("b.csv", "kind,amount\nx,10.5\nx,7.25\nx,9.125\n", "where amount is at least 9.12"),
        ("c.csv", "kind,amount\nx,7.5\nx,7.5\nx,7.5\n", "column amount is rounded"),
        ("d.csv", "name\nalpha\nbeta\n", "column name is replaced by pseudonyms"),
    ] {
        fs::write(dir.path().join(name), table).unwrap();
        let to = format!("of-{name}");
        let output = dataspace(&["--dir", &to, "--data", name], dir.path());
        let said = format!("{}{}", text(&output.stdout), text(&output.stderr));
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(output.status.success() && said.contains(filter), "{said}");
        let released =
            fs::read_to_string(dir.path().join(to).join("institute/released.csv")).unwrap();
        assert!(released.lines().count() > 1, "{released}");
    }
}

#[test]
fn an_absent_data_file_leaves_no_directory_behind() {
    let dir = tempfile::tempdir().unwrap();
    dataspace(&["--data", "absent.csv"], dir.path());
    assert!(!dir.path().join("dataspace-demo").exists());
}

#[test]
fn positions_of_a_table_of_somebodys_own_are_coarse() {
    let dir = tempfile::tempdir().unwrap();
    let drives = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/data/drives.csv");
    let output = dataspace(&["demo", "--dir", "demo", "--data", drives], dir.path());
    assert!(output.status.success(), "{}", text(&output.stderr));
    let said = text(&output.stdout).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("column gps_lat is rounded to 1 decimals"), "{said}");
    let released = fs::read_to_string(dir.path().join("demo/institute/released.csv")).unwrap();
    let mut lines = released.lines();
    let at = lines.next().unwrap().split(',').position(|column| column == "gps_lat").unwrap();
    let coarse = |line: &str| line.split(',').nth(at).unwrap().len() <= "41.3".len();
    assert!(lines.clone().count() > 10 && lines.all(coarse), "{released}");
}
