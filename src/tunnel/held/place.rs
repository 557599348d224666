//! Where a tunnel's process is found: a socket in the folder of the tunnel, and a file that the process
//! keeps locked for as long as it lives. The folder is the user's alone.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, AsRawFd as _, OwnedFd};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, Mode, OFlags, flock};

/// The name of the socket.
const SOCKET: &str = "socket";
/// The name of the file.
const LIFE: &str = "process";
/// What the address of a socket has room for, everywhere.
const ROOM: usize = 100;
/// How often the file is tried.
const TICK: Duration = Duration::from_millis(5);

/// A way to the socket that fits into an address, for as long as this lives.
struct Address {
    path: PathBuf,
    _folder: Option<OwnedFd>,
}

impl Address {
    fn of(folder: &Path) -> io::Result<Self> {
        let path = folder.join(SOCKET);
        if path.as_os_str().len() <= ROOM {
            return Ok(Address {
                path,
                _folder: None,
            });
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let open = rustix::fs::open(folder, flags, Mode::empty())?;
        let path = format!("/proc/self/fd/{}/{SOCKET}", open.as_raw_fd());
        Ok(Address {
            path: path.into(),
            _folder: Some(open),
        })
    }
}

/// Begins to listen. Whoever does that has [`live`].
///
/// # Errors
/// What the disk says.
pub fn listen(folder: &Path) -> io::Result<UnixListener> {
    unlink(folder);
    let listener = UnixListener::bind(Address::of(folder)?.path)?;
    std::fs::set_permissions(folder.join(SOCKET), Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Nobody can connect any more.
pub fn unlink(folder: &Path) {
    let _ = std::fs::remove_file(folder.join(SOCKET));
}

/// Connects to the process of the tunnel.
///
/// # Errors
/// There is none, or it is somebody else's.
pub fn connect(folder: &Path) -> io::Result<UnixStream> {
    let stream = UnixStream::connect(Address::of(folder)?.path)?;
    match is_ours(&stream) {
        true => Ok(stream),
        false => Err(ErrorKind::PermissionDenied.into()),
    }
}

/// Whether the other side is of the same user. Where the system does not tell, the folder's mode is all
/// that keeps others off.
pub fn is_ours(stream: impl AsFd) -> bool {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        let own = rustix::process::geteuid();
        rustix::net::sockopt::socket_peercred(stream).is_ok_and(|peer| peer.uid == own)
    }
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    {
        let _ = stream;
        true
    }
}

/// Ends the process that listens at the other side, where the system tells which that is.
pub fn kill(stream: impl AsFd) {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    if let Ok(peer) = rustix::net::sockopt::socket_peercred(stream) {
        let _ = rustix::process::kill_process(peer.pid, rustix::process::Signal::KILL);
    }
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let _ = stream;
}

/// Says that the tunnel's process lives, until the file is closed; `None` when another does so after
/// `patience`.
///
/// # Errors
/// What the disk says.
pub fn live(folder: &Path, patience: Duration) -> io::Result<Option<File>> {
    let begun = Instant::now();
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o600);
    let file = options.open(folder.join(LIFE))?;
    loop {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(Some(file)),
            Err(rustix::io::Errno::WOULDBLOCK | rustix::io::Errno::INTR) => {}
            Err(e) => return Err(e.into()),
        }
        if begun.elapsed() >= patience {
            return Ok(None);
        }
        std::thread::sleep(TICK);
    }
}

/// Whether a process says that it lives.
pub fn is_alive(folder: &Path) -> bool {
    let Ok(file) = File::open(folder.join(LIFE)) else {
        return false;
    };
    // Shared, and at once given back: those who look at the same time do not see each other.
    matches!(
        flock(&file, FlockOperation::NonBlockingLockShared),
        Err(rustix::io::Errno::WOULDBLOCK)
    )
}

/// Waits for the end of the process; false when it still lives after `patience`.
pub fn wait_for_end(folder: &Path, patience: Duration) -> bool {
    let begun = Instant::now();
    while is_alive(folder) {
        if begun.elapsed() >= patience {
            return false;
        }
        std::thread::sleep(TICK);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_found_at_the_end_of_any_path() {
        let dir = tempfile::tempdir().unwrap();
        for folder in [dir.path().to_owned(), dir.path().join("x".repeat(200))] {
            std::fs::create_dir_all(&folder).unwrap();
            assert!(connect(&folder).is_err());
            let listener = listen(&folder).unwrap();
            let mode = std::fs::metadata(folder.join(SOCKET))
                .unwrap()
                .permissions();
            assert_eq!(mode.mode() & 0o777, 0o600);
            let near = connect(&folder).unwrap();
            assert!(is_ours(&near) && is_ours(listener.accept().unwrap().0));
            unlink(&folder);
            assert!(connect(&folder).is_err());
        }
    }

    #[test]
    fn lives_until_the_file_is_closed() {
        let dir = tempfile::tempdir().unwrap();
        assert!(!is_alive(dir.path()));
        let life = live(dir.path(), Duration::ZERO).unwrap().unwrap();
        assert!(is_alive(dir.path()) && is_alive(dir.path()));
        assert!(live(dir.path(), TICK).unwrap().is_none());
        assert!(!wait_for_end(dir.path(), TICK));
        drop(life);
        assert!(wait_for_end(dir.path(), TICK));
        assert!(live(dir.path(), Duration::ZERO).unwrap().is_some());
    }
}
