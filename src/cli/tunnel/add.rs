//! `mroom tunnel add`: a new profile.

use super::super::App;
use super::super::fields::Password;
use super::words::{self, Stdin};
use crate::config::nearest;
use crate::error::{Error, Result};
use crate::events::Level;
use crate::inventory::{Tunnel, TunnelKind};

/// Add a profile.
///
/// Secrets are asked for (`psk` alone) or read from a file (`psk=@FILE`) or standard input
/// (`psk=-`); they are not typed here. Files such as a wg-quick or an .ovpn file are read now and kept.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:
  mroom tunnel add office IKEv2 vpn.example.org --user ann --ask-password
  mroom tunnel add lab WireGuard config=wg0.conf
  mroom tunnel add gate SSH bastion")]
pub struct Args {
    /// What it will be called.
    #[arg(value_name = "NEW-NAME")]
    pub name: String,
    /// Its type: IKEv2, WireGuard, OpenVPN, L2TP/IPsec, Cisco/IPsec, PPTP, SSH.
    #[arg(value_name = "TYPE")]
    pub kind: String,
    /// Its server: `host`, `host:port`; of SSH also an id. Without it, the one that `config` names.
    #[arg(value_name = "SERVER")]
    pub server: Option<String>,
    /// Fields: `mroom help tunnels` lists them.
    #[arg(value_name = "FIELD=VALUE")]
    pub fields: Vec<String>,
    /// The login name.
    #[arg(long, value_name = "USER")]
    pub user: Option<String>,
    #[command(flatten)]
    pub password: Password,
}

/// Adds it.
pub fn run(app: &App, args: &Args) -> Result<u8> {
    let args = &args.sorted();
    let store = app.room.store()?;
    if store.tunnel_outline(&args.name)?.is_some() {
        let name = crate::quote::typed(&args.name);
        let error = Error::usage(format!("there is a tunnel profile `{}` already", args.name));
        return Err(error.hint(format!("`mroom tunnel set {name} FIELD=VALUE` changes it")));
    }
    let kind = kind(&args.kind)?;
    kind.check_usable()?;
    let mut tunnel = Tunnel::new(&args.name, kind, args.server.clone().unwrap_or_default());
    tunnel.user = args.user.clone().unwrap_or_default();
    let mut stdin = Stdin::new(args.password.password_stdin);
    words::apply(app, &mut tunnel, &args.fields, &mut stdin)?;
    if let Some(password) = args.password.read(app)? {
        tunnel.password = password;
    }
    if tunnel.server.is_empty() {
        let hint =
            "`mroom tunnel add NAME TYPE SERVER`; WireGuard and OpenVPN take it from `config=FILE`";
        return Err(Error::usage("no server").hint(hint));
    }
    store.put_tunnel(&tunnel)?;
    let message = format!("added the tunnel profile {}", tunnel.name);
    app.screen.note(Level::Notice, None, &message);
    super::tell_lacks(app, &tunnel);
    Ok(0)
}

impl Args {
    /// A word such as `config=FILE` is no server: it stands where one would when that is missing.
    fn sorted(&self) -> Args {
        let mut args = self.clone();
        if let Some(field) = args.server.take_if(|word| word.contains('=')) {
            args.fields.insert(0, field);
        }
        args
    }
}

/// The type that a word means.
fn kind(word: &str) -> Result<TunnelKind> {
    TunnelKind::from_word(word).ok_or_else(|| {
        let known: Vec<&str> = TunnelKind::usable().map(TunnelKind::as_str).collect();
        let error = Error::usage(format!("there is no tunnel type `{word}`"));
        let all = known.join(", ");
        let lower: Vec<String> = known.iter().map(|k| k.to_lowercase()).collect();
        let near = nearest(&word.to_lowercase(), lower.iter().map(String::as_str));
        match near.and_then(TunnelKind::from_word) {
            Some(near) => {
                let near = near.as_str();
                error.hint(format!("did you mean `{near}`? The types: {all}"))
            }
            None => error.hint(format!("the types: {all}")),
        }
    })
}
