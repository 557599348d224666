//! One question to the server about itself, and its answer. Pure.

/// What is asked, as a POSIX shell script whose first argument is the workspace. It only reads;
/// a failed `sudo -n` may leave a line in the server's log.
pub(super) fn script() -> &'static str {
    r#"echo "user=$(id -un)"
echo "system=$(uname -srm)"
echo "time=$(date +%s)"
if [ "$(id -u)" = 0 ]; then echo root=is
elif sudo -n true 2>/dev/null || doas -n true 2>/dev/null; then echo root=free
elif command -v sudo doas >/dev/null 2>&1; then echo root=asks
else echo root=missing
fi
place=$1
while [ ! -e "$place" ]; do
    case $place in */*) place=${place%/*} ;; *) place=. ;; esac
    [ -n "$place" ] || place=/
done
if [ -d "$place" ] && [ -w "$place" ]; then echo workspace=yes; else echo workspace=no; fi"#
}

/// How the login becomes root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Root {
    /// It is root.
    Is,
    /// By sudo or doas, without a password.
    Free,
    /// They are there; not without a password.
    Asks,
    /// Neither is there.
    Missing,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Probe {
    /// The login's name.
    pub user: String,
    /// Kernel, release, machine.
    pub system: String,
    /// Its clock, seconds since 1970.
    pub time: i64,
    /// Whether it can become root.
    pub root: Root,
    /// Whether the workspace, or the folder in which it will be made, can be written.
    pub workspace: bool,
}

impl Probe {
    /// Reads the answer; lines that are none of ours are passed over.
    pub fn parse(answer: &[u8]) -> Option<Probe> {
        let text = String::from_utf8_lossy(answer);
        let get = |key: &str| {
            let line = text.lines().find_map(|l| l.strip_prefix(key));
            line.and_then(|l| l.strip_prefix('='))
                .filter(|v| !v.is_empty())
        };
        Some(Probe {
            user: get("user")?.to_owned(),
            system: get("system")?.to_owned(),
            time: get("time")?.parse().ok().filter(|t| *t > 0)?,
            root: match get("root")? {
                "is" => Root::Is,
                "free" => Root::Free,
                "asks" => Root::Asks,
                "missing" => Root::Missing,
                _ => return None,
            },
            workspace: match get("workspace")? {
                "yes" => true,
                "no" => false,
                _ => return None,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GOOD: &str =
        "hello\nuser=me\nsystem=Linux 6.1 x86_64\ntime=17\nroot=asks\nworkspace=yes\n";

    #[test]
    fn answers() {
        let probe = Probe::parse(GOOD.as_bytes()).unwrap();
        assert_eq!((probe.user.as_str(), probe.time), ("me", 17));
        assert_eq!((probe.root, probe.workspace), (Root::Asks, true));
        for (part, other) in [
            ("user=me", "user="),
            ("time=17", "time=x"),
            ("time=17", "time=-1"),
            ("time=17", "time=99999999999999999999"),
            ("root=asks", "root=maybe"),
            ("workspace=yes\n", ""),
        ] {
            assert_eq!(
                Probe::parse(GOOD.replace(part, other).as_bytes()),
                None,
                "{other}"
            );
        }
        assert_eq!(Probe::parse(b""), None);
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic(answer in proptest::collection::vec(any::<u8>(), 0..200)) {
            Probe::parse(&answer);
        }
    }
}
