//! One userspace tunnel for all processes of a user: who shares it, who ends it, what a death leaves.

use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use serde_json::Value;

use crate::support::wireguard::{Gateway, PATIENCE, Person, until};

/// The folder of the tunnel `lab`.
fn folder(person: &Person) -> PathBuf {
    let all = person.0.cell.home.data("tunnels");
    let mut found = std::fs::read_dir(all).into_iter().flatten().flatten();
    found
        .find(|e| e.file_name().to_string_lossy().starts_with("lab-"))
        .map_or_else(PathBuf::new, |e| e.path())
}

/// The tunnel's process, when one is written down.
fn holder(person: &Person) -> Option<u32> {
    let text = std::fs::read(folder(person).join("record.json")).ok()?;
    let record: Value = serde_json::from_slice(&text).ok()?;
    assert_eq!(record["backend"], "userspace");
    (record["since"].as_u64()? > 0).then_some(record["pid"].as_u64()? as u32)
}

fn lives(pid: u32) -> bool {
    // After the name, which is in brackets: the state.
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(") ")
        .next()
        .is_some_and(|rest| !rest.is_empty() && !rest.starts_with('Z'))
}

/// A command on a server that has begun: it made a file of that name there.
fn begun(person: &Person, server: &str, name: &str, then: &str) -> Child {
    let line = format!("touch /tmp/{name}; {then}");
    let mut command = person.command(&["exec", server, "--", &line]);
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let look = format!("test -e /tmp/{name} && echo yes || echo no");
    until("the command has begun", || {
        person.0.cell.shell(&look).stdout == "yes\n"
    });
    child
}

fn ended(child: Child) -> (i32, String, String) {
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    (
        output.status.code().unwrap(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

/// How it is, by `tunnel status --json`; the exit code.
fn status(person: &Person) -> (i32, Value) {
    let done = person.run(&["tunnel", "status", "lab", "--json"]);
    let object = serde_json::from_str(&done.stdout).unwrap_or_default();
    (done.code, object)
}

/// No process, no socket, nothing written down.
fn gone(person: &Person, pid: u32) {
    until("the tunnel's process has ended", || !lives(pid));
    let folder = folder(person);
    let left = ["socket", "record.json"].map(|name| folder.join(name));
    until("its files are gone", || {
        left.iter().all(|path| !Path::exists(path))
    });
    let holders = std::fs::read_dir(folder.join("holders")).unwrap();
    assert_eq!(holders.count(), 0);
}

fn kill(pid: u32) {
    let pid = rustix::process::Pid::from_raw(pid as i32).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
}

#[test]
fn processes_share_it_and_the_last_ends_it() {
    let Some(gateway) = Gateway::start() else {
        return;
    };
    let Some(person) = Person::new(&gateway) else {
        return;
    };
    let go = "while [ ! -e /tmp/go ]; do sleep 0.1; done; echo first";
    let first = begun(&person, "web-01", "first", go);
    let pid = holder(&person).unwrap();
    // While the first works: others come and go, each over the same process.
    for turn in ["second", "third"] {
        let line = format!("echo {turn} $SSH_CONNECTION");
        let done = person.run(&["exec", "web-02", "--", &line]).ended(0);
        assert!(
            done.stdout.starts_with(&format!("{turn} 10.77.1.2 ")),
            "{done:?}"
        );
        assert_eq!(holder(&person), Some(pid));
    }
    let (code, state) = status(&person);
    assert_eq!(code, 0, "{state}");
    assert_eq!(
        (&state["state"], &state["backend"], &state["address"]),
        (&"up".into(), &"userspace".into(), &"10.77.1.2".into())
    );
    assert!(state["received"].as_u64().unwrap() > 1000, "{state}");
    let users = state["holders"].as_array().unwrap();
    assert_eq!((users.len(), &users[0]["pid"]), (1, &first.id().into()));
    assert!(
        person
            .run(&["tunnel", "ls"])
            .ended(0)
            .stdout
            .contains(" up")
    );

    // Other settings are another tunnel, and there can only be one.
    let change = |mtu| {
        let words = ["tunnel", "set", "lab", &format!("mtu={mtu}")];
        person.run(&words).ended(0);
    };
    change(1300);
    let done = person.run(&["exec", "web-02", "--", "true"]).ended(4);
    let told = "the tunnel `lab` was changed since it came up, and is in use as it was: ";
    assert!(done.stderr.contains(told), "{done:?}");

    // Nothing of the key is where others could read it, and nobody else gets in.
    for file in ["cmdline", "environ"] {
        let shown = std::fs::read(format!("/proc/{pid}/{file}")).unwrap();
        let shown = String::from_utf8_lossy(&shown).into_owned();
        assert!(!shown.contains(&gateway.keys[0].0), "{file}: {shown}");
        assert_eq!(shown.contains("__tunnel"), file == "cmdline", "{shown}");
    }
    let written = std::fs::read_to_string(folder(&person).join("record.json")).unwrap();
    assert!(!written.contains(&gateway.keys[0].0));
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let socket = folder(&person).join("socket");
    assert_eq!((mode(&folder(&person)), mode(&socket)), (0o700, 0o600));
    // Root gets past the modes, and is another user all the same: it is not heard.
    let mut stranger = UnixStream::connect(&socket).unwrap();
    stranger.set_read_timeout(Some(PATIENCE)).unwrap();
    assert_eq!(stranger.read(&mut [0; 9]).unwrap(), 0);

    gateway.cell.shell("touch /tmp/go").ended(0);
    let (code, out, _) = ended(first);
    assert_eq!((code, out.as_str()), (0, "first\n"));
    // Unused for a moment, it gives way to the other settings at once.
    person.run(&["exec", "web-02", "--", "true"]).ended(0);
    assert!(!lives(pid));
    let next = holder(&person).unwrap();
    gone(&person, next);
    assert_eq!(status(&person).0, 4);
}

#[test]
fn a_death_is_told_and_leaves_nothing_in_the_way() {
    let Some(gateway) = Gateway::start() else {
        return;
    };
    let Some(person) = Person::new(&gateway) else {
        return;
    };
    // Its own: whoever was at work hears of it, the next begins anew.
    let first = begun(&person, "web-01", "first", "sleep 600");
    let pid = holder(&person).unwrap();
    kill(pid);
    let (code, _, told) = ended(first);
    assert_eq!(code, 3, "{told}");
    // Which of the two ends it hears of first is chance.
    assert!(
        told.contains("tunnel lab") || told.contains("tunnel `lab`"),
        "{told}"
    );
    person.run(&["exec", "web-02", "--", "true"]).ended(0);
    let next = holder(&person).unwrap();
    assert_ne!(next, pid);
    gone(&person, next);

    // A session that goes on after that: its next connection brings it up again.
    let script = "server('web-01'):capture 'true'; io.open('here', 'w'):close()
        while not io.open('go') do mr.sleep(0.1) end
        print(pcall(function() return server('web-01'):capture 'true' end))
        print(server('web-02'):capture 'echo again')";
    let mut command = person.command(&["eval", script]);
    command.current_dir(gateway.cell.home.path(""));
    let command = command.stdin(Stdio::null()).stdout(Stdio::piped());
    let long = command.stderr(Stdio::piped()).spawn().unwrap();
    let here = gateway.cell.home.path("here");
    until("the script has a connection", || here.exists());
    kill(holder(&person).unwrap());
    gateway.cell.home.write("go", "");
    let (code, out, told) = ended(long);
    assert!(code == 0 && out.ends_with("again\n"), "{out} {told}");

    // Its users: it ends by itself.
    let mut first = begun(&person, "web-03", "third", "sleep 600");
    let mut second = begun(&person, "web-04", "fourth", "sleep 600");
    let pid = holder(&person).unwrap();
    for user in [&mut first, &mut second] {
        user.kill().unwrap();
        user.wait().unwrap();
    }
    until("the tunnel's process has ended", || !lives(pid));
    person.run(&["exec", "web-04", "--", "true"]).ended(0);
    gone(&person, holder(&person).unwrap());
}

#[test]
fn kept_it_stays_until_it_is_taken_down() {
    let Some(gateway) = Gateway::start() else {
        return;
    };
    let Some(person) = Person::new(&gateway) else {
        return;
    };
    person.run(&["tunnel", "up", "lab", "--keep"]).ended(0);
    let pid = holder(&person).unwrap();
    let (code, state) = status(&person);
    assert_eq!(
        (code, &state["state"], &state["keep"]),
        (0, &"up".into(), &true.into())
    );
    // Longer than it would wait for another user.
    std::thread::sleep(std::time::Duration::from_secs(3));
    person.run(&["exec", "web-01", "--", "true"]).ended(0);
    assert_eq!(holder(&person), Some(pid));
    // Killed, it is told as lost, and the next that needs it brings it up: it is still to be kept.
    kill(pid);
    until("it is gone", || !lives(pid));
    let (code, state) = status(&person);
    assert_eq!((code, &state["state"]), (4, &"lost".into()));
    person.run(&["exec", "web-01", "--", "true"]).ended(0);
    let pid = holder(&person).unwrap();
    assert_eq!(status(&person).1["keep"], true);

    // In use it goes down with its last user; by force at once, and its users hear of it.
    let user = begun(&person, "web-01", "user", "sleep 600");
    let done = person.run(&["tunnel", "down", "lab"]).ended(0);
    assert!(
        done.stderr
            .contains("in use, and goes down with its last user"),
        "{done:?}"
    );
    assert!(lives(pid));
    person.run(&["tunnel", "down", "lab", "--force"]).ended(0);
    assert!(!lives(pid));
    let (code, _, told) = ended(user);
    assert_eq!(code, 3, "{told}");
    assert!(
        told.contains("the tunnel `lab` was taken down by somebody else"),
        "{told}"
    );
    gone(&person, pid);

    person.run(&["tunnel", "up", "lab", "--keep"]).ended(0);
    let pid = holder(&person).unwrap();
    person.run(&["tunnel", "down", "lab"]).ended(0);
    assert!(!lives(pid), "what nobody uses is down at once");
    gone(&person, pid);
}
