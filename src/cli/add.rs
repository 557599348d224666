//! `mroom add`: one server into the inventory. On a terminal it asks for what was not typed.

use std::io::IsTerminal as _;

use super::App;
use super::fields::{Password, change};
use crate::error::{Error, Kind, Result};
use crate::events::{Interact as _, Level};
use crate::inventory::{Server, check, local_user, place};
use crate::secret::Secret;

/// Add a server; on a terminal, ask for what is missing and try the login.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:
  mroom add
  mroom add web-03 admin@203.0.113.13 --tag web --ask-password
  mroom add db-02 root@[2001:db8::1]:2222 key=~/.ssh/db role=db --test")]
pub struct Args {
    /// The name by which it will be called.
    #[arg(value_name = "NEW-ID")]
    pub id: Option<String>,
    /// Where it is: `host`, `user@host`, `user@host:port`; an IPv6 address with a port as `[::1]:22`.
    #[arg(value_name = "[USER@]HOST[:PORT]")]
    pub place: Option<String>,
    /// Fields and metadata: `port=22 key=~/.ssh/id description='the edge' role=edge`.
    #[arg(value_name = "KEY=VALUE")]
    pub fields: Vec<String>,
    /// Give it this tag; may be repeated.
    #[arg(long, value_name = "TAG")]
    pub tag: Vec<String>,
    /// It is reached through this tunnel.
    #[arg(long, value_name = "TUNNEL", hide_short_help = true)]
    pub tunnel: Option<String>,
    #[command(flatten)]
    pub password: Password,
    /// Try the login afterwards.
    #[arg(long, env = "MROOM_TEST", hide_env = true, value_parser = clap::builder::FalseyValueParser::new())]
    pub test: bool,
}

/// Adds the server.
pub fn run(app: &App, args: &Args) -> Result<u8> {
    let args = &args.sorted();
    // With Ctrl-C connected, so that it finds the terminal as it was.
    app.block_on(async {
        let (server, password, asked) = match (&args.id, &args.place) {
            (Some(id), Some(place)) => (typed(app, args, id, place)?, None, false),
            _ => {
                let (server, password) = Interview::of(app, args)?.ask(args)?;
                (server, password, true)
            }
        };
        let password = match password {
            Some(password) => Some(password),
            None => args.password.read(app)?,
        };
        app.room.store()?.put(&server, password.as_ref())?;
        let message = format!("added {}", server.id);
        app.screen.note(Level::Notice, None, &message);
        super::tunnel::tell_missing(app, [&server])?;
        let wants = || {
            asked
                && app
                    .ask
                    .line("Try the login?", "yes")
                    .is_some_and(|a| is_yes(&a))
        };
        match args.test || wants() {
            true => test(app, &server.id).await,
            false => Ok(0),
        }
    })
}

impl Args {
    /// A word such as `key=~/k` is no place: it stands where one would when the place is missing.
    fn sorted(&self) -> Args {
        let mut args = self.clone();
        if let Some(field) = args.place.take_if(|p| p.contains('=') && !p.contains('@')) {
            args.fields.insert(0, field);
        }
        if let Some(tunnel) = args.tunnel.take() {
            args.fields.push(format!("tunnel={tunnel}"));
        }
        args
    }
}

/// The server that was typed whole.
fn typed(app: &App, args: &Args, id: &str, text: &str) -> Result<Server> {
    is_free(app, id)?;
    let (user, host, port) = place(text)?;
    let mut server = Server::new(id, host, user, 22);
    if let Some(port) = port {
        server.set("port", port)?;
    }
    change(&mut server, &args.fields, &args.tag, &[])?;
    Ok(server)
}

fn is_free(app: &App, id: &str) -> Result<()> {
    if app.room.store()?.get(id)?.is_none() {
        return Ok(());
    }
    let error = Error::usage(format!("there is a server `{id}` already"));
    Err(error.hint(format!("`mroom set {id} KEY=VALUE` changes it")))
}

/// Connects as every command does; the server stays, whatever comes of it.
async fn test(app: &App, id: &str) -> Result<u8> {
    let Some(server) = app.room.store()?.get(id)? else {
        return Err(Error::local(format!("`{id}` is gone")));
    };
    match app.room.transport(&server).await {
        Ok(_) => {
            app.screen.note(Level::Notice, Some(id), "connects");
            Ok(0)
        }
        Err(e) if e.kind() == Kind::Cancelled => Err(e),
        Err(e) => {
            app.screen.problem(&e.clone().server(id));
            let message =
                format!("{id} is in the inventory all the same: `mroom edit {id}` mends it");
            app.screen.note(Level::Notice, None, &message);
            Ok(e.kind().exit_code())
        }
    }
}

fn is_yes(answer: &str) -> bool {
    matches!(answer.trim().to_lowercase().as_str(), "y" | "yes")
}

/// Questions to the person, each until the answer is good.
struct Interview<'a> {
    app: &'a App,
}

impl<'a> Interview<'a> {
    /// # Errors
    /// [`Kind::Usage`] when nobody is there to be asked.
    fn of(app: &'a App, args: &Args) -> Result<Self> {
        let is_there = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
        if is_there && !app.json && !app.yes {
            return Ok(Interview { app });
        }
        let missing = match args.id {
            None => "an id and a place",
            Some(_) => "a place",
        };
        let error = Error::usage(format!("`mroom add` needs {missing}"));
        Err(error.hint("`mroom add ID [USER@]HOST[:PORT]`; on a terminal it asks"))
    }

    fn ask(&self, args: &Args) -> Result<(Server, Option<Secret>)> {
        let good_id = |id: &str| check::id(id).and_then(|()| is_free(self.app, id));
        let id = match &args.id {
            Some(id) => {
                good_id(id)?;
                id.clone()
            }
            None => self.until("Id", "", |id| good_id(id).map(|()| id.to_owned()))?,
        };
        let is_given = |field: &str| {
            let name = |word: &String| word.split_once('=').is_some_and(|(k, _)| k == field);
            args.fields.iter().any(name)
        };
        let typed = self.until("Host", "", |text| {
            let (_, host, port) = place(text)?;
            check::host(host)?;
            port.map_or(Ok(()), |port| check::port(port).map(drop))?;
            Ok(text.to_owned())
        })?;
        let (mut user, host, port) = place(&typed)?;
        if !typed.contains('@') && !is_given("user") {
            let own = local_user().unwrap_or_default();
            user = self.until("User", &own, |user| {
                check::user(user).map(|()| user.to_owned())
            })?;
        }
        let mut server = Server::new(id, host, user, 22);
        if let Some(port) = port {
            server.set("port", port)?;
        } else if !is_given("port") {
            server.port = self.until("Port", "22", check::port)?;
        }
        let has_password = args.password.ask_password || args.password.password_stdin;
        let mut password = None;
        if !is_given("key") && !has_password {
            let key = self.until("Key file, if not your own keys", "none", |key| {
                Ok(key.to_owned())
            })?;
            if key != "none" {
                server.set("key", &key)?;
            }
            let prompt = "Password, if any";
            let secret = self.app.ask.secret(prompt).ok_or_else(|| self.ended())?;
            password = Some(secret).filter(|s| !s.is_empty());
        }
        change(&mut server, &args.fields, &args.tag, &[])?;
        Ok((server, password))
    }

    /// Asks until `read` takes the answer.
    fn until<T>(&self, prompt: &str, default: &str, read: impl Fn(&str) -> Result<T>) -> Result<T> {
        loop {
            let answer = self.app.ask.line(prompt, default);
            match read(answer.ok_or_else(|| self.ended())?.trim()) {
                Err(e) if e.kind() == Kind::Usage => self.app.screen.problem(&e),
                other => return other,
            }
        }
    }

    fn ended(&self) -> Error {
        match self.app.room.cancel.is_cancelled() {
            true => Error::new(Kind::Cancelled, "interrupted"),
            false => Error::usage("nothing was added: the answers ended"),
        }
    }
}
