//! Archives, held to the `tar` of this machine both ways.

use std::process::{Command, Stdio};

use super::*;
use proptest::prelude::*;

fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let long = "l".repeat(90);
    for (name, content) in [
        ("Dockerfile", "FROM scratch\n".to_owned()),
        ("src/main.c", "int main;".to_owned()),
        ("src/old/a.o", "x".repeat(1000)),
        (&format!("{long}/{long}"), "deep".to_owned()),
        ("empty", String::new()),
    ] {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    fs::set_permissions(dir.path().join("empty"), fs::Permissions::from_mode(0o750)).unwrap();
    std::os::unix::fs::symlink("src/main.c", dir.path().join("link")).unwrap();
    dir
}

fn packed(from: &Path, name: &str, ignore: &Ignore) -> Vec<u8> {
    let mut archive = Archive::new(Vec::new());
    archive.tree(from, name, ignore).unwrap();
    archive.done().unwrap()
}

#[test]
fn tar_reads_what_is_packed() {
    let (from, to) = (folder(), tempfile::tempdir().unwrap());
    let archive = packed(from.path(), "", &Ignore::default());
    let mut tar = Command::new("tar")
        .args(["-x", "-C"])
        .arg(to.path())
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut tar.stdin.take().unwrap(), &archive).unwrap();
    assert!(tar.wait().unwrap().success());
    let diff = Command::new("diff")
        .arg("-r")
        .arg(from.path())
        .arg(to.path())
        .output()
        .unwrap();
    assert!(diff.status.success(), "{diff:?}");
    let mode = fs::metadata(to.path().join("empty")).unwrap().mode();
    assert_eq!(mode & 0o7777, 0o750);
    assert!(
        fs::symlink_metadata(to.path().join("link"))
            .unwrap()
            .is_symlink()
    );
}

#[test]
fn what_tar_packs_is_unpacked() {
    let (from, to) = (folder(), tempfile::tempdir().unwrap());
    fs::remove_file(from.path().join("link")).unwrap();
    for format in ["gnu", "pax", "ustar"] {
        let tar = Command::new("tar")
            .arg(format!("--format={format}"))
            .args(["-c", "--transform=s,^\\.,top,", "-C"])
            .arg(from.path())
            .arg(".")
            .output()
            .unwrap();
        let target = to.path().join(format);
        assert_eq!(unpack(&tar.stdout[..], &target).unwrap(), 13 + 9 + 1000 + 4);
        let diff = Command::new("diff")
            .arg("-r")
            .arg(from.path())
            .arg(&target)
            .output()
            .unwrap();
        assert!(diff.status.success(), "{format}: {diff:?}");
    }
    // Into a folder that is there it goes by its own name.
    let archive = packed(&from.path().join("src"), "src", &Ignore::default());
    fs::create_dir(to.path().join("there")).unwrap();
    unpack(&archive[..], &to.path().join("there")).unwrap();
    assert!(to.path().join("there/src/main.c").exists());
}

#[test]
fn nothing_gets_out() {
    let dir = tempfile::tempdir().unwrap();
    let to = dir.path().join("to");
    for name in ["../evil", "a/../../evil", "/evil", "a/../../../tmp/evil"] {
        let mut archive = Archive::new(Vec::new());
        archive.file(name, 0o644, b"x").unwrap();
        let error = unpack(&archive.done().unwrap()[..], &to).unwrap_err();
        assert!(error.message().contains("bad name"), "{name}: {error}");
    }
    // A link is not made, and so nothing is written through it.
    let mut archive = Archive::new(Vec::new());
    archive
        .link("top/out", dir.path().as_os_str().as_encoded_bytes())
        .unwrap();
    archive.file("top/out/evil", 0o4755, b"x").unwrap();
    unpack(&archive.done().unwrap()[..], &to).unwrap();
    assert!(!dir.path().join("evil").exists());
    let mode = fs::metadata(to.join("out/evil")).unwrap().mode();
    assert_eq!(mode & 0o7777, 0o755);
}

/// Keeps what is written to it, and does something when the first of it comes.
struct Meddler<F: FnMut()>(Vec<u8>, Option<F>);

impl<F: FnMut()> Write for Meddler<F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(mut act) = self.1.take() {
            act();
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_file_that_changes_or_goes_is_named() {
    let longer = |path: &Path| {
        let mut file = fs::File::options().append(true).open(path).unwrap();
        file.write_all(b"more").unwrap();
    };
    let shorter = |path: &Path| {
        let file = fs::File::options().write(true).open(path).unwrap();
        file.set_len(3).unwrap();
    };
    let other = |path: &Path| {
        let file = fs::File::options().write(true).open(path).unwrap();
        file.set_modified(std::time::SystemTime::UNIX_EPOCH)
            .unwrap();
    };
    let gone = |path: &Path| fs::remove_file(path).unwrap();
    type Act = fn(&Path);
    let cases: [(Act, &str); 4] = [
        (longer, "changed while it was read"),
        (shorter, "changed while it was read"),
        (other, "changed while it was read"),
        (gone, "cannot read"),
    ];
    for (act, told) in cases {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a-log");
        fs::write(&path, "x".repeat(CHUNK as usize + 9)).unwrap();
        fs::write(dir.path().join("Dockerfile"), "FROM scratch").unwrap();
        // One that goes has to be gone before it is opened, behind another one.
        let from = match told {
            "cannot read" => dir.path(),
            _ => &path,
        };
        let mut archive = Archive::new(Meddler(Vec::new(), Some(|| act(&path))));
        let error = archive.tree(from, "", &Ignore::default()).unwrap_err();
        let text = error.message();
        assert!(text.contains(told) && text.contains("a-log`"), "{error}");
        assert_eq!(error.kind(), Kind::Transfer);
    }
}

#[test]
fn a_full_disk_is_told_as_that() {
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let error = Archive::new(full).file("a", 0o644, b"x").unwrap_err();
    assert_eq!(error.kind(), Kind::Local);
    assert!(error.message().contains("temporary file in `"), "{error}");
    assert!(error.hint_text().unwrap().contains("TMPDIR"), "{error:?}");
}

#[test]
fn tar_reads_sizes_of_8_gib_and_more() {
    // A hole for a content, so that it takes no room.
    let dir = tempfile::tempdir().unwrap();
    let (size, path) = (9 << 30, dir.path().join("archive"));
    let mut archive = Archive::new(fs::File::create(&path).unwrap());
    archive.header("big", 0o644, b'0', size).unwrap();
    archive.0.set_len(BLOCK as u64 * 3 + size).unwrap();
    let tar = Command::new("tar").arg("-tvf").arg(&path).output().unwrap();
    let told = String::from_utf8(tar.stdout).unwrap();
    assert!(
        tar.status.success() && told.contains(" 9663676416 "),
        "{told}"
    );
}

#[test]
fn a_header_without_an_end_is_not_held() {
    let dir = tempfile::tempdir().unwrap();
    for kind in [b'L', b'x'] {
        let mut archive = Archive::new(Vec::new());
        archive.header("x", 0o644, kind, 4 << 40).unwrap();
        // It is read no further than such a header may be long.
        let mut endless = io::repeat(b'1').take(u64::MAX);
        let from = archive.0.chain(&mut endless);
        let error = unpack(from, &dir.path().join("to")).unwrap_err();
        assert!(error.message().contains("is broken"), "{error}");
        assert!(u64::MAX - endless.limit() <= 2 << 20);
    }
}

#[test]
fn what_is_left_out_is_left_out() {
    let ignore = |text: &str| Ignore::parse(text);
    for (text, path, expected) in [
        ("*.o", "a.o", true),
        ("*.o", "src/a.o", false),
        ("**/*.o", "src/old/a.o", true),
        ("**/*.o", "a.o", true),
        ("src", "src/main.c", true),
        ("/src/", "src/main.c", true),
        ("src\n!src/main.c", "src/main.c", false),
        ("src\n!src/main.c", "src/other.c", true),
        ("!src/main.c\nsrc", "src/main.c", true),
        ("# src", "src", false),
        ("", "src", false),
        ("a?c", "abc", true),
        ("[a-c]x", "bx", true),
        ("[^a-c]x", "bx", false),
        ("[x", "[x", true),
        ("a\\*", "a*", true),
        ("a\\*", "ab", false),
        ("**", "any/thing", true),
        (".git", ".gitignore", false),
    ] {
        assert_eq!(ignore(text).leaves_out(path), expected, "{text:?} {path}");
    }
    let from = folder();
    fs::write(from.path().join(".dockerignore"), "*\n!src\nsrc/old\n").unwrap();
    let ignore = Ignore::of(from.path(), "Dockerfile").unwrap();
    let to = tempfile::tempdir().unwrap();
    let archive = packed(from.path(), "", &ignore);
    let mut archive_of = Archive::new(Vec::new());
    archive_of.folder("top", 0o755).unwrap();
    assert!(archive.len() > archive_of.done().unwrap().len());
    unpack(&archive[..], to.path()).unwrap();
    let seen = |name: &str| to.path().join(name).exists();
    assert!(seen("Dockerfile") && seen("src/main.c") && seen(".dockerignore"));
    assert!(!seen("src/old/a.o") && !seen("empty"));
}

proptest! {
    /// Whatever a server sends, nothing panics, and nothing is written outside.
    #[test]
    fn no_archive_breaks_it(mut at in proptest::collection::vec((0..3000usize, any::<u8>()), 0..8), cut in 0..3000usize) {
        let dir = tempfile::tempdir().unwrap();
        let mut archive = Archive::new(Vec::new());
        archive.folder("top", 0o755).unwrap();
        archive.file(&format!("top/{}", "n".repeat(120)), 0o644, b"content").unwrap();
        let mut bytes = archive.done().unwrap();
        for (place, byte) in at.drain(..) {
            let end = bytes.len();
            bytes[place % end] = byte;
        }
        bytes.truncate(bytes.len().saturating_sub(cut));
        let _ = unpack(&bytes[..], &dir.path().join("to"));
        let others = fs::read_dir(dir.path()).unwrap().filter(|e| e.as_ref().unwrap().file_name() != "to");
        prop_assert_eq!(others.count(), 0);
    }

    /// No pattern breaks the matching.
    #[test]
    fn no_pattern_breaks_it(text in "[-!*?\\[\\]^a/\\\\\n#]{0,20}", path in "[a/*\\[]{1,8}") {
        let _ = Ignore::parse(&text).leaves_out(&path);
    }
}
