//! A context and files that are longer than `mroom` should hold in memory, on a real engine: they arrive
//! true to the byte, and its memory stays what it is with short ones.

use std::fs;
use std::process::Stdio;

use super::docker_engine::IMAGE;
use crate::support::cell::Cell;
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
