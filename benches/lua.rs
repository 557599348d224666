//! What the Lua layer costs: one `s:run` on each of many servers whose transport answers at once.
//!
//! Prints microseconds per server and call, connections included; `benches/run` puts it into its
//! table.

use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use machineroom::cancel::Cancel;
use machineroom::config::Config;
use machineroom::error::{Error, Result};
use machineroom::events::{Nobody, Silent};
use machineroom::fleet::{Room, RunOptions};
use machineroom::inventory::Server;
use machineroom::lua::{Loader, Vm};
use machineroom::output::Output;
use machineroom::secret::Redactor;
use machineroom::ssh::{Connector, CopyOptions, Exec, Reply, Target, Transport};

const SERVERS: usize = 100;
const CALLS: usize = 100;

/// Connects at once, and answers at once.
struct Instantly;

impl Connector for Instantly {
    fn connect(&self, _: Target) -> Reply<Arc<dyn Transport>> {
        Box::pin(async { Ok(Arc::new(Instantly) as Arc<dyn Transport>) })
    }
}

impl Transport for Instantly {
    fn exec(&self, _: Exec) -> Reply<Output> {
        let output = Output {
            code: Some(0),
            stdout: b"out\n".to_vec(),
            ..Output::default()
        };
        Box::pin(async { Ok(output) })
    }
    fn read(&self, _: &str, _: u64) -> Reply<Vec<u8>> {
        Box::pin(async { Ok(Vec::new()) })
    }
    fn write(&self, _: &str, _: Vec<u8>, _: Option<u32>) -> Reply<()> {
        Box::pin(async { Ok(()) })
    }
    fn upload(&self, _: PathBuf, _: &str, _: CopyOptions) -> Reply<u64> {
        Box::pin(async { Ok(0) })
    }
    fn download(&self, _: &str, _: PathBuf, _: CopyOptions) -> Reply<u64> {
        Box::pin(async { Ok(0) })
    }
    fn is_alive(&self) -> bool {
        true
    }
    fn close(&self) -> Reply<()> {
        Box::pin(async { Ok(()) })
    }
}

fn main() -> Result<()> {
    let dir = tempfile::tempdir().map_err(|e| Error::local(e.to_string()))?;
    let config = Config::at(dir.path())?;
    let loader = Loader::new(config.config_dir(), None);
    let room = Room::new(
        config,
        RunOptions::default(),
        (Arc::new(Silent), Arc::new(Nobody)),
        (Arc::new(Redactor::new()), Cancel::new()),
        Arc::new(Instantly),
    );
    for i in 0..SERVERS {
        let server = Server::new(format!("s{i:03}"), "192.0.2.1", "me", 22);
        room.store()?.put(&server, None)?;
    }
    let vm = Vm::new(room, Rc::new(|_: &str| Ok(())), loader)?;
    let text = format!(
        "local out = fleet.select 'all':map(function(s)
           for _ = 1, {CALLS} do assert(s:run('x').stdout == 'out\\n') end
         end, {{ forks = 50 }})
         for _, o in ipairs(out) do assert(o.status == 'ok', tostring(o.err)) end
         assert(#out == {SERVERS})"
    );
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    let runtime = runtime.map_err(|e| Error::local(e.to_string()))?;
    let begin = Instant::now();
    runtime.block_on(vm.exec(text.as_bytes(), "@bench.lua", &[]))?;
    let micros = begin.elapsed().as_secs_f64() * 1e6;
    println!("{:.1}", micros / (SERVERS * CALLS) as f64);
    Ok(())
}
