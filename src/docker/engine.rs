//! Runs calls of docker on a server, and finds out once how the login gets at the daemon.
//!
//! A call is tried as it stands: most logins may. When docker says that the login may not, or that
//! no daemon is where it looked, nothing has been done yet: sudo without a password is tried, then
//! the sockets of a rootless daemon, and what answers is kept for the rest of the run.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use super::fault::{self, Reason};
use super::{Call, Text};
use crate::error::{Error, Kind, Result};
use crate::output::{DEFAULT_MAX_OUTPUT, Output};
use crate::quote;
use crate::ssh::{Exec, Sudo, Transport};

/// How the login gets at the daemon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// As it is: root, the group docker, the context that is set.
    Direct,
    /// As root, by sudo without a password.
    Root,
    /// By the socket of its own rootless daemon: the value of `--host`.
    Socket(String),
}

/// The way that was found, kept for a server; `None` until it is known.
pub type Found = Rc<RefCell<Option<Way>>>;

/// Which daemon a call is for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// `--host`.
    pub host: Option<String>,
    /// `--context`.
    pub context: Option<String>,
}

/// Docker on one server, over an open session.
pub struct Docker {
    /// The session.
    pub transport: Arc<dyn Transport>,
    /// As whom, when that was said.
    pub sudo: Option<Sudo>,
    /// Which daemon, when that was said.
    pub place: Place,
    /// May another way be looked for? Not when a person has said which.
    pub may_seek: bool,
    /// The way that was found.
    pub found: Found,
    /// Time that a call may take which does not say so itself.
    pub timeout: Option<Duration>,
}

/// Where a login's own daemon listens: the places that `dockerd-rootless-setuptool.sh` and Docker
/// Desktop name. Prints the first that answers.
const SOCKETS: &str = r#"for socket in "${XDG_RUNTIME_DIR:-/none}/docker.sock" "/run/user/$(id -u)/docker.sock" \
  "$HOME/.docker/run/docker.sock" "$HOME/.docker/desktop/docker.sock"; do
  [ -S "$socket" ] || continue
  docker --host "unix://$socket" version --format '{{.Server.Version}}' >/dev/null 2>&1 || continue
  printf 'unix://%s\n' "$socket"
  break
done"#;

impl Docker {
    /// Runs a call; how it ended is the caller's to judge.
    ///
    /// # Errors
    /// What the transport says: connection, time-out.
    pub async fn exec(&self, call: &Call) -> Result<Output> {
        if !self.may_seek {
            return self.send(call, &Way::Direct).await;
        }
        let known = self.found.borrow().clone();
        // Live output cannot be taken back: the way must be known before.
        if known.is_none() && call.sink.is_some() {
            let probe = self.send(&probe(), &Way::Direct).await?;
            let way = self.other_than(&probe).await?.unwrap_or(Way::Direct);
            self.keep(&way);
            return self.send(call, &way).await;
        }
        let way = known.unwrap_or(Way::Direct);
        let output = self.send(call, &way).await?;
        if way != Way::Direct {
            return Ok(output);
        }
        match self.other_than(&output).await? {
            Some(way) => {
                self.keep(&way);
                self.send(call, &way).await
            }
            None => {
                if output.is_success() {
                    self.keep(&Way::Direct);
                }
                Ok(output)
            }
        }
    }

    /// Runs a call that must end well.
    ///
    /// # Errors
    /// As [`Docker::exec`], and docker's own.
    pub async fn ask(&self, call: &Call) -> Result<Output> {
        let output = self.exec(call).await?;
        match output.is_success() {
            true => Ok(output),
            false => Err(fault::error(&call.shown(), output)),
        }
    }

    fn keep(&self, way: &Way) {
        *self.found.borrow_mut() = Some(way.clone());
    }

    /// Another way, when docker's answer says that this one does not lead to the daemon.
    async fn other_than(&self, output: &Output) -> Result<Option<Way>> {
        let reason = fault::reason(output).filter(|_| !output.is_success());
        if !matches!(reason, Some(Reason::Permission | Reason::DaemonDown)) {
            return Ok(None);
        }
        match self.send(&probe(), &Way::Root).await {
            Ok(output) if output.is_success() => return Ok(Some(Way::Root)),
            // sudo refuses: there may be another way still.
            Ok(_) => {}
            Err(error) if error.kind() == Kind::Exit => {}
            Err(error) => return Err(error),
        }
        let mut look = Exec::reader(SOCKETS);
        look.kept = true;
        look.timeout = self.timeout;
        let found = self.transport.exec(look).await?.stdout_trimmed();
        Ok(found.starts_with("unix:///").then_some(Way::Socket(found)))
    }

    async fn send(&self, call: &Call, way: &Way) -> Result<Output> {
        let exec = self.request(call, way)?;
        let reply = self.transport.exec(exec).await;
        // A script is long, and what it is called says more.
        reply.map_err(|error| error.command_as(call.shown()))
    }

    /// The command line of a call.
    fn request(&self, call: &Call, way: &Way) -> Result<Exec> {
        let mut docker = vec!["docker".to_owned()];
        let host = match way {
            Way::Socket(host) => Some(host),
            _ => self.place.host.as_ref(),
        };
        docker.extend(host.map(|host| format!("--host={host}")));
        docker.extend(self.place.context.iter().map(|c| format!("--context={c}")));
        let (command, kept) = match &call.text {
            Text::Words(words) => {
                let is_file = words.iter().any(|word| word == "--env-file=/dev/stdin");
                docker.extend(words.iter().cloned());
                let line = quote::words(&docker)?;
                // A socket, which is what sshd gives for a standard input, cannot be opened by name.
                let line = if is_file {
                    format!("cat | {line}")
                } else {
                    line
                };
                (line, call.stdin.is_empty() && call.sink.is_none())
            }
            Text::Script(text, _) => {
                let docker = quote::words(&docker)?;
                (format!("d() {{ {docker} \"$@\"; }}\n{text}"), true)
            }
        };
        let root = || Sudo {
            user: "root".to_owned(),
            password: None,
        };
        Ok(Exec {
            effect: call.effect,
            stdin: call.stdin.clone(),
            timeout: call.timeout.or(self.timeout),
            max_output: call.max_output.unwrap_or(DEFAULT_MAX_OUTPUT),
            sink: call.sink.clone(),
            sudo: match way {
                Way::Root => Some(root()),
                _ => self.sudo.clone(),
            },
            kept,
            is_tidy: true,
            ..Exec::new(command)
        })
    }
}

/// The least that needs a daemon.
fn probe() -> Call {
    Call::read(["version", "--format={{.Server.Version}}"])
}

/// For a standard output that is no answer of docker's.
pub fn garbled(what: &str) -> Error {
    Error::new(
        Kind::Docker,
        format!("docker's answer about {what} is not understood"),
    )
    .hint("`mroom docker ID version` shows which docker it is")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ssh::fake::{Call as Seen, Fake};
    use futures::executor::block_on;

    const DENIED: &str = "permission denied while trying to connect to the Docker daemon socket at \
        unix:///var/run/docker.sock: Get \"http://%2Fvar%2Frun%2Fdocker.sock/v1.45/containers/json\": dial unix \
        /var/run/docker.sock: connect: permission denied\n";

    fn docker(fake: &Fake) -> Docker {
        Docker {
            transport: Arc::new(fake.clone()),
            sudo: None,
            place: Place::default(),
            may_seek: true,
            found: Found::default(),
            timeout: None,
        }
    }

    fn failed(stderr: &str) -> Output {
        Output {
            code: Some(1),
            stderr: stderr.into(),
            ..Output::default()
        }
    }

    fn good(stdout: &str) -> Output {
        Output {
            code: Some(0),
            stdout: stdout.into(),
            ..Output::default()
        }
    }

    #[test]
    fn a_login_that_may_is_asked_once() {
        let fake = Fake::new();
        fake.on("docker stop web", "web\n");
        let docker = docker(&fake);
        block_on(docker.ask(&Call::write(["stop", "web"]))).unwrap();
        assert_eq!(fake.commands(), ["docker stop web"]);
        assert_eq!(*docker.found.borrow(), Some(Way::Direct));
    }

    #[test]
    fn sudo_is_found_and_kept() {
        let fake = Fake::new();
        fake.answer(|exec| {
            Some(Ok(match &exec.sudo {
                Some(sudo) if sudo.password.is_none() => good("26.1.5\n"),
                _ => failed(DENIED),
            }))
        });
        let docker = docker(&fake);
        block_on(docker.ask(&Call::write(["stop", "web"]))).unwrap();
        block_on(docker.ask(&Call::write(["start", "web"]))).unwrap();
        assert_eq!(
            fake.commands(),
            [
                "docker stop web",
                "docker version '--format={{.Server.Version}}'",
                "docker stop web",
                "docker start web"
            ]
        );
        assert_eq!(*docker.found.borrow(), Some(Way::Root));
    }

    #[test]
    fn a_rootless_socket_is_found() {
        let fake = Fake::new();
        fake.answer(|exec| {
            Some(match (&exec.sudo, &exec.command) {
                (Some(_), _) => Err(Error::new(Kind::Exit, "this login may not become `root`")),
                (_, command) if command.starts_with("for socket") => {
                    Ok(good("unix:///run/user/1000/docker.sock\n"))
                }
                (_, command) if command.contains("--host=") => Ok(good("web\n")),
                _ => Ok(failed(DENIED)),
            })
        });
        let docker = docker(&fake);
        block_on(docker.ask(&Call::write(["stop", "web"]))).unwrap();
        let last = fake.commands().pop().unwrap();
        assert_eq!(
            last,
            "docker --host=unix:///run/user/1000/docker.sock stop web"
        );
    }

    #[test]
    fn without_a_way_the_first_answer_counts() {
        let fake = Fake::new();
        fake.answer(|exec| {
            Some(Ok(match exec.command.starts_with("for socket") {
                true => good(""),
                false => failed(DENIED),
            }))
        });
        let error = block_on(docker(&fake).ask(&Call::write(["stop", "web"]))).unwrap_err();
        assert_eq!(error.reason_word(), Some("permission"));
        assert!(error.hint_text().unwrap().contains("-b"), "{error:?}");
        assert_eq!(*docker(&fake).found.borrow(), None);
    }

    #[test]
    fn who_has_said_how_is_taken_at_their_word() {
        let fake = Fake::new();
        fake.answer(|_| Some(Ok(failed(DENIED))));
        let mut docker = docker(&fake);
        docker.may_seek = false;
        docker.place.context = Some("far".to_owned());
        block_on(docker.exec(&Call::read(["ps"]))).unwrap();
        assert_eq!(fake.commands(), ["docker --context=far ps"]);
    }

    #[test]
    fn secrets_stay_out_of_the_command() {
        let fake = Fake::new();
        fake.answer(|_| Some(Ok(good(""))));
        let call = Call::write(["run", "--env-file=/dev/stdin", "x"]).stdin(b"A=s3\n".to_vec());
        block_on(docker(&fake).exec(&call)).unwrap();
        let Some(Seen::Exec { command, stdin, .. }) = fake.calls().pop() else {
            panic!("nothing ran");
        };
        assert_eq!(command, "cat | docker run --env-file=/dev/stdin x");
        assert_eq!(stdin, b"A=s3\n");
        assert_eq!(probe().effect, crate::ssh::Effect::Read);
    }
}
