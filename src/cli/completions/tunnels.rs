//! What fits where a type of tunnel or a field of a profile is typed.

use super::values::{Candidate, candidate, plain};
use crate::inventory::{FIELDS, Names, TunnelKind};

/// The types that can be made.
pub(super) fn kinds() -> Vec<Candidate> {
    plain(TunnelKind::usable().map(|kind| kind.as_str().to_owned()))
}

/// `key=` of the type that the line names, or of the profile's; behind that, the values of some.
pub(super) fn fields(names: &Names, words: &[String], word: &str) -> Vec<Candidate> {
    let kinds = words.iter().filter_map(|word| {
        let stored = || names.tunnel_kind(word);
        TunnelKind::from_word(word).or_else(|| TunnelKind::from_word(&stored()?))
    });
    let kind = kinds.last();
    let fields = FIELDS
        .iter()
        .filter(|field| kind.is_none_or(|kind| field.kinds.contains(&kind)));
    let Some((key, _)) = word.split_once('=') else {
        let keys = fields.map(|f| candidate(format!("{}=", f.key), f.help));
        let mut list: Vec<Candidate> = keys.collect();
        list.dedup_by(|a, b| a.value == b.value);
        return list;
    };
    let values = match key {
        "needs" => names.tunnels(),
        "isolate" => ["true", "false"].map(str::to_owned).to_vec(),
        _ => Vec::new(),
    };
    plain(values.into_iter().map(|v| format!("{key}={v}")))
}
