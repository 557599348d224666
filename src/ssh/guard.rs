//! Check mode, enforced where nobody can forget it: a transport that lets only readers pass.

use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;

use super::transport::{Attach, CopyOptions, Effect, Exec, Reply, Transport};
use crate::error::Error;
use crate::output::Output;

/// Passes on what only reads; refuses every writing verb before it reaches the server.
pub struct CheckMode(pub Arc<dyn Transport>);

fn refuse<T: Send + 'static>(what: String) -> Reply<T> {
    let error = Error::usage(format!("check mode: {what} would change the server"));
    Box::pin(std::future::ready(Err(error)))
}

impl Transport for CheckMode {
    fn exec(&self, request: Exec) -> Reply<Output> {
        match request.effect {
            Effect::Read => self.0.exec(request),
            Effect::Write => refuse(format!("`{}`", request.command)),
        }
    }

    fn read(&self, path: &str, limit: u64) -> Reply<Vec<u8>> {
        self.0.read(path, limit)
    }

    fn write(&self, path: &str, _content: Vec<u8>, _mode: Option<u32>) -> Reply<()> {
        refuse(format!("writing `{path}`"))
    }

    fn upload(&self, _from: PathBuf, to: &str, _options: CopyOptions) -> Reply<u64> {
        refuse(format!("uploading to `{to}`"))
    }

    fn download(&self, from: &str, to: PathBuf, options: CopyOptions) -> Reply<u64> {
        self.0.download(from, to, options)
    }

    fn attach(&self, request: Attach) -> Reply<Output> {
        refuse(match &request.command {
            Some(command) => format!("`{command}`"),
            None => "a shell".to_owned(),
        })
    }

    fn dial(&self, host: &str, port: u16) -> Reply<OwnedFd> {
        self.0.dial(host, port)
    }

    fn is_alive(&self) -> bool {
        self.0.is_alive()
    }

    fn close(&self) -> Reply<()> {
        self.0.close()
    }
}

#[cfg(test)]
mod tests {
    use super::super::fake::Fake;
    use super::*;
    use crate::error::Kind;
    use futures::executor::block_on;

    #[test]
    fn readers_pass_and_no_writer_arrives() {
        let fake = Fake::new();
        fake.on("uptime", "up\n");
        fake.put("/etc/hostname", "web\n", 0o644);
        let web = CheckMode(Arc::new(fake.clone()));
        assert_eq!(
            block_on(web.exec(Exec::reader("uptime"))).unwrap().stdout,
            b"up\n"
        );
        assert_eq!(block_on(web.read("/etc/hostname", 100)).unwrap(), b"web\n");
        let calls = fake.calls().len();
        for error in [
            block_on(web.exec(Exec::new("uptime"))).unwrap_err(),
            block_on(web.write("/etc/hostname", vec![], None)).unwrap_err(),
            block_on(web.upload("x".into(), "/x", CopyOptions::default())).unwrap_err(),
        ] {
            assert_eq!(error.kind(), Kind::Usage);
            assert!(error.message().starts_with("check mode: "), "{error}");
        }
        assert_eq!(fake.calls().len(), calls, "a writing verb got through");
    }
}
