//! A node of its parts.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use dataspace_audit_log::Log;
use parking_lot::Mutex;

use crate::access::resumes::Resumes;
use crate::clock::SteadyClock;
use crate::contracts::ActiveContracts;
use crate::gate::Gate;
use crate::index::Index;
use crate::kept::Kept;
use crate::keys::Keys;
use crate::node::{Inner, LastSigned, Limits, Opened};
use crate::observer::Observer;
use crate::offers::Offers;
use crate::registers::Registers;
use crate::rivals::Rivals;
use crate::space::DataSpace;
use crate::stamps::StampKey;
use crate::state::State;
use crate::throttle::Throttle;

/// Parts that an owner hands over and a node keeps.
pub(super) struct Owner {
    pub(super) keys: Keys,
    pub(super) limits: Limits,
    pub(super) observer: Box<dyn Observer>,
    pub(super) registers: Box<dyn Registers>,
}

impl Owner {
    /// A node in `dir` whose log has `size` records, all of them signed.
    pub(super) fn node(
        self,
        dir: &Path,
        (log, state, index): (Log, State, Index),
        clock: SteadyClock,
        (opened, size): (Option<Opened>, u64),
    ) -> io::Result<DataSpace> {
        let Self { keys, limits, observer, registers } = self;
        let (kept, compiler) = (Kept::open(dir)?, state.space.compiler().clone());
        let inner = Inner {
            anchors: state.space.anchors().clone(),
            contracts: ActiveContracts::new(limits.contracts_max, compiler, kept),
            gate: Gate::new(state),
            keys,
            signed: LastSigned::new(size, clock.latest()),
            clock,
            log,
            opened,
            index,
            limits,
            throttle: Throttle::default(),
            resumes: Resumes::default(),
            rivals: Rivals::default(),
            offers: Offers::new(dir),
            archiving: Mutex::default(),
            observer,
            registers,
            stamp_key: StampKey::default(),
            recorded: AtomicU64::new(size),
        };
        Ok(DataSpace { inner: Arc::new(inner) })
    }
}
