//! Becoming another user where there is doas and no sudo, or neither.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use futures::executor::block_on;
use machineroom::error::Result;
use machineroom::output::Output;
use machineroom::secret::Secret;
use machineroom::ssh::{Exec, Sudo, Target};

use crate::support::account::{Account, PASSWORD};
use crate::support::sshd::{Sshd, has, skip};

const RULES: &str = "/etc/doas.conf";

/// The machine has one file of rules: a test at a time.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// The machine's rules, replaced for as long as this is there.
struct Rules(Option<Vec<u8>>);

impl Rules {
    fn set(text: &str) -> Rules {
        let before = fs::read(RULES).ok();
        fs::write(RULES, text).unwrap();
        Rules(before)
    }
}

impl Drop for Rules {
    fn drop(&mut self) {
        let _ = match &self.0 {
            Some(bytes) => fs::write(RULES, bytes),
            None => fs::remove_file(RULES),
        };
    }
}

/// A folder of programs that is all that the login finds.
fn path_with(sshd: &Path, programs: &[&str]) -> PathBuf {
    let folder = sshd.join("programs");
    fs::create_dir_all(&folder).unwrap();
    for program in [&["sh", "id", "cat"][..], programs].concat() {
        let paths = std::env::var_os("PATH").unwrap();
        let found = std::env::split_paths(&paths).map(|p| p.join(program));
        let found = found.into_iter().find(|p| p.exists()).unwrap();
        symlink(found, folder.join(program)).unwrap();
    }
    folder
}

fn run(
    account: &Account,
    programs: &[&str],
    password: Option<&str>,
    stdin: &str,
) -> Option<Result<Output>> {
    let dir = tempfile::Builder::new().prefix("path").tempdir().unwrap();
    // The login has to get at it.
    let open = <fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o755);
    fs::set_permissions(dir.path(), open).unwrap();
    let path = path_with(dir.path(), programs);
    let settings = format!("PasswordAuthentication yes\nSetEnv PATH={}", path.display());
    let sshd = Sshd::start(&settings)?;
    let target = Target {
        user: account.name.clone(),
        key: None,
        password: Some(Secret::new(PASSWORD)),
        ..sshd.target()
    };
    let web = sshd.open(target).unwrap();
    let sudo = Sudo {
        user: "root".to_owned(),
        password: password.map(Secret::new),
    };
    Some(block_on(web.exec(Exec {
        sudo: Some(sudo),
        stdin: stdin.into(),
        ..Exec::new("id -un; cat; echo err >&2; exit 4")
    })))
}

#[test]
fn with_doas_and_with_nothing() {
    if !has("doas") {
        return;
    }
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(|e| e.into_inner());
    let Some(account) = Account::create() else {
        return skip("no account");
    };
    let rules = Rules::set(&format!("permit nopass {} as root\n", account.name));
    let Some(done) = run(&account, &["doas"], None, "input") else {
        return;
    };
    let output = done.unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "root\ninput");
    assert_eq!(
        (output.stderr.as_slice(), output.code),
        (&b"err\n"[..], Some(4))
    );
    let message = |programs: &[&str]| {
        let done = run(&account, programs, Some(PASSWORD), "input").unwrap();
        done.unwrap_err().message().to_owned()
    };
    assert_eq!(message(&[]), "the server has neither sudo nor doas");
    drop(rules);
    let asks = Rules::set(&format!("permit {} as root\n", account.name));
    assert_eq!(
        message(&["doas"]),
        "doas asks for a password, which it takes from a terminal only"
    );
    // Without input it gets a terminal; the two outputs are one there.
    let typed = |password| run(&account, &["doas"], Some(password), "").unwrap();
    let output = typed(PASSWORD).unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "root\nerr\n");
    assert_eq!(output.code, Some(4));
    let error = typed("not this one").unwrap_err();
    assert_eq!(error.message(), "sudo refused the password");
    drop(asks);
    let _nobody = Rules::set("permit nopass nobody as root\n");
    assert_eq!(message(&["doas"]), "this login may not become `root`");
}
