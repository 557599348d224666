//! What was found, as JSON: what `--json` prints and what Lua gets.

use serde_json::{Map, Value, json};

use super::compare::Row;
use super::{Found, Open, Tls, top};

impl Found {
    /// An object; times in seconds, what is not known left out.
    pub fn json(&self) -> Map<String, Value> {
        let mut map = Map::new();
        let open: Vec<Value> = self.open.iter().map(open).collect();
        map.insert("address".to_owned(), json!(self.address.to_string()));
        map.insert("open".to_owned(), json!(open));
        map.insert("closed".to_owned(), json!(self.closed));
        map.insert("filtered".to_owned(), json!(self.filtered));
        map.insert("is_silent".to_owned(), json!(self.is_silent()));
        if self.unknown > 0 {
            map.insert("unknown".to_owned(), json!(self.unknown));
        }
        if let Some(time) = self.round_trip {
            map.insert("round_trip".to_owned(), json!(time.as_secs_f64()));
        }
        map.insert("duration".to_owned(), json!(self.duration.as_secs_f64()));
        map
    }
}

fn open(open: &Open) -> Value {
    let mut map = Map::new();
    map.insert("port".to_owned(), json!(open.port));
    let texts = [
        ("name", top::name(open.port)),
        ("banner", open.banner.as_deref()),
    ];
    for (key, text) in texts {
        if let Some(text) = text {
            map.insert(key.to_owned(), json!(text));
        }
    }
    if let Some(tls) = &open.tls {
        map.insert("tls".to_owned(), certificate(tls));
    }
    Value::Object(map)
}

fn certificate(tls: &Tls) -> Value {
    let mut map = Map::new();
    let texts = [
        ("version", &tls.version),
        ("subject", &tls.subject),
        ("issuer", &tls.issuer),
    ];
    for (key, text) in texts {
        if let Some(text) = text {
            map.insert(key.to_owned(), json!(text));
        }
    }
    map.insert("names".to_owned(), json!(tls.names));
    if let Some(time) = tls.not_after {
        map.insert("not_after".to_owned(), json!(time));
    }
    Value::Object(map)
}

/// What is remarkable, an object each.
pub fn remarks(rows: &[Row]) -> Value {
    let each = rows.iter().flat_map(|row| {
        let one = |remark: &super::compare::Remark| {
            json!({ "port": row.port, "remark": remark.as_str() })
        };
        row.remarks.iter().map(one)
    });
    Value::Array(each.collect())
}
