//! What `%h` and its like stand for in values. Pure but for the environment's variables.

use super::{Local, Values};

/// `HostName` with `%h` as the name that was typed, and `%%` as `%`.
pub(super) fn host_name(text: &str, host: &str) -> String {
    let known = |c: char| match c {
        'h' => Some(host.to_owned()),
        _ => None,
    };
    // ssh would stop at any other token; as a host name it is refused later.
    expand(text, known).unwrap_or_else(|_| text.to_owned())
}

/// A path with tokens and `${VAR}` put in; a leading `~` stays.
///
/// # Errors
/// The token or variable that is not known here.
pub(super) fn path(
    text: &str,
    host: &str,
    values: &Values,
    local: &Local,
) -> Result<String, String> {
    let or = |given: &super::Given, default: &str| {
        given
            .as_ref()
            .map_or_else(|| default.to_owned(), |(_, value)| value.clone())
    };
    let known = |c: char| {
        Some(match c {
            'd' => local.home.display().to_string(),
            'h' => or(&values.host_name, host),
            'i' => rustix::process::getuid().as_raw().to_string(),
            'n' => host.to_owned(),
            'p' => or(&values.port, "22"),
            'r' => or(&values.user, &local.user),
            'u' => local.user.clone(),
            _ => return None,
        })
    };
    variables(&expand(text, known)?)
}

fn expand(text: &str, known: impl Fn(char) -> Option<String>) -> Result<String, String> {
    let mut expanded = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            expanded.push(c);
            continue;
        }
        match chars.next() {
            Some('%') => expanded.push('%'),
            Some(token) => match known(token) {
                Some(value) => expanded.push_str(&value),
                None => return Err(format!("%{token}")),
            },
            None => return Err("%".to_owned()),
        }
    }
    Ok(expanded)
}

fn variables(text: &str) -> Result<String, String> {
    let (mut expanded, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once("${") {
        let (name, after) = after.split_once('}').ok_or("${")?;
        let value = std::env::var(name).map_err(|_| format!("${{{name}}}"))?;
        expanded.extend([before, &value]);
        rest = after;
    }
    expanded.push_str(rest);
    Ok(expanded)
}
