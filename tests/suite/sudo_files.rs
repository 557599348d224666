//! Files and Lua as another user, with a real sudo.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;

use super::sudo::{ASKS, FREE, Yard};
use crate::support::home::Home;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

/// A folder that only root may enter.
fn closed() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o700)).unwrap();
    dir
}

fn lua(home: &Home, script: &str) -> String {
    home.ok(&["eval", &format!("local s = server 'web' {script}")])
}

/// Nothing of a copy is left where it was staged.
fn is_tidy(yard: &Yard) -> bool {
    let uid = fs::metadata(yard.account.home()).unwrap().uid();
    let mut left = fs::read_dir("/tmp").unwrap().flatten().filter(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        name.starts_with("mroom-") && entry.metadata().is_ok_and(|m| m.uid() == uid)
    });
    left.next().is_none()
}

#[test]
fn lua_says_as_whom() {
    let Some(yard) = Yard::new(ASKS) else { return };
    let home = yard.home();
    let login = &yard.account.name;
    assert_eq!(
        lua(&home, "print(s:capture('id -un', { sudo = true }))"),
        "root\n"
    );
    assert_eq!(
        lua(&home, "print(s:run('id -un', { sudo = 'nobody' }).stdout)"),
        "nobody\n\n"
    );
    assert_eq!(
        lua(&home, "print(s:capture 'id -un')"),
        format!("{login}\n")
    );
    assert_eq!(
        lua(
            &home,
            "print(s:test('test -w /etc/shadow', { sudo = true }))"
        ),
        "true\n"
    );
    let script = "print(s:script('id -un; echo $1', { args = { 'x' }, sudo = true }).stdout)";
    assert_eq!(lua(&home, script), "root\nx\n\n");
    let env = "print(s:capture('pwd; echo $A', { cwd = '/usr', env = { A = 'it' }, sudo = true }))";
    assert_eq!(lua(&home, env), "/usr\nit\n");
    // The flag is the default of every verb, and a call may say otherwise.
    let words =
        |script: &str| home.ok(&["eval", "-b", &format!("local s = server 'web' {script}")]);
    assert_eq!(words("print(s:capture 'id -un')"), "root\n");
    assert_eq!(
        words("print(s:capture('id -un', { sudo = false }))"),
        format!("{login}\n")
    );
    let bad = home
        .run(&["eval", "server 'web':run('id', { sudo = 7 })"])
        .ended(2);
    assert!(
        bad.stderr
            .contains("`sudo` must be true, false or a user's name"),
        "{bad:?}"
    );
    let raised = "print(select(2, mr.try(s.run, s, 'id', { sudo = 'nobody-there' })).kind)";
    assert_eq!(lua(&home, raised), "exit\n");

    // What belongs to the login stays its own.
    let done = home.run(&["stage", "env", "web", "-b", "--no-tunnel"]);
    assert!(done.code == 0, "{done:?}");
    let workspace = yard.account.home().join("machineroom");
    let owner = fs::metadata(yard.account.home()).unwrap().uid();
    assert_eq!(fs::metadata(&workspace).unwrap().uid(), owner);
}

#[test]
fn single_files() {
    let Some(yard) = Yard::new(FREE) else { return };
    let (home, dir) = (yard.home(), closed());
    let file = dir.path().join("it's $(here)");
    let quoted = format!("[=[{}]=]", file.display());
    fs::write(&file, "old").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    std::os::unix::fs::chown(&file, Some(1), Some(2)).unwrap();
    let denied = home
        .run(&["eval", &format!("server 'web':read({quoted})")])
        .ended(3);
    assert!(denied.stderr.contains("denied"), "{denied:?}");
    let script = format!(
        "s:write({quoted}, 'new\\0\\n', {{ sudo = true }}) \
         io.write(s:read({quoted}, {{ sudo = true }}))"
    );
    assert_eq!(lua(&home, &script), "new\0\n");
    let meta = fs::metadata(&file).unwrap();
    assert_eq!(
        (mode(&file), meta.uid(), meta.gid()),
        (0o640, 1, 2),
        "all is kept"
    );
    let link = dir.path().join("link");
    symlink(&file, &link).unwrap();
    let script = format!(
        "s:write('{}', 'x', {{ sudo = true, mode = '0600' }})",
        link.display()
    );
    lua(&home, &script);
    assert!(link.is_symlink() && mode(&file) == 0o600);
    assert_eq!(fs::read(&file).unwrap(), b"x");
    let fresh = dir.path().join("fresh");
    lua(
        &home,
        &format!("s:write('{}', '', {{ sudo = true }})", fresh.display()),
    );
    assert_eq!(
        (mode(&fresh), fs::metadata(&fresh).unwrap().uid()),
        (0o644, 0)
    );
    for (script, message) in [
        (
            format!("s:read('{}', {{ sudo = true }})", dir.path().display()),
            "directory",
        ),
        (
            format!("s:write('{}', '', {{ sudo = true }})", dir.path().display()),
            "it is a folder",
        ),
        (
            "s:read('/nowhere/x', { sudo = true })".to_owned(),
            "cannot read `/nowhere/x`",
        ),
        (
            "s:write('/nowhere/x', '', { sudo = true })".to_owned(),
            "cannot write `/nowhere/x`",
        ),
        (
            format!("s:read({quoted}, {{ sudo = true, limit = 0 }})"),
            "is longer than 0 bytes",
        ),
    ] {
        let done = home
            .run(&["eval", &format!("local s = server 'web' {script}")])
            .ended(3);
        assert!(
            done.stderr.to_lowercase().contains(message),
            "{message}: {done:?}"
        );
    }
    assert_eq!(
        fs::read_dir(dir.path()).unwrap().count(),
        3,
        "nothing is left behind"
    );
    // Check mode writes nothing, and reads.
    let script = format!("local s = server 'web' s:write({quoted}, 'no', {{ sudo = true }})");
    home.run(&["eval", "-C", &script]).ended(0);
    assert_eq!(fs::read(&file).unwrap(), b"x");
}

#[test]
fn copies_up_and_down() {
    let Some(yard) = Yard::new(ASKS) else { return };
    let (home, dir) = (yard.home(), closed());
    let there = |name: &str| format!("web:{}/{name}", dir.path().display());
    let big: Vec<u8> = (0..1_000_000u32).map(|i| (i % 251) as u8).collect();
    home.write("tree/bin/run", "#!/bin/sh\n");
    home.write("tree/big file", &big);
    fs::set_permissions(home.path("tree/bin/run"), fs::Permissions::from_mode(0o755)).unwrap();
    symlink("bin/run", home.path("tree/link")).unwrap();

    home.run(&["cp", "tree/big file", &there("x")]).ended(3);
    home.ok(&["cp", "-b", "tree/big file", &there("new/x")]);
    assert_eq!(fs::read(dir.path().join("new/x")).unwrap(), big);
    home.ok(&["cp", "-b", "tree/big file", &there("new")]);
    assert_eq!(fs::read(dir.path().join("new/big file")).unwrap(), big);
    home.ok(&[
        "cp",
        "-b",
        "--mode",
        "0600",
        "tree/bin/run",
        &there("new/x"),
    ]);
    assert_eq!(mode(&dir.path().join("new/x")), 0o600);

    // A folder goes below, what is in it goes to the place itself, as without sudo.
    home.ok(&["cp", "-b", "tree", &there("one")]);
    home.ok(&["cp", "-b", "tree/", &there("two")]);
    for root in ["one/tree", "two"] {
        let root = dir.path().join(root);
        assert_eq!(fs::read(root.join("big file")).unwrap(), big);
        assert_eq!(mode(&root.join("bin/run")), 0o755);
        assert!(root.join("link").is_symlink());
        assert_eq!(fs::metadata(root.join("bin")).unwrap().uid(), 0);
    }
    fs::set_permissions(
        dir.path().join("two/bin/run"),
        fs::Permissions::from_mode(0o400),
    )
    .unwrap();
    home.run(&["cp", &there("two"), "denied"]).ended(3);
    home.ok(&["cp", "-b", &there("two"), "back"]);
    home.ok(&["cp", "-b", &there("two/big file"), "file"]);
    assert_eq!(fs::read(home.path("file")).unwrap(), big);
    let back = match home.path("back/two").exists() {
        true => home.path("back/two"),
        false => home.path("back"),
    };
    assert_eq!(fs::read(back.join("big file")).unwrap(), big);
    assert_eq!(fs::read(back.join("bin/run")).unwrap(), b"#!/bin/sh\n");
    let missing = home.run(&["cp", "-b", &there("nothing"), "x"]).ended(3);
    assert!(missing.stderr.contains("cannot read"), "{missing:?}");
    assert!(is_tidy(&yard), "something is left in /tmp");
    assert!(yard.sshd.path("sudo.log").exists());
}
