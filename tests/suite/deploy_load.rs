//! A client asks two hundred times a second while versions follow each other: none of its questions
//! is left without a right answer.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::support::apps::Apps;

/// Set for the process that is the client: the file that ends it when it is there.
const CLIENT: &str = "MROOM_TEST_CLIENT";
/// Set for it as well: the port that it asks.
const PORT: &str = "MROOM_TEST_CLIENT_PORT";
/// Half of the questions have a connection each, half share one.
const THREADS: u32 = 8;
const PAUSE: Duration = Duration::from_millis(5 * THREADS as u64);

/// The answer to one question: its body, when it was a good one.
fn ask(stream: &mut BufReader<TcpStream>, keep: bool) -> std::io::Result<String> {
    let end = if keep { "keep-alive" } else { "close" };
    let text = format!("GET /version HTTP/1.1\r\nHost: shop\r\nConnection: {end}\r\n\r\n");
    stream.get_mut().write_all(text.as_bytes())?;
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        if line.trim_end().is_empty() {
            break;
        }
        head.push(line.to_lowercase());
    }
    if !head[0].contains(" 200 ") {
        return Err(std::io::Error::other(head[0].clone()));
    }
    let length = head
        .iter()
        .find_map(|line| line.strip_prefix("content-length: ")?.trim().parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body)?;
    if keep
        && head
            .iter()
            .any(|line| line.starts_with("connection: close"))
    {
        *stream = connect()?;
    }
    Ok(String::from_utf8_lossy(&body).trim().to_owned())
}

fn connect() -> std::io::Result<BufReader<TcpStream>> {
    let port: u16 = std::env::var(PORT).unwrap().parse().unwrap();
    let stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    Ok(BufReader::new(stream))
}

/// The client, in a process of its own, as it must be in the network of the machine; for others it
/// does nothing.
#[test]
fn client() {
    let Some(end) = std::env::var_os(CLIENT) else {
        return;
    };
    let end = std::path::Path::new(&end);
    let ask_on = |keep: bool| {
        let (mut good, mut bad) = (Vec::new(), Vec::new());
        let mut shared = keep.then(|| connect().unwrap());
        while !end.exists() {
            let begun = Instant::now();
            let answer = match &mut shared {
                Some(stream) => ask(stream, true),
                None => connect().and_then(|mut stream| ask(&mut stream, false)),
            };
            match answer {
                Ok(version) => good.push(version),
                Err(error) => {
                    bad.push(error.to_string());
                    shared = keep.then(|| connect().unwrap());
                }
            }
            std::thread::sleep(PAUSE.saturating_sub(begun.elapsed()));
        }
        (good, bad)
    };
    let answers: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|i| scope.spawn(move || ask_on(i % 2 == 0)))
            .collect();
        threads.into_iter().map(|t| t.join().unwrap()).collect()
    });
    let count = |version: &str| -> usize {
        let of =
            |(good, _): &(Vec<String>, Vec<String>)| good.iter().filter(|v| *v == version).count();
        answers.iter().map(of).sum()
    };
    let bad: Vec<&String> = answers.iter().flat_map(|(_, bad)| bad).collect();
    println!(
        "answers one={} two={} failed={} {bad:?}",
        count("one"),
        count("two"),
        bad.len()
    );
}

/// Deploys, with these words, and goes back under load; gives what the client says.
pub fn under_load(apps: &Apps, port: u16, words: &[&str]) -> String {
    let play = |image, code| apps.play(&[&[image], words].concat()).ended(code);
    play("demo:1", 0);
    let end = apps.cell.home.path("enough");
    let mut client = apps.cell.network(std::env::current_exe().unwrap());
    let client = client
        .args(["suite::deploy_load::client", "--exact", "--nocapture"])
        .env(CLIENT, &end)
        .env(PORT, port.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_secs(1));
    play("demo:2", 0);
    assert_eq!(apps.answer(port), "two");
    // One that fails disturbs nobody either.
    play("demo:exits", 3);
    play("back", 0);
    assert_eq!(apps.answer(port), "one");
    std::thread::sleep(Duration::from_secs(1));
    std::fs::write(&end, "").unwrap();
    let said = client.wait_with_output().unwrap();
    String::from_utf8(said.stdout).unwrap()
}

fn number(said: &str, name: &str) -> usize {
    let (_, rest) = said
        .split_once(&format!("{name}="))
        .unwrap_or_else(|| panic!("{said}"));
    rest.split(' ').next().unwrap().parse().unwrap()
}

pub fn none_failed(said: &str) {
    println!("{said}");
    assert_eq!(number(said, "failed"), 0, "{said}");
    assert!(
        number(said, "one") > 50 && number(said, "two") > 50,
        "{said}"
    );
}

#[test]
fn no_answer_fails_while_versions_change() {
    let Some(apps) = Apps::start() else { return };
    none_failed(&under_load(&apps, 80, &[]));
}

#[test]
fn nor_behind_a_proxy_that_is_a_container() {
    let Some(apps) = Apps::contained() else {
        return;
    };
    none_failed(&under_load(&apps, 80, &[]));
}
