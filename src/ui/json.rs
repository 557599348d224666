//! The JSON forms, one object a line. Keys are an interface: they are added to, never renamed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::error::Error;
use crate::fleet::Outcome;
use crate::inventory::Server;
use crate::output::{Output, Stream};
use crate::secret::Redactor;

/// A line of output: the object and its newline.
pub fn line(value: &Value) -> String {
    format!("{value}\n")
}

/// A server as `ls --json` shows it; `meta` is the database's `res`. Never the password.
pub fn server(server: &Server) -> Value {
    json!({
        "id": server.id,
        "host": server.host,
        "user": server.user,
        "port": server.port,
        "description": server.description,
        "tunnel": server.tunnel(),
        "key": server.key(),
        "tags": server.tags,
        "retired": server.is_retired(),
        "meta": server.meta,
    })
}

/// An error: the table that scripts see as `err`.
pub fn error(error: &Error, redactor: &Redactor) -> Value {
    let clean = |text: &str| redactor.clean(text).into_owned();
    let output = error.remote_output();
    let mut object = json!({
        "kind": error.kind().as_str(),
        "message": clean(error.message()),
        "server": error.server_id(),
        "command": error.remote_command().map(clean),
        "code": output.and_then(|o| o.code),
        "stderr": output.map(|o| String::from_utf8_lossy(&o.stderr)),
        "hint": error.hint_text().map(clean),
    });
    if let Some(reason) = error.reason_word() {
        object["reason"] = clean(reason).into();
    }
    if let Some(evidence) = error.evidence_found() {
        object["evidence"] = cleaned(evidence, redactor);
    }
    object
}

/// The same without known secrets.
fn cleaned(value: &Value, redactor: &Redactor) -> Value {
    match value {
        Value::String(text) => redactor.clean(text).into_owned().into(),
        Value::Array(list) => list.iter().map(|v| cleaned(v, redactor)).collect(),
        Value::Object(map) => {
            let pairs = map.iter().map(|(k, v)| (k.clone(), cleaned(v, redactor)));
            Value::Object(pairs.collect())
        }
        other => other.clone(),
    }
}

/// One server's part of an `exec`. The streams are as they came; `stdout_b64` and `stderr_b64`
/// are there when they are not UTF-8.
pub fn exec(outcome: &Outcome<Output>, redactor: &Redactor) -> Value {
    ended(outcome, redactor, true)
}

/// The same where each line has been told by [`said`] already.
pub fn followed(outcome: &Outcome<Output>, redactor: &Redactor) -> Value {
    ended(outcome, redactor, false)
}

/// A line that came from a server, without its end; `line_b64` is there when it is not UTF-8.
pub fn said(server: &str, stream: Stream, line: &[u8]) -> Value {
    let text = String::from_utf8_lossy(line);
    let mut object = json!({"server": server, "stream": stream.as_str(), "line": text});
    if std::str::from_utf8(line).is_err() {
        object["line_b64"] = STANDARD.encode(line).into();
    }
    object
}

fn ended(outcome: &Outcome<Output>, redactor: &Redactor, with_streams: bool) -> Value {
    let nothing = Output::default();
    let failed = outcome.error.as_ref().and_then(Error::remote_output);
    let output = outcome.value.as_ref().or(failed).unwrap_or(&nothing);
    let mut object = Map::new();
    let mut put = |key: &str, value: Value| drop(object.insert(key.to_owned(), value));
    put("server", outcome.server.as_str().into());
    put("status", outcome.status.as_str().into());
    put("code", output.code.into());
    put("signal", output.signal.as_deref().into());
    if with_streams {
        put("stdout", String::from_utf8_lossy(&output.stdout).into());
        put("stderr", String::from_utf8_lossy(&output.stderr).into());
    }
    put("duration", outcome.duration.as_secs_f64().into());
    if with_streams {
        put("truncated", output.truncated.into());
    }
    put(
        "error",
        outcome
            .error
            .as_ref()
            .map_or(Value::Null, |e| error(e, redactor)),
    );
    for (key, bytes) in [
        ("stdout_b64", &output.stdout),
        ("stderr_b64", &output.stderr),
    ] {
        if with_streams && std::str::from_utf8(bytes).is_err() {
            put(key, STANDARD.encode(bytes).into());
        }
    }
    Value::Object(object)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::Status;
    use crate::secret::Secret;
    use std::time::Duration;

    fn outcome(value: Option<Output>, error: Option<Error>) -> Outcome<Output> {
        let status = if error.is_some() {
            Status::Failed
        } else {
            Status::Ok
        };
        let duration = Duration::from_millis(250);
        Outcome {
            server: "a".into(),
            status,
            value,
            error,
            duration,
        }
    }

    #[test]
    fn lines_come_one_by_one() {
        let text = line(&said("a", Stream::Stderr, b"it's \"x\""));
        let expected = r#"{"server":"a","stream":"stderr","line":"it's \"x\""}"#;
        assert_eq!(text, format!("{expected}\n"));
        let odd = said("a", Stream::Stdout, b"\xff");
        assert_eq!(odd["line_b64"], "/w==");
        let output = Output {
            code: Some(0),
            stdout: b"\xff".to_vec(),
            ..Output::default()
        };
        let text = line(&followed(&outcome(Some(output), None), &Redactor::new()));
        let expected =
            r#"{"server":"a","status":"ok","code":0,"signal":null,"duration":0.25,"error":null}"#;
        assert_eq!(text, format!("{expected}\n"));
    }

    #[test]
    fn keys_of_exec_to_the_letter() {
        let output = Output {
            code: Some(0),
            stdout: b"hi\n".to_vec(),
            ..Output::default()
        };
        let text = line(&exec(&outcome(Some(output), None), &Redactor::new()));
        let expected = r#"{"server":"a","status":"ok","code":0,"signal":null,"stdout":"hi\n","stderr":"","duration":0.25,"truncated":false,"error":null}"#;
        assert_eq!(text, format!("{expected}\n"));
    }

    #[test]
    fn a_failure_keeps_its_output_and_hides_secrets() {
        let redactor = Redactor::new();
        redactor.add(&Secret::new("hunter2"));
        let output = Output {
            code: Some(3),
            stderr: vec![b'e', 0xff],
            ..Output::default()
        };
        let failed = Error::exit("login hunter2", output)
            .server("a")
            .hint("not hunter2");
        let value = exec(&outcome(None, Some(failed)), &redactor);
        assert_eq!(value["code"], 3);
        assert_eq!(value["stderr"], "e\u{fffd}");
        assert_eq!(value["stderr_b64"], "Zf8=");
        assert!(value.get("stdout_b64").is_none());
        let expected = json!({"kind": "exit", "message": "command exited with 3", "server": "a",
            "command": "login [redacted]", "code": 3, "stderr": "e\u{fffd}", "hint": "not [redacted]"});
        assert_eq!(value["error"], expected);
    }

    #[test]
    fn keys_of_ls_to_the_letter() {
        let mut row = Server::new("a", "h", "root", 22);
        row.sealed_pass = "sealed".into();
        row.set_meta("tunnel_profile", json!("office"));
        let expected = r#"{"id":"a","host":"h","user":"root","port":22,"description":null,"tunnel":"office","key":null,"tags":[],"retired":false,"meta":{"tunnel_profile":"office"}}"#;
        assert_eq!(server(&row).to_string(), expected);
    }
}
