//! A file of a register, which is none, cut, or changed: it is refused, or has everybody who was in it.

use std::collections::HashSet;
use std::fs;
use std::sync::LazyLock;

use dataspace_data_plane::subjects::SubjectId;
use dataspace_primitives::Name;
use dataspace_runtime::registers::{Admitted, DirectoryRegisters, Register, Registers};

use crate::changed::changed;

fn persons() -> HashSet<SubjectId> {
    (1..40_u8).map(|number| [number; 16]).collect()
}

fn register(name: &Name) -> Register<'_> {
    Register { name, year: 2026, secret: &[7; 32] }
}

/// What a node wrote.
static GOOD: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let (dir, name) = (tempfile::tempdir().unwrap(), "export".parse().unwrap());
    let (registers, register) = (DirectoryRegisters::new(dir.path()), register(&name));
    let (all, few) = (persons(), persons().into_iter().take(9).collect());
    for persons in [few, all] {
        assert_eq!(registers.admit(&register, &persons, 100).unwrap(), Admitted::Yes);
    }
    fs::read(registers.path(&register)).unwrap()
});

/// The first byte says whether the rest is a file, or changes to a good one.
pub(crate) fn check(bytes: &[u8]) {
    let Some((kind, rest)) = bytes.split_first() else { return };
    let file = if kind % 2 == 0 { rest.to_vec() } else { changed(&GOOD, &GOOD, rest) };
    let (dir, name) = (tempfile::tempdir().unwrap(), "export".parse().unwrap());
    let (registers, register) = (DirectoryRegisters::new(dir.path()), register(&name));
    let path = registers.path(&register);
    fs::create_dir(path.parent().unwrap()).unwrap();
    fs::write(&path, &file).unwrap();
    let Ok(count) = registers.count(&register) else {
        assert!(registers.admit(&register, &persons(), 1000).is_err(), "refused once, and taken");
        assert_eq!(fs::read(&path).unwrap(), file, "changed, and refused");
        return;
    };
    // Nobody else has the key. Without its newest seal it can be cut down to what the one before covers: a machine
    // that stops does not do both.
    let newest = 1024..1536;
    let is_sealed = file.get(newest.clone()) == GOOD.get(newest);
    let least = if is_sealed { 39 } else { 9 };
    assert!(count >= least, "{count} of {least}");
    let count = u32::try_from(count).unwrap();
    if is_sealed {
        assert_eq!(registers.admit(&register, &persons(), count).unwrap(), Admitted::Yes);
    }
    let one_more = [[0xee; 16]].into();
    let _more = registers.admit(&register, &one_more, count + 1).unwrap();
    let counted = registers.count(&register).unwrap();
    // The folder is its own until then.
    drop(registers);
    assert_eq!(DirectoryRegisters::new(dir.path()).count(&register).unwrap(), counted);
}
