//! Files on a real sshd: whole, atomic, in trees, with their modes; with and without SFTP.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use futures::executor::block_on;
use machineroom::error::Kind;
use machineroom::ssh::{CopyOptions, Exec};

use crate::support::sshd::Sshd;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn slash(path: &Path) -> PathBuf {
    PathBuf::from(format!("{}/", path.display()))
}

/// What holds with SFTP holds without it too.
fn read_and_write(settings: &str) {
    let Some(sshd) = Sshd::start(settings) else {
        return;
    };
    let web = sshd.connect();
    let folder = sshd.path("files with 'quotes' $(x)");
    fs::create_dir(&folder).unwrap();
    let file = folder.join("-f");
    let path = file.to_str().unwrap();
    let content: Vec<u8> = (0..300_000u32).map(|i| (i % 253) as u8).collect();
    block_on(web.write(path, content.clone(), None)).unwrap();
    assert_eq!(mode(&file), 0o644);
    assert_eq!(block_on(web.read(path, 300_000)).unwrap(), content);
    let error = block_on(web.read(path, 299_999)).unwrap_err();
    assert_eq!(error.kind(), Kind::Transfer);
    assert!(
        error.message().contains("longer than 299999 bytes"),
        "{error}"
    );
    block_on(web.write(path, b"two".to_vec(), Some(0o640))).unwrap();
    block_on(web.write(path, vec![], None)).unwrap();
    assert_eq!((mode(&file), fs::read(&file).unwrap().len()), (0o640, 0));
    assert_eq!(block_on(web.read(path, 10)).unwrap(), b"");
    assert!(
        !block_on(web.read("/proc/cpuinfo", 1 << 20))
            .unwrap()
            .is_empty()
    );
    let error = block_on(web.read("/nowhere/x", 10)).unwrap_err();
    assert_eq!(
        (error.kind(), error.server_id()),
        (Kind::Transfer, Some("web"))
    );
    assert!(
        error.message().to_lowercase().contains("no such file"),
        "{error}"
    );
    let error = block_on(web.write("/nowhere/x", vec![], None)).unwrap_err();
    assert_eq!(error.kind(), Kind::Transfer);
    assert!(!error.message().contains("mroom-"), "{error}");
    assert!(block_on(web.write(folder.to_str().unwrap(), vec![], None)).is_err());
    assert_eq!(
        fs::read_dir(&folder).unwrap().count(),
        1,
        "temporary files are left"
    );
    assert!(block_on(web.exec(Exec::new("true"))).unwrap().is_success());
}

#[test]
fn whole_files_over_sftp() {
    read_and_write("");
}

#[test]
fn whole_files_without_sftp() {
    read_and_write("Subsystem sftp /nowhere/sftp-server");
}

#[test]
fn nothing_is_copied_without_sftp() {
    let Some(sshd) = Sshd::start("Subsystem sftp /nowhere/sftp-server") else {
        return;
    };
    let web = sshd.connect();
    let copy = web.upload(sshd.path("id.pub"), "/tmp/", CopyOptions::default());
    let error = block_on(copy).unwrap_err();
    assert_eq!(error.kind(), Kind::Transfer);
    assert!(
        error.message().contains("no SFTP") && error.hint_text().is_some(),
        "{error}"
    );
}

#[test]
fn a_link_stays_a_link_and_an_owner_stays() {
    let Some(sshd) = Sshd::start("") else { return };
    let web = sshd.connect();
    let (real, link) = (sshd.path("real"), sshd.path("link"));
    fs::write(&real, "one").unwrap();
    std::os::unix::fs::symlink("real", &link).unwrap();
    block_on(web.write(link.to_str().unwrap(), b"two".to_vec(), None)).unwrap();
    assert_eq!(fs::read(&real).unwrap(), b"two");
    assert_eq!(fs::read_link(&link).unwrap(), Path::new("real"));
    // Only root may give files away, so only root sees a difference here.
    if std::os::unix::fs::chown(&real, Some(65534), Some(65534)).is_ok() {
        block_on(web.write(real.to_str().unwrap(), b"three".to_vec(), None)).unwrap();
        let owner = std::os::unix::fs::MetadataExt::uid(&fs::metadata(&real).unwrap());
        assert_eq!(owner, 65534);
    }
}

#[test]
fn trees_go_there_and_come_back() {
    let Some(sshd) = Sshd::start("") else { return };
    let web = sshd.connect();
    let at = |name: &str| sshd.path(name);
    fs::create_dir_all(at("src/sub/empty")).unwrap();
    let big: Vec<u8> = (0..5_000_000u32).map(|i| (i * 31 % 251) as u8).collect();
    fs::write(at("src/sub/big"), &big).unwrap();
    fs::write(at("src/run.sh"), "#!/bin/sh\n").unwrap();
    fs::set_permissions(at("src/run.sh"), fs::Permissions::from_mode(0o750)).unwrap();
    std::os::unix::fs::symlink("sub/big", at("src/link")).unwrap();
    let size = 5_000_010;

    let seen = Arc::new(Mutex::new(Vec::new()));
    let sink = seen.clone();
    let options = CopyOptions {
        mode: None,
        progress: Some(Arc::new(move |done, total| {
            sink.lock().unwrap().push((done, total))
        })),
    };
    let there = at("new/there");
    let copied = block_on(web.upload(slash(&at("src")), there.to_str().unwrap(), options)).unwrap();
    assert_eq!(copied, size);
    assert_eq!(seen.lock().unwrap().last(), Some(&(size, Some(size))));
    assert_eq!(fs::read(there.join("sub/big")).unwrap(), big);
    assert_eq!(mode(&there.join("run.sh")), 0o750);
    assert_eq!(
        fs::read_link(there.join("link")).unwrap(),
        Path::new("sub/big")
    );
    assert!(there.join("sub/empty").is_dir());
    // Again, over itself; and without the slash, into it.
    let default = CopyOptions::default;
    block_on(web.upload(slash(&at("src")), there.to_str().unwrap(), default())).unwrap();
    block_on(web.upload(at("src"), there.to_str().unwrap(), default())).unwrap();
    assert!(there.join("src/run.sh").is_file());

    let back = at("back");
    let from = format!("{}/", there.display());
    assert_eq!(
        block_on(web.download(&from, back.clone(), default())).unwrap(),
        2 * size
    );
    assert_eq!(fs::read(back.join("sub/big")).unwrap(), big);
    assert_eq!(mode(&back.join("run.sh")), 0o750);
    assert_eq!(
        fs::read_link(back.join("link")).unwrap(),
        Path::new("sub/big")
    );
    assert!(back.join("src/sub/empty").is_dir());

    // One file: to a name, into a folder, with a mode.
    let file = there.join("run.sh");
    block_on(web.download(file.to_str().unwrap(), at("one"), default())).unwrap();
    assert_eq!(mode(&at("one")), 0o750);
    block_on(web.download(file.to_str().unwrap(), back.join("sub"), default())).unwrap();
    assert!(back.join("sub/run.sh").is_file());
    let private = CopyOptions {
        mode: Some(0o600),
        progress: None,
    };
    block_on(web.upload(at("one"), there.to_str().unwrap(), private)).unwrap();
    assert_eq!(mode(&there.join("one")), 0o600);
    for (from, to) in [("none", "x"), ("src/run.sh/", "x")] {
        let result = block_on(web.upload(at(from), to, default()));
        assert_eq!(result.unwrap_err().kind(), Kind::Transfer, "{from}");
    }
    let gone = block_on(web.download("/nowhere/at/all", at("x"), default()));
    assert_eq!(gone.unwrap_err().kind(), Kind::Transfer);
}

#[test]
fn a_download_does_not_follow_links_that_are_in_its_way() {
    let Some(sshd) = Sshd::start("") else { return };
    let web = sshd.connect();
    let at = |name: &str| sshd.path(name);
    fs::create_dir_all(at("from/sub")).unwrap();
    fs::write(at("from/sub/evil"), "evil").unwrap();
    fs::create_dir_all(at("to")).unwrap();
    fs::create_dir_all(at("elsewhere")).unwrap();
    std::os::unix::fs::symlink(at("elsewhere"), at("to/sub")).unwrap();
    let from = format!("{}/", at("from").display());
    let error = block_on(web.download(&from, at("to"), CopyOptions::default())).unwrap_err();
    assert!(error.message().contains("is no folder"), "{error}");
    assert_eq!(fs::read_dir(at("elsewhere")).unwrap().count(), 0);
}

#[test]
fn a_cancelled_upload_leaves_nothing_behind() {
    let Some(sshd) = Sshd::start("") else { return };
    let web = sshd.connect();
    let (source, folder) = (sshd.path("zeros"), sshd.path("target"));
    fs::create_dir(&folder).unwrap();
    fs::File::create(&source).unwrap().set_len(3 << 30).unwrap();
    let mut call = web.upload(
        source,
        &format!("{}/", folder.display()),
        CopyOptions::default(),
    );
    let waker = futures::task::noop_waker();
    assert!(
        call.as_mut()
            .poll(&mut std::task::Context::from_waker(&waker))
            .is_pending()
    );
    let count = || fs::read_dir(&folder).unwrap().count();
    let until = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while count() == 0 && std::time::Instant::now() < until {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    assert_eq!(count(), 1);
    drop(call);
    while count() > 0 {
        assert!(
            std::time::Instant::now() < until,
            "the temporary file stays"
        );
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert!(block_on(web.exec(Exec::new("true"))).unwrap().is_success());
}
