//! The kept shell of another user, and of logins whose shell is none of POSIX's.

use std::sync::Arc;

use futures::executor::block_on;
use machineroom::error::{Error, Kind};
use machineroom::output::Output;
use machineroom::secret::Secret;
use machineroom::ssh::{Exec, Sudo, Transport};

use super::ssh_kept::{both, is, reader, shell, text, writer};
use super::sudo::{ASKS, FREE, Yard};
use crate::support::account::PASSWORD;
use crate::support::sshd::Sshd;

fn as_root(request: Exec, password: Option<&str>) -> Exec {
    let sudo = Sudo {
        user: "root".to_owned(),
        password: password.map(Secret::new),
    };
    Exec {
        sudo: Some(sudo),
        ..request
    }
}

fn run(web: &Arc<dyn Transport>, command: &str, password: Option<&str>) -> Result<Output, Error> {
    block_on(web.exec(as_root(reader(command), password)))
}

#[test]
fn as_another_user() {
    let Some(yard) = Yard::new(ASKS) else { return };
    let web = yard.open();
    let output = run(&web, "id -un; echo $$; echo $HOME; cat", Some(PASSWORD)).unwrap();
    let first = text(&output).1;
    assert!(
        first.starts_with("root\n") && first.ends_with("/root\n"),
        "{first}"
    );
    // The rules want the password each time: it was asked for once.
    let again = run(&web, "id -un; echo $$; echo $HOME; cat", Some(PASSWORD)).unwrap();
    assert_eq!(text(&again), (Some(0), first, String::new()));
    let request = as_root(writer("echo out; echo err >&2; exit 6"), Some(PASSWORD));
    is(&block_on(web.exec(request)).unwrap(), 6, "out\n", "err\n");
    // The login's own is another one.
    let own = block_on(web.exec(reader("id -un"))).unwrap();
    assert_eq!(own.stdout_trimmed(), yard.account.name);
    let path = block_on(web.exec(reader("echo $PATH")))
        .unwrap()
        .stdout_trimmed();
    assert!(path.ends_with("/usr/sbin:/sbin"), "{path}");
    let nosy =
        "tr '\\0' '\\n' < /proc/$PPID/cmdline; tr '\\0' '\\n' < /proc/$PPID/environ; set; ps -ef";
    let seen = text(&run(&web, nosy, Some(PASSWORD)).unwrap()).1;
    assert!(seen.contains("sudo") && !seen.contains(PASSWORD), "{seen}");
    let request = Exec {
        stdin: b"given\n".to_vec().into(),
        ..as_root(writer("cat; id -un"), Some(PASSWORD))
    };
    is(
        &block_on(web.exec(request)).unwrap(),
        0,
        "given\nroot\n",
        "",
    );
    let request = Exec {
        stdin: b"given".to_vec().into(),
        ..as_root(writer("cat; id -un"), Some(PASSWORD))
    };
    is(&block_on(web.exec(request)).unwrap(), 0, "givenroot\n", "");
    let error = run(&web, "kill -9 $$; sleep 1", Some(PASSWORD)).unwrap_err();
    assert_eq!(error.kind(), Kind::Lost, "{error}");
    assert_eq!(run(&web, "id -u", Some(PASSWORD)).unwrap().stdout, b"0\n");

    let web = yard.open();
    for (password, message) in [
        (Some("not this one"), "sudo refused the password"),
        (None, "sudo asks for a password, and none is known"),
    ] {
        let error = run(&web, "id", password).unwrap_err();
        assert_eq!((error.kind(), error.message()), (Kind::Exit, message));
        assert_eq!(error.remote_command(), Some("id"));
    }
    assert_eq!(run(&web, "id -u", Some(PASSWORD)).unwrap().stdout, b"0\n");
}

#[test]
fn where_sudo_wants_a_terminal() {
    let rules = "ACCOUNT ALL=(ALL) NOPASSWD: ALL\nDefaults:ACCOUNT requiretty";
    let Some(yard) = Yard::new(rules) else { return };
    let web = yard.open();
    let output = run(&web, "id -un; printf '%s\\n' 'a\\b'; exit 4", None).unwrap();
    assert_eq!(
        (output.code, &output.stdout[..]),
        (Some(4), &b"root\na\\b\n"[..])
    );
}

#[test]
fn a_shell_that_is_not_fit_is_not_kept() {
    let dir = tempfile::tempdir().unwrap();
    let sh = dir.path().join("sh");
    let script = "#!/bin/sh\nexport KSH_VERSION='Version AJM 93u+'\nexec /bin/sh \"$@\"\n";
    std::fs::write(&sh, script).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&sh, mode).unwrap();
    let path = format!("SetEnv PATH={}:/usr/bin:/bin", dir.path().display());
    let Some(sshd) = Sshd::start(&path) else {
        return;
    };
    let web = sshd.connect();
    is(
        &both(&web, "echo out; echo err >&2; exit 4"),
        4,
        "out\n",
        "err\n",
    );
    assert_ne!(shell(&web), shell(&web));
}

#[test]
fn under_any_login_shell() {
    for login in [
        "/usr/bin/fish",
        "/bin/bash",
        "/usr/bin/zsh",
        "/usr/sbin/nologin",
    ] {
        if !std::path::Path::new(login).exists() {
            eprintln!("skipped: no `{login}`");
            continue;
        }
        let Some(yard) = Yard::new(FREE) else { return };
        let set = std::process::Command::new("usermod")
            .args(["-s", login, &yard.account.name])
            .status();
        assert!(set.unwrap().success());
        let noise = "echo hello; echo hello >&2\n";
        for file in [".bashrc", ".zshenv", ".config/fish/config.fish"] {
            let file = yard.account.home().join(file);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, noise).unwrap();
        }
        let owner = format!("{0}:{0}", yard.account.name);
        let mut chown = std::process::Command::new("chown");
        let done = chown.arg("-R").arg(owner).arg(yard.account.home()).status();
        assert!(done.unwrap().success());
        let web = yard.open();
        if login.ends_with("nologin") {
            let error = block_on(web.exec(reader("echo on"))).unwrap_err();
            assert_eq!(error.message(), "the login's shell does not run commands");
            let output = error.remote_output().unwrap();
            assert!(text(output).1.contains("not available"), "{output:?}");
            continue;
        }
        let command = "printf '%s\\n' 'it'\\''s \\\\ \\n' | sed 's/\\\\/x/'; exit 3";
        let request = as_root(reader(command), None);
        for request in [reader(command), request] {
            let output = block_on(web.exec(request)).unwrap();
            assert_eq!(
                text(&output),
                (Some(3), "it's x\\ \\n\n".into(), "".into()),
                "{login}"
            );
        }
    }
}
