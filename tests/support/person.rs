//! A person who answers, and what a test asks of a connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::executor::block_on;
use machineroom::error::Error;
use machineroom::events::{HostKeyQuestion, Interact};
use machineroom::secret::Secret;
use machineroom::ssh::{Exec, Options, Target, Transport};

use super::sshd::open;

/// The connection runs commands.
pub fn works(web: &Arc<dyn Transport>) {
    assert_eq!(
        block_on(web.exec(Exec::new("echo hi"))).unwrap().stdout,
        b"hi\n"
    );
}

/// The connection must fail; gives how.
pub fn fails(options: Options, target: Target) -> Error {
    open(options, target).err().expect("connected")
}

/// Says yes, and knows one secret.
pub struct Person {
    secret: &'static str,
    /// How often anything was asked.
    pub asked: AtomicUsize,
}

impl Person {
    /// Knows `secret`.
    pub fn with(secret: &'static str) -> Arc<Person> {
        Arc::new(Person {
            secret,
            asked: AtomicUsize::new(0),
        })
    }
}

impl Interact for Person {
    fn accept_host_key(&self, question: &HostKeyQuestion) -> bool {
        assert!(question.fingerprint.starts_with("SHA256:") && question.name.starts_with('['));
        self.asked.fetch_add(1, Ordering::SeqCst);
        // Longer than the time-out: thinking does not count.
        std::thread::sleep(Duration::from_millis(1500));
        true
    }
    fn secret(&self, _prompt: &str) -> Option<Secret> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        Some(Secret::new(self.secret))
    }
}
