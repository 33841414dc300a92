use dataspace_tlog::{
    Seen, TreeSize,
    witness::{FollowError, Refusal, SeenDirectory, SeenStore, TakeError, Taken, origin_hash},
};

use crate::support::{Branch, origin};
use crate::vault::Vault;

fn seen(vault: &Vault) -> Seen {
    let seen = Seen::new(Box::new(vault.clone()));
    seen.follow(&origin()).unwrap();
    seen
}

fn held(seen: &Seen) -> Option<u64> {
    seen.latest(&origin()).unwrap().map(|one| one.size().as_u64())
}

#[test]
fn the_newest_checkpoint_is_kept_and_survives() {
    let (branch, vault) = (Branch::new(20, 1), Vault::default());
    let first = seen(&vault);
    assert_eq!(first.take(&branch.checkpoint(5), &[]).unwrap(), Taken::First);
    let newer = first.take(&branch.checkpoint(9), &branch.path(5, 9)).unwrap();
    assert_eq!(newer, Taken::Newer { from: TreeSize::new(5) });
    assert_eq!(first.take(&branch.checkpoint(9), &[]).unwrap(), Taken::Same);
    let older = first.take(&branch.checkpoint(6), &branch.path(6, 9)).unwrap();
    assert_eq!(older, Taken::Older { held: TreeSize::new(9) });
    assert_eq!(held(&first), Some(9));
    drop(first);
    assert_eq!(held(&seen(&vault)), Some(9));
}

#[test]
fn a_fork_is_found_proved_and_kept_from_either_side() {
    let (one, other) = (Branch::new(4, 1), Branch::new(4, 2));
    for (shown, path) in [
        (other.checkpoint(7), vec![]),
        (other.checkpoint(9), other.path(7, 9)),
        (other.checkpoint(5), one.path(5, 7)),
    ] {
        let vault = Vault::default();
        let seen = seen(&vault);
        let _first = seen.take(&one.checkpoint(7), &[]).unwrap();
        let Err(TakeError::Fork(found)) = seen.take(&shown, &path) else { panic!("no fork") };
        assert!(found.unsaved.is_none());
        assert!(found.proof.verify(&origin()).is_ok());
        assert_eq!(seen.fork(&origin()).unwrap().as_ref(), Some(&found.proof));
        assert_eq!(seen.latest(&origin()).unwrap(), Some(one.checkpoint(7)), "the held one stays");
        // The first proof is kept, whatever comes later.
        let Err(TakeError::Fork(_)) = seen.take(&other.checkpoint(7), &[]) else { panic!() };
        assert_eq!(seen.fork(&origin()).unwrap(), Some(found.proof));
    }
}

#[test]
fn a_fork_proof_is_given_even_where_it_cannot_be_stored() {
    let (one, other) = (Branch::new(4, 1), Branch::new(4, 2));
    let vault = Vault::default();
    let seen = seen(&vault);
    let _first = seen.take(&one.checkpoint(7), &[]).unwrap();
    vault.get().fail_before = true;
    let Err(TakeError::Fork(found)) = seen.take(&other.checkpoint(7), &[]) else { panic!() };
    assert!(found.unsaved.is_some() && found.proof.verify(&origin()).is_ok());
}

#[test]
fn what_is_not_shown_to_fit_is_refused_and_accuses_nobody() {
    let (branch, vault) = (Branch::new(20, 1), Vault::default());
    let seen = seen(&vault);
    let inconsistent = |taken| matches!(taken, Err(TakeError::Unproved(Refusal::Inconsistent(_))));
    assert!(inconsistent(seen.take(&branch.checkpoint(7), &branch.path(3, 7))));
    assert_eq!(held(&seen), None);
    let _first = seen.take(&branch.checkpoint(7), &[]).unwrap();
    for (size, path) in [
        (9, vec![]),
        (9, branch.path(6, 9)),
        (9, branch.path(7, 10)),
        (7, branch.path(7, 9)),
        (6, vec![]),
        (6, branch.path(6, 9)),
    ] {
        assert!(inconsistent(seen.take(&branch.checkpoint(size), &path)), "{size}");
    }
    assert_eq!(held(&seen), Some(7));
    assert!(seen.fork(&origin()).unwrap().is_none());
}

#[test]
fn a_log_that_is_not_followed_is_not_taken() {
    let seen = Seen::new(Box::new(Vault::default()));
    let taken = seen.take(&Branch::new(3, 1).checkpoint(3), &[]);
    assert!(matches!(taken, Err(TakeError::Unfollowed { .. })));
    assert!(matches!(seen.latest(&origin()), Err(TakeError::Unfollowed { .. })));
}

#[test]
fn after_a_failed_write_nothing_more_is_said_until_it_is_opened_again() {
    let branch = Branch::new(20, 1);
    for durable in [false, true] {
        let vault = Vault::default();
        let first = seen(&vault);
        let _first = first.take(&branch.checkpoint(5), &[]).unwrap();
        (vault.get().fail_before, vault.get().fail_after) = (!durable, durable);
        let taken = first.take(&branch.checkpoint(9), &branch.path(5, 9));
        assert!(matches!(taken, Err(TakeError::Io(_))));
        (vault.get().fail_before, vault.get().fail_after) = (false, false);
        let again = first.take(&branch.checkpoint(9), &branch.path(5, 9));
        assert!(matches!(again, Err(TakeError::Poisoned)));
        assert!(matches!(first.latest(&origin()), Err(TakeError::Poisoned)));
        drop(first);
        assert_eq!(held(&seen(&vault)), Some(if durable { 9 } else { 5 }));
    }
}

#[test]
fn damaged_state_is_not_taken_for_nothing() {
    let (branch, vault) = (Branch::new(9, 1), Vault::default());
    let _first = seen(&vault).take(&branch.checkpoint(9), &[]).unwrap();
    let good = vault.get().note.clone().unwrap();
    let mut flipped = good.clone();
    flipped[70] ^= 1;
    for bad in [&[][..], &good[..good.len() - 1], &flipped, b"\xff"] {
        vault.get().note = Some(bad.to_vec());
        let followed = Seen::new(Box::new(vault.clone())).follow(&origin());
        assert!(matches!(followed, Err(FollowError::Damaged { .. })));
    }
}

#[test]
fn a_directory_keeps_what_was_seen_for_one_process_at_a_time() {
    let (branch, other) = (Branch::new(9, 1), Branch::new(4, 2));
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("seen");
    let open = || {
        let seen = Seen::new(Box::new(SeenDirectory::open(&path)?));
        seen.follow(&origin()).unwrap();
        Ok::<_, std::io::Error>(seen)
    };
    let first = open().unwrap();
    let _first = first.take(&branch.checkpoint(5), &[]).unwrap();
    assert_eq!(open().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    let fork = first.take(&other.checkpoint(5), &[]);
    assert!(matches!(fork, Err(TakeError::Fork(found)) if found.unsaved.is_none()));
    drop(first);
    // What a crash may leave of an unfinished write is not read.
    let hash = origin_hash(&origin());
    assert_eq!(hash.len(), 64);
    std::fs::write(path.join(format!("{hash}.checkpoint.tmp")), b"half a no").unwrap();
    let again = open().unwrap();
    assert_eq!(held(&again), Some(5));
    assert!(again.fork(&origin()).unwrap().is_some());
    let newer = again.take(&branch.checkpoint(9), &branch.path(5, 9)).unwrap();
    assert_eq!(newer, Taken::Newer { from: TreeSize::new(5) });
    drop(again);
    let giant = vec![b'x'; dataspace_tlog::note::NOTE_LEN_MAX + 1];
    std::fs::write(path.join(format!("{hash}.checkpoint")), giant).unwrap();
    let store = SeenDirectory::open(&path).unwrap();
    assert_eq!(store.read(&origin()).unwrap_err().kind(), std::io::ErrorKind::InvalidData);
}
