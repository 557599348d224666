//! Calls about images and registries. Pure.

use super::given::Shape::{Apart, Pairs, Switch, Text, Texts};
use super::given::{self, Given, Opt};
use super::{Call, name, names};
use crate::error::{Error, Result};
use crate::quote;
use crate::secret::Secret;
use crate::ssh::{Effect, Input};

/// Options of `images`.
pub const IMAGES: &[Opt] = &[
    Opt("all", Switch, "--all"),
    Opt("filter", Pairs('='), "--filter"),
];
/// Options of `pull`.
pub const PULL: &[Opt] = &[
    Opt("platform", Text, "--platform"),
    Opt("policy", Apart, ""),
    Opt("timeout", Apart, ""),
];
/// Options of `rmi`.
pub const RMI: &[Opt] = &[Opt("force", Switch, "--force")];
/// Options of `build`.
pub const BUILD: &[Opt] = &[
    Opt("context", Apart, ""),
    Opt("file", Text, "--file"),
    Opt("tags", Texts, "--tag"),
    Opt("args", Pairs('='), "--build-arg"),
    Opt("labels", Pairs('='), "--label"),
    Opt("target", Text, "--target"),
    Opt("platform", Text, "--platform"),
    Opt("network", Text, "--network"),
    Opt("pull", Switch, "--pull"),
    Opt("no_cache", Switch, "--no-cache"),
    Opt("on_line", Apart, ""),
    Opt("timeout", Apart, ""),
];
/// Options of `login`.
pub const LOGIN: &[Opt] = &[
    Opt("registry", Apart, ""),
    Opt("user", Apart, ""),
    Opt("password", Apart, ""),
];

/// Every image once, as `docker image inspect` tells of it.
///
/// # Errors
/// [`crate::error::Kind::Usage`] for wrong options.
pub fn list(given: &Given) -> Result<Call> {
    let words = given::piece("images", IMAGES, given)?;
    let text = format!(
        "ids=$(d image ls --quiet --no-trunc{words}) || exit\n\
         [ -n \"$ids\" ] || {{ echo '[]'; exit 0; }}\n\
         d image inspect $(printf '%s\\n' \"$ids\" | sort -u)"
    );
    Ok(Call::script(
        Effect::Read,
        format!("docker image ls{words}"),
        text,
    ))
}

/// `docker pull`: the id that the name had before on a line (an empty one for none), then what
/// `docker image inspect` says of what is there now.
///
/// # Errors
/// [`crate::error::Kind::Usage`] for what is no name, and for wrong options.
pub fn pull(image: &str, given: &Given) -> Result<Call> {
    let word = quote::word(name("pull", "an image", image)?)?;
    let policy = given::text_of("pull", "policy", given)?;
    let is_missing = match policy.as_deref() {
        None | Some("always") => false,
        Some("missing") => true,
        Some(_) => {
            return Err(Error::usage(
                "`pull`: `policy` must be one of always, missing",
            ));
        }
    };
    let words = given::piece("pull", PULL, given)?;
    let pull = format!("d pull{words} {word} >/dev/null || exit");
    let pull = match is_missing {
        true => format!("[ -n \"$before\" ] || {pull}"),
        false => pull,
    };
    let text = format!(
        "before=$(d image inspect --format '{{{{.Id}}}}' {word} 2>/dev/null)\n\
         {pull}\nprintf '%s\\n' \"$before\"\nd image inspect {word}"
    );
    Ok(Call::script(
        Effect::Write,
        format!("docker pull{words} {word}"),
        text,
    ))
}

/// `docker push`.
///
/// # Errors
/// [`crate::error::Kind::Usage`] for what is no name.
pub fn push(image: &str) -> Result<Call> {
    Ok(Call::write(["push", name("push", "an image", image)?]))
}

/// `docker tag`.
///
/// # Errors
/// [`crate::error::Kind::Usage`] for what is no name.
pub fn tag(from: &str, to: &str) -> Result<Call> {
    let from = name("tag", "an image", from)?;
    Ok(Call::write(["tag", from, name("tag", "an image", to)?]))
}

/// `docker rmi`.
///
/// # Errors
/// [`crate::error::Kind::Usage`] for what is no name, and for wrong options.
pub fn remove(images: &[String], given: &Given) -> Result<Call> {
    let mut words = given::verb(&["rmi"], "rmi", RMI, given)?;
    words.extend(names("rmi", "an image", images)?);
    Ok(Call::write(words))
}

/// `docker build` of a context that comes over standard input. Quiet: it prints the image's id.
///
/// # Errors
/// [`crate::error::Kind::Usage`] for wrong options.
pub fn build(given: &Given, is_quiet: bool, context: impl Into<Input>) -> Result<Call> {
    let verb: &[&str] = if is_quiet {
        &["build", "--quiet"]
    } else {
        &["build"]
    };
    let mut words = given::verb(verb, "build", BUILD, given)?;
    words.push("-".to_owned());
    Ok(Call::write(words).stdin(context))
}

/// `docker login`; the password goes over standard input.
///
/// # Errors
/// [`crate::error::Kind::Usage`] for what is missing, and for a registry that is none.
pub fn login(registry: Option<&str>, user: &str, password: &Secret) -> Result<Call> {
    if user.is_empty() || password.is_empty() {
        let what = if user.is_empty() { "user" } else { "password" };
        return Err(Error::usage(format!("`login`: `{what}` is missing")));
    }
    let mut words = vec![
        "login".to_owned(),
        format!("--username={user}"),
        "--password-stdin".to_owned(),
    ];
    if let Some(registry) = registry {
        words.push(name("login", "a registry", registry)?.to_owned());
    }
    Ok(Call::write(words).stdin(password.reveal().as_bytes().to_vec()))
}

/// `docker logout`.
///
/// # Errors
/// [`crate::error::Kind::Usage`] for a registry that is none.
pub fn logout(registry: Option<&str>) -> Result<Call> {
    let mut words = vec!["logout".to_owned()];
    if let Some(registry) = registry {
        words.push(name("logout", "a registry", registry)?.to_owned());
    }
    Ok(Call::write(words))
}

#[cfg(test)]
mod tests {
    use super::super::Text;
    use super::super::given::Arg;
    use super::*;

    #[test]
    fn calls_are_built() {
        let build = build(
            &Given::from([
                ("tags".to_owned(), Arg::Text("app:2".to_owned())),
                ("no_cache".to_owned(), Arg::Flag(true)),
            ]),
            false,
            Vec::new(),
        );
        for (call, told) in [
            (push("r:5000/app:1"), "docker push r:5000/app:1"),
            (tag("a", "b:1"), "docker tag a b:1"),
            (
                remove(
                    &["a".to_owned()],
                    &Given::from([("force".to_owned(), Arg::Flag(true))]),
                ),
                "docker rmi --force a",
            ),
            (build, "docker build --tag=app:2 --no-cache -"),
            (logout(None), "docker logout"),
            (pull("a b", &Given::new()), "docker pull 'a b'"),
            (list(&Given::new()), "docker image ls"),
        ] {
            assert_eq!(call.unwrap().shown(), told);
        }
        let call = login(Some("r:5000"), "ann", &Secret::new("s3cret")).unwrap();
        assert_eq!(
            call.shown(),
            "docker login --username=ann --password-stdin r:5000"
        );
        assert_eq!(call.stdin.held(), Some(&b"s3cret"[..]));
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for bad in ["", "-a", "a\u{1b}[0m"] {
            assert!(push(bad).is_err() && tag("a", bad).is_err() && tag(bad, "a").is_err());
            assert!(pull(bad, &Given::new()).is_err() && logout(Some(bad)).is_err());
            assert!(remove(&[bad.to_owned()], &Given::new()).is_err());
            assert!(login(Some(bad), "a", &Secret::new("b")).is_err());
        }
        let policy = Given::from([("policy".to_owned(), Arg::Text("never".to_owned()))]);
        assert!(pull("a", &policy).is_err());
        assert!(login(None, "", &Secret::new("b")).is_err());
        assert!(login(None, "a", &Secret::new("")).is_err());
    }

    #[test]
    fn an_image_there_already_is_not_pulled_when_missing_is_enough() {
        let policy = Given::from([("policy".to_owned(), Arg::Text("missing".to_owned()))]);
        let Text::Script(text, _) = pull("a'b", &policy).unwrap().text else {
            panic!("no script");
        };
        assert!(text.contains(r"[ -n "), "{text}");
        assert!(text.contains(r"d pull 'a'\''b'"), "{text}");
    }
}
