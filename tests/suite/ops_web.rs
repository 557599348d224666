//! `download` from a web server of its own: what it believes, and what it keeps to itself.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::ops_transfer::{changes, holds, mode, play, read, room};
use crate::support::sshd::has;

/// Serves `body` over HTTP to whoever knows the password and the header. It looks at the command
/// lines of all processes meanwhile.
struct Web {
    port: u16,
    ends: Arc<AtomicBool>,
    leaked: Arc<AtomicBool>,
}

const PASSWORD: &str = r#"p"w \$(id)"#;
const TOKEN: &str = "tok-0123456789";

impl Web {
    fn start(body: &'static str) -> Web {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let web = Web {
            port: listener.local_addr().unwrap().port(),
            ends: Arc::default(),
            leaked: Arc::default(),
        };
        let (ends, leaked) = (web.ends.clone(), web.leaked.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if ends.load(Ordering::SeqCst) {
                    return;
                }
                if shows(PASSWORD) || shows(TOKEN) {
                    leaked.store(true, Ordering::SeqCst);
                }
                answer(stream.unwrap(), body);
            }
        });
        web
    }
}

impl Drop for Web {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

/// Is it in the command line of a process other than this one?
fn shows(text: &str) -> bool {
    let own = std::process::id().to_string();
    let others = fs::read_dir("/proc").into_iter().flatten().flatten();
    others
        .filter(|entry| entry.file_name().to_str() != Some(&own))
        .filter_map(|entry| fs::read(entry.path().join("cmdline")).ok())
        .any(|line| line.windows(text.len()).any(|part| part == text.as_bytes()))
}

fn answer(stream: TcpStream, body: &str) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let head: Vec<_> = lines
        .by_ref()
        .map_while(Result::ok)
        .take_while(|line| !line.is_empty())
        .collect();
    let says = |text: &str| head.iter().any(|line| line.eq_ignore_ascii_case(text));
    // "lab:" and the password, in Base64.
    let knows =
        says("authorization: Basic bGFiOnAidyBcJChpZCk=") && says(&format!("x-token: {TOKEN}"));
    let open = head
        .first()
        .is_some_and(|line| line.starts_with("GET /open "));
    let (status, body) = match knows || open {
        true => ("200 OK", body),
        false => ("403 Forbidden", "no"),
    };
    let length = body.len();
    let mut stream = stream;
    let _ = write!(
        stream,
        "HTTP/1.0 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
}

#[test]
fn a_file_from_the_web_is_believed_by_its_sum() {
    let Some((home, _sshd)) = room() else { return };
    if !has("curl") {
        return;
    }
    let web = Web::start("abc");
    let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    let folder = home.write("srv/.keep", "").parent().unwrap().to_owned();
    let get = |path: &str, sum: &str, more: &str| {
        format!(
            "on:download('http://127.0.0.1:{}{path}', '{}/file', {{ sha256 = '{sum}', {more} }})",
            web.port,
            folder.display()
        )
    };
    let secrets = format!(
        "user = 'lab', password = mr.secret [==[{PASSWORD}]==], headers = {{ ['X-Token'] = mr.secret '{TOKEN}' }}, mode = '0600'"
    );
    let closed = get("/closed?key=hidden", abc, &secrets);
    assert_eq!(changes(&home, &closed), ["made"]);
    assert_eq!(read(folder.join("file")), "abc");
    assert_eq!(mode(&folder.join("file")), 0o600);

    fs::write(folder.join("file"), "xyz").unwrap();
    assert_eq!(changes(&home, &closed), ["content"]);
    fs::set_permissions(folder.join("file"), fs::Permissions::from_mode(0o666)).unwrap();
    assert_eq!(changes(&home, &closed), ["mode 0666 -> 0600"]);
    assert!(
        !web.leaked.load(Ordering::SeqCst),
        "a process showed a secret"
    );

    // Another sum, no password, no server: what was there stays, and nothing else is left.
    let wrong = play(&home, &[], &get("/open", &"0".repeat(64), "")).ended(3);
    assert!(wrong.stdout.contains(abc), "{wrong:?}");
    let refused = play(&home, &[], &get("/closed", &"0".repeat(64), "")).ended(3);
    assert!(refused.stdout.contains("403"), "{refused:?}");
    assert_eq!(read(folder.join("file")), "abc");
    holds(&folder, &[".keep", "file"]);
    let log = home.ok(&["log", "all", "--json"]);
    for secret in [PASSWORD, TOKEN, "hidden"] {
        assert!(!log.contains(secret), "{log}");
        assert!(!wrong.stdout.contains(secret) && !refused.stdout.contains(secret));
    }
}
