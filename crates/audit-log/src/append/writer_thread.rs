use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use crate::append::writer::Writer;

/// The log's own thread, once there is one; ended when this is dropped.
#[derive(Debug)]
pub(crate) struct WriterThread {
    writer: Arc<Writer>,
    thread: Mutex<Option<JoinHandle<()>>>,
    /// True if it is there, without a lock.
    is_there: AtomicBool,
}

impl WriterThread {
    pub(crate) fn new(writer: &Arc<Writer>) -> Self {
        let (thread, is_there) = Default::default();
        Self { writer: Arc::clone(writer), thread, is_there }
    }

    /// Starts it if there is none.
    pub(crate) fn start(&self) -> io::Result<()> {
        if self.is_there.load(Ordering::Acquire) {
            return Ok(());
        }
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if thread.is_none() {
            let writer = Arc::clone(&self.writer);
            let run = move || writer.run();
            *thread = Some(thread::Builder::new().name("audit-log".to_owned()).spawn(run)?);
            // Nobody may rely on the thread before the queue knows of it.
            self.writer.queue.begin_thread();
            self.is_there.store(true, Ordering::Release);
        }
        Ok(())
    }
}

impl Drop for WriterThread {
    fn drop(&mut self) {
        let thread = self.thread.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            self.writer.queue.end_thread();
            // Its waking a task may be what drops the log; it ends all the same, and then the
            // directory is free.
            if thread.thread().id() != thread::current().id() {
                // If it panicked, the log was given up.
                let _ended = thread.join();
            }
        }
    }
}
