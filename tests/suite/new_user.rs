//! A new user's way: an empty folder, and only what is printed to go by.

use std::time::Instant;

use crate::support::home::{Done, Home, run};
use crate::support::sshd::{has, skip};

/// A shell's `cd`.
fn within(home: &Home, folder: &str, words: &[&str]) -> Done {
    let mut command = home.mroom(words);
    let begun = Instant::now();
    let done = run(command.current_dir(home.path(folder)), "");
    // Shown by `--nocapture`: how long each step takes.
    println!(
        "{:>6.2} s  {folder}$ mroom {}",
        begun.elapsed().as_secs_f64(),
        words.join(" ")
    );
    done
}

/// The commands that `init` prints, without their explanations.
fn told(done: &Done) -> Vec<Vec<String>> {
    let lines = done.stderr.lines().skip_while(|l| *l != "next:").skip(1);
    lines
        .map(|line| line.trim().split("  ").next().unwrap().to_owned())
        .map(|line| line.split(' ').map(str::to_owned).collect())
        .collect()
}

#[test]
fn from_an_empty_folder_with_what_is_printed() {
    if !has("/usr/sbin/sshd") {
        return skip("no sshd on this machine");
    }
    let home = Home::new();
    let done = within(&home, "", &["init", "edge"]).ended(0);
    let made: Vec<&str> = done.stdout.lines().map(|l| &l[9..]).collect();
    assert_eq!(
        made,
        [
            "edge/servers.txt",
            "edge/site.lua",
            "edge/.luarc.json",
            "edge/.gitignore",
            "edge/.machineroom/stages/hello.lua",
            "edge/.machineroom/tests/hello_spec.lua",
            "edge/.machineroom/meta",
        ]
    );
    assert!(
        done.stdout.lines().all(|l| l.starts_with("made ")),
        "{done:?}"
    );
    let next = told(&done);
    assert_eq!(next[0], ["cd", "edge"], "{done:?}");
    // Every command as it is printed.
    let step = |i: usize| {
        let words: Vec<&str> = next[i].iter().skip(1).map(String::as_str).collect();
        assert_eq!(next[i][0], "mroom", "{next:?}");
        within(&home, "edge", &words)
    };
    step(1).ended(0); // sandbox up 2
    let checked = step(2).ended(0);
    assert!(checked.stderr.contains("3 files in order"), "{checked:?}");
    let would = step(3).ended(0);
    assert!(
        would.stderr.contains("would write `hello.txt`"),
        "{would:?}"
    );
    assert!(
        would.stdout.contains("changed") && would.stdout.contains("Linux"),
        "{would:?}"
    );
    let did = step(4).ended(0);
    assert!(did.stdout.contains("sandbox-01  changed"), "{did:?}");
    let again = step(4).ended(0);
    assert!(again.stdout.contains("sandbox-01  ok"), "{again:?}");
    let tested = step(5).ended(0);
    assert!(
        tested.stderr.contains("passed 3  failed 0  skipped 0"),
        "{tested:?}"
    );
    // He edits his stage, and makes a slip.
    let stage = home.path("edge/.machineroom/stages/hello.lua");
    let text = std::fs::read_to_string(&stage).unwrap();
    std::fs::write(&stage, text.replace("s:write(", "s:wrte(")).unwrap();
    let slip = within(&home, "edge", &["check"]).ended(2);
    let line = 1 + text.lines().position(|l| l.contains("s:write(")).unwrap();
    let place = format!(".machineroom/stages/hello.lua:{line}: there is no method `wrte`\n");
    assert!(slip.stdout.starts_with(&place), "{slip:?}");
    assert!(slip.stdout.contains("did you mean `write`?"), "{slip:?}");
    std::fs::write(&stage, text.replace("Kept by mroom.", "Kept by me.")).unwrap();
    let mended = within(&home, "edge", &["check"]).ended(0);
    // What he has changed is his to trust, and he is told how.
    assert!(mended.stderr.contains("`mroom trust`"), "{mended:?}");
    let refused = within(&home, "edge", &["run", "site.lua", "@sandbox"]).ended(5);
    assert!(
        refused
            .stderr
            .contains("hint: look at what changed, then `mroom trust`"),
        "{refused:?}"
    );
    within(&home, "edge", &["trust"]).ended(0);
    let changed = within(&home, "edge", &["run", "site.lua", "@sandbox"]).ended(0);
    assert!(
        changed.stdout.contains("sandbox-02  changed"),
        "{changed:?}"
    );
    let kept = home.ok(&["exec", "@sandbox", "--", "cat hello.txt"]);
    // Each as it answers.
    let mut kept: Vec<&str> = kept.lines().collect();
    kept.sort_unstable();
    assert_eq!(kept, ["sandbox-01: Kept by me.", "sandbox-02: Kept by me."]);
    within(&home, "edge", &["test"]).ended(0);
    let real = within(&home, "edge", &["-y", "test", "--sandbox"]).ended(0);
    assert!(
        real.stderr.contains("passed 3  failed 0  skipped 0"),
        "{real:?}"
    );
    // Another stage; what mroom makes itself in a trusted project stays trusted.
    let new = within(&home, "edge", &["new", "stage", "motd"]).ended(0);
    assert!(
        new.stdout.contains(".machineroom/stages/motd.lua"),
        "{new:?}"
    );
    assert!(
        new.stderr.contains("next: mroom check stages.motd; "),
        "{new:?}"
    );
    within(&home, "edge", &["check", "stages.motd"]).ended(0);
    within(
        &home,
        "edge",
        &["stage", "motd", "sandbox-01", "--set", "text=Welcome."],
    )
    .ended(0);
    within(&home, "edge", &["new", "workflow", "kernels"]).ended(0);
    let ran = within(&home, "edge", &["run", "kernels", "@sandbox"]).ended(0);
    assert!(
        ran.stdout
            .starts_with("ID          KERNEL\nsandbox-01  Linux"),
        "{ran:?}"
    );
    // An operation of his own: it sees what is, and changes only what differs.
    within(&home, "edge", &["new", "op", "one_line"]).ended(0);
    let text = "return fleet.select('@sandbox'):map(function(s)
        return s:ops():one_line(s:capture 'pwd' .. '/version', { text = '1.2' }).status
    end)";
    home.write("edge/op.lua", text);
    within(&home, "edge", &["check", "op.lua", "ops.one_line"]).ended(0);
    let ran = within(&home, "edge", &["run", "op.lua"]).ended(0);
    assert!(ran.stdout.starts_with("sandbox-01: changed\n"), "{ran:?}");
    let again = within(&home, "edge", &["run", "op.lua"]).ended(0);
    assert!(again.stdout.starts_with("sandbox-01: ok\n"), "{again:?}");
    let tested = within(&home, "edge", &["test"]).ended(0);
    assert!(
        tested.stderr.contains("passed 9  failed 0  skipped 0"),
        "{tested:?}"
    );
    let listed = within(&home, "edge", &["check", "."]).ended(0);
    assert!(listed.stderr.contains("10 files in order"), "{listed:?}");
}

#[test]
fn nothing_is_overwritten() {
    let home = Home::new();
    std::fs::create_dir(home.path("p")).unwrap();
    home.write("p/site.lua", "print 'mine'");
    home.write("p/.machineroom/stages/hello.lua", "return 1");
    home.write(
        "p/.machineroom/meta/mr.lua",
        "---@meta\n-- of an old version",
    );
    let done = within(&home, "p", &["init"]).ended(0);
    for line in [
        "kept     site.lua\n",
        "kept     .machineroom/stages/hello.lua\n",
        "made     servers.txt\n",
        ".machineroom/meta\n",
    ] {
        assert!(done.stdout.contains(line), "{line}{done:?}");
    }
    let text = |name: &str| std::fs::read_to_string(home.path(name)).unwrap();
    assert_eq!(text("p/site.lua"), "print 'mine'");
    assert_eq!(text("p/.machineroom/stages/hello.lua"), "return 1");
    assert!(text("p/.machineroom/meta/mr.lua").contains("function mr.try"));
    // Somebody else's stage was there before: nobody has trusted that.
    assert!(done.stderr.contains("is not trusted as it is"), "{done:?}");
    let list = within(&home, "p", &["stage", "--list"]).ended(0);
    assert!(
        list.stderr.contains("is not trusted") && !list.stdout.contains("hello"),
        "{list:?}"
    );
    let again = within(&home, "p", &["--json", "init"]).ended(0);
    let kept = again
        .stdout
        .lines()
        .all(|l| l.contains("\"done\":\"kept\""));
    assert!(kept && again.stdout.lines().count() == 7, "{again:?}");
    // The list of servers says by itself how a line looks.
    let list = text("p/servers.txt");
    let line = list
        .lines()
        .find_map(|l| l.strip_prefix("# web-01"))
        .unwrap();
    home.write("p/servers.txt", format!("{list}web-01{line}\n"));
    let added = within(&home, "p", &["import", "servers.txt"]).ended(0);
    assert!(
        added.stdout.contains("added 1") || added.stderr.contains("added 1"),
        "{added:?}"
    );
    let own = home.run(&["init"]).ended(2);
    assert!(
        own.stderr.contains("a project in the home folder"),
        "{own:?}"
    );
}

#[test]
fn new_refuses_what_would_be_in_the_way() {
    let home = Home::new();
    let done = home.run(&["new", "stage", "motd"]).ended(0);
    let path = home.config("stages/motd.lua");
    assert!(
        path.exists() && home.config("tests/motd_spec.lua").exists(),
        "{done:?}"
    );
    assert!(
        home.ok(&["help", "stage", "motd"])
            .contains("--set text=STRING")
    );
    for (words, told) in [
        (&["new", "stage", "motd"][..], "is there already"),
        (&["new", "stage", "cert"], "hint: `mroom eject stages.cert`"),
        (&["new", "op", "file"], "`ops.file` comes along with mroom"),
        (
            &["new", "workflow", "bringup"],
            "hint: `mroom eject workflows.bringup`",
        ),
        (&["new", "stage", "../x"], "`../x` cannot be its name"),
        (&["new", "stage", "Web-1"], "small letters"),
        (&["new", "stage", "a_spec"], "cannot be its name"),
        (&["new", "playbook", "x"], "stage"),
    ] {
        let done = home.run(words).ended(2);
        assert!(done.stderr.contains(told), "{words:?}\n{done:?}");
    }
}
