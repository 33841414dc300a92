//! The lock on what is in force, and which threads have a pass through it.

use std::cell::RefCell;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use dataspace_ledger::state::Contract;
use dataspace_usage_contract::{ContractId, Termination};
use parking_lot::{RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::error::ChangeError;
use crate::index::file::Known;
use crate::state::State;

thread_local! {
    /// The gates through which this thread has a pass, one entry for each pass.
    static PASSES: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

/// Returns true if this thread has a pass through the gate of any node.
pub(crate) fn has_pass() -> bool {
    PASSES.with_borrow(|passes| !passes.is_empty())
}

/// Guards the state. First come, first served, so that readers cannot keep a change waiting
/// for ever; only a thread that has a pass already, here or at another node, goes in at once, since a change
/// that waits for that pass would wait for it, too.
pub(crate) struct Gate {
    // INVARIANT: the state is only changed by `SpaceState::apply`, which cannot panic half-way.
    state: RwLock<State>,
}

/// The state as it is; it does not change while this exists. Stays on its thread, which is known
/// by it.
pub(crate) struct Pass<'a> {
    state: RwLockReadGuard<'a, State>,
    _own: Own,
}

/// The state, to change it.
pub(crate) struct Changing<'a>(RwLockWriteGuard<'a, State>);

/// One entry of this thread; neither `Send` nor `Sync`.
struct Own {
    gate: usize,
    stays: PhantomData<*const ()>,
}

impl Gate {
    pub(crate) fn new(state: State) -> Self {
        Self { state: RwLock::new(state) }
    }

    pub(crate) fn enter(&self) -> Pass<'_> {
        // WHY through any gate: a change here may wait for a thread that waits for this one's other pass.
        let state = if has_pass() { self.state.read_recursive() } else { self.state.read() };
        Pass { state, _own: Own::new(self.id()) }
    }

    /// For what lives no longer than a pass, of this or of another thread: goes in at once, since a change
    /// that waits for that pass would wait for this one, too.
    pub(crate) fn enter_within(&self) -> Pass<'_> {
        Pass { state: self.state.read_recursive(), _own: Own::new(self.id()) }
    }

    /// # Errors
    /// [`ChangeError::InsidePass`] if this thread has a pass, for whose end a change would wait.
    pub(crate) fn check_outside(&self) -> Result<(), ChangeError> {
        if self.is_inside() { Err(ChangeError::InsidePass) } else { Ok(()) }
    }

    /// # Errors
    /// [`ChangeError::InsidePass`] as [`check_outside`](Self::check_outside).
    pub(crate) fn change(&self) -> Result<Changing<'_>, ChangeError> {
        self.check_outside()?;
        Ok(Changing(self.state.write()))
    }

    fn is_inside(&self) -> bool {
        PASSES.with_borrow(|passes| passes.contains(&self.id()))
    }

    /// Its address: it stays where it is while anybody has a pass.
    fn id(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }
}

/// WHY within: passes wait for the writer of the index, and a change waits for the passes.
impl Known for Gate {
    fn contract(&self, id: ContractId) -> Option<Arc<Contract>> {
        self.enter_within().contract(id)
    }

    fn termination(&self, id: ContractId) -> Option<Termination> {
        self.enter_within().termination(id)
    }

    fn is_exclusive(&self, contract: &Contract) -> bool {
        self.enter_within().is_exclusive(contract)
    }
}

impl Own {
    fn new(gate: usize) -> Self {
        PASSES.with_borrow_mut(|passes| passes.push(gate));
        Self { gate, stays: PhantomData }
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        PASSES.with_borrow_mut(|passes| {
            if let Some(at) = passes.iter().rposition(|gate| *gate == self.gate) {
                passes.swap_remove(at);
            }
        });
    }
}

impl Deref for Pass<'_> {
    type Target = State;

    fn deref(&self) -> &State {
        &self.state
    }
}

impl Deref for Changing<'_> {
    type Target = State;

    fn deref(&self) -> &State {
        &self.0
    }
}

impl DerefMut for Changing<'_> {
    fn deref_mut(&mut self) -> &mut State {
        &mut self.0
    }
}
