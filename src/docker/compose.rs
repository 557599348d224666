//! Calls about compose projects. Pure.

use super::given::Shape::{Apart, Seconds, Switch, Text, Texts};
use super::given::{self, Given, Opt, flags};
use super::{Call, name, names};
use crate::error::{Error, Result};

/// Options of `d:compose`.
pub const PROJECT: &[Opt] = &[
    Opt("folder", Apart, ""),
    Opt("files", Apart, ""),
    Opt("project", Text, "--project-name"),
    Opt("profiles", Texts, "--profile"),
    Opt("env_file", Apart, ""),
];
/// Options of `up`.
pub const UP: &[Opt] = &[
    Opt("services", Apart, ""),
    Opt("wait", Switch, "--wait"),
    Opt("wait_timeout", Seconds, "--wait-timeout"),
    Opt("pull", Text, "--pull"),
    Opt("remove_orphans", Switch, "--remove-orphans"),
    Opt("force_recreate", Switch, "--force-recreate"),
    Opt("build", Switch, "--build"),
    Opt("timeout", Apart, ""),
];
/// Options of `down`.
pub const DOWN: &[Opt] = &[
    Opt("volumes", Switch, "--volumes"),
    Opt("remove_orphans", Switch, "--remove-orphans"),
    Opt("timeout", Seconds, "--timeout"),
];
/// Options of `logs`.
pub const LOGS: &[Opt] = &[
    Opt("services", Apart, ""),
    Opt("tail", Text, "--tail"),
    Opt("since", Text, "--since"),
    Opt("until_", Text, "--until"),
    Opt("timestamps", Switch, "--timestamps"),
    Opt("follow", Switch, "--follow"),
    Opt("on_line", Apart, ""),
    Opt("timeout", Apart, ""),
];

/// A project: the words that every call about it begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// Where it is.
    pub folder: String,
    words: Vec<String>,
}

impl Project {
    /// A project in a folder of the server. Files are named from there.
    ///
    /// # Errors
    /// [`crate::error::Kind::Usage`] without a folder, and for wrong options.
    pub fn new(given: &Given) -> Result<Self> {
        const CALL: &str = "compose";
        let folder = given::text_of(CALL, "folder", given)?.unwrap_or_default();
        if folder.is_empty() {
            return Err(Error::usage("`compose`: `folder` is missing"));
        }
        // A relative path is below the login's home already.
        let folder = match &folder[..] {
            "~" => ".",
            other => other.strip_prefix("~/").unwrap_or(other),
        };
        let beside = |file: &str| match file.starts_with('/') {
            true => file.to_owned(),
            false => format!("{}/{file}", folder.trim_end_matches('/')),
        };
        let mut words = vec![
            "compose".to_owned(),
            "--ansi=never".to_owned(),
            format!("--project-directory={folder}"),
        ];
        for (key, flag) in [("files", "--file"), ("env_file", "--env-file")] {
            for file in given::texts_of(CALL, key, given)? {
                words.push(format!("{flag}={}", beside(&file)));
            }
        }
        words.extend(flags(CALL, PROJECT, given)?);
        Ok(Project {
            folder: folder.to_owned(),
            words,
        })
    }

    fn words(&self, verb: &str, more: Vec<String>) -> Vec<String> {
        let mut words = self.words.clone();
        words.push(verb.to_owned());
        words.extend(more);
        words
    }

    /// `up --detach`.
    ///
    /// # Errors
    /// [`crate::error::Kind::Usage`] for wrong options.
    pub fn up(&self, given: &Given) -> Result<Call> {
        let mut more = vec!["--detach".to_owned()];
        more.extend(flags("up", UP, given)?);
        more.extend(services("up", given)?);
        Ok(Call::write(self.words("up", more)))
    }

    /// `down`.
    ///
    /// # Errors
    /// [`crate::error::Kind::Usage`] for wrong options.
    pub fn down(&self, given: &Given) -> Result<Call> {
        Ok(Call::write(self.words("down", flags("down", DOWN, given)?)))
    }

    /// A verb that takes services, all of them without one: `pull restart stop`.
    ///
    /// # Errors
    /// [`crate::error::Kind::Usage`] for what is no name.
    pub fn act(&self, verb: &str, services: &[String]) -> Result<Call> {
        let more = match services {
            [] => Vec::new(),
            list => names(verb, "a service", list)?,
        };
        Ok(Call::write(self.words(verb, more)))
    }

    /// Its containers, those too that have ended.
    pub fn ps(&self) -> Call {
        let more = ["--all", "--no-trunc", "--format=json"];
        Call::read(self.words("ps", more.map(str::to_owned).into()))
    }

    /// The project as compose understands it.
    pub fn config(&self) -> Call {
        Call::read(self.words("config", vec!["--format=json".to_owned()]))
    }

    /// What its containers say.
    ///
    /// # Errors
    /// [`crate::error::Kind::Usage`] for wrong options.
    pub fn logs(&self, given: &Given) -> Result<Call> {
        let mut more = vec!["--no-color".to_owned()];
        more.extend(flags("logs", LOGS, given)?);
        more.extend(services("logs", given)?);
        Ok(Call::read(self.words("logs", more)))
    }
}

/// The version of the compose plugin.
pub fn version() -> Call {
    Call::read(["compose", "version", "--short"])
}

fn services(call: &str, given: &Given) -> Result<Vec<String>> {
    let list = given::texts_of(call, "services", given)?;
    list.iter()
        .map(|one| name(call, "a service", one).map(str::to_owned))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::given::Arg;
    use super::*;

    fn map(pairs: &[(&str, Arg)]) -> Given {
        let own = |(key, arg): &(&str, Arg)| ((*key).to_owned(), arg.clone());
        pairs.iter().map(own).collect()
    }

    fn t(text: &str) -> Arg {
        Arg::Text(text.to_owned())
    }

    #[test]
    fn a_project_has_its_words() {
        let list = Arg::List(vec![t("a.yml"), t("/etc/b.yml")]);
        let project = Project::new(&map(&[
            ("folder", t("/srv/app/")),
            ("files", list),
            ("project", t("shop")),
            ("env_file", t(".env.prod")),
            ("profiles", t("web")),
        ]));
        let project = project.unwrap();
        let up = map(&[
            ("wait", Arg::Flag(true)),
            ("wait_timeout", Arg::Number(30.0)),
            ("services", t("web")),
        ]);
        assert_eq!(
            project.up(&up).unwrap().shown(),
            "docker compose --ansi=never --project-directory=/srv/app/ --file=/srv/app/a.yml --file=/etc/b.yml \
             --env-file=/srv/app/.env.prod --project-name=shop --profile=web up --detach --wait \
             --wait-timeout=30 web"
        );
        let home = Project::new(&map(&[("folder", t("~/app"))])).unwrap();
        let begin = "docker compose --ansi=never --project-directory=app";
        assert_eq!(
            home.down(&Given::new()).unwrap().shown(),
            format!("{begin} down")
        );
        assert_eq!(
            home.ps().shown(),
            format!("{begin} ps --all --no-trunc --format=json")
        );
        assert_eq!(
            home.act("pull", &[]).unwrap().shown(),
            format!("{begin} pull")
        );
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        assert!(Project::new(&Given::new()).is_err());
        assert!(Project::new(&map(&[("folder", Arg::Flag(true))])).is_err());
        let project = Project::new(&map(&[("folder", t("x"))])).unwrap();
        assert!(project.act("stop", &["--all".to_owned()]).is_err());
        assert!(project.up(&map(&[("services", t("-x"))])).is_err());
        assert!(project.logs(&map(&[("tail", Arg::Flag(true))])).is_err());
    }
}
