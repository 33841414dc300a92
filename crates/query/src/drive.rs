//! The engine's futures and streams, driven on the caller's thread.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use datafusion::common::Result;

use crate::stack::on_enough_stack;
use crate::stop::Stop;

#[derive(Debug, Default)]
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Release);
    }
}

/// Polls until there is a result. What waits without having asked to be polled again waits for another
/// thread, and there is none: an error, and not a wait without end.
fn until_ready<T>(mut poll: impl FnMut(&mut Context<'_>) -> Poll<Result<T>>) -> Result<T> {
    let flag = Arc::new(Flag::default());
    let waker = Waker::from(Arc::clone(&flag));
    loop {
        flag.0.store(false, Ordering::Release);
        if let Poll::Ready(result) = poll(&mut Context::from_waker(&waker)) {
            return result;
        }
        if !flag.0.load(Ordering::Acquire) {
            return Err(Stop::Stuck.into());
        }
    }
}

/// One step of the engine, on enough stack. A panic in it is an error, and the engine's state is then
/// dropped by the caller; under `panic = "abort"` it ends the process.
pub(crate) fn guarded<T>(step: impl FnOnce() -> Result<T>) -> Result<T> {
    let step = AssertUnwindSafe(|| on_enough_stack(step));
    catch_unwind(step).unwrap_or_else(|_| Err(Stop::Panicked.into()))
}

/// Drives one step of the engine to its end.
pub(crate) fn drive<T>(poll: impl FnMut(&mut Context<'_>) -> Poll<Result<T>>) -> Result<T> {
    guarded(|| until_ready(poll))
}
