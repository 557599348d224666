//! `mroom scanports` where packets get lost, in a machine of its own with a firewall of its own.

use serde_json::Value;

use crate::support::cell::Cell;
use crate::support::sshd::has;

/// A machine with nft and listeners on 8001 to 8004 besides its sshd.
fn machine() -> Option<Cell> {
    if !has("nft") || !has("busybox") {
        return None;
    }
    let cell = Cell::start()?;
    let listen = "for port in 8001 8002 8003 8004; do\n\
        nohup busybox nc -ll -p $port -e cat </dev/null >/dev/null 2>&1 &\ndone\n\
        for try in 1 2 3 4 5 6 7 8 9 10; do ss -Hltn | grep -q :8004 && exit 0; sleep 0.3; done; exit 1";
    cell.shell(listen).ended(0);
    Some(cell)
}

fn row(cell: &Cell, words: &[&str], code: i32) -> Value {
    let words = [&["scanports", "lab", "--json"], words].concat();
    let done = cell.mroom(&words).ended(code);
    serde_json::from_str(&done.stdout).unwrap_or_else(|e| panic!("{e}: {done:?}"))
}

fn ports(list: &Value) -> Vec<u64> {
    let list = list.as_array().unwrap();
    list.iter()
        .map(|v| v.get("port").unwrap_or(v).as_u64().unwrap())
        .collect()
}

fn remarks(row: &Value) -> Vec<(u64, &str)> {
    let list = row["remarks"].as_array().unwrap();
    list.iter()
        .map(|r| (r["port"].as_u64().unwrap(), r["remark"].as_str().unwrap()))
        .collect()
}

const RULES: &str = "nft add table inet lab\n\
    nft add chain inet lab in '{ type filter hook input priority 0; }'\n\
    ";

#[test]
fn a_firewall_between_the_two_sides() {
    let Some(cell) = machine() else { return };
    cell.shell(&format!(
        "{RULES}nft add rule inet lab in tcp dport 8002 drop\n\
         nft add rule inet lab in tcp dport 8003 reject with icmpx admin-prohibited\n\
         nft add rule inet lab in tcp dport 8004 reject with tcp reset\n"
    ))
    .ended(0);
    let row = row(
        &cell,
        &[
            "--ports",
            "22,8000-8005",
            "--wait",
            "0.5",
            "--expect",
            "22,8001,8002",
        ],
        3,
    );
    let outside = &row["outside"];
    assert_eq!(ports(&outside["open"]), [22, 8001]);
    assert_eq!(ports(&outside["filtered"]), [8002, 8003]);
    assert_eq!(outside["closed"], 3, "{row}");
    assert_eq!(
        remarks(&row),
        [
            (8002, "hidden"),
            (8002, "missing"),
            (8003, "hidden"),
            (8004, "hidden")
        ]
    );
    let text = cell
        .mroom(&["scanports", "lab", "--ports", "8002", "--wait", "0.3"])
        .ended(0)
        .stdout;
    assert!(
        text.contains("listening, but not reached from here"),
        "{text}"
    );
}

#[test]
fn a_forward_is_open_although_nobody_listens() {
    let Some(cell) = machine() else { return };
    cell.shell(
        "nft add table ip lab\n\
         nft add chain ip lab out '{ type nat hook output priority -100; }'\n\
         nft add rule ip lab out tcp dport 9001 redirect to :8001\n",
    )
    .ended(0);
    let row = row(&cell, &["--ports", "8001,9001"], 0);
    assert_eq!(ports(&row["outside"]["open"]), [8001, 9001]);
    assert_eq!(remarks(&row), [(9001, "foreign")]);
}

#[test]
fn where_everything_is_dropped_nobody_can_tell() {
    let Some(cell) = machine() else { return };
    cell.shell(&format!(
        "{RULES}nft add rule inet lab in tcp dport 1-20000 drop\n"
    ))
    .ended(0);
    let silent = row(
        &cell,
        &["--outside", "--ports", "1-3000", "--wait", "0.3"],
        4,
    );
    assert_eq!(
        (silent["status"].as_str(), &silent["outside"]["is_silent"]),
        (Some("unreachable"), &true.into())
    );
    let message = silent["error"]["message"].as_str().unwrap();
    assert_eq!(message, "none of 3000 ports of 127.0.0.1 gives an answer");
    assert!(
        silent["ports"].is_null(),
        "nothing is kept of what nobody knows"
    );
}

#[test]
fn losses_are_noticed_and_asked_again() {
    let Some(cell) = machine() else { return };
    // Every third packet to it is lost.
    cell.shell(&format!(
        "{RULES}nft add rule inet lab in tcp flags syn tcp dport 1-20000 numgen random mod 3 == 0 drop\n"
    ))
    .ended(0);
    let words = [
        "--outside",
        "--ports",
        "7901-8100",
        "--wait",
        "2",
        "--no-store",
    ];
    let row = row(&cell, &words, 0);
    let open = ports(&row["outside"]["open"]);
    let filtered = row["outside"]["filtered"].as_array().unwrap().len();
    // Of two tries both are lost one time in nine.
    assert!(open.iter().all(|p| (8001..=8004).contains(p)), "{row}");
    assert!(filtered < 60, "{filtered} of 200 lost twice");
}
