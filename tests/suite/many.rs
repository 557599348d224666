//! Ten thousand servers in one map: what that takes, and how soon it can be ended.

use std::net::TcpListener;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::home::Home;
use crate::support::memory::peak_at_end;

const ALL: usize = 10_000;
const PLAYBOOK: &str = "fleet.select('all'):map(function(s) return s:capture('uptime') end)";

/// That many servers at one port.
fn room(count: usize, port: u16) -> Home {
    let me = Home::new();
    let line = |i| format!("h{i:05}--127.0.0.1--u--secret--{port}\n");
    let list = me.write("list", (0..count).map(line).collect::<String>());
    me.ok(&["import", &list.display().to_string()]);
    me.write("all.lua", PLAYBOOK);
    me
}

fn start(me: &Home, forks: &str) -> Child {
    let mut command = me.mroom(&["run", "-f", forks, "all.lua"]);
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

#[test]
fn memory_does_not_grow_with_them() {
    // Nobody listens there.
    let [few, many] = [ALL / 10, ALL].map(|count| {
        let me = room(count, 1);
        let mut child = start(&me, "500");
        // What it says must be read while it runs.
        let mut said = child.stderr.take().unwrap();
        let reader = std::thread::spawn(move || std::io::read_to_string(&mut said).unwrap());
        let most = peak_at_end(&mut child) >> 10;
        let said = reader.join().unwrap();
        let count = format!("ok 0  changed 0  failed 0  unreachable {count} ");
        assert!(
            said.lines().last().unwrap_or_default().starts_with(&count),
            "{said}"
        );
        most
    });
    // The threads of 500 attempts at once are the same; the rest is what is known of a server and
    // of how it ended.
    assert!(
        many < few + 60,
        "{few} MiB for {}, {many} MiB for {ALL}",
        ALL / 10
    );
}

#[test]
fn an_interrupt_is_prompt() {
    // It takes connections and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let me = room(ALL, silent.local_addr().unwrap().port());
    let mut child = start(&me, "200");
    let mut open = Vec::new();
    while open.len() < 200 {
        open.push(silent.accept().unwrap());
    }
    let mut said = child.stderr.take().unwrap();
    let reader = std::thread::spawn(move || std::io::read_to_string(&mut said).unwrap());
    let begun = Instant::now();
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let code = child.wait().unwrap().code();
    let took = begun.elapsed();
    let said = reader.join().unwrap();
    assert_eq!(code, Some(130), "{said}");
    assert!(took < Duration::from_secs(20), "{took:?}");
    let count = format!("unreachable 0  skipped 0  cancelled {ALL}  unknown 0");
    assert!(
        said.lines().last().unwrap_or_default().ends_with(&count),
        "{said}"
    );
}
