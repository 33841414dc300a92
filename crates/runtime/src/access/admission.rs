//! Persons who are to leave, counted in the node's registers.

use std::collections::HashSet;

use dataspace_data_plane::subjects::{Admission, NotAdmitted, SubjectId};
use dataspace_policy::duty::Persons;
use dataspace_primitives::{Name, Zeroizing, secrets::SecretsError};

use crate::clock::ClockError;
use crate::node::Inner;
use crate::registers::{Admitted, Register, RegisterError};

impl Inner {
    /// Uses one calendar year of a register.
    pub(crate) fn with_register<T>(
        &self,
        (name, year): (&Name, u16),
        used: impl FnOnce(&Register<'_>) -> Result<T, RegisterError>,
    ) -> Result<T, RegisterError> {
        let secret: Result<Zeroizing<[u8; 32]>, SecretsError> =
            self.keys.secrets.derive("persons register", name.as_str().as_bytes());
        let secret = secret.map_err(|error| RegisterError::Other(Box::new(error)))?;
        used(&Register { name, year, secret: &secret })
    }
}

/// In the calendar year that it is by the node's clock, in the zone of the duty.
impl Admission for Inner {
    fn year(&self, duty: &Persons) -> Result<u16, NotAdmitted> {
        let clock = |error: ClockError| NotAdmitted::Unavailable(Box::new(error));
        let year = duty.year_at(self.clock.now().map_err(clock)?);
        year.ok_or_else(|| NotAdmitted::Unavailable("there is no such year".into()))
    }

    fn admit(
        &self,
        duty: &Persons,
        year: u16,
        persons: &HashSet<SubjectId>,
    ) -> Result<(), NotAdmitted> {
        let admitted = self.with_register((&duty.register, year), |register| {
            self.registers.admit(register, persons, duty.at_most)
        });
        match admitted {
            Ok(Admitted::Yes) => Ok(()),
            Ok(Admitted::No) => Err(NotAdmitted::TooMany),
            Err(error) => {
                self.observer.register(&error);
                Err(NotAdmitted::Unavailable(Box::new(error)))
            }
        }
    }
}
