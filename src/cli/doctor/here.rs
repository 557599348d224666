//! The checks of this machine.

use std::path::Path;
use std::rc::Rc;

use rustix::process::{Resource, getrlimit};

use super::data;
use super::report::{Report, Row};
use crate::cli::{App, args, vm};
use crate::config::{Origin as SettingOrigin, nearest};
use crate::error::Result;
use crate::lua::{Origin, Trust, Vm};
use crate::output::Stream;
use crate::ssh::look;

/// Files that a session needs open at once, and those that all else needs.
const FILES: (u64, u64) = (4, 64);

/// Variables that are neither flags nor settings, without `MROOM_`.
const OTHER_VARIABLES: [&str; 3] = ["CONFIG_DIR", "PASSPHRASE", "PASSPHRASE_FILE"];

/// Makes all checks.
///
/// # Errors
/// Standard output cannot be written.
pub(super) fn look(app: &App, report: &mut Report) -> Result<()> {
    report.add(settings(app))?;
    for row in variables(app) {
        report.add(row)?;
    }
    for row in data::look(app) {
        report.add(row)?;
    }
    for row in keys(app) {
        report.add(row)?;
    }
    report.add(agent(app))?;
    for path in app
        .ssh
        .known_hosts_also
        .iter()
        .chain([&app.ssh.known_hosts])
    {
        if let Some(row) = known_hosts(path, *path == app.ssh.known_hosts) {
            report.add(row)?;
        }
    }
    report.add(terminal(app))?;
    report.add(limits(app))?;
    for row in lua(app) {
        report.add(row)?;
    }
    Ok(())
}

fn settings(app: &App) -> Row {
    let config = &app.room.config;
    let count = |is: fn(&SettingOrigin) -> bool| {
        let entries = config.entries().iter();
        entries.filter(|e| is(&e.origin)).count()
    };
    let (file, env) = (
        count(|o| matches!(o, SettingOrigin::File(_) | SettingOrigin::Project(_))),
        count(|o| matches!(o, SettingOrigin::Env(_))),
    );
    let path = config.config_dir().join("config.toml");
    let place = match path.exists() {
        true => format!("{file} from `{}`", path.display()),
        false => format!("no `{}`: defaults hold", path.display()),
    };
    let row = Row::ok("settings", format!("{place}, {env} from variables"));
    match config.public_key().filter(|key| !key.is_file()) {
        Some(key) => Row::warn(
            "settings",
            format!("`public_key`: no file `{}`", key.display()),
        )
        .hint("the stage `cert` installs it: make it with `ssh-keygen`, or change the setting"),
        None => row,
    }
}

/// Variables that look like ours and that nothing reads: a typing error says nothing by itself.
fn variables(app: &App) -> Vec<Row> {
    let mut known: Vec<String> = OTHER_VARIABLES.map(str::to_owned).to_vec();
    let settings = app.room.config.entries().iter();
    known.extend(settings.map(|e| e.key.to_uppercase().replace('.', "_")));
    known.extend(args::variables());
    let ours = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let mut rows = Vec::new();
    for name in ours.filter_map(|name| Some(name.strip_prefix("MROOM_")?.to_owned())) {
        if known.contains(&name) {
            continue;
        }
        let row = Row::warn(
            "settings",
            format!("nothing reads the variable `MROOM_{name}`"),
        );
        rows.push(match nearest(&name, known.iter().map(String::as_str)) {
            Some(near) => row.hint(format!("did you mean `MROOM_{near}`?")),
            None => row,
        });
    }
    rows
}

fn keys(app: &App) -> Vec<Row> {
    if app.ssh.identities.is_empty() {
        let shown = format!("none in `{}`", app.room.config.key_dir().display());
        return vec![Row::ok("keys", shown).hint("`ssh-keygen -t ed25519` makes one")];
    }
    let row = |path: &std::path::PathBuf| match look::key_file(path) {
        // The others are tried without it.
        Err(error) => {
            Row::warn("keys", error.message()).hint(error.hint_text().unwrap_or_default())
        }
        Ok(key) => {
            let kind = key.key_type.as_deref().unwrap_or("key");
            let lock = if key.encrypted {
                ", with a passphrase"
            } else {
                ""
            };
            Row::ok("keys", format!("`{}`: {kind}{lock}", path.display()))
        }
    };
    app.ssh.identities.iter().map(row).collect()
}

fn agent(app: &App) -> Row {
    match &app.ssh.agent {
        None => Row::ok("agent", "none: SSH_AUTH_SOCK is not set"),
        Some(socket) => match look::agent_keys(socket) {
            Ok(0) => Row::ok("agent", "holds no key").hint("`ssh-add` gives it your keys"),
            Ok(1) => Row::ok("agent", "holds 1 key"),
            Ok(n) => Row::ok("agent", format!("holds {n} keys")),
            Err(error) => Row::warn("agent", error.message())
                .hint("start one (`eval $(ssh-agent)`), or unset SSH_AUTH_SOCK"),
        },
    }
}

fn known_hosts(path: &Path, ours: bool) -> Option<Row> {
    let name = "known_hosts";
    let shown = path.display();
    Some(match look::known_hosts(path) {
        Err(error) => Row::error(name, &error),
        Ok(None) if ours => {
            Row::ok(name, format!("`{shown}` is not there yet")).hint("the first host key makes it")
        }
        Ok(None) => return None,
        Ok(Some((count, unsound))) => match unsound.first() {
            None => Row::ok(name, format!("`{shown}`: {count} lines")),
            Some(line) => Row::warn(name, format!("{shown}:{line}: is no known_hosts line"))
                .hint("it says nothing: remove it"),
        },
    })
}

fn terminal(app: &App) -> Row {
    let var = |name: &str| std::env::var(name).unwrap_or_default();
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .map(|name| var(name))
        .find(|value| !value.is_empty())
        .unwrap_or_default();
    let utf8 = locale.to_lowercase().replace('-', "").contains("utf8");
    let size = match (app.screen.is_terminal(Stream::Stdout), app.screen.width()) {
        (true, Some(width)) => format!("{}, {width} columns", var("TERM")),
        _ => "standard output is no terminal".to_owned(),
    };
    match utf8 {
        true => Row::ok("terminal", format!("{size}, {locale}")),
        false => Row::warn(
            "terminal",
            format!("{size}; the locale `{locale}` is not UTF-8"),
        )
        .hint("set LANG, for example to C.UTF-8"),
    }
}

fn limits(app: &App) -> Row {
    let limit = getrlimit(Resource::Nofile);
    let forks = app.room.options.policy.forks as u64;
    let needed = forks * FILES.0 + FILES.1;
    // The soft limit is raised to the hard one when sessions are opened.
    let allowed = limit.maximum.unwrap_or(u64::MAX);
    match allowed >= needed {
        true => Row::ok(
            "limits",
            format!("{forks} servers at once need {needed} open files"),
        ),
        false => Row::warn(
            "limits",
            format!("{forks} servers at once need {needed} open files; {allowed} are allowed"),
        )
        .hint(format!(
            "raise `ulimit -Hn`, or use `--forks {}`",
            (allowed.saturating_sub(FILES.1) / FILES.0).max(1)
        )),
    }
}

/// The Lua files of the project and the user, and whether they load.
fn lua(app: &App) -> Vec<Row> {
    let mut rows = Vec::new();
    let (loader, project) = match vm::quiet_loader(&app.room.config) {
        Ok(found) => found,
        Err(error) => return vec![Row::error("lua", &error)],
    };
    if let Some((root, trust)) = project {
        let root = root.display();
        rows.push(match trust {
            Trust::Trusted => Row::ok("project", format!("`{root}` is trusted")),
            Trust::Unknown => Row::warn("project", format!("`{root}` is not trusted: left out"))
                .hint("look at its files, then `mroom trust`"),
            Trust::Changed => Row::warn(
                "project",
                format!("`{root}` has changed since it was trusted"),
            )
            .hint("look at what changed, then `mroom trust`"),
        });
    }
    let mut own = Vec::new();
    for family in ["stages", "workflows"] {
        for name in loader.list(family) {
            let found = loader.find(&format!("{family}.{name}")).ok().flatten();
            own.extend(
                found
                    .filter(|c| c.origin != Origin::Bundled)
                    .map(|c| c.place),
            );
        }
    }
    let loaded = Vm::new(app.room.clone(), Rc::new(|_| Ok(())), loader)
        .and_then(|vm| vm.stages().and_then(|_| vm.workflows()));
    rows.push(match (loaded, own.as_slice()) {
        (Err(error), _) => Row::error("lua", &error),
        (Ok(_), []) => Row::ok("lua", "no stage or workflow of your own"),
        (Ok(_), own) => Row::ok("lua", format!("your own: {}", own.join(", "))),
    });
    rows
}
