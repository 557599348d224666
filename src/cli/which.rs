//! `mroom which`: where a Lua module comes from.

use serde_json::json;

use super::{App, vm};
use crate::config::nearest;
use crate::error::{Error, Result};
use crate::lua::Loader;
use crate::ui::json;

/// Show where a stage, workflow or module is looked for, and which file wins.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mroom which stages.env")]
pub struct Args {
    /// Its name: `stages.env`, `workflows.bringup`, `mr.text`.
    #[arg(value_name = "MODULE")]
    module: String,
}

/// Prints the candidates, the winner marked.
pub fn run(app: &App, args: &Args) -> Result<u8> {
    let loader = vm::loader(app)?;
    let candidates = loader.candidates(&args.module)?;
    let winner = candidates.iter().position(|c| c.text.is_some());
    for (i, candidate) in candidates.iter().enumerate() {
        let (origin, place) = (candidate.origin.as_str(), &candidate.place);
        let (found, wins) = (candidate.text.is_some(), winner == Some(i));
        let line = match app.json {
            true => json::line(&json!({
                "origin": origin, "place": place, "found": found, "wins": wins,
            })),
            false => {
                let mark = if wins { "->" } else { "  " };
                let state = if found { "" } else { "  (not there)" };
                format!("{mark} {origin:<8} {place}{state}\n")
            }
        };
        app.screen.result(line.as_bytes())?;
    }
    match winner {
        Some(_) => Ok(0),
        None => Err(missing(&loader, &args.module)),
    }
}

fn missing(loader: &Loader, module: &str) -> Error {
    let of = |family: &'static str| {
        let names = loader.list(family).into_iter();
        names.map(move |name| format!("{family}.{name}"))
    };
    let known: Vec<String> = of("stages").chain(of("workflows")).collect();
    let error = Error::usage(format!("there is no `{module}`"));
    match nearest(module, known.iter().map(String::as_str)) {
        Some(near) => error.hint(format!("did you mean `{near}`?")),
        None => error.hint(format!("there are {}", known.join(", "))),
    }
}
