//! Commit-confirm for real, on a Debian in namespaces: a change that shuts us out is undone by the
//! server itself, whatever becomes of `mroom` meanwhile.

use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::support::cell::Cell;

/// A guarded change: `run` and `undo` are shell texts.
const PLAY: &str = r#"
local confirm = require "mr.confirm"
return fleet.select("lab"):map(function(s)
  local opts = { name = "trial", files = { "/etc/kept", "/etc/new" }, undo = vars.undo }
  opts.timeout = tonumber(vars.timeout)
  return confirm.guard(s, opts, function()
    s:run(vars.run)
  end)
end)
"#;

fn words(play: &str, run: &str, undo: &str, timeout: u32) -> Vec<String> {
    let given = [
        format!("run={run}"),
        format!("undo={undo}"),
        format!("timeout={timeout}"),
    ];
    let mut words = vec!["run".to_owned(), play.to_owned()];
    for given in given {
        words.extend(["-e".to_owned(), given]);
    }
    words
}

/// The machine with the file that is guarded, and the path of the playbook.
fn ready() -> Option<(Cell, String)> {
    let cell = Cell::start()?;
    let play = cell.home.write("play.lua", PLAY).display().to_string();
    cell.shell("echo old >/etc/kept; chmod 640 /etc/kept; chown daemon /etc/kept")
        .ended(0);
    Some((cell, play))
}

/// Is everything as it was?
const UNTOUCHED: &str = "test \"$(cat /etc/kept)\" = old; test ! -e /etc/new; \
     test \"$(stat -c %a:%U /etc/kept)\" = 640:daemon";
const CHANGE: &str =
    "echo new >/etc/kept; chmod 600 /etc/kept; chown root /etc/kept; touch /etc/new";

#[test]
fn a_change_that_shuts_us_out_is_undone_by_the_server() {
    let Some((cell, play)) = ready() else { return };
    let mroom = |run: &str, undo: &str, timeout: u32| {
        let words = words(&play, run, undo, timeout);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        cell.mroom(&words)
    };

    // Nobody gets in any more: the key is gone from where sshd looks for it.
    let keys = "/etc/lab/authorized_keys";
    let run = format!("{CHANGE}; mv {keys} /etc/lab/away");
    let done = mroom(&run, &format!("mv /etc/lab/away {keys}"), 8).ended(3);
    for words in [
        "no new connection came: `root` was refused",
        "undone by the server itself (put back /etc/kept, removed /etc/new, undo ended well): after",
    ] {
        assert!(done.stderr.contains(words), "{done:?}");
    }
    cell.shell(UNTOUCHED).ended(0);

    // A step that fails: undone at once. What the undoing itself could not do is told.
    let done = mroom(&format!("{CHANGE}; exit 3"), "echo sorry >&2; exit 4", 600).ended(3);
    assert!(
        done.stderr
            .contains("undo ended with 4, sorry): command exited with 3"),
        "{done:?}"
    );
    cell.shell(UNTOUCHED).ended(0);

    // What is well stays, and no timer is left.
    mroom(CHANGE, "false", 600).ended(0);
    assert_ne!(cell.shell(UNTOUCHED).code, 0);
    cell.shell("test -z \"$(ls /var/lib/mroom-confirm)\"; ! ps ax | grep 'mroom-confir[m]'")
        .ended(0);
}

#[test]
fn a_timer_needs_nobody_and_a_second_guard_waits() {
    let Some((cell, play)) = ready() else { return };
    let mut child = cell
        .command(&words(&play, &format!("{CHANGE}; sleep 60"), "", 12))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait(|| cell.shell("test -e /etc/new").code == 0);
    child.kill().unwrap(); // not even asked
    child.wait().unwrap();

    let second = words(&play, "touch /etc/second", "", 12);
    let second: Vec<&str> = second.iter().map(String::as_str).collect();
    let refused = cell.mroom(&second).ended(3);
    let told = "a change of `trial` by `root` waits to be confirmed";
    assert!(refused.stderr.contains(told), "{refused:?}");
    cell.shell("test ! -e /etc/second").ended(0);

    wait(|| cell.shell(UNTOUCHED).code == 0);
    wait(|| {
        cell.shell("grep -qx end /var/lib/mroom-confirm/fired.*/result")
            .code
            == 0
    });
    let done = cell.mroom(&second).ended(0);
    let told = "because nobody confirmed it: put back /etc/kept, removed /etc/new";
    assert!(done.stderr.contains(told), "{done:?}");
    cell.shell("test -e /etc/second; test -z \"$(ls /var/lib/mroom-confirm)\"")
        .ended(0);

    // A timer that died is found by the next run, which does its work.
    let mut child = cell
        .command(&words(&play, &format!("{CHANGE}; sleep 60"), "", 5))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait(|| cell.shell("test -e /etc/new").code == 0);
    cell.shell("kill -9 -\"$(cat /var/lib/mroom-confirm/armed/pid)\"")
        .ended(0);
    child.kill().unwrap();
    child.wait().unwrap();
    let late = "up=$(cut -d. -f1 /proc/uptime); due=$(cat /var/lib/mroom-confirm/armed/due); \
         test $((up - due)) -gt 6";
    wait(|| cell.shell(late).code == 0);
    let done = cell.mroom(&second).ended(3);
    assert!(
        done.stderr
            .contains("its timer had died; it is undone now: put back"),
        "{done:?}"
    );
    cell.shell(UNTOUCHED).ended(0);
}

fn wait(is_there: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_there() {
        assert!(begun.elapsed() < Duration::from_secs(40), "waited too long");
        std::thread::sleep(Duration::from_millis(200));
    }
}
