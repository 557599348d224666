//! Operations as a person reads them: a line for each, its diff when that is asked for, or an object.

use serde_json::{Value, json};

use super::diff::unified;
use super::sanitize::one_line;
use super::{Paint, Screen, json as objects};
use crate::events::{FileDiff, Level, Operation};
use crate::output::Stream;

/// How operations are told.
#[derive(Debug, Clone, Copy, Default)]
pub struct Telling {
    /// `--json`: an object for each, on standard output.
    pub json: bool,
    /// `--diff`: the diffs of files, on standard output.
    pub diff: bool,
}

/// Tells of one operation that has ended. What was right already is only told with `-v`; the error
/// of one that failed comes with its server's outcome.
pub(super) fn tell(screen: &Screen, telling: Telling, server: &str, operation: &Operation) {
    if telling.json {
        // A result that cannot be written is remembered by the screen.
        let _ = screen.result(objects::line(&object(server, operation)).as_bytes());
        return;
    }
    let level = match operation.status.as_str() {
        "ok" => Level::Info,
        "failed" => Level::Info,
        _ => Level::Notice,
    };
    if screen.shows(level) {
        screen.talk(&line(screen, server, operation));
    }
    if let Some(diff) = operation.diff.as_ref().filter(|_| telling.diff) {
        let _ = screen.result(&text(screen, server, diff));
    }
}

/// `web-01: changed file /etc/motd: mode 0755 -> 0700`
fn line(screen: &Screen, server: &str, operation: &Operation) -> String {
    let style = screen.style(Stream::Stderr);
    let (word, paint) = match (operation.status.as_str(), operation.check) {
        ("changed", true) => ("would change", Paint::Notable),
        ("changed", false) => ("changed", Paint::Notable),
        ("ok", _) => ("ok", Paint::Good),
        ("failed", _) => ("failed", Paint::Bad),
        ("unknown", _) => ("unknown", Paint::Bad),
        (_, _) => ("skipped", Paint::Faint),
    };
    let mut line = format!(
        "{}: {} {} {}",
        one_line(server),
        style.paint(paint, word),
        one_line(&operation.op),
        one_line(&operation.target)
    );
    let mut words: Vec<String> = operation.changes.iter().map(|c| one_line(c)).collect();
    words.extend(operation.error.iter().map(|e| one_line(e)));
    if !words.is_empty() {
        line += &format!(": {}", words.join(", "));
    }
    line.trim_end().to_owned()
}

/// The diff with its head. For a file or pipe as it is, so that patch(1) could use it.
fn text(screen: &Screen, server: &str, diff: &FileDiff) -> Vec<u8> {
    let name = format!("{server}:{}", diff.path);
    let head = |mark, there: bool| format!("{mark} {}\n", if there { &name } else { "/dev/null" });
    let (old, new) = (
        head("---", diff.before.is_some()),
        head("+++", diff.after.is_some()),
    );
    let made = body(diff);
    if !screen.is_terminal(Stream::Stdout) {
        let mut bytes = (old + &new).into_bytes();
        match made {
            Ok(diff) => bytes.extend(diff.bytes()),
            Err(why) => bytes.extend_from_slice(format!("{why}\n").as_bytes()),
        }
        return bytes;
    }
    let style = screen.style(Stream::Stdout);
    let strong = |line: &str| style.paint(Paint::Strong, &one_line(line.trim_end())) + "\n";
    let body = match made {
        Ok(diff) => diff.shown("", style),
        Err(why) => format!("{}\n", style.paint(Paint::Faint, why)),
    };
    (strong(&old) + &strong(&new) + &body).into_bytes()
}

/// What differs, or why that is not shown.
fn body(diff: &FileDiff) -> Result<super::diff::Diff, &'static str> {
    if diff.secret {
        return Err("(the content is secret)");
    }
    let [before, after] =
        [&diff.before, &diff.after].map(|side| side.as_deref().unwrap_or_default());
    unified(before, after).ok_or("(too long to be compared)")
}

/// One operation as JSON.
fn object(server: &str, operation: &Operation) -> Value {
    let diff = operation.diff.as_ref().map(|diff| match body(diff) {
        Ok(made) => String::from_utf8_lossy(&made.bytes()).into_owned(),
        Err(why) => why.to_owned(),
    });
    json!({
        "server": server,
        "op": operation.op,
        "target": operation.target,
        "status": operation.status,
        "changes": operation.changes,
        "diff": diff,
        "check": operation.check,
        "duration": operation.duration.as_secs_f64(),
        "error": operation.error,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::cancel::Cancel;
    use crate::secret::Redactor;
    use crate::ui::Look;

    fn screen() -> Screen {
        let look = Look {
            color: Some(false),
            ..Look::default()
        };
        Screen::new(look, Arc::new(Redactor::new()), Cancel::new())
    }

    fn operation(status: &str, check: bool) -> Operation {
        Operation {
            op: "file".into(),
            target: "/etc/mo\ntd".into(),
            status: status.into(),
            changes: vec!["mode 0755 -> 0700".into(), "content \x1b[2J".into()],
            check,
            ..Operation::default()
        }
    }

    #[test]
    fn a_line_says_what_changed_and_nothing_acts() {
        let line = |status, check| line(&screen(), "web", &operation(status, check));
        assert_eq!(
            line("changed", true),
            "web: would change file /etc/mo^Jtd: mode 0755 -> 0700, content ^[[2J"
        );
        assert!(line("changed", false).starts_with("web: changed file "));
        assert!(line("unknown", true).starts_with("web: unknown file "));
    }

    #[test]
    fn diffs_have_a_head_and_secrets_none() {
        let mut diff = FileDiff {
            path: "/f".into(),
            before: None,
            after: Some(b"a\n".to_vec()),
            secret: false,
        };
        let shown = |diff: &FileDiff| String::from_utf8(text(&screen(), "web", diff)).unwrap();
        assert_eq!(
            shown(&diff),
            "--- /dev/null\n+++ web:/f\n@@ -0,0 +1 @@\n+a\n"
        );
        diff.secret = true;
        assert_eq!(
            shown(&diff),
            "--- /dev/null\n+++ web:/f\n(the content is secret)\n"
        );
        let told = Operation {
            diff: Some(diff),
            ..operation("changed", false)
        };
        let object = object("web", &told);
        assert_eq!(object["diff"], "(the content is secret)");
        assert_eq!(object["target"], "/etc/mo\ntd");
    }
}
