//! A server whose logins have a throw-away home, for what writes below `~`.

use std::fs;
use std::path::PathBuf;

use machineroom::fleet::RunOptions;
use machineroom::inventory::Server;
use serde_json::json;

use super::room::Yard;
use super::sshd::{Sshd, keygen, user};

/// An sshd whose logins have a throw-away home, and the key that cert shall install there. The
/// sshd's own key is the way in before that.
pub struct Place {
    pub sshd: Sshd,
    pub dir: tempfile::TempDir,
}

impl Place {
    /// `keys` is what follows AuthorizedKeysFile; `HOME` in it is the throw-away home.
    pub fn new(keys: &str) -> Option<Place> {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().join("home");
        fs::create_dir(&home).unwrap();
        let home = home.display().to_string();
        let own = dir.path().join("own");
        let sshd = Sshd::start(&format!(
            "SetEnv HOME={home}\nAuthorizedKeysFile {} {}",
            own.display(),
            keys.replace("HOME", &home)
        ))?;
        fs::copy(sshd.path("id.pub"), own).unwrap();
        keygen(
            &dir.path().join("id_new"),
            &["-t", "ed25519", "-N", "", "-C", "me@here"],
        );
        Some(Place { sshd, dir })
    }

    pub fn ssh_dir(&self) -> PathBuf {
        self.dir.path().join("home/.ssh")
    }
    pub fn file(&self) -> PathBuf {
        self.ssh_dir().join("authorized_keys")
    }
    pub fn public(&self) -> PathBuf {
        self.dir.path().join("id_new.pub")
    }
    pub fn line(&self) -> String {
        fs::read_to_string(self.public()).unwrap().trim().to_owned()
    }

    /// A yard whose inventory holds this server alone.
    pub fn yard(&self, run: RunOptions) -> Yard {
        let yard = Yard::real(self.dir.path(), run);
        let row = Server::new("web", "127.0.0.1", user(), self.sshd.port);
        yard.add(row, &json!({"local_cert_path": self.sshd.path("id")}), None);
        yard
    }
}
