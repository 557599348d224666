//! Completion in real shells: what they offer, and what they put on the line.

use std::path::Path;

use crate::support::home::{Home, MROOM, run};
use crate::support::sshd::has;
use crate::support::terminal::Terminal;

/// Where the program is found by its name.
fn path() -> String {
    let folder = Path::new(MROOM).parent().unwrap().display().to_string();
    let rest = std::env::var("PATH").unwrap_or_default();
    format!("{folder}:{rest}")
}

/// A room whose ids need care.
fn room() -> Home {
    let home = Home::new();
    for (id, tag) in [
        ("web-01", "front"),
        ("web-02", "front"),
        ("db", "back"),
        ("东京-1", "eu"),
    ] {
        home.ok(&["add", id, "root@h", "--tag", tag, "role=edge"]);
    }
    home.ok(&["add", "it's", "root@h"]);
    home.ok(&["add", "a$b", "root@h"]);
    // Only an old database can hold such an id.
    let conn = rusqlite::Connection::open(home.data("cache.db")).unwrap();
    let sql = "UPDATE server_room SET id = 'old id' WHERE id = 'a$b'";
    conn.execute(sql, []).unwrap();
    home.write("notes.txt", "");
    home
}

/// Lines, and the words that fit at their ends; sorted.
const OFFERS: &[(&str, &[&str])] = &[
    ("mroom sec", &["secrets"]),
    ("mroom web-0", &["web-01", "web-02"]),
    ("mroom exec web-0", &["web-01", "web-02"]),
    ("mroom exec web-01,we", &["web-01,web-01", "web-01,web-02"]),
    ("mroom exec @f", &["@front"]),
    ("mroom exec db,@f", &["db,@front"]),
    ("mroom exec 'db !@f", &["db !@front"]),
    ("mroom ls ro", &["role="]),
    ("mroom ls role=", &["role=edge"]),
    ("mroom set db --tag b", &["back"]),
    ("mroom -l d", &["db", "description="]),
    ("mroom ls --limit=@f", &["--limit=@front"]),
    ("mroom ls --lo", &["--long"]),
    ("mroom --color a", &["always", "auto"]),
    ("mroom log --kind exec,co", &["exec,connect", "exec,copy"]),
    ("mroom stage ce", &["cert"]),
    ("mroom stage cert,e", &["cert,env"]),
    ("mroom stage cert @b", &["@back"]),
    ("mroom which stages.e", &["stages.env"]),
    ("mroom run br", &["bringup"]),
    ("mroom show it", &["it's"]),
    ("mroom show old", &["old id"]),
    ("mroom show 东", &["东京-1"]),
    ("mroom cp web-01", &["web-01:"]),
    ("mroom cp web-01:", &[]),
    ("mroom import no", &["notes.txt"]),
    ("mroom exec db -- web", &[]),
    ("mroom exec db -- --li", &[]),
    ("mroom nosuch we", &[]),
    ("mroom help pat", &["patterns"]),
    ("mroom help stage ce", &["cert"]),
    ("mroom stage env all --set st", &["strict="]),
    (
        "mroom stage env all --set strict=",
        &["strict=false", "strict=true"],
    ),
    ("mroom stage env,cert all -o env.str", &["env.strict="]),
    ("mroom check stages.e", &["stages.env"]),
    ("mroom man exe", &["exec"]),
];

#[test]
fn bash_offers() {
    if !has("bash") {
        return;
    }
    let home = room();
    // What is printed is put in place of what stands behind the last break character.
    let script = r#"
        source <(mroom completions bash)
        COMP_WORDBREAKS=$' \t\n"\'><=;|&(:'
        while IFS= read -r line; do
            COMP_LINE=$line COMP_POINT=${#line} COMPREPLY=()
            word=${line##* }; kept=
            [[ $word == *[=:]* ]] && kept=${word%"${word##*[=:]}"}
            _mroom mroom "${word#"$kept"}" '' 2>/dev/null
            echo "> $line"
            for reply in "${COMPREPLY[@]}"; do echo "$kept$reply"; done
        done"#;
    let mut bash = home.command("bash");
    bash.args(["--norc", "-c", script]).env("PATH", path());
    let done = run(&mut bash, lines()).ended(0);
    // It quotes itself; file names it leaves to bash.
    let bare = done
        .stdout
        .replace("it\\'s", "it's")
        .replace("old\\ id", "old id");
    assert_offers(&bare.replace("db !@front", "'db !@front"), |word| {
        match word.contains(' ') && word.contains('!') {
            true => format!("'{word}"),
            false => word.to_owned(),
        }
    });
}

#[test]
fn fish_offers() {
    if !has("fish") {
        return;
    }
    let home = room();
    let script = r#"
        mroom completions fish | source
        while read -l line
            echo "> $line"
            complete -C "$line"
        end"#;
    let mut fish = home.command("fish");
    fish.args(["--no-config", "-c", script]).env("PATH", path());
    let done = run(&mut fish, lines()).ended(0);
    let words = done.stdout.lines().map(|l| l.split('\t').next().unwrap());
    assert_offers(&words.collect::<Vec<_>>().join("\n"), str::to_owned);
}

fn lines() -> String {
    OFFERS.iter().map(|(line, _)| format!("{line}\n")).collect()
}

/// `text` has each line behind `> `, and below it what was offered.
#[track_caller]
fn assert_offers(text: &str, shown: impl Fn(&str) -> String) {
    let mut blocks = text.split("> ").skip(1);
    for (line, words) in OFFERS {
        let mut block = blocks.next().unwrap().lines();
        assert_eq!(block.next(), Some(*line), "{text}");
        let mut got: Vec<&str> = block.collect();
        got.sort_unstable();
        let wanted: Vec<String> = words.iter().map(|w| shown(w)).collect();
        assert_eq!(got, wanted, "{line}");
    }
}

/// What is typed before the Tab, and the words that then stand on the line.
const TYPED: &[(&str, &str)] = &[
    ("mroom show d", "mroom show db"),
    ("mroom show it", "mroom show it's"),
    ("mroom show old", "mroom show old id"),
    ("mroom show 'ol", "mroom show old id"),
    ("mroom show 东", "mroom show 东京-1"),
    ("mroom exec db,@f", "mroom exec db,@front"),
    ("mroom exec 'db !@f", "mroom exec db !@front"),
    ("mroom ls role=e", "mroom ls role=edge"),
    ("mroom stage ce", "mroom stage cert"),
    ("mroom ls --lon", "mroom ls --long"),
    ("mroom import no", "mroom import notes.txt"),
];

/// Types in a real shell on a terminal: the line, Tab, and `echo ` in front of it all, so that the
/// shell itself says which words it understands.
fn types_in(line: &str, setup: &str) {
    let home = room();
    let line = format!("env PATH='{}' {line}", path());
    let mut shell = Terminal::running(&home, (100, 30), &line);
    // Not as one word: the echo of what is typed must not look like the answer.
    shell.press(&format!("{setup}; echo rea''dy\r"));
    shell.until("ready");
    for (typed, words) in TYPED {
        shell.press(&format!("{typed}\t"));
        shell.press("\x01echo \"<\" \x05 \">\"\r");
        let seen = shell.until(" >\r\n");
        let at = seen.rfind("< ").unwrap_or_default();
        assert_eq!(&seen[at..], format!("< {words} >\r\n"), "{typed}: {seen:?}");
    }
    shell.press("exit\r");
    shell.ended();
}

#[test]
fn bash_inserts() {
    if has("bash") && has("script") {
        let setup = "source <(mroom completions bash); bind 'set enable-bracketed-paste off'";
        types_in("bash --norc --noprofile -i", setup);
    }
}

#[test]
fn zsh_inserts() {
    if has("zsh") && has("script") {
        let setup = "unset zle_bracketed_paste; autoload -Uz compinit; compinit -u -D; \
                     source <(mroom completions zsh)";
        types_in("zsh -f -i", setup);
    }
}

#[test]
fn fish_inserts() {
    if has("fish") && has("script") {
        types_in("fish --no-config -i", "mroom completions fish | source");
    }
}

#[test]
fn asking_changes_nothing_and_is_silent() {
    let ask = |home: &Home| {
        let done = home.run(&["__complete", "zsh", "exec", ""]).ended(0);
        assert_eq!(done.stderr, "");
        done.stdout
    };
    let home = Home::new();
    assert!(ask(&home).contains("\nall\t"));
    assert!(!home.path(".local").exists(), "no database is made");
    home.write(home.config("config.toml"), "no = = toml");
    ask(&home);

    let home = Home::new();
    let file = home.write(home.data("cache.db"), "this is no database at all");
    assert!(ask(&home).contains("\nall\t"));
    assert_eq!(
        std::fs::read_to_string(file).unwrap(),
        "this is no database at all"
    );

    let home = room();
    let mut lock = home.mroom(&["secrets", "lock"]);
    run(lock.env("MROOM_PASSPHRASE", "correct horse"), "").ended(0);
    assert!(ask(&home).contains("\nweb-01\troot@h\n"));
    for words in [
        &["__complete"][..],
        &["__complete", "tcsh", "x"],
        &["__complete", "zsh"],
    ] {
        let done = home.run(words).ended(0);
        assert_eq!(done.stdout + &done.stderr, "");
    }
}
