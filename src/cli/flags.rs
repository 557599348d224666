//! The flags that many commands share, and which command takes which.
//!
//! Every flag has an `MROOM_*` variable. Those of settings (`MROOM_FORKS`, `MROOM_TIMEOUT`) are
//! read by [`crate::config`], the others by clap.

use std::time::Duration;

use clap::builder::FalseyValueParser;
use clap::{ArgAction, ValueEnum};

use super::values;
use crate::fleet::Batch;

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    // On a terminal, unless `NO_COLOR` is set. No doc comments: they would spread out the help.
    Auto,
    Always,
    Never,
}

/// Flags of every command.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Everywhere")]
pub struct Globals {
    /// One JSON object a line instead of text.
    #[arg(long, global = true, env = "MROOM_JSON", value_parser = FalseyValueParser::new(), hide_env = true)]
    pub json: bool,
    /// Only results, warnings and errors.
    #[arg(short, long, global = true, env = "MROOM_QUIET", value_parser = FalseyValueParser::new(), hide_env = true)]
    pub quiet: bool,
    /// Say more; twice for still more.
    #[arg(short, long, global = true, action = ArgAction::Count, env = "MROOM_VERBOSE", hide_env = true)]
    pub verbose: u8,
    /// When to colour.
    #[arg(long, global = true, env = "MROOM_COLOR", hide_env = true, value_enum, default_value_t = Color::Auto)]
    pub color: Color,
    /// Answer yes to every question but that for a host key.
    #[arg(short, long, global = true, env = "MROOM_YES", value_parser = FalseyValueParser::new(), hide_env = true)]
    pub yes: bool,
    /// Use the settings of `[projects.NAME]`.
    #[arg(
        long,
        global = true,
        value_name = "NAME",
        env = "MROOM_PROJECT",
        hide_env = true
    )]
    pub project: Option<String>,
}

/// Flags of the commands that act on servers; [`takes`] tells which command takes which.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Acting on servers")]
pub struct Acting {
    /// Only servers that match this pattern too.
    #[arg(
        short,
        long,
        global = true,
        value_name = "PATTERN",
        env = "MROOM_LIMIT",
        hide_env = true
    )]
    pub limit: Option<String>,
    /// Include retired servers.
    #[arg(long, global = true, env = "MROOM_RETIRED", value_parser = FalseyValueParser::new(), hide_env = true)]
    pub retired: bool,
    /// Servers worked on at once [setting: forks].
    #[arg(short, long, global = true, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub forks: Option<u32>,
    /// Work in batches of this size, one after another.
    #[arg(long, global = true, value_name = "N|N%", env = "MROOM_SERIAL", hide_env = true, value_parser = values::batch)]
    pub serial: Option<Batch>,
    /// Start no more servers once more than this many have failed.
    #[arg(long, global = true, value_name = "N|N%", env = "MROOM_MAX_FAIL", hide_env = true, value_parser = values::tolerance)]
    pub max_fail: Option<Batch>,
    /// Change nothing; say what would be done.
    #[arg(short = 'C', long, global = true, env = "MROOM_CHECK", value_parser = FalseyValueParser::new(), hide_env = true)]
    pub check: bool,
    /// Show what changes, or would change, in files: a unified diff.
    #[arg(short = 'D', long, global = true, env = "MROOM_DIFF", value_parser = FalseyValueParser::new(), hide_env = true)]
    pub diff: bool,
    /// Ask before each change of an operation, one server after another.
    #[arg(long, global = true, env = "MROOM_STEP", value_parser = FalseyValueParser::new(), hide_env = true)]
    pub step: bool,
    /// A variable for the script, or a JSON or TOML file of them.
    // Not global: clap would keep one place's values only. [`parse`] joins them.
    #[arg(
        short = 'e',
        long,
        value_name = "K=V|@FILE",
        env = "MROOM_EXTRA_VARS",
        hide_env = true
    )]
    pub extra_vars: Vec<String>,
    /// Servers with the same output in one block, off a terminal too.
    #[arg(long, global = true, env = "MROOM_FOLD", value_parser = FalseyValueParser::new(), hide_env = true)]
    pub fold: bool,
    /// Accept and remember unknown host keys; a changed one is refused all the same.
    #[arg(long, global = true, env = "MROOM_ACCEPT_NEW", value_parser = FalseyValueParser::new(), hide_env = true)]
    pub accept_new: bool,
    /// Seconds to connect and authenticate [setting: timeout].
    #[arg(short = 'T', long, global = true, value_name = "SECONDS", value_parser = values::seconds)]
    pub timeout: Option<Duration>,
    /// Seconds that each command may take.
    #[arg(long, global = true, value_name = "SECONDS", env = "MROOM_COMMAND_TIMEOUT", hide_env = true, value_parser = values::seconds)]
    pub command_timeout: Option<Duration>,
    /// Connect directly to servers that have a tunnel profile.
    #[arg(long, global = true, env = "MROOM_NO_TUNNEL", value_parser = FalseyValueParser::new(), hide_env = true)]
    pub no_tunnel: bool,
    /// Bring tunnels whose address ranges overlap up one after the other.
    #[arg(long, global = true, env = "MROOM_SERIAL_TUNNELS", value_parser = FalseyValueParser::new(), hide_env = true)]
    pub serial_tunnels: bool,
    /// Run as another user by sudo or doas: root, or --become-user.
    #[arg(short, long, global = true, env = "MROOM_BECOME", value_parser = FalseyValueParser::new(), hide_env = true)]
    pub r#become: bool,
    /// The user to become; implies -b.
    #[arg(
        long,
        global = true,
        value_name = "USER",
        env = "MROOM_BECOME_USER",
        hide_env = true
    )]
    pub become_user: Option<String>,
    /// Ask for the password of sudo, once for all servers; implies -b.
    #[arg(short = 'K', long, global = true, env = "MROOM_ASK_BECOME_PASS", value_parser = FalseyValueParser::new(), hide_env = true)]
    pub ask_become_pass: bool,
    /// Connect through these, one behind the other: ids, or `user@host:port`; `none` for directly.
    #[arg(
        short = 'J',
        long,
        global = true,
        value_name = "HOST,...",
        value_delimiter = ',',
        env = "MROOM_JUMP",
        hide_env = true
    )]
    pub jump: Vec<String>,
}

/// The ids of all flags of [`Acting`].
pub(super) const ACTING: &[&str] = &[
    "limit",
    "retired",
    "forks",
    "serial",
    "max_fail",
    "check",
    "diff",
    "step",
    "extra_vars",
    "fold",
    "accept_new",
    "timeout",
    "command_timeout",
    "no_tunnel",
    "serial_tunnels",
    "become",
    "become_user",
    "ask_become_pass",
    "jump",
];

/// The one that may be given many times, before and after the command.
pub(super) const EXTRA_VARS: &str = "extra_vars";

/// Those that make another user of the login.
const BECOME: [&str; 3] = ["become", "become_user", "ask_become_pass"];

/// Which flags of [`Acting`] a command takes; the others are refused, not ignored.
pub(super) fn takes(command: &str, flag: &str) -> bool {
    match command {
        // `docker`: a deployment has variables and diffs.
        "run" | "eval" | "stage" | "repl" | "docker" => true,
        // Operations are what there is a diff of.
        _ if matches!(flag, "diff" | "step") => false,
        "ls" | "export" | "set" | "edit" | "rm" => matches!(flag, "limit" | "retired"),
        "retire" | "unretire" => flag == "limit",
        "set-home" => !matches!(flag, EXTRA_VARS | "fold") && !BECOME.contains(&flag),
        "import" => flag == "check",
        "add-cert" | "off-cert" => matches!(
            flag,
            "limit"
                | "retired"
                | "forks"
                | "serial"
                | "max_fail"
                | "check"
                | "accept_new"
                | "timeout"
                | "no_tunnel"
                | "serial_tunnels"
                | "jump"
        ),
        "scanports" => {
            !matches!(flag, EXTRA_VARS | "fold" | "command_timeout") && !BECOME.contains(&flag)
        }
        "watch-profile" => !matches!(flag, EXTRA_VARS | "fold" | "command_timeout"),
        "facts" => {
            !matches!(flag, EXTRA_VARS | "fold" | "check" | "command_timeout")
                && !BECOME.contains(&flag)
        }
        "add" => matches!(flag, "accept_new" | "timeout" | "no_tunnel" | "jump"),
        "tunnel" => matches!(flag, "accept_new" | "timeout" | "jump"),
        "doctor" => matches!(flag, "timeout" | "no_tunnel" | "forks" | "jump"),
        "connect" => matches!(
            flag,
            "check" | "accept_new" | "timeout" | "no_tunnel" | "jump"
        ),
        "exec" => flag != EXTRA_VARS,
        "status" => !matches!(flag, EXTRA_VARS | "fold" | "check") && !BECOME.contains(&flag),
        "health" => !matches!(flag, EXTRA_VARS | "fold" | "check" | "command_timeout"),
        "scan_docker" => !matches!(flag, EXTRA_VARS | "fold" | "command_timeout"),
        "cp" => !matches!(flag, EXTRA_VARS | "fold" | "command_timeout"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_acting_flag_is_in_the_list() {
        let all = clap::Command::new("x");
        let all = <Acting as clap::Args>::augment_args(all);
        let ids: Vec<&str> = all.get_arguments().map(|a| a.get_id().as_str()).collect();
        assert_eq!(ids, ACTING);
    }
}
