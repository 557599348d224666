//! A context and files that are longer than `mroom` should hold in memory, on a real engine: they arrive
//! true to the byte, and its memory stays what it is with short ones.

use std::fs;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::docker_engine::IMAGE;
use crate::support::cell::Cell;
use crate::support::home::Home;
use crate::support::memory::peak_at_end;

/// Bytes of the long ones: enough for a copy in memory to be seen.
const LONG: usize = 64 << 20;
/// How much more memory than with short ones it may have, KiB.
const SLACK: u64 = 24 << 10;

/// Bytes that are not the same twice, so that a piece that is missing, doubled or swapped is seen.
fn bytes(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    let words = (0..length.div_ceil(8)).flat_map(|_| next());
    words.take(length).collect()
}

/// Builds an image of a context with a file of that content, copies the file into a container and out
/// again, and out of the image; gives the most memory that took, in KiB.
fn rounds(cell: &Cell, content: &[u8]) -> u64 {
    let home = &cell.home;
    home.write("context/Dockerfile", "FROM demo:1\nCOPY . /srv\n");
    home.write("context/big", content);
    let text = r#"
local d = server "sudoer":docker()
d:build { context = at .. "context", tags = "long:1" }
d:run { image = "long:1", name = "long", command = { "sleep", "1000" } }
d:cp_to("long", at .. "context/big", "/tmp/in")
assert(d:cp_from("long", "/srv/big", at .. "built") == size)
assert(d:cp_from("long", "/tmp/in", at .. "back") == size)
d:rm({ "long" }, { force = true })
"#;
    let at = home.path("").display().to_string();
    let size = content.len();
    let file = home.write(
        "long.lua",
        format!("local at, size = '{at}', {size}\n{text}"),
    );
    let mut child = cell
        .command(&["run", file.to_str().unwrap()])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let most = peak_at_end(&mut child);
    assert!(child.wait().unwrap().success());
    for name in ["built", "back"] {
        let is_same = fs::read(home.path(name)).unwrap() == content;
        assert!(is_same, "`{name}` is not what was sent");
    }
    most
}

#[test]
fn what_is_long_is_not_held_in_memory() {
    let Some(cell) = Cell::docker() else { return };
    cell.shell(IMAGE).ended(0);
    let few = rounds(&cell, &bytes(1000));
    let many = rounds(&cell, &bytes(LONG));
    eprintln!("{few} KiB with 1 kB, {many} KiB with {} MiB", LONG >> 20);
    assert!(few > 0 && many < few + SLACK, "{few} KiB, then {many} KiB");
}

#[test]
fn packing_stops_with_an_interrupt() {
    // A hole, which would take hours and the whole disk.
    let home = Home::new();
    home.ok(&["add", "web", "root@127.0.0.1:1"]);
    let hole = home.write("context/hole", "");
    let file = fs::File::options().write(true).open(hole).unwrap();
    file.set_len(4 << 40).unwrap();
    let at = home.path("context").display().to_string();
    let text = format!("server 'web':docker():build {{ context = '{at}' }}");
    let file = home.write("play.lua", text);
    let mut child = home
        .mroom(&["run", file.to_str().unwrap()])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while !has_spool(&child) {
        assert!(begun.elapsed() < Duration::from_secs(30), "nothing begins");
        std::thread::sleep(Duration::from_millis(2));
    }
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let begun = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if begun.elapsed() > Duration::from_secs(30) {
            child.kill().unwrap();
            panic!("it goes on");
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

/// Whether it has a file without a name that something was written to.
fn has_spool(child: &Child) -> bool {
    let files = fs::read_dir(format!("/proc/{}/fd", child.id()));
    let mut files = files.into_iter().flatten().flatten();
    files.any(|file| {
        let name = fs::read_link(file.path()).unwrap_or_default();
        let is_gone = name.to_string_lossy().ends_with(" (deleted)");
        is_gone && fs::metadata(file.path()).is_ok_and(|m| m.is_file() && m.len() > 0)
    })
}

#[test]
fn without_room_for_a_temporary_file_it_is_told() {
    let Some(cell) = Cell::docker() else { return };
    let home = &cell.home;
    home.write("context/Dockerfile", "FROM demo:1\n");
    let at = home.path("context").display().to_string();
    for call in ["build { context = at }", "cp_from('web', '/srv/big', at)"] {
        let text = format!("local at = '{at}'\nserver 'dock':docker():{call}\n");
        let file = home.write("play.lua", text);
        let mut command = cell.command(&["run", file.to_str().unwrap()]);
        let done = command.env("TMPDIR", "/nowhere").output().unwrap();
        let told = String::from_utf8_lossy(&done.stderr);
        assert!(!done.status.success());
        assert!(
            told.contains("cannot write a temporary file in `/nowhere`")
                && told.contains("set `TMPDIR`"),
            "{told}"
        );
    }
}
