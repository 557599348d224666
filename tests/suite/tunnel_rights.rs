//! Tunnels for people who are not root: with a sudo that asks nothing, with one that wants a password, and
//! without any.

use crate::support::gates::{Gates, as_user};
use crate::support::home::MROOM;

/// Runs a command on a terminal and types the password once it is asked for.
const TYPED: &str = r#"
import os, pty, pwd, sys
user = pwd.getpwnam(sys.argv[1])
pid, fd = pty.fork()
if pid == 0:
    os.initgroups(user.pw_name, user.pw_gid)
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)
    os.environ["HOME"] = user.pw_dir
    os.execvp("sh", ["sh", "-c", sys.argv[2]])
seen, typed = b"", False
while True:
    try:
        piece = os.read(fd, 4096)
    except OSError:
        break
    if not piece:
        break
    seen += piece
    if not typed and b"Password for sudo" in seen:
        typed = True
        os.write(fd, b"hunter2000\n")
print(seen.decode(errors="replace"))
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"#;

#[test]
fn people_who_are_not_root() {
    let Some(gates) = Gates::start() else { return };
    let before = gates.traces();
    let script = "for u in free asked none; do useradd -m -s /bin/sh $u; echo $u:hunter2000 | chpasswd; done
        printf 'free ALL=(ALL) NOPASSWD: ALL\nasked ALL=(ALL) ALL\n' >/etc/sudoers.d/lab; chmod 440 /etc/sudoers.d/lab";
    gates.cell.shell(script).ended(0);
    for user in ["free", "asked", "none"] {
        gates.user(user, &format!("/home/{user}"));
    }
    let line = "exec behind1 --accept-new -- 'echo $BEHIND'";
    assert_eq!(gates.mroom_as("free", line).ended(0).stdout, "gate1\n");
    assert_eq!(gates.traces(), before);
    // The records are the user's, the files of the tunnel were root's.
    let foreign = gates.cell.shell("find /home/free ! -user free");
    assert_eq!(foreign.ended(0).stdout, "");

    for user in ["none", "asked"] {
        let refused = gates.mroom_as(user, line).ended(4);
        assert!(
            refused.stderr.contains("the tunnel `gate1` needs root"),
            "{refused:?}"
        );
        assert!(
            refused.stderr.contains("mroom doctor tunnel gate1"),
            "{refused:?}"
        );
        assert_eq!(gates.traces(), before);
    }

    gates
        .cell
        .shell(&format!("cat >/srv/typed.py <<'END'\n{TYPED}END\n"))
        .ended(0);
    let words = format!("cd; {MROOM} -v {line}").replace('\'', r"'\''");
    let typed = gates
        .cell
        .shell(&format!("python3 /srv/typed.py asked '{words}'"))
        .ended(0);
    assert!(
        typed.stdout.contains("gate1") && typed.stdout.contains("has root run"),
        "{typed:?}"
    );
    assert!(!typed.stdout.contains("hunter"), "{typed:?}");
    assert_eq!(gates.traces(), before);

    // Isolated: the helper is started by sudo, too.
    gates
        .mroom_as("free", "tunnel set gate1 isolate=true")
        .ended(0);
    assert_eq!(
        gates.cell.shell(&as_user("free", line)).ended(0).stdout,
        "gate1\n"
    );
    assert_eq!(gates.traces(), before);
}
