use memmap2::MmapMut;

/// Bytes for a table that is read at random places.
#[derive(Debug)]
pub(crate) enum Memory {
    /// Few, or the system gives no mapping.
    Heap(Vec<u8>),
    /// Many. WHY mapped: on Linux they lie on huge pages then, if the system has them. A table of
    /// hundreds of megabytes on small ones makes each look-up wait for the page's address too.
    Mapped(MmapMut),
}

/// A huge page of most machines.
const MAPPED_LEN_MIN: usize = 2 << 20;

impl Memory {
    pub(crate) fn zeroed(len: usize) -> Self {
        let mapped = (len >= MAPPED_LEN_MIN).then(|| MmapMut::map_anon(len).ok()).flatten();
        let Some(mapped) = mapped else { return Self::Heap(vec![0; len]) };
        // A system without huge pages says so; nothing depends on it.
        #[cfg(target_os = "linux")]
        let _advised = mapped.advise(memmap2::Advice::HugePage);
        Self::Mapped(mapped)
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::Heap(bytes) => bytes,
            Self::Mapped(bytes) => bytes,
        }
    }

    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        match self {
            Self::Heap(bytes) => bytes,
            Self::Mapped(bytes) => bytes,
        }
    }
}
