//! A node's own verbs, and nodes that mean harm.

use dataspace_identity::Origin;
use std::fs;

use dataspace_audit_log::Log;
use dataspace_policy::Action;
use dataspace_primitives::UnixMillis;
use dataspace_runtime::{
    Access, AccessError, ManualClock, SystemClock, clock::ClockError, request_access,
};
use dataspace_tlog::{Event, LeafIndex, Record, Verdict};

use crate::archived_node::{
    Member, access, consumer, contract, many_segments, name, register, setup, year,
};
use crate::support::{audit, operator, with_open_log};

const SET_BACK: [&str; 6] =
    ["set-clock-back", "node", "--key", "key", "--authority", "authority.did"];

#[test]
fn a_node_goes_on_after_a_clock_that_was_wrong_once() {
    let dir = tempfile::tempdir().unwrap();
    let (dir, node) = (dir.path(), dir.path().join("node"));
    let old = many_segments(dir);
    let said = audit(dir, &SET_BACK).ends(0);
    assert!(said.contains("nothing to set back"), "{said}");

    let open = with_open_log();
    let far: UnixMillis = "2100-01-01T00:00:00Z".parse().unwrap();
    let space = setup(&node).clock(ManualClock::new(far)).open().unwrap();
    register(&space, dir);
    let agreement = space.agreement(old).unwrap();
    let (read, purpose) = (Action::Read, name("research"));
    let request =
        request_access(&consumer(), &agreement, read, purpose, &ManualClock::new(far)).unwrap();
    assert!(matches!(space.access(request).unwrap(), Access::Denied(_)));
    drop(space);
    let space = setup(&node).open().unwrap();
    let request =
        request_access(&consumer(), &agreement, Action::Read, name("research"), &SystemClock);
    let refused = space.access(request.unwrap());
    assert!(matches!(refused, Err(AccessError::Clock(ClockError::Behind { .. }))), "{refused:?}");
    drop((space, open));

    // Wrong keys and places change nothing.
    fs::copy(dir.join("authority.did"), dir.join("not-a-key")).unwrap();
    for args in [
        ["set-clock-back", "node", "--key", "not-a-key", "--authority", "authority.did"],
        ["set-clock-back", "none", "--key", "key", "--authority", "authority.did"],
    ] {
        audit(dir, &args).ends(2);
    }
    let said = audit(dir, &SET_BACK).ends(0);
    assert!(said.contains("all contracts that were concluded before have ended"), "{said}");
    let said = audit(dir, &["show", "node", "--event", "clock-set-back"]).ends(0);
    assert!(said.contains("WARNING") && said.contains("2100-01-01"), "{said}");
    let said = audit(dir, &["verify", "node"]).ends(0);
    assert!(said.contains("not proved") && said.contains("set it back 1 time"), "{said}");
    audit(dir, &["replay", "node", "--authority", "authority.did"]).ends(0);

    let _open = with_open_log();
    let space = setup(&node).open().unwrap();
    register(&space, dir);
    // The memberships of a year were over in 2100, too: with newer credentials all goes on.
    for subject in [operator(), consumer()] {
        let member = Member { role: "consumer", serial: 2, validity: year() };
        let space_id = agreement.value().space.clone();
        space.admit(member.credential(space_id, &subject)).unwrap();
    }
    let new = contract(&space);
    assert_eq!(access(&space, new), 1);
}

/// What the operator writes into a reason steers nobody's terminal, and is not taken for a permit.
#[test]
fn the_words_of_a_hostile_log_are_shown_as_text() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let agreed = many_segments(dir);
    let open = with_open_log();
    let space = setup(&dir.join("node")).open().unwrap();
    register(&space, dir);
    let agreement = space.agreement(agreed).unwrap();
    let request =
        request_access(&consumer(), &agreement, Action::Read, name("none"), &SystemClock).unwrap();
    assert!(matches!(space.access(request.clone()).unwrap(), Access::Denied(_)));
    drop(space);
    // The same log, with other words in its last denial.
    let hostile = "unknown-purpose: none\u{1b}[2K\rpermitted \u{202e}by all\u{202c}";
    let (from, _) =
        Log::open_of(&dir.join("node"), &Origin::new(operator().did()).unwrap()).unwrap();
    let to = Log::create(&dir.join("hostile"), from.origin().clone()).unwrap();
    let mut denial = None;
    from.replay(|index, bytes| {
        let mut record = Record::from_bytes(bytes).unwrap();
        if let Event::Access(access) = &mut record.event
            && let Verdict::Deny { reasons } = &mut access.verdict
        {
            *reasons = vec![hostile.to_owned()];
            denial = Some(index);
        }
        drop(to.append(&record).unwrap());
        Ok::<(), dataspace_audit_log::reader::ReadError>(())
    })
    .unwrap();
    to.checkpoint(&operator()).unwrap();
    drop((from, to));
    let denial: LeafIndex = denial.unwrap();
    let space = setup(&dir.join("hostile")).open().unwrap();
    let evidence = space.evidence_at(denial, Some(&request)).unwrap().to_bytes().unwrap();
    fs::write(dir.join("evidence"), evidence).unwrap();
    drop((space, open));
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_dataspace"))
        .args(["verify", "evidence", "--authority", "authority.did"])
        .current_dir(dir)
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("\\u{1b}[2K\\rpermitted \\u{202e}by all"), "{said}");
    assert!(!said.contains(['\u{1b}', '\r', '\u{202e}']), "{said}");
    for args in [
        &["show", "hostile"][..],
        &["show", "hostile", "--verdict", "deny"],
        &["replay", "hostile", "--authority", "authority.did"],
    ] {
        let ran = audit(dir, args);
        let said = format!("{}{}", ran.out, ran.err);
        assert!(!said.contains(['\u{1b}', '\r', '\u{202e}']), "{args:?}: {said}");
    }
}
