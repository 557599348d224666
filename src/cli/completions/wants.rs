//! What an argument wants, told by the name of its value (`PATTERN`, `ID`): a command that uses
//! these names completes by itself.

use clap::Arg;

/// What an argument wants, by the name of its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wants {
    /// A selection of servers.
    Pattern,
    /// One server.
    Id,
    /// `PATTERN:PATH`, or a file here.
    Side,
    Stages,
    /// `key=value` of a stage.
    StageOption,
    Workflow,
    Module,
    /// A module, or a file here.
    FileOrModule,
    Tag,
    /// `key=value` of a server.
    Field,
    /// Names of fields, joined by commas.
    Fields,
    Setting,
    Project,
    Topic,
    /// A tunnel profile.
    Tunnel,
    /// A type of tunnel.
    TunnelKind,
    /// `key=value` of a tunnel profile.
    TunnelField,
    /// What `mroom doc` explains.
    Subject,
    File,
    Folder,
    /// What only the person knows.
    Own,
}

/// The names of values, and what they want.
#[rustfmt::skip]
const NAMES: &[(&str, Wants)] = &[
    ("PATTERN", Wants::Pattern),
    ("ID", Wants::Id),
    ("SOURCE", Wants::Side), ("DEST", Wants::Side),
    ("NAMES", Wants::Stages),
    ("FILE|NAME", Wants::Workflow),
    ("MODULE", Wants::Module), ("FILE|MODULE", Wants::FileOrModule),
    ("TAG", Wants::Tag),
    ("KEY=VALUE", Wants::Field),
    ("NAME,...", Wants::Fields), ("COLUMNS", Wants::Fields),
    ("KEY", Wants::Setting),
    ("NAME", Wants::Project),
    ("TOPIC", Wants::Topic),
    ("SUBJECT", Wants::Subject),
    ("TUNNEL", Wants::Tunnel), ("TYPE", Wants::TunnelKind), ("FIELD=VALUE", Wants::TunnelField),
    ("FILE", Wants::File), ("KEY.pub", Wants::File),
    ("FOLDER", Wants::Folder), ("DIR", Wants::Folder),
    // Numbers, times, sizes, words of the person's own.
    ("N", Wants::Own), ("N|N%", Wants::Own), ("SECONDS", Wants::Own), ("BYTES", Wants::Own),
    ("MODE", Wants::Own), ("COMMAND", Wants::Own), ("ARGS", Wants::Own), ("LUA", Wants::Own),
    ("K=V|@FILE", Wants::Own), ("[STAGE.]KEY=VALUE", Wants::StageOption),
    ("[USER@]HOST[:PORT]", Wants::Own), ("HOST,...", Wants::Pattern), ("NEW-ID", Wants::Own), ("NEW-NAME", Wants::Own), ("KIND", Wants::Own), ("SERVER", Wants::Id), ("USER", Wants::Own),
    ("CHAR", Wants::Own), ("TIME", Wants::Own), ("AGE", Wants::Own), ("RUN", Wants::Own),
    ("ADDRESS", Wants::Own), ("HOST:PORT", Wants::Own),
    ("PORT", Wants::Own), ("PORTS", Wants::Own), ("TEXT", Wants::Own), ("PATH", Wants::Own), ("VERB", Wants::Own),
    ("CHECK,...", Wants::Own), ("CHECK=N,N", Wants::Own), ("FILE|NAME", Wants::File),
];

/// What the values of `arg` are.
pub(super) fn wants(arg: &Arg) -> Wants {
    named(arg).map_or(Wants::Own, |(_, wants)| *wants)
}

fn named(arg: &Arg) -> Option<&'static (&'static str, Wants)> {
    let name = arg.get_value_names()?.first()?.as_str();
    NAMES.iter().find(|(known, _)| *known == name)
}

#[cfg(test)]
mod tests {
    use clap::Command;

    use super::super::super::{args, grammar};
    use super::*;

    fn each(command: &Command, path: &str, seen: &mut Vec<String>) {
        for arg in command.get_arguments().filter(|a| grammar::takes_value(a)) {
            if named(arg).is_none() && arg.get_possible_values().is_empty() {
                seen.push(format!("{path}: {arg}"));
            }
        }
        for sub in command.get_subcommands() {
            each(sub, &format!("{path} {}", sub.get_name()), seen);
        }
    }

    #[test]
    fn the_value_of_every_argument_is_understood() {
        let mut root = args::command();
        root.build();
        let mut seen = Vec::new();
        each(&root, "mroom", &mut seen);
        assert!(seen.is_empty(), "say in NAMES what they want: {seen:#?}");
    }
}
