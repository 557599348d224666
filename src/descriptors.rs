//! How many files and sockets this process may have open. Owns nothing; imports nothing of the crate.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the soft limit of open files to the hard one, and says what it is then.
pub fn allowed() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    if limit.current < limit.maximum || (limit.current.is_some() && limit.maximum.is_none()) {
        // Refused on some systems when "unlimited" is not allowed for files: then the old one holds.
        let raised = Rlimit {
            current: limit.maximum,
            maximum: limit.maximum,
        };
        let _ = setrlimit(Resource::Nofile, raised);
    }
    getrlimit(Resource::Nofile)
        .current
        .unwrap_or(u64::from(u16::MAX))
}

/// How many are open now; a guess where the system does not tell.
pub fn open() -> u64 {
    const GUESS: u64 = 64;
    let entries = std::fs::read_dir("/proc/self/fd").or_else(|_| std::fs::read_dir("/dev/fd"));
    entries.map_or(GUESS, |entries| entries.count() as u64)
}
