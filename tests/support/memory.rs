//! The memory of a process that a test has started.

use std::process::Child;
use std::time::{Duration, Instant};

/// The most that a running process has had, in KiB; `None` when it has ended.
pub fn peak(child: &Child) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status.lines().find(|l| l.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// The most that one has had when it ends by itself, in KiB; it must. What it prints has to be read by
/// somebody meanwhile.
pub fn peak_at_end(child: &mut Child) -> u64 {
    let until = Instant::now() + Duration::from_secs(300);
    let mut most = 0;
    while child.try_wait().unwrap().is_none() {
        assert!(Instant::now() < until, "it does not end");
        // It only grows: what is missed is what came at the very end.
        most = peak(child).unwrap_or_default().max(most);
        std::thread::sleep(Duration::from_millis(20));
    }
    most
}
