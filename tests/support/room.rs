//! A room with a Lua VM, an inventory of its own and any connector: what stages run in.

use std::path::Path;
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use machineroom::cancel::Cancel;
use machineroom::config::Config;
use machineroom::error::Result;
use machineroom::events::{Events, Level, Nobody};
use machineroom::fleet::{Outcome, Room, RunOptions};
use machineroom::inventory::Server;
use machineroom::lua::{Loader, StageResult, Vm};
use machineroom::secret::{Redactor, Secret};
use machineroom::ssh::{Connector, Ssh};
use serde_json::{Value as Json, json};

use super::sshd::options;

/// Keeps every note that a person would read.
#[derive(Default)]
pub struct Notes(pub Mutex<Vec<String>>);

impl Events for Notes {
    fn note(&self, level: Level, server: Option<&str>, message: &str) {
        let line = format!("{level:?} {}: {message}", server.unwrap_or("-"));
        self.0.lock().unwrap().push(line);
    }
}

/// Room and VM; everything they keep is in `dir`.
pub struct Yard {
    pub vm: Vm,
    pub room: Rc<Room>,
    pub notes: Arc<Notes>,
    pub printed: Rc<std::cell::RefCell<String>>,
}

impl Yard {
    /// Over the given connector. Several yards may share one `dir`, one after the other.
    pub fn new(dir: &Path, run: RunOptions, connector: Arc<dyn Connector>) -> Yard {
        let config = Config::at(dir).unwrap();
        let loader = Loader::new(config.config_dir(), None);
        let notes = Arc::new(Notes::default());
        let room = Room::new(
            config,
            run,
            (notes.clone(), Arc::new(Nobody)),
            (Arc::new(Redactor::new()), Cancel::new()),
            connector,
        );
        let printed = Rc::new(std::cell::RefCell::new(String::new()));
        let sink = printed.clone();
        let out = Rc::new(move |text: &str| {
            sink.borrow_mut().push_str(text);
            Ok(())
        });
        let vm = Vm::new(room.clone(), out, loader).unwrap();
        Yard {
            vm,
            room,
            notes,
            printed,
        }
    }

    /// Over real SSH, with a known_hosts of its own.
    pub fn real(dir: &Path, run: RunOptions) -> Yard {
        let connector = Ssh::new(options(dir.join("known_hosts")));
        Yard::new(dir, run, Arc::new(connector))
    }

    /// Puts a server into the inventory; `meta` is an object.
    pub fn add(&self, mut server: Server, meta: &Json, password: Option<&str>) {
        server.meta = meta.as_object().cloned().unwrap_or_default();
        let password = password.map(Secret::new);
        let store = self.room.store().unwrap();
        store.put(&server, password.as_ref()).unwrap();
    }

    /// The metadata of a server.
    pub fn meta(&self, id: &str) -> Json {
        let server = self.room.store().unwrap().get(id).unwrap();
        Json::Object(server.unwrap().meta)
    }

    /// Brings every server through stages; `options` is `{STAGE: {KEY: value}}`.
    pub async fn stage(&self, names: &[&str], options: Json) -> Result<Vec<Outcome<StageResult>>> {
        let names: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
        let options = options.as_object().cloned().unwrap_or_default();
        let servers = self.room.select("all")?;
        self.vm.stage(&names, &options, servers, |_| {}).await
    }

    /// The stage cert with this public key, on the only server: its status, and its error.
    pub async fn cert(&self, key: &Path) -> (String, String) {
        let options = json!({"cert": {"key": key}});
        let outcomes = self.stage(&["cert"], options).await.unwrap();
        let error = outcomes[0].error.as_ref();
        let told = |e: &machineroom::error::Error| {
            let stderr = e
                .remote_output()
                .map(|o| String::from_utf8_lossy(&o.stderr));
            format!(
                "{e}\n{}\n{}",
                e.hint_text().unwrap_or_default(),
                stderr.unwrap_or_default()
            )
        };
        let status = outcomes[0].status.as_str().to_owned();
        (status, error.map(told).unwrap_or_default())
    }
}
