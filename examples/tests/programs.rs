//! Each program does what its first lines say.
#![cfg(test)]

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

/// The program's success, and its output.
fn run(program: &str, arguments: &[&str]) -> (bool, String) {
    let output = Command::new(program).args(arguments).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

fn succeed(program: &str, arguments: &[&str]) -> String {
    let (is_good, text) = run(program, arguments);
    assert!(is_good, "{text}");
    text
}

/// A directory that is not there yet.
fn new_dir(parent: &TempDir) -> String {
    parent.path().join("new").to_str().unwrap().to_owned()
}

#[test]
fn a_provider_releases_and_denies_and_an_auditor_sees_why() {
    let parent = tempfile::tempdir().unwrap();
    let told = succeed(env!("CARGO_BIN_EXE_embed"), &[&new_dir(&parent)]);
    assert!(
        told.contains(
            "permission-1  the consumer may read, for research, 2 times in all (attested)"
        ),
        "{told}"
    );
    assert!(told.contains("released 55 rows; record 5\n"), "{told}");
    assert!(told.contains("denied: permission-1: the purpose must be research"), "{told}");
    let next = told.lines().last().unwrap().strip_prefix("auditor ").unwrap();
    let (dir, authority) = next.rsplit_once(' ').unwrap();

    let auditor = env!("CARGO_BIN_EXE_auditor");
    let found = succeed(auditor, &[dir, authority]);
    assert!(found.contains("record 5: permit, use 1 of contract"), "{found}");
    assert!(found.contains("record 7: deny, contract"), "{found}");
    assert!(found.ends_with("no discrepancy: 2 decisions made again\n"), "{found}");

    // The authority of another space signed nothing in there.
    let stranger = dataspace_runtime::generate_key().unwrap();
    let (is_good, found) = run(auditor, &[dir, stranger.did().as_str()]);
    assert!(!is_good && !found.contains("no discrepancy"), "{found}");

    // One byte of one record.
    let bundle = Path::new(dir).join("tile/entries/000.p/8");
    let mut bytes = std::fs::read(&bundle).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&bundle, bytes).unwrap();
    let (is_good, found) = run(auditor, &[dir, authority]);
    assert!(!is_good && found.contains("is not what its operator signed"), "{found}");
}

#[test]
fn a_witness_cosigns_what_extends_and_proves_a_fork() {
    let parent = tempfile::tempdir().unwrap();
    let told = succeed(env!("CARGO_BIN_EXE_witness"), &[&new_dir(&parent)]);
    for words in ["cosigned 3 records", "cosigned 5 records", "refused 6 records", "\nproved: "] {
        assert!(told.contains(words), "{words}: {told}");
    }
}

/// One for each sector: every line in its order.
fn tells(program: &str, lines: &[&str]) {
    let parent = tempfile::tempdir().unwrap();
    let told = succeed(program, &[&new_dir(&parent)]);
    let mut rest = told.as_str();
    for line in lines {
        let found = rest.split_once(line);
        rest = found.unwrap_or_else(|| panic!("{line}: {told}")).1;
    }
}

#[test]
fn a_laboratory_founds_its_space_and_the_space_keeps_what_is_under_export_control() {
    let lines = [
        "for every contract: Export-controlled data",
        "masked-composition",
        "permission-1 (attested) the consumer may read, for alloy-design or research",
        "permission-1 (attested) 使用方可以读取",
        "released 55 rows, the first of them:",
        "mp_id,S_p,S_n",
        "denied: permission-1: the purpose",
        "evidence of",
        "legal-1 (legal) the consumer pays 2.50 EUR",
        "released: use 1 of 2",
        "released: use 2 of 2",
        "denied: permission-1: ",
        "export-controlled",
        "denied: ",
        "export-controlled-at-home",
    ];
    tells(env!("CARGO_BIN_EXE_materials"), &lines);
}

#[test]
fn a_fleet_opens_coarse_positions_until_a_member_is_revoked() {
    let lines = [
        "for every contract: Important data",
        "telemetry",
        "released 142 rows, the first of them:",
        "drive,time_utc,gps_lat,gps_long,speed_mph",
        ",41.25,-95.95,",
        "denied: permission-1: the purpose",
        "drive-consent",
        "released 142 rows",
        "denied: ",
        "important-data-at-home",
        "stopped: ",
        "revoked",
    ];
    tells(env!("CARGO_BIN_EXE_automotive"), &lines);
}

#[test]
fn an_archive_opens_ranges_of_a_picture_and_its_space_forbids_training() {
    let lines = [
        "no-training",
        "released 16 of 4076 bytes; the whole picture: false",
        "the whole picture: true",
        "denied: prohibition-2",
        "denied: ",
        "no-training-purpose-on-reserved-works",
        "territory-window",
        "the whole picture: true",
        "denied: permission-1: ",
        "preview",
        "the whole picture: true",
        "denied: permission-1: ",
    ];
    tells(env!("CARGO_BIN_EXE_audio_visual"), &lines);
}

/// Each program on real data, where they are at hand.
#[test]
fn real_data_can_be_given_by_their_path() {
    let root = std::env::var_os("DATASPACE_DATA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data"),
        std::path::PathBuf::from,
    );
    for (program, file, line) in [
        (env!("CARGO_BIN_EXE_materials"), "materials/transport.parquet", "released 47737 rows"),
        (env!("CARGO_BIN_EXE_automotive"), "automotive/drives.parquet", "released 23187 rows"),
        (env!("CARGO_BIN_EXE_audio_visual"), "audio-visual/CA.jpg", "the whole picture: true"),
    ] {
        let file = root.join(file);
        if !file.exists() {
            println!("skipped: there is no {}", file.display());
            continue;
        }
        let parent = tempfile::tempdir().unwrap();
        let told = succeed(program, &[&new_dir(&parent), file.to_str().unwrap()]);
        assert!(told.contains(line), "{told}");
    }
}

#[test]
fn an_archive_delivers_a_sealed_file_and_the_newsroom_decides_on_openings() {
    let lines = [
        "holds 1 sealed file of ",
        "opened 4076 bytes by permission-1; the whole picture: true",
        "a range begins as a JPEG does: true",
        "for broadcast: denied: permission-1: the purpose must be news-verification",
        "the third time: denied: permission-1: ",
        "after its end: denied: ",
        "1 key deleted; states that the contract expired",
        "after that: denied: the keys of the contract's sealed files were deleted",
        "the archive has the statement at record ",
        "the newsroom's log has ",
    ];
    tells(env!("CARGO_BIN_EXE_sealed"), &lines);
}

/// Ends a process, whatever happens.
struct Running(std::process::Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ended = self.0.kill();
        let _status = self.0.wait();
    }
}

#[test]
fn a_consumer_in_another_process_gets_data_over_http() {
    use std::io::{BufRead as _, BufReader};
    let parent = tempfile::tempdir().unwrap();
    let path = |name: &str| parent.path().join(name).to_str().unwrap().to_owned();
    let consumer = env!("CARGO_BIN_EXE_consumer");
    let did = succeed(consumer, &[&path("institute")]);
    let mut provider = Command::new(env!("CARGO_BIN_EXE_provider"));
    provider.args([&path("laboratory"), did.trim()]).stdout(std::process::Stdio::piped());
    let mut provider = Running(provider.spawn().unwrap());
    let mut told = BufReader::new(provider.0.stdout.take().unwrap()).lines();
    let mut next = |prefix: &str| {
        let line = told.next().unwrap().unwrap();
        line.strip_prefix(prefix).unwrap_or_else(|| panic!("{line}")).to_owned()
    };
    let (authority, url) = (next("authority "), next("listening on "));
    let told = succeed(consumer, &[&path("institute"), &url, &authority]);
    for line in [
        "duty-1  column mp_id is replaced by pseudonyms",
        "record 7: 55 rows, ",
        "record 9: denied: permission-1: the purpose must be research",
        "closed with 10 records\n",
    ] {
        assert!(told.contains(line), "{line}: {told}");
    }
    assert!(!told.contains("complaint"), "{told}");
    // It can be run again: the node is opened, and the quota goes on.
    let again = succeed(consumer, &[&path("institute"), &url, &authority]);
    assert!(again.contains(": 55 rows, ") && !again.contains("complaint"), "{again}");
    // Another authority's word is not taken.
    let stranger = dataspace_runtime::generate_key().unwrap();
    succeed(consumer, &[&path("other")]);
    let (is_good, told) = run(consumer, &[&path("other"), &url, stranger.did().as_str()]);
    assert!(!is_good && told.contains("UntrustedKey"), "{told}");
}

#[test]
fn a_program_without_arguments_says_what_it_needs() {
    for program in [
        env!("CARGO_BIN_EXE_embed"),
        env!("CARGO_BIN_EXE_auditor"),
        env!("CARGO_BIN_EXE_witness"),
        env!("CARGO_BIN_EXE_materials"),
        env!("CARGO_BIN_EXE_automotive"),
        env!("CARGO_BIN_EXE_audio_visual"),
        env!("CARGO_BIN_EXE_sealed"),
        env!("CARGO_BIN_EXE_provider"),
        env!("CARGO_BIN_EXE_consumer"),
    ] {
        let (is_good, told) = run(program, &[]);
        assert!(!is_good && told.contains("usage: "), "{told}");
    }
}
