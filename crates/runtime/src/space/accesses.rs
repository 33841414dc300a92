//! The paved way through the monitor.

use std::fmt;

use dataspace_audit_log::Room;
use dataspace_primitives::Signed;
use dataspace_usage_contract::AccessRequest;

use crate::access::asked::VerifiedRequest;
use crate::access::error::AccessError;
use crate::access::monitor::Monitor;
use crate::access::permit::{Decision, Denial, NotSubmitted, Permit, Recorded, Submitted};
use crate::access::release::Release;
use crate::space::DataSpace;

/// The answer to one access.
#[must_use]
pub enum Access {
    /// Permitted and recorded: the data.
    Released(Release),
    /// Denied and recorded: the reasons.
    Denied(Recorded<Denial<'static>>),
}

/// A decision on its way to the disk.
enum Submission {
    Permit(Submitted<Permit<'static>>),
    Denial(Submitted<Denial<'static>>),
}

impl DataSpace {
    /// One access, all the way: receive, decide, record, release. No lock is held while it waits for the
    /// disk.
    ///
    /// # Errors
    /// [`AccessError`] if there is no decision. Without a durable record there is no data and no
    /// denial either.
    pub fn access(&self, request: Signed<AccessRequest>) -> Result<Access, AccessError> {
        let request = self.verify_request(request)?;
        match self.submit(request, self.inner.log.room()?)? {
            Submission::Permit(permit) => Ok(Access::Released(permit.wait()?.release())),
            Submission::Denial(denial) => Ok(Access::Denied(denial.wait()?)),
        }
    }

    /// As [`access`](Self::access), for a task of any executor, which runs others while this one waits
    /// for the disk. Once the decision has its place in the log, the use is taken, whether the future
    /// is polled to its end or not.
    ///
    /// # Errors
    /// [`AccessError`] as there.
    pub async fn access_async(
        &self,
        request: Signed<AccessRequest>,
    ) -> Result<Access, AccessError> {
        let request = self.verify_request(request)?;
        let room = self.inner.log.room_async().await?;
        match self.submit(request, room)? {
            Submission::Permit(permit) => {
                Ok(Access::Released(permit.wait_async().await?.release()))
            }
            Submission::Denial(denial) => Ok(Access::Denied(denial.wait_async().await?)),
        }
    }

    fn submit(&self, request: VerifiedRequest, room: Room<'_>) -> Result<Submission, AccessError> {
        let contract = request.0.active.contract.id();
        let submitted = self.submit_in_pass(request, room);
        if let Err(error) = &submitted {
            // WHY here: the observer may make a change.
            self.inner.tell_counted(contract, error);
        }
        submitted
    }

    /// Decides in one pass, with room that was taken before it.
    fn submit_in_pass(
        &self,
        request: VerifiedRequest,
        room: Room<'_>,
    ) -> Result<Submission, AccessError> {
        // Given back, if it is not used, after the pass.
        let mut room = Some(room);
        let monitor = self.inner.enter();
        let mut received = monitor.receive(request)?;
        loop {
            let submitted = match received.decide()? {
                Decision::Permit(permit) => permit.submit_in(&mut room).map(Submission::Permit),
                Decision::Denial(denial) => denial.submit_in(&mut room).map(Submission::Denial),
            };
            received = match submitted {
                Ok(submitted) => return Ok(submitted),
                Err(NotSubmitted::Conflict(conflict)) => monitor.again(conflict)?,
                Err(NotSubmitted::Failed(error)) => return Err(error),
            };
        }
    }

    /// Checks who signed a request, and finds the contract, for [`Monitor::receive`]: outside of the pass,
    /// since it takes most of the time of a decision. Where the contract is not in memory, its documents
    /// are read from the log and verified.
    ///
    /// # Errors
    /// [`AccessError`] if it is malformed, or not signed by the consumer of a contract of this node.
    pub fn verify_request(
        &self,
        request: Signed<AccessRequest>,
    ) -> Result<VerifiedRequest, AccessError> {
        self.inner.verify_request(request)
    }

    /// Enters the monitor, to take the steps of an access one by one.
    ///
    /// Changes (admissions, contracts, terminations, profiles) wait until it is dropped; the thread
    /// that has it gets [`ChangeError::InsidePass`](crate::ChangeError::InsidePass) for one. Whatever
    /// only reads goes on meanwhile.
    #[must_use]
    pub fn enter(&self) -> Monitor<'_> {
        self.inner.enter()
    }
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Released(release) => f.debug_tuple("Released").field(release).finish(),
            Self::Denied(denied) => f.debug_tuple("Denied").field(&denied.to_string()).finish(),
        }
    }
}
