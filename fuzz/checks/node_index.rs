//! Whatever stands in a node's index, the node opens, and is the node that its log makes.
//!
//! The input is taken as an index, and as instructions to change a good one, before its statement too.

use std::error::Error;
use std::io::Read as _;
use std::path::PathBuf;
use std::sync::LazyLock;

use dataspace_identity::Did;
use dataspace_runtime::{
    Setup,
    index::{IndexState, MemorySnapshots, Snapshots as _},
};

use crate::changed::changed;
use crate::disk::{Bytes, Disk};
use crate::evidence::{clock, founded, keys};

struct World {
    authority: Did,
    /// A directory with nothing of the log in it.
    dir: PathBuf,
    files: Vec<(dataspace_audit_log::medium::StoredFile, Vec<u8>)>,
    checkpoint: Option<Vec<u8>>,
    index: Vec<u8>,
    /// Of the same node, one access before.
    earlier: Vec<u8>,
}

fn index(snapshots: &MemorySnapshots) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut bytes = Vec::new();
    snapshots.load()?.ok_or("an index")?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn world() -> Result<World, Box<dyn Error>> {
    let (disk, snapshots) = (Disk::default(), MemorySnapshots::default());
    let dir = tempfile::tempdir()?.keep();
    std::fs::create_dir(dir.join("node"))?;
    let with = |setup: Setup| setup.storage(disk.clone()).snapshots(snapshots.clone());
    let node = founded(&dir, 9, with)?;
    node.access()?;
    node.space.write_index()?;
    let earlier = index(&snapshots)?;
    node.access()?;
    let authority = node.authority.clone();
    drop(node);
    let bytes = disk.get();
    let files = bytes.files.iter().map(|(file, bytes)| (*file, bytes.clone())).collect();
    let (checkpoint, index) = (bytes.checkpoint.clone(), index(&snapshots)?);
    Ok(World { authority, dir, files, checkpoint, index, earlier })
}

static WORLD: LazyLock<World> = LazyLock::new(|| world().expect("a closed node"));

pub(crate) fn check(bytes: &[u8]) {
    let World { index, earlier, .. } = &*WORLD;
    assert_same(bytes);
    assert_same(&changed(index, earlier, bytes));
    // The beginning is where most is told by few bytes.
    let (head, rest) = index.split_at(index.len() / 8);
    assert_same(&[&changed(head, earlier, bytes), rest].concat());
}

fn assert_same(content: &[u8]) {
    let World { authority, dir, files, checkpoint, index, earlier } = &*WORLD;
    let (disk, snapshots) = (Disk::default(), MemorySnapshots::default());
    *disk.get() = Bytes {
        files: files.iter().cloned().collect(),
        checkpoint: checkpoint.clone(),
        ..Bytes::default()
    };
    snapshots.store(&mut |to| to.write_all(content)).expect("memory takes it");
    let setup = Setup::new(dir.join("node"), keys(1).expect("keys"), authority.clone());
    let setup = setup.clock(clock()).storage(disk).snapshots(snapshots);
    let space = setup.open().expect("the log is enough");
    let is_used = matches!(space.index_state(), Some(IndexState::Used { .. }));
    assert_eq!(is_used, content == index || content == earlier, "an index that is not the node's");
    let contracts = space.contracts();
    assert_eq!(contracts.len(), 1);
    assert_eq!(space.uses(contracts[0]), Some((1, Some(1))));
    assert!(space.agreement(contracts[0]).is_ok());
}
