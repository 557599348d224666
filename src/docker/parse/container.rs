//! Containers as plain records: those of `docker inspect`, `docker stats` and `docker compose ps`.

use std::collections::HashMap;

use serde_json::Value;

use super::{Record, all, garbled, lines, list, number, seconds, size, table, text, texts};
use crate::error::Result;
use crate::quote;

/// What [`crate::docker::container::ps`] and [`crate::docker::container::one`] print: lines with an id and a status,
/// an empty line, and the containers as `docker inspect` tells of them.
///
/// # Errors
/// [`crate::error::Kind::Docker`] for what is no such answer.
pub fn containers(stdout: &[u8]) -> Result<Vec<Value>> {
    const WHAT: &str = "containers";
    let text = String::from_utf8_lossy(stdout);
    let (rows, rest) = match text.strip_prefix('\n') {
        Some(rest) => ("", rest),
        None => text.split_once("\n\n").ok_or_else(|| garbled(WHAT))?,
    };
    if rest.trim().is_empty() {
        return Ok(Vec::new());
    }
    let status: HashMap<&str, &str> = rows.lines().filter_map(|l| l.split_once(' ')).collect();
    let all = all(WHAT, rest.as_bytes())?;
    Ok(all.iter().map(|one| container(one, &status)).collect())
}

fn container(one: &Value, status: &HashMap<&str, &str>) -> Value {
    let id = text(one, "/Id").unwrap_or_default();
    let state = text(one, "/State/Status");
    let words: Vec<String> = std::iter::once(text(one, "/Path").unwrap_or_default().to_owned())
        .chain(
            list(one, "/Args")
                .filter_map(Value::as_str)
                .map(str::to_owned),
        )
        .collect();
    let health = text(one, "/State/Health/Status").filter(|h| *h != "none");
    let is_over = matches!(state, Some("exited" | "dead"));
    let mut record = Record::default();
    record
        .set("id", id)
        .set(
            "name",
            text(one, "/Name").map(|n| n.trim_start_matches('/')),
        )
        .set("image", text(one, "/Config/Image"))
        .set("image_id", text(one, "/Image"))
        .set("command", quote::words(&words).ok())
        .set("state", state)
        .set("status", status.get(id).copied().or(state))
        .set("health", health)
        .set("created", seconds(one, "/Created"))
        .set("started", seconds(one, "/State/StartedAt"))
        .set(
            "finished",
            seconds(one, "/State/FinishedAt").filter(|_| is_over),
        )
        .set(
            "exit_code",
            number(one, "/State/ExitCode").filter(|_| is_over),
        )
        .set("error", text(one, "/State/Error"))
        .set(
            "is_oom_killed",
            one.pointer("/State/OOMKilled").and_then(Value::as_bool),
        )
        .set("restarts", number(one, "/RestartCount"))
        .set("restart", text(one, "/HostConfig/RestartPolicy/Name"))
        .set("ports", ports(one))
        .set("labels", texts(one, "/Config/Labels"))
        .set("networks", networks_of(one))
        .set("mounts", mounts(one));
    record.done()
}

/// Ports that are open to somebody: published ones with an address, exposed ones without.
fn ports(one: &Value) -> Value {
    let mut ports = Vec::new();
    for (name, bindings) in table(one, "/NetworkSettings/Ports") {
        let (port, protocol) = name.split_once('/').unwrap_or((name, "tcp"));
        let Ok(port) = port.parse::<u16>() else {
            continue;
        };
        let mut record = Record::default();
        record.set("port", port).set("protocol", protocol);
        let bindings: Vec<&Value> = list(bindings, "").collect();
        if bindings.is_empty() {
            ports.push(record.done());
        }
        for binding in bindings {
            let host = text(binding, "/HostPort").and_then(|p| p.parse::<u16>().ok());
            let mut record = Record::default();
            record
                .set("host_ip", text(binding, "/HostIp"))
                .set("host_port", host)
                .set("port", port)
                .set("protocol", protocol);
            ports.push(record.done());
        }
    }
    Value::Array(ports)
}

fn networks_of(one: &Value) -> Value {
    let network = |(name, network): (&String, &Value)| {
        let aliases: Vec<&str> = list(network, "/Aliases")
            .filter_map(Value::as_str)
            .collect();
        let mut record = Record::default();
        record
            .set("ip", text(network, "/IPAddress"))
            .set("aliases", aliases);
        (name.clone(), record.done())
    };
    Value::Object(
        table(one, "/NetworkSettings/Networks")
            .map(network)
            .collect(),
    )
}

fn mounts(one: &Value) -> Value {
    let mount = |mount: &Value| {
        let mut record = Record::default();
        record
            .set("type", text(mount, "/Type"))
            .set("name", text(mount, "/Name"))
            .set("source", text(mount, "/Source"))
            .set("target", text(mount, "/Destination"))
            .set(
                "is_read_only",
                mount.pointer("/RW").and_then(Value::as_bool).map(|rw| !rw),
            );
        record.done()
    };
    list(one, "/Mounts").map(mount).collect()
}

/// What `docker stats` prints: texts for people, made numbers again.
pub fn stats(stdout: &[u8]) -> Vec<Value> {
    let percent = |one: &Value, path: &str| {
        let number: f64 = text(one, path)?.trim_end_matches('%').parse().ok()?;
        number.is_finite().then_some(number)
    };
    let pair = |one: &Value, path: &str| {
        let (a, b) = text(one, path)?.split_once(" / ")?;
        Some((size(a), size(b)))
    };
    let container = |one: &Value| {
        let (memory, limit) = pair(one, "/MemUsage").unwrap_or_default();
        let (net_in, net_out) = pair(one, "/NetIO").unwrap_or_default();
        let (block_in, block_out) = pair(one, "/BlockIO").unwrap_or_default();
        let mut record = Record::default();
        record
            .set("id", text(one, "/ID"))
            .set("name", text(one, "/Name"))
            .set("cpu", percent(one, "/CPUPerc"))
            .set("memory", memory)
            .set("memory_limit", limit)
            .set("memory_percent", percent(one, "/MemPerc"))
            .set("net_in", net_in)
            .set("net_out", net_out)
            .set("block_in", block_in)
            .set("block_out", block_out)
            .set(
                "pids",
                text(one, "/PIDs").and_then(|n| n.parse::<u32>().ok()),
            );
        record.done()
    };
    lines(stdout).iter().map(container).collect()
}

/// What `docker compose ps --format json` prints: a list in the releases before 2.21, a line for
/// each container since.
///
/// # Errors
/// [`crate::error::Kind::Docker`] for what is no such answer.
pub fn compose_ps(stdout: &[u8]) -> Result<Vec<Value>> {
    let trimmed = stdout.trim_ascii();
    let all = match trimmed.first() {
        None => Vec::new(),
        Some(b'[') => all("a project", trimmed)?,
        Some(_) => lines(trimmed),
    };
    if all.is_empty() && !trimmed.is_empty() && trimmed != b"[]" {
        return Err(garbled("a project"));
    }
    let port = |one: &Value| {
        let mut record = Record::default();
        record
            .set("host_ip", text(one, "/URL"))
            .set(
                "host_port",
                number(one, "/PublishedPort").filter(|p| *p > 0),
            )
            .set("port", number(one, "/TargetPort"))
            .set("protocol", text(one, "/Protocol"));
        record.done()
    };
    let container = |one: &Value| {
        let state = text(one, "/State");
        let is_over = matches!(state, Some("exited" | "dead"));
        let mut record = Record::default();
        record
            .set("id", text(one, "/ID"))
            .set("name", text(one, "/Name"))
            .set("service", text(one, "/Service"))
            .set("image", text(one, "/Image"))
            .set("state", state)
            .set("status", text(one, "/Status"))
            .set("health", text(one, "/Health"))
            .set("exit_code", number(one, "/ExitCode").filter(|_| is_over))
            .set(
                "ports",
                list(one, "/Publishers").map(port).collect::<Vec<Value>>(),
            );
        record.done()
    };
    Ok(all.iter().map(container).collect())
}
