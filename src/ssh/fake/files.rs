//! What a pretended server makes of the commands of operations on files, when no rule answers them:
//! enough of a file system to try `file`, `dir`, `link`, `line`, `block` and `template` on.
//!
//! It knows the scripts of `mr.ops.path` and `mr.op.steps` by their first lines, and a few plain
//! commands. Everything else is left to the rules. Pure but for the [`Disk`] that is handed in.

use std::collections::BTreeMap;

use crate::output::Output;
use crate::ssh::Exec;

/// What is at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    /// A file's content.
    File(Vec<u8>),
    /// A folder.
    Folder,
    /// Where a symbolic link leads to.
    Link(String),
}

/// What is at a path, and whose.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) what: What,
    pub(super) mode: u32,
    owner: String,
    group: String,
}

impl Node {
    pub(super) fn new(what: What, mode: u32) -> Self {
        Node {
            what,
            mode,
            owner: "root".to_owned(),
            group: "root".to_owned(),
        }
    }
}

/// All that is on a pretended server, by path.
pub(super) type Disk = BTreeMap<String, Node>;

/// Does a command of an operation; `None` when it is none of those that are known here.
pub(super) fn answer(disk: &mut Disk, exec: &Exec) -> Option<Output> {
    if !exec.kept {
        return None;
    }
    let stdout = match exec.command.find("\nstep ") {
        Some(at) => {
            let mut after = disk.clone();
            let stdout = batch(&mut after, &exec.command[at + 1..], exec.stdin.held()?)?;
            *disk = after;
            stdout
        }
        None if exec.command.starts_with("# look: ") => look(disk, &exec.command)?,
        None => return None,
    };
    Some(Output {
        code: Some(0),
        stdout,
        ..Output::default()
    })
}

/// Steps that go together, one a line behind `step`, and the look behind them.
fn batch(disk: &mut Disk, mut text: &str, stdin: &[u8]) -> Option<Vec<u8>> {
    while let Some(line) = text.strip_prefix("step ") {
        let (words, rest) = words(line)?;
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        text = rest;
        match &words[..] {
            ["write", write @ ..] => self::write(disk, write, stdin)?,
            ["unpack", _] => {
                unpack(disk, stdin)?;
                text = rest.split_once('\n')?.1;
            }
            _ => command(disk, &words)?,
        }
    }
    match text.lines().count() {
        // The end of the steps.
        1 => Some(Vec::new()),
        _ => look(disk, text),
    }
}

/// Moves the files of an archive to where it says itself.
fn unpack(disk: &mut Disk, archive: &[u8]) -> Option<()> {
    let places = packed(archive, "places")?;
    let mut text = std::str::from_utf8(places.0).ok()?;
    while !text.is_empty() {
        let (words, rest) = words(text)?;
        text = rest;
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        if let ["step", "place", number, folder, names @ ..] = &words[..] {
            for name in names {
                let (content, mode) = packed(archive, &format!("{number}/{name}"))?;
                let path = format!("{}/{name}", folder.trim_end_matches('/'));
                self::write(disk, &[&path, mode, "", "", "", "", "", "", ""], content)?;
            }
        }
    }
    Some(())
}

/// What the script of `mr.ops.path` prints.
fn look(disk: &Disk, script: &str) -> Option<Vec<u8>> {
    let words = arguments(script).filter(|_| script.contains("mroom-path\n"))?;
    let (path, wanted) = (words.first()?, words.get(1).map_or("", String::as_str));
    let Some(node) = disk.get(path) else {
        return Some(b"mroom-path\nfolder=1\nkind=absent\n".to_vec());
    };
    let (kind, size, tail) = match &node.what {
        What::File(content) => ("file", content.len(), content.clone()),
        What::Folder => ("dir", 4096, Vec::new()),
        What::Link(target) => ("link", target.len(), format!("{target}\n").into_bytes()),
    };
    let mut text = format!(
        "mroom-path\nstat={:o} 0 0 {size}\nowner={}\ngroup={}\nkind={kind}\n",
        node.mode, node.owner, node.group
    )
    .into_bytes();
    if kind == "link" || (kind == "file" && wanted == "content") {
        text.push(b'\n');
        text.extend(tail);
    }
    Some(text)
}

/// What a `write` step does: path, mode, owner and group are its first arguments, the tenth is the
/// content, which else is the standard input.
fn write(disk: &mut Disk, words: &[&str], stdin: &[u8]) -> Option<()> {
    let [path, mode, owner, group, _, _, _, _, _, content @ ..] = words else {
        return None;
    };
    let mode = u32::from_str_radix(mode, 8).ok()?;
    let kept = disk.get(*path).cloned();
    let content = content.first().map_or(stdin, |text| text.as_bytes());
    let mut node = Node::new(What::File(content.to_vec()), mode);
    if let Some(kept) = kept {
        (node.owner, node.group) = (kept.owner, kept.group);
    }
    for (is, wanted) in [(&mut node.owner, owner), (&mut node.group, group)] {
        if !wanted.is_empty() {
            *is = (*wanted).to_owned();
        }
    }
    disk.insert((*path).to_owned(), node);
    Some(())
}

/// Content and mode of a file of an archive, as `mr.op.tar` makes it: a block that says name, mode
/// and size, and as many as the content needs.
fn packed<'a>(mut archive: &'a [u8], wanted: &str) -> Option<(&'a [u8], &'a str)> {
    const BLOCK: usize = 512;
    loop {
        let (header, rest) = archive.split_at_checked(BLOCK)?;
        let text = |range: std::ops::Range<usize>| {
            let text = header.get(range)?.split(|b| *b == 0).next()?;
            std::str::from_utf8(text).ok()
        };
        let name = text(0..100).filter(|name| !name.is_empty())?;
        let size = usize::from_str_radix(text(124..136)?, 8).ok()?;
        let content = rest.get(..size)?;
        if name == wanted {
            return Some((content, text(100..108)?));
        }
        archive = rest.get(size.next_multiple_of(BLOCK)..)?;
    }
}

/// The plain commands that are steps of operations on files.
fn command(disk: &mut Disk, words: &[&str]) -> Option<()> {
    match words {
        ["mkdir", "-p", mode @ .., "--", path] => {
            let mode = match mode {
                ["-m", mode] => u32::from_str_radix(mode, 8).ok()?,
                _ => 0o755,
            };
            for (at, _) in path.match_indices('/').skip(1) {
                let folder = Node::new(What::Folder, 0o755);
                disk.entry(path[..at].to_owned()).or_insert(folder);
            }
            let folder = Node::new(What::Folder, mode);
            disk.entry((*path).to_owned()).or_insert(folder);
        }
        ["rm", "-f", "--", path] => drop(disk.remove(*path)),
        ["rm", "-rf", "--", path] => {
            let below = format!("{path}/");
            disk.retain(|at, _| at != path && !at.starts_with(&below));
        }
        ["ln", "-sfn", "--", to, path] => {
            let link = Node::new(What::Link((*to).to_owned()), 0o777);
            disk.insert((*path).to_owned(), link);
        }
        ["chmod", mode, "--", path] => {
            disk.get_mut(*path)?.mode = u32::from_str_radix(mode, 8).ok()?;
        }
        [tool @ ("chown" | "chgrp"), .., owner, path] => {
            let node = disk.get_mut(*path)?;
            let is = match *tool {
                "chown" => &mut node.owner,
                _ => &mut node.group,
            };
            *is = (*owner).to_owned();
        }
        _ => return None,
    }
    Some(())
}

/// The arguments that a script gives itself in its `set --`.
fn arguments(script: &str) -> Option<Vec<String>> {
    Some(words(script.split_once("\nset -- ")?.1)?.0)
}

/// The words of the first line of a command, as [`crate::quote`] writes them, and what follows it.
fn words(text: &str) -> Option<(Vec<String>, &str)> {
    let (mut words, mut word, mut is_quoted) = (Vec::new(), None::<String>, false);
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\'' => {
                is_quoted = !is_quoted;
                word.get_or_insert_default();
            }
            letter if is_quoted => word.get_or_insert_default().push(letter),
            '\\' => word.get_or_insert_default().push(letters.next()?),
            '\n' => break,
            ' ' => words.extend(word.take()),
            letter => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    (!is_quoted).then_some((words, letters.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quote;
    use proptest::prelude::*;

    #[test]
    fn only_operations_are_answered() {
        let mut disk = Disk::new();
        let line = "# x\nstep mkdir -p -- /srv/app\ntrap\n";
        assert!(answer(&mut disk, &Exec::new(line)).is_none());
        let kept = |command: &str| Exec {
            kept: true,
            ..Exec::new(command)
        };
        assert!(answer(&mut disk, &kept(line)).is_some());
        assert_eq!(disk["/srv"].what, What::Folder);
        let mut step = |line: &str| {
            let script = kept(&format!("# x\nstep {line}\ntrap\n"));
            answer(&mut disk, &script).is_some()
        };
        assert!(!step("chmod 0700 -- /none"));
        assert!(!step("rm -f -- /srv\nstep reboot"));
        assert!(!step("write /srv/x 0644"));
        assert!(step(
            "write /srv/x 0644 '' '' '' '' '' w '' '\n it'\\''s'\nstep chmod 0600 -- /srv/x"
        ));
        assert!(step("chown -h -- app /srv/app"));
        assert!(!step("mkdir -p -- /a\ntrap\nset -- /a ''\necho hello"));
        assert!(answer(&mut disk, &kept("systemctl start x")).is_none());
        assert!(answer(&mut disk, &kept("# look: service x\necho hello")).is_none());
        assert_eq!(disk["/srv/x"].what, What::File(b"\n it's".to_vec()));
        assert_eq!(
            (disk["/srv/x"].mode, &*disk["/srv/app"].owner),
            (0o600, "app")
        );
        assert!(answer(&mut disk, &kept("# x\nstep rm -rf -- /srv\ntrap\n")).is_some());
        assert!(disk.is_empty());
    }

    proptest! {
        #[test]
        fn words_are_those_that_were_quoted(list in proptest::collection::vec("[^\0]{0,12}", 1..5)) {
            let text = quote::words(&list).unwrap();
            let line = format!("{text}\nrest");
            prop_assert_eq!(words(&line), Some((list.clone(), "rest")));
            let script = format!("# look: x\nset -- {text}\necho\n");
            prop_assert_eq!(arguments(&script), Some(list));
        }

        #[test]
        fn no_command_makes_it_panic(text in "(?s).{0,60}", is_step: bool) {
            let text = if is_step { format!("\nstep {text}") } else { text };
            let exec = Exec { kept: true, ..Exec::new(text) };
            answer(&mut Disk::new(), &exec);
        }
    }
}
