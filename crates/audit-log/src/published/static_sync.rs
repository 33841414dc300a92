//! Makes many files durable at once, where the system is known to tell when it could not.

#[cfg(target_os = "linux")]
pub(crate) use self::linux::WholeSync;
#[cfg(not(target_os = "linux"))]
pub(crate) use self::other::WholeSync;

#[cfg(target_os = "linux")]
mod linux {
    use std::fs::File;
    use std::io;

    /// A file system that writes out all of its files by one call.
    #[derive(Debug)]
    pub(crate) struct WholeSync {
        /// A directory on it. What failed since it was opened, or since the last call, is reported.
        dir: File,
    }

    /// Before this version, `syncfs` does not report data that could not be written.
    const KERNEL: (u32, u32) = (5, 8);
    /// ext4, XFS and Btrfs. Others pass the call to a server that need not heed it (FUSE, NFS), or
    /// to another file system, whose errors they need not report (overlayfs).
    const FILE_SYSTEMS: [u64; 3] = [0xef53, 0x5846_5342, 0x9123_683e];

    impl WholeSync {
        /// The file system of `dir`, if it can be relied upon.
        pub(crate) fn of(dir: File) -> Option<Self> {
            let name = rustix::system::uname();
            let magic = u64::try_from(rustix::fs::fstatfs(&dir).ok()?.f_type).ok()?;
            let known =
                version(name.release().to_str().ok()?)? >= KERNEL && FILE_SYSTEMS.contains(&magic);
            known.then_some(Self { dir })
        }

        /// Makes everything durable that was written before the call.
        pub(crate) fn sync(&self) -> io::Result<()> {
            Ok(rustix::fs::syncfs(&self.dir)?)
        }
    }

    /// The first two numbers of `6.18.44-generic`.
    fn version(release: &str) -> Option<(u32, u32)> {
        let mut numbers = release.split(|char: char| !char.is_ascii_digit());
        Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
    }

    #[cfg(test)]
    mod tests {
        use super::version;

        #[test]
        fn a_kernel_is_new_enough_by_its_first_two_numbers() {
            assert_eq!(version("6.18.44-fc-v595"), Some((6, 18)));
            assert_eq!(version("5.8-rc1"), Some((5, 8)));
            assert!(version("5.10.0").unwrap() > (5, 8) && version("5.7.19").unwrap() < (5, 8));
            assert_eq!(version("unknown"), None);
            assert_eq!(version("6"), None);
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod other {
    use std::fs::File;
    use std::io;

    /// No system but Linux has such a call.
    #[derive(Debug)]
    pub(crate) enum WholeSync {}

    impl WholeSync {
        pub(crate) fn of(_: File) -> Option<Self> {
            None
        }

        pub(crate) fn sync(&self) -> io::Result<()> {
            match *self {}
        }
    }
}
