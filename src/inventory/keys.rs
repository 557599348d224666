//! [`Keyring`]: the data key of one database, opened at most once and only when it is needed.
//!
//! The wrapped keys are rows of `data_key`; the identity file lies beside the database.

use std::cell::{OnceCell, RefCell};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, params};

use super::rows::now;
use crate::db::Db;
use crate::error::{Error, Kind, Result};
use crate::secret::{DataKey, IdentityFile, RecipientKind, Secret, WrappedKey};

/// Gives the passphrase, or `None` when nobody is there to type it.
pub type AskPassphrase = Box<dyn Fn() -> Result<Option<Secret>>>;

/// What `mroom secrets status` tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretsStatus {
    /// Who can open the secrets: kind and public key (empty for a passphrase).
    pub recipients: Vec<(RecipientKind, String)>,
    /// How many values are sealed.
    pub sealed: usize,
    /// Where the identity file is, or would be.
    pub identity_file: PathBuf,
    /// Whether it is there.
    pub has_identity_file: bool,
}

impl SecretsStatus {
    /// True when only a passphrase opens the secrets.
    pub fn is_locked(&self) -> bool {
        let kinds = || self.recipients.iter().map(|(kind, _)| *kind);
        kinds().any(|k| k == RecipientKind::Passphrase)
            && !kinds().any(|k| k == RecipientKind::Identity)
    }
}

pub(super) struct Keyring {
    identity: IdentityFile,
    /// The key, or why it did not open: a second try would take a second and fail again.
    key: RefCell<OnceCell<Result<DataKey, Refusal>>>,
    ask: RefCell<Option<AskPassphrase>>,
}

struct Refusal(Kind, String, Option<String>);

impl Keyring {
    pub(super) fn beside(database: &Path) -> Self {
        Keyring {
            identity: IdentityFile::beside(database),
            key: RefCell::default(),
            ask: RefCell::default(),
        }
    }

    pub(super) fn ask_with(&self, ask: AskPassphrase) {
        *self.ask.borrow_mut() = Some(ask);
    }

    /// The data key; made when the database has none and nothing is sealed yet.
    pub(super) fn key(&self, db: &Db) -> Result<DataKey> {
        let cell = self.key.borrow();
        let known = cell.get_or_init(|| {
            self.open(db).map_err(|e| {
                let hint = e.hint_text().map(str::to_owned);
                Refusal(e.kind(), e.message().to_owned(), hint)
            })
        });
        match known {
            Ok(key) => Ok(key.clone()),
            Err(Refusal(kind, message, hint)) => {
                let error = Error::new(*kind, message.as_str());
                Err(match hint {
                    Some(hint) => error.hint(hint.as_str()),
                    None => error,
                })
            }
        }
    }

    fn open(&self, db: &Db) -> Result<DataKey> {
        let wrapped = db.read(wrapped_keys)?;
        if wrapped.is_empty() {
            // Under the write lock, where another process may have been first.
            db.write(|conn| match wrapped_keys(conn)?.is_empty() {
                true => make(conn, &self.identity).map(drop),
                false => Ok(()),
            })?;
            return self.unwrap(&db.read(wrapped_keys)?);
        }
        self.unwrap(&wrapped)
    }

    fn unwrap(&self, wrapped: &[WrappedKey]) -> Result<DataKey> {
        let of = |kind| wrapped.iter().find(|w| w.kind == kind);
        if let Some(wrapped) = of(RecipientKind::Identity)
            && let Some(identity) = self.identity.load()?
        {
            return wrapped.open_with_identity(&identity);
        }
        if let Some(wrapped) = of(RecipientKind::Passphrase) {
            let ask = self.ask.borrow();
            let Some(passphrase) = ask.as_ref().map_or(Ok(None), |ask| ask())? else {
                return Err(Error::new(
                    Kind::Locked,
                    "the stored secrets are locked with a passphrase",
                )
                .hint("set MROOM_PASSPHRASE or MROOM_PASSPHRASE_FILE, or run on a terminal"));
            };
            return wrapped.open_with_passphrase(&passphrase);
        }
        let file = self.identity.path().display();
        Err(Error::new(
            Kind::Locked,
            format!("the identity file `{file}` is missing: the stored secrets do not open"),
        )
        .hint("put it back from a backup; nothing was changed"))
    }

    pub(super) fn status(&self, db: &Db) -> Result<SecretsStatus> {
        db.read(|conn| {
            let recipients = wrapped_keys(conn)?;
            Ok(SecretsStatus {
                recipients: recipients
                    .into_iter()
                    .map(|w| (w.kind, w.recipient))
                    .collect(),
                sealed: sealed(conn)?,
                identity_file: self.identity.path().to_owned(),
                has_identity_file: self.identity.path().exists(),
            })
        })
    }

    /// Wraps for a passphrase alone, proves that it opens, then removes the identity file. On
    /// secrets that are locked already this changes the passphrase.
    pub(super) fn lock(&self, db: &Db, passphrase: &Secret) -> Result<()> {
        let wrapped = WrappedKey::for_passphrase(&self.key(db)?, passphrase)?;
        db.write(|conn| replace(conn, &wrapped))?;
        // The old wrapped key must be gone from the log before the file that opens it is.
        db.checkpoint()?;
        self.identity.remove()
    }

    /// Back from a passphrase to an identity file.
    pub(super) fn unlock(&self, db: &Db, passphrase: &Secret) -> Result<()> {
        let wrapped = db.read(wrapped_keys)?;
        let locked = wrapped.iter().find(|w| w.kind == RecipientKind::Passphrase);
        let Some(locked) = locked else {
            return Err(Error::usage("the secrets are not locked"));
        };
        let key = locked.open_with_passphrase(passphrase)?;
        let identity = self.identity.load_or_make()?;
        let wrapped = WrappedKey::for_identity(&key, &identity)?;
        db.write(|conn| replace(conn, &wrapped))?;
        db.checkpoint()?;
        self.key.replace(OnceCell::from(Ok(key)));
        Ok(())
    }
}

/// Makes the data key and wraps it for the identity file, which is made too when it is missing.
pub(super) fn make(conn: &Connection, identity: &IdentityFile) -> Result<DataKey> {
    if sealed(conn)? > 0 {
        return Err(
            Error::local("the database holds sealed secrets, but no key that opens them")
                .hint("put the database back from a backup; nothing was changed"),
        );
    }
    let key = DataKey::generate()?;
    let wrapped = WrappedKey::for_identity(&key, &identity.load_or_make()?)?;
    replace(conn, &wrapped)?;
    Ok(key)
}

/// Makes `wrapped` the only one of identity and passphrase; other kinds of recipients stay.
fn replace(conn: &Connection, wrapped: &WrappedKey) -> Result<()> {
    conn.execute(
        "DELETE FROM data_key WHERE kind IN ('identity', 'passphrase')",
        [],
    )?;
    conn.execute(
        "INSERT INTO data_key (kind, recipient, wrapped, created_at) VALUES (?, ?, ?, ?)",
        params![
            wrapped.kind.as_str(),
            wrapped.recipient,
            wrapped.blob,
            now()
        ],
    )?;
    Ok(())
}

fn wrapped_keys(conn: &Connection) -> Result<Vec<WrappedKey>> {
    let mut query = conn.prepare_cached("SELECT kind, recipient, wrapped FROM data_key")?;
    let mut rows = query.query([])?;
    let mut keys = Vec::new();
    while let Some(row) = rows.next()? {
        // A kind of recipient that this version does not know is somebody else's way in.
        if let Some(kind) = RecipientKind::from_word(&row.get::<_, String>(0)?) {
            keys.push(WrappedKey {
                kind,
                recipient: row.get(1)?,
                blob: row.get(2)?,
            });
        }
    }
    Ok(keys)
}

fn sealed(conn: &Connection) -> Result<usize> {
    let sql = "SELECT (SELECT count(*) FROM server_room WHERE pass <> '')
                    + (SELECT count(*) FROM tunnel WHERE pass <> '')
                    + (SELECT count(*) FROM tunnel_field WHERE is_sealed)
                    + (SELECT count(*) FROM sudo_password)";
    let count: i64 = conn.query_row(sql, [], |row| row.get(0))?;
    Ok(usize::try_from(count).unwrap_or_default())
}
