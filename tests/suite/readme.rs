//! Runs what README.md says: every command, every Lua example, and the output that it shows.
//!
//! The kinds of blocks:
//! - `console`: lines after `$ ` are typed as they are, in order, in one folder. What is shown
//!   below a command must be in what it prints, numbers aside.
//! - `console docker`: the same, where `web-01` is a machine with a Docker engine and images.
//! - `console tunnels`: the same, on a machine with an OpenVPN gateway before each of two networks.
//! - `lua`: a file; its first line is a comment with its name, `stages/…` and `deploys/…` below the
//!   settings folder.
//! - `toml`: the settings file. `text`: a picture, or the list file whose name the line above
//!   ends with.
//! - `sh`: for the person at this repository: targets of the Makefile and programs of Rust.
//!
//! The README's servers are stood in for by sandbox servers right after the import.

use std::fs;
use std::path::Path;

use machineroom::quote;

use super::files::root;
use crate::support::apps::Apps;
use crate::support::gates::Gates;
use crate::support::home::{Home, MROOM, run};
use crate::support::sshd::has;

/// A fenced block with the line it starts on and the last line of text before it.
struct Block {
    kind: String,
    body: String,
    line: usize,
    above: String,
}

fn blocks(text: &str) -> Vec<Block> {
    let mut found = Vec::new();
    let mut above = String::new();
    let mut lines = text.lines().enumerate();
    while let Some((i, line)) = lines.next() {
        match line.strip_prefix("```") {
            Some(kind) => {
                let body: Vec<&str> = lines
                    .by_ref()
                    .map(|(_, line)| line)
                    .take_while(|line| *line != "```")
                    .collect();
                found.push(Block {
                    kind: kind.to_owned(),
                    body: body.join("\n") + "\n",
                    line: i + 1,
                    above: above.clone(),
                });
            }
            None if !line.trim().is_empty() => above = line.to_owned(),
            None => {}
        }
    }
    found
}

/// A line without what differs from run to run: paddings, addresses, times, shares, sums of
/// bytes. Small whole numbers stay: they count servers.
fn shape(line: &str) -> String {
    let is_part = |c: &char| c.is_ascii_digit() || *c == '.';
    // The name of a deploy: when, and three letters.
    let is_deploy = |word: &str| {
        word.split('-').map(str::len).eq([8, 6, 3])
            && word.as_bytes()[..8].iter().all(u8::is_ascii_digit)
    };
    let mut shape = String::new();
    for word in line.split_whitespace() {
        if is_deploy(word) {
            shape += "DEPLOY ";
            continue;
        }
        let mut rest = word.chars().peekable();
        while let Some(c) = rest.next() {
            let mut number = String::from(c);
            while c.is_ascii_digit() && rest.peek().is_some_and(is_part) {
                number.extend(rest.next());
            }
            let varies = c.is_ascii_digit() && (number.contains('.') || number.len() > 2);
            shape += if varies { "#" } else { &number };
        }
        shape.push(' ');
    }
    // A share of something measured.
    match shape.split_once(" % ") {
        Some((before, after)) => {
            let before = before.trim_end_matches(|c: char| c.is_ascii_digit());
            format!("{before}# % {after}")
        }
        None => shape,
    }
}

/// Where the page is typed.
enum Place {
    /// In a private home.
    Own(Home),
    /// In the home of a machine with a Docker engine.
    Docker(Apps),
    /// As root of a machine with two VPN gateways.
    Tunnels(Gates),
}

impl Place {
    /// One with a Docker engine behind `web-01`, and the images that the page speaks of.
    fn docker() -> Option<Self> {
        let apps = Apps::bare()?;
        let home = &apps.cell.home;
        home.ok(&["add", "web-01", "root@127.0.0.1"]);
        for (image, name) in [("1", "41"), ("2", "42"), ("exits", "broken")] {
            let tag = format!("docker tag demo:{image} shop:{name}");
            apps.cell.shell(&tag).ended(0);
        }
        Some(Place::Docker(apps))
    }

    /// One whose gateways have the names, the password and the configuration that the page speaks of.
    fn tunnels() -> Option<Self> {
        let place = Place::Tunnels(Gates::start()?);
        place.must(
            "mroom rm -y behind1 behind2; mroom tunnel rm -y gate1; mroom tunnel rm -y gate2
            printf 'correct horse' >/srv/gates/password
            printf '192.0.2.1 vpn.example.org\n198.51.100.1 vpn2.example.org\n' >>/etc/hosts
            { printf 'client\ndev tun\nremote-cert-tls server\n<ca>\n'; cat /srv/gates/ca.pem; echo '</ca>'; } >vpn.ovpn",
        );
        Some(place)
    }

    /// Runs a line in `sh`; gives whether it ended with 0, and all that it printed.
    fn run(&self, line: &str) -> (bool, String) {
        let program = Path::new(MROOM).parent().unwrap().display();
        let path = format!("{program}:/usr/bin:/bin");
        let mut command = match self {
            Place::Own(home) => home.command("sh"),
            Place::Docker(apps) => apps.cell.network("sh"),
            Place::Tunnels(gates) => {
                let line = format!(
                    "export HOME=/root PATH={path}:/usr/sbin:/sbin; cd; exec </dev/null\n{line}"
                );
                let done = gates
                    .cell
                    .shell(&format!("sh -c {}", quote::word(&line).unwrap()));
                return (done.code == 0, done.stdout + &done.stderr);
            }
        };
        command.args(["-c", line]).env("PATH", path);
        let done = run(&mut command, "");
        (done.code == 0, done.stdout + &done.stderr)
    }

    /// Writes a file below the home.
    fn write(&self, name: &str, body: &str) {
        match self {
            Place::Own(home) => drop(home.write(name, body)),
            Place::Docker(apps) => drop(apps.cell.home.write(name, body)),
            Place::Tunnels(_) => {
                let words = [name, body].map(|word| quote::word(word).unwrap());
                let [name, body] = words;
                self.must(&format!(
                    "mkdir -p $(dirname {name}); printf %s {body} >{name}"
                ));
            }
        }
    }

    fn must(&self, line: &str) -> String {
        let (ok, text) = self.run(line);
        assert!(ok, "`{line}` failed:\n{text}");
        text
    }

    /// Puts a sandbox server behind each server of the inventory.
    fn stand_in(&self) {
        let Place::Own(home) = self else { return };
        let ids = self.must("mroom ls --json | sed 's/.*\"id\":\"\\([^\"]*\\)\".*/\\1/'");
        let ids: Vec<&str> = ids.lines().collect();
        self.must(&format!("mroom sandbox up {}", ids.len()));
        for (i, id) in ids.iter().enumerate() {
            let folder = home.data(&format!("sandbox/sandbox-{:02}", i + 1));
            let config = fs::read_to_string(folder.join("sshd_config")).unwrap();
            let port = config
                .lines()
                .find_map(|l| l.strip_prefix("Port "))
                .unwrap();
            let user = self.must("id -un");
            self.must(&format!(
                "mroom set {id} host=127.0.0.1 port={port} user={}; mroom rm -y sandbox-{:02}",
                user.trim(),
                i + 1,
            ));
        }
        // The key of the sandbox is the person's own: default keys are tried by themselves.
        self.must("cp .local/share/machineroom/sandbox/id_ed25519* .ssh/");
    }
}

/// Types the commands of a `console` block and compares what it shows.
fn type_in(place: &Place, block: &Block) {
    let mut lines = block.body.lines().peekable();
    while let Some(line) = lines.next() {
        let command = line.strip_prefix("$ ");
        let command = command.unwrap_or_else(|| panic!("README.md:{}: `{line}`", block.line));
        let got = place.must(command);
        println!("$ {command}\n{got}"); // shown when the test fails
        let got: Vec<String> = got.lines().map(shape).collect();
        while let Some(shown) = lines.next_if(|line| !line.starts_with("$ ")) {
            assert!(
                shown.trim().is_empty() || shown.trim() == "…" || got.contains(&shape(shown)),
                "README.md:{}: `{command}` does not print `{shown}` but:\n{}",
                block.line,
                got.join("\n"),
            );
        }
        if command.starts_with("mroom import") {
            place.stand_in();
        }
    }
}

#[test]
fn what_the_readme_says_is_so() {
    if !has("/usr/sbin/sshd") {
        return;
    }
    let text = fs::read_to_string(root().join("README.md")).unwrap();
    for (at, _) in text.match_indices("](") {
        let link = text[at + 2..].split(')').next().unwrap();
        assert!(root().join(link).exists(), "README.md links to `{link}`");
    }
    let makefile = fs::read_to_string(root().join("Makefile")).unwrap();
    let Some(home) = Home::with_key() else { return };
    let place = Place::Own(home);
    let (mut docker, mut tunnels) = (None, None);
    let mut files: Vec<(String, String)> = Vec::new();
    for block in blocks(&text) {
        match block.kind.as_str() {
            "console" => type_in(&place, &block),
            "console docker" | "console tunnels" => {
                let other = match block.kind.as_str() {
                    "console docker" => docker.get_or_insert_with(Place::docker),
                    _ => tunnels.get_or_insert_with(Place::tunnels),
                };
                let Some(other) = other else { continue };
                for (file, body) in &files {
                    other.write(file, body);
                }
                type_in(other, &block);
            }
            "lua" => {
                let name = block.body.lines().next().unwrap_or_default();
                let name = name.trim_start_matches("-- ").split_whitespace().next();
                let name = name.unwrap_or_default();
                let file = match name.split_once('/') {
                    Some(("stages" | "deploys", _)) => format!(".config/machineroom/{name}"),
                    _ => name.to_owned(),
                };
                assert!(file.ends_with(".lua"), "README.md:{}", block.line);
                place.write(&file, &block.body);
                files.push((file, block.body));
            }
            "toml" => {
                place.write(".config/machineroom/config.toml", &block.body);
                place.must("mroom config");
            }
            "text" => {
                let name = block.above.trim_end_matches(':').rsplit(' ').next();
                if let Some(name) = name.filter(|name| name.ends_with(".txt`")) {
                    let file = name.trim_matches('`').to_owned();
                    place.write(&file, &block.body);
                    files.push((file, block.body));
                }
            }
            "sh" => {
                for line in block.body.lines() {
                    let target = line
                        .strip_prefix("make ")
                        .map(|rest| rest.split(' ').next());
                    let target = target.flatten().unwrap_or_default();
                    let known = makefile
                        .lines()
                        .any(|l| l.starts_with(&format!("{target}:")));
                    assert!(known, "README.md:{}: no such target: `{line}`", block.line);
                }
            }
            other => panic!("README.md:{}: what is `{other}`?", block.line),
        }
    }
}

#[test]
fn shapes_ignore_numbers_and_padding() {
    assert_eq!(
        shape("up  0.25 s at 127.0.0.1:22"),
        shape("up 3.1 s  at 192.0.2.7:22")
    );
    assert_eq!(shape("web-01  41 %  fine"), shape("web-01  7 %    fine"));
    assert_ne!(shape("ok 3  failed 0"), shape("ok 2  failed 1"));
}
