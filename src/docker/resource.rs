//! Calls about networks, volumes, and the engine itself. Pure.

use super::given::Shape::{Apart, Pairs, Switch, Text, Texts};
use super::given::{self, Arg, Given, Opt, flags};
use super::{Call, name, names};
use crate::error::Result;
use crate::quote;
use crate::ssh::Effect;

/// Options of `network_create`.
pub const NETWORK: &[Opt] = &[
    Opt("name", Apart, ""),
    Opt("driver", Text, "--driver"),
    Opt("subnet", Texts, "--subnet"),
    Opt("gateway", Texts, "--gateway"),
    Opt("internal", Switch, "--internal"),
    Opt("attachable", Switch, "--attachable"),
    Opt("ipv6", Switch, "--ipv6"),
    Opt("labels", Pairs('='), "--label"),
    Opt("options", Pairs('='), "--opt"),
];
/// Options of `network_connect`.
pub const CONNECT: &[Opt] = &[Opt("aliases", Texts, "--alias"), Opt("ip", Text, "--ip")];
/// Options of `volume_create`.
pub const VOLUME: &[Opt] = &[
    Opt("name", Apart, ""),
    Opt("driver", Text, "--driver"),
    Opt("labels", Pairs('='), "--label"),
    Opt("options", Pairs('='), "--opt"),
];
/// Options of `events`.
pub const EVENTS: &[Opt] = &[
    Opt("since", Text, "--since"),
    Opt("until_", Text, "--until"),
    Opt("filter", Pairs('='), "--filter"),
    Opt("on_event", Apart, ""),
    Opt("timeout", Apart, ""),
];
/// Options of `inspect`.
pub const INSPECT: &[Opt] = &[Opt("type", Text, "--type")];

/// Client, daemon and compose: a line of JSON for the first two, one for what kind of daemon it is,
/// and the version of compose when it is there.
pub fn version() -> Call {
    let text = "d version --format '{{json .}}' || exit\n\
        d info --format '{{json .SecurityOptions}}' || exit\n\
        d compose version --short 2>/dev/null || true";
    Call::script(Effect::Read, "docker version", text)
}

/// `docker info`.
pub fn info() -> Call {
    Call::read(["info", "--format={{json .}}"])
}

/// `docker inspect`.
///
/// # Errors
/// [`crate::error::Kind::Usage`] for what is no name, and for wrong options.
pub fn inspect(what: &str, given: &Given) -> Result<Call> {
    let mut words = given::verb(&["inspect"], "inspect", INSPECT, given)?;
    words.push(name("inspect", "anything", what)?.to_owned());
    Ok(Call::read(words))
}

/// What `docker KIND inspect` says of all of a kind: `network` or `volume`.
pub fn list(kind: &str) -> Call {
    let full = if kind == "network" { " --no-trunc" } else { "" };
    let text = format!(
        "ids=$(d {kind} ls --quiet{full}) || exit\n\
         [ -n \"$ids\" ] || {{ echo '[]'; exit 0; }}\n\
         d {kind} inspect -- $ids"
    );
    Call::script(Effect::Read, format!("docker {kind} ls"), text)
}

/// `docker network create` or `docker volume create`.
///
/// # Errors
/// [`crate::error::Kind::Usage`] for what is no name, and for wrong options.
pub fn create(kind: &str, table: &[Opt], given: &Given) -> Result<Call> {
    let call = format!("{kind}_create");
    let mut words = given::verb(&[kind, "create"], &call, table, given)?;
    let wanted = given::text_of(&call, "name", given)?.unwrap_or_default();
    words.push(name(&call, &format!("a {kind}"), &wanted)?.to_owned());
    Ok(Call::write(words))
}

/// `docker network rm` or `docker volume rm`.
///
/// # Errors
/// [`crate::error::Kind::Usage`] for what is no name.
pub fn remove(kind: &str, list: &[String]) -> Result<Call> {
    let mut words = vec![kind.to_owned(), "rm".to_owned()];
    words.extend(names(&format!("{kind}_rm"), &format!("a {kind}"), list)?);
    Ok(Call::write(words))
}

/// `docker network connect`.
///
/// # Errors
/// [`crate::error::Kind::Usage`] for what is no name, and for wrong options.
pub fn connect(network: &str, container: &str, given: &Given) -> Result<Call> {
    const CALL: &str = "network_connect";
    let mut words = given::verb(&["network", "connect"], CALL, CONNECT, given)?;
    words.push(name(CALL, "a network", network)?.to_owned());
    words.push(name(CALL, "a container", container)?.to_owned());
    Ok(Call::write(words))
}

/// `docker network disconnect`.
///
/// # Errors
/// [`crate::error::Kind::Usage`] for what is no name.
pub fn disconnect(network: &str, container: &str) -> Result<Call> {
    const CALL: &str = "network_disconnect";
    let network = name(CALL, "a network", network)?;
    let container = name(CALL, "a container", container)?;
    Ok(Call::write(["network", "disconnect", network, container]))
}

/// `docker events`, a line of JSON for each.
///
/// # Errors
/// [`crate::error::Kind::Usage`] for wrong options.
pub fn events(given: &Given) -> Result<Call> {
    let verb = ["events", "--format={{json .}}"];
    Ok(Call::read(given::verb(&verb, "events", EVENTS, given)?))
}

/// The label of containers that `prune` leaves alone, with their images.
pub const KEEP: &str = "machineroom.keep";

/// Options of `prune`.
pub const PRUNE: &[Opt] = &[
    Opt("containers", Switch, "container"),
    Opt("networks", Switch, "network"),
    Opt("images", Switch, "image"),
    Opt("volumes", Switch, "volume"),
    Opt("builder", Switch, "builder"),
    Opt("all", Apart, ""),
    Opt("keep", Apart, ""),
];

/// What `prune` is to remove.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prune {
    /// The calls, one after another in one round trip.
    pub call_text: String,
    /// Images that must stay: then unused ones are removed one by one, not by docker itself.
    pub keep: Vec<String>,
    /// Unused images too that have a name, and volumes.
    pub all: bool,
    /// Are images to be removed one by one?
    pub by_hand: bool,
}

/// `docker … prune`. Without a kind it is stopped containers, networks and images that nothing
/// uses and nobody has named.
///
/// # Errors
/// [`crate::error::Kind::Usage`] for wrong options.
pub fn prune(given: &Given) -> Result<Prune> {
    const CALL: &str = "prune";
    let mut kinds = flags(CALL, PRUNE, given)?;
    let all = given::switch_of(CALL, "all", given)?;
    let keep = match given.get("keep") {
        None => Vec::new(),
        Some(arg) => given::texts(CALL, "keep", arg)?,
    };
    let is_said = |arg: &Arg| matches!(arg, Arg::Flag(true));
    if kinds.is_empty()
        && !PRUNE[..5]
            .iter()
            .any(|opt| given.get(opt.0).is_some_and(is_said))
    {
        kinds = ["container", "network", "image"].map(str::to_owned).into();
    }
    let by_hand = all && !keep.is_empty() && kinds.iter().any(|k| k == "image");
    let mut text = Vec::new();
    for kind in kinds {
        if kind == "image" && by_hand {
            continue;
        }
        let more = match &kind[..] {
            "image" | "volume" | "builder" if all => " --all",
            _ => "",
        };
        // The builder's cache has no labels.
        let keep = match &kind[..] {
            "builder" => String::new(),
            _ => format!(" --filter {}", quote::word(&format!("label!={KEEP}"))?),
        };
        text.push(format!("d {kind} prune --force{more}{keep} || exit"));
    }
    Ok(Prune {
        call_text: text.join("\n"),
        keep,
        all,
        by_hand,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, Arg)]) -> Given {
        let own = |(key, arg): &(&str, Arg)| ((*key).to_owned(), arg.clone());
        pairs.iter().map(own).collect()
    }

    fn t(text: &str) -> Arg {
        Arg::Text(text.to_owned())
    }

    #[test]
    fn calls_are_built() {
        let network = map(&[("name", t("back")), ("subnet", t("10.9.0.0/24"))]);
        let aliases = map(&[("aliases", t("db"))]);
        for (call, told) in [
            (
                create("network", NETWORK, &network),
                "docker network create --subnet=10.9.0.0/24 back",
            ),
            (
                create("volume", VOLUME, &map(&[("name", t("data"))])),
                "docker volume create data",
            ),
            (
                connect("back", "web", &aliases),
                "docker network connect --alias=db back web",
            ),
            (
                disconnect("back", "web"),
                "docker network disconnect back web",
            ),
            (
                remove("volume", &["data".to_owned()]),
                "docker volume rm data",
            ),
            (
                inspect("web", &map(&[("type", t("image"))])),
                "docker inspect --type=image web",
            ),
            (
                events(&map(&[("until_", t("1s"))])),
                "docker events '--format={{json .}}' --until=1s",
            ),
        ] {
            assert_eq!(call.unwrap().shown(), told);
        }
    }

    #[test]
    fn prune_leaves_what_is_to_be_kept() {
        let text = |given: &[(&str, Arg)]| prune(&map(given)).unwrap().call_text;
        let usual = text(&[]);
        assert_eq!(usual.lines().count(), 3, "{usual}");
        assert!(
            usual.lines().all(|l| l.contains("label!=machineroom.keep")),
            "{usual}"
        );
        assert!(
            !usual.contains("volume") && !usual.contains("--all"),
            "{usual}"
        );
        let builder = text(&[("builder", Arg::Flag(true)), ("all", Arg::Flag(true))]);
        assert_eq!(builder, "d builder prune --force --all || exit");
        let hand = prune(&map(&[
            ("images", Arg::Flag(true)),
            ("all", Arg::Flag(true)),
            ("keep", t("app:1")),
        ]));
        let hand = hand.unwrap();
        assert!(hand.by_hand && hand.call_text.is_empty() && hand.keep == ["app:1"]);
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for bad in ["", "-x", "a\tb"] {
            assert!(inspect(bad, &Given::new()).is_err());
            assert!(connect(bad, "a", &Given::new()).is_err() && disconnect("a", bad).is_err());
            assert!(create("volume", VOLUME, &map(&[("name", t(bad))])).is_err());
        }
        assert!(remove("network", &[]).is_err());
    }
}
