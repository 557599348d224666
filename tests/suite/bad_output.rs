//! Output that is too much, binary, without an end, or that nobody takes.

use std::fs::OpenOptions;
use std::io::Read as _;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::support::home::{Home, MROOM, run};
use crate::support::memory::peak;
use crate::support::sshd::has;

fn room(count: &str) -> Option<Home> {
    if !has("/usr/sbin/sshd") || !has("ssh-keygen") {
        return None;
    }
    let me = Home::new();
    me.ok(&["sandbox", "up", count]);
    Some(me)
}

fn exec(me: &Home, words: &[&str], remote: &str) -> Command {
    me.mroom(&[&["exec"], words, &["--", remote]].concat())
}

/// Reads standard output to its end and counts it; the most memory it took meanwhile.
fn drain(child: &mut Child) -> (u64, u64) {
    let mut out = child.stdout.take().unwrap();
    let (mut bytes, mut most, mut piece) = (0, 0, vec![0; 1 << 20]);
    loop {
        let n = out.read(&mut piece).unwrap();
        most = most.max(peak(child).unwrap_or_default());
        if n == 0 {
            return (bytes, most);
        }
        bytes += n as u64;
    }
}

#[test]
fn a_gigabyte_is_cut_and_told_and_memory_stays_bounded() {
    let Some(me) = room("1") else { return };
    let gigabyte = "head -c 1000000000 /dev/zero | tr '\\0' x; echo end >&2";
    let mut command = exec(&me, &["all", "--json", "--max-output", "1M"], gigabyte);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut text = String::new();
    let most = std::thread::scope(|scope| {
        let (mut out, into) = (child.stdout.take().unwrap(), &mut text);
        let reader = scope.spawn(move || out.read_to_string(into).unwrap());
        let mut most = 0;
        while !reader.is_finished() {
            most = most.max(peak(&child).unwrap_or_default());
            std::thread::sleep(Duration::from_millis(20));
        }
        most
    });
    assert!(child.wait().unwrap().success());
    assert!((1..80 << 10).contains(&most), "{most} KiB");
    let row: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (&row["status"], &row["truncated"]),
        (&"ok".into(), &true.into())
    );
    assert_eq!(row["stdout"].as_str().unwrap().len(), 1 << 20);
    assert_eq!(row["stderr"], "end\n");
}

#[test]
fn a_line_without_an_end_comes_whole_and_is_not_kept() {
    let Some(me) = room("2") else { return };
    let long = "head -c 80000000 /dev/zero";
    let mut child = exec(&me, &["all"], long)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let (bytes, most) = drain(&mut child);
    assert!(child.wait().unwrap().success());
    assert!(bytes > 160_000_000, "{bytes} bytes of 2 × 80 MB");
    assert!(most < 80 << 10, "{most} KiB");

    // A short one gets its end among others, and none when it is alone.
    assert_eq!(me.ok(&["exec", "sandbox-01", "--", "printf x"]), "x");
    let both = me.ok(&["exec", "all", "--", "printf x"]);
    assert_eq!(both.lines().count(), 2, "{both}");
    assert!(both.ends_with(": x\n"));
}

#[test]
fn binary_output_is_true_to_the_byte() {
    let Some(me) = room("1") else { return };
    let all: Vec<u8> = (0..=255)
        .cycle()
        .take(300_000)
        .map(|b: u32| b as u8)
        .collect();
    let file = me.write("all", &all);
    let remote = format!("cat '{0}'; cat '{0}' >&2", file.display());
    let output = exec(&me, &["all", "-q"], &remote).output().unwrap();
    assert!(output.stdout == all && output.stderr == all);
}

#[test]
fn a_flood_on_one_stream_while_nobody_reads_the_other() {
    let Some(me) = room("1") else { return };
    let remote = "head -c 3000000 /dev/zero; head -c 3000000 /dev/zero >&2; echo end";
    let mut child = exec(&me, &["all", "-q"], remote)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_millis(1500));
    assert!(
        child.try_wait().unwrap().is_none(),
        "it waits for its reader"
    );
    let (bytes, _) = drain(&mut child);
    assert_eq!(bytes, 3_000_004);
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_full_disk_is_an_error_and_the_servers_finish() {
    let Some(me) = room("3") else { return };
    let full = || OpenOptions::new().write(true).open("/dev/full").unwrap();
    let count = "ok 3  changed 0  failed 0  unreachable 0  skipped 0  cancelled 0  unknown 0";
    for more in [&[][..], &["--json"], &["--fold"]] {
        let words = [&["all"], more].concat();
        let mut command = exec(&me, &words, "echo x >> was-here; echo hi");
        let output = command.stdout(full()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{more:?}: {said}");
        let message = "error: cannot write to standard output: No space left on device";
        assert_eq!(said.matches(message).count(), 1, "{more:?}: {said}");
        assert_eq!(said.lines().last(), Some(count), "{more:?}");
    }
    // A code of the run that says more than 1 stays.
    let mut command = exec(&me, &["all"], "echo hi; exit 9");
    assert_eq!(
        command.stdout(full()).output().unwrap().status.code(),
        Some(3)
    );
    for words in [
        &["ls"][..],
        &["export"],
        &["eval", "return 1"],
        &["eval", "print(1)"],
    ] {
        let output = me.mroom(words).stdout(full()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{words:?}: {said}");
        assert!(said.contains("cannot write"), "{words:?}: {said}");
    }
    let written = me.ok(&["exec", "all", "--", "wc -l < was-here"]);
    assert_eq!(written.matches(": 3\n").count(), 3, "{written}");
}

#[test]
fn closed_streams_are_no_reason_to_fail() {
    let Some(me) = room("2") else { return };
    for closed in ["<&-", "2>&-", "<&- 2>&- >&-"] {
        let line = format!("exec '{MROOM}' exec all -- 'echo hi; echo oops >&2' {closed}");
        let done = run(me.command("sh").args(["-c", &line]), "");
        assert_eq!(done.code, 0, "{closed}: {done:#?}");
    }
}
