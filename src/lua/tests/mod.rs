//! Tests of the VM and its bindings, on servers that never leave the process.

mod complete;
mod errors;
mod fake;
mod fleet;
mod interrupt;
mod repl;
mod run;
mod stage;
mod stubs;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use mlua::Value;

use super::{Loader, Vm};
use crate::cancel::Cancel;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::events::{Nobody, Silent};
use crate::fleet::{Room, RunOptions};
use crate::secret::Redactor;
use fake::Fake;

/// A VM in a room of its own.
pub(super) struct Bench {
    pub(super) vm: Vm,
    pub(super) room: Rc<Room>,
    pub(super) fake: Arc<Fake>,
    pub(super) printed: Rc<RefCell<String>>,
    /// Removed with the bench.
    _dir: tempfile::TempDir,
}

impl Bench {
    pub(super) fn new(options: RunOptions) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let config = Config::at(dir.path()).unwrap();
        let fake = Arc::new(Fake::default());
        let user = config.config_dir().to_owned();
        let room = Room::new(
            config,
            options,
            (Arc::new(Silent), Arc::new(Nobody)),
            (Arc::new(Redactor::new()), Cancel::new()),
            Arc::new(fake.clone()),
        );
        let printed = Rc::new(RefCell::new(String::new()));
        let sink = printed.clone();
        let out = Rc::new(move |text: &str| {
            sink.borrow_mut().push_str(text);
            Ok(())
        });
        let vm = Vm::new(room.clone(), out, Loader::new(user, None)).unwrap();
        Bench {
            vm,
            room,
            fake,
            printed,
            _dir: dir,
        }
    }

    pub(super) async fn exec(&self, text: &str) -> Result<Vec<Value>> {
        self.vm.exec(text.as_bytes(), "@test.lua", &[]).await
    }

    /// The first value of a chunk, as `mr.inspect` shows it.
    pub(super) async fn show(&self, text: &str) -> String {
        let text = format!("return mr.inspect((function() {text}\nend)())");
        let values = self.exec(&text).await.unwrap();
        values[0].as_string().unwrap().to_string_lossy()
    }

    pub(super) async fn fails(&self, text: &str) -> Error {
        match self.exec(text).await {
            Ok(values) => panic!("no error from: {text}\n{values:?}"),
            Err(error) => error,
        }
    }
}

fn bench() -> Bench {
    Bench::new(RunOptions::default())
}
