//! `mroom version`: this program, and with `-v` what it is made of and works on.

use serde_json::json;

use super::App;
use crate::error::Result;
use crate::{db, lua, ssh};

/// Print the version; with `-v` those of what is built in, and the database.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mroom version
  mroom version -v")]
pub struct Args {}

/// Prints it.
pub fn run(app: &App, _: &Args) -> Result<u8> {
    let version = env!("CARGO_PKG_VERSION");
    let (sqlite, lua, libssh2) = (
        db::sqlite_version(),
        lua::version()?,
        ssh::libssh2_version(),
    );
    let (database, schema) = (app.room.config.database(), db::SCHEMA_VERSION);
    let text = match (app.json, app.screen.verbose()) {
        (true, _) => crate::ui::json::line(&json!({
            "version": version, "sqlite": sqlite, "lua": lua, "libssh2": libssh2,
            "database": database.display().to_string(), "schema": schema,
        })),
        (false, 0) => format!("mroom {version}\n"),
        (false, _) => format!(
            "mroom {version}\nsqlite {sqlite}\nlua {lua}\nlibssh2 {libssh2}\n\
             database {} (schema {schema})\n",
            database.display(),
        ),
    };
    app.screen.result(text.as_bytes())?;
    Ok(0)
}
