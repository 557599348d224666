//! Tunnels that are connections of one process and nothing else: those over SSH. Each process has its own;
//! others see that ([`super::status`]), and can neither use nor end it.

use std::path::Path;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::folder::{Folder, Hold};
use super::record::Record;

/// How long somebody who works on what is written down is waited for.
const PATIENCE: Duration = Duration::from_secs(1);

/// What others see, until it is dropped.
pub struct Shown(Option<JoinHandle<Option<(Folder, Hold)>>>);

impl Shown {
    /// Shows the tunnel `name`, which goes to `place`; `all` is the folder of all tunnels' folders. Nobody waits
    /// for the disk, and when that refuses, nothing is shown.
    pub fn begin(all: &Path, name: &str, place: &str) -> Self {
        let folder = Folder::of(all, name);
        let record = Record::of_connections(name, place);
        let show = move || {
            let lock = folder.lock(&patience()).ok()?;
            match folder.record() {
                // What programs made by this name is not ours to tell of.
                Some(there) if !there.is_alone() => return None,
                Some(_) if !folder.holders(Some(&lock)).is_empty() => {}
                _ => folder.write(&record, &lock).ok()?,
            }
            let hold = folder.hold("connections", &lock).ok()?;
            drop(lock);
            Some((folder, hold))
        };
        let thread = std::thread::Builder::new().name("tunnel shown".to_owned());
        Shown(thread.spawn(show).ok())
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        let shown = self.0.take().and_then(|thread| thread.join().ok());
        let Some((folder, hold)) = shown.flatten() else {
            return;
        };
        let Ok(lock) = folder.lock(&patience()) else {
            return;
        };
        drop(hold);
        let is_ours = folder.record().is_some_and(|r| r.is_alone());
        if is_ours && folder.holders(Some(&lock)).is_empty() {
            folder.forget(&lock);
        }
    }
}

/// Whether it is over.
fn patience() -> impl Fn() -> bool {
    let until = Instant::now() + PATIENCE;
    move || Instant::now() > until
}

#[cfg(test)]
mod tests {
    use super::super::status::{Condition, of};
    use super::*;

    #[test]
    fn seen_as_long_as_one_of_them_is_there() {
        let dir = tempfile::tempdir().unwrap();
        let seen = || of(dir.path(), "office").map(|s| (s.condition, s.holders.len()));
        let one = Shown::begin(dir.path(), "office", "gate:22");
        let two = Shown::begin(dir.path(), "office", "gate:22");
        let begun = Instant::now();
        while seen() != Some((Condition::Up, 2)) {
            assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", seen());
            std::thread::sleep(Duration::from_millis(5));
        }
        drop(one);
        assert_eq!(seen(), Some((Condition::Up, 1)));
        drop(two);
        assert_eq!(seen(), None);
        // Also when the first has no time before the end.
        drop(Shown::begin(dir.path(), "office", "gate:22"));
        assert_eq!(seen(), None);
    }

    #[test]
    fn what_a_killed_process_wrote_is_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::of(dir.path(), "office");
        let lock = folder.lock(&|| false).unwrap();
        folder
            .write(&Record::of_connections("office", "gate:22"), &lock)
            .unwrap();
        assert!(of(dir.path(), "office").is_none());
    }
}
