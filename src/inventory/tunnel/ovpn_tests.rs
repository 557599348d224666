use proptest::prelude::*;

use super::*;

fn load(path: &str) -> Result<String> {
    Ok(format!("content of {path}\r\n"))
}

#[test]
fn a_file_is_kept_with_what_it_names() {
    let text = "\u{feff}client\r\n# up /bin/sh\n; plugin x\n\ndev tun\n--proto udp\nremote gw.example 1195\n\
                remote other 1\n\"ca\" 'my ca.crt'\ntls-auth ta.key 1\nauth-user-pass\n\
                setenv opt block-outside-dns\nsetenv FRIENDLY_NAME x\n<cert>\n  up\n-----BEGIN\n</cert> trailing\n\
                <connection>\nremote third\n</connection>\nscramble\\ x\n";
    let text = text.replace("scramble\\ x\n", "verb 3\n");
    let found = read(&text, &load).unwrap();
    assert_eq!(found.server.as_deref(), Some("gw.example:1195"));
    assert_eq!(
        found.text,
        "client\ndev tun\n--proto udp\nremote gw.example 1195\nremote other 1\n\
         <ca>\ncontent of my ca.crt\n</ca>\n<tls-auth>\ncontent of ta.key\n</tls-auth>\nkey-direction 1\n\
         auth-user-pass\nsetenv opt block-outside-dns\nsetenv FRIENDLY_NAME x\n<cert>\nup\n-----BEGIN\n</cert>\n\
         <connection>\nremote third\n</connection>\nverb 3\n"
    );
    // What is kept is read again to the same.
    let again = read(&found.text, &load).unwrap();
    assert_eq!(again.text, found.text);
    for (text, server) in [
        ("remote gw", "gw"),
        ("remote gw\nport 443", "gw:443"),
        ("remote 2001:db8::1 443", "[2001:db8::1]:443"),
    ] {
        assert_eq!(read(text, &load).unwrap().server.as_deref(), Some(server));
    }
}

/// However it is written, nothing that runs, loads, writes or includes passes.
#[test]
fn bad_files() {
    let long = format!("<ca>\n{}</ca>\nup /bin/sh\n</ca>", " ".repeat(255));
    for (text, message) in [
        ("", "is no OpenVPN configuration"),
        ("# nothing", "is no OpenVPN configuration"),
        ("up /bin/sh", "line 1: `up` makes OpenVPN run a program"),
        ("client\n  up /bin/sh", "line 2: `up` makes OpenVPN run"),
        ("--up /bin/sh", "line 1: `up` makes"),
        ("\"up\" /bin/sh", "line 1: `up` makes"),
        ("'up' /bin/sh", "line 1: `up` makes"),
        ("\"--up\" /bin/sh", "line 1: `up` makes"),
        ("setenv opt up /bin/sh", "line 1: `up` makes"),
        ("setenv opt setenv opt --up x", "line 1: `up` makes"),
        ("\tup\t/bin/sh", "line 1: `up` makes"),
        ("u\\p /bin/sh", "line 1: a backslash before an ordinary"),
        ("<up>\n/bin/sh\n</up>", "line 1: `up` makes"),
        ("<connection>\nup x\n</connection>", "line 2: `up` makes"),
        ("<ca>\nx\n</ca> \nup x", "line 4: `up` makes"),
        ("down x", "line 1: `down` makes"),
        ("route-up x", "line 1: `route-up` makes"),
        ("ipchange x", "line 1: `ipchange` makes"),
        ("tls-verify x", "line 1: `tls-verify` makes"),
        ("script-security 2", "line 1: `script-security` makes"),
        ("plugin x.so", "line 1: `plugin` makes"),
        ("engine x", "line 1: `engine` makes"),
        ("pkcs11-providers x", "line 1: `pkcs11-providers` makes"),
        ("config other.ovpn", "line 1: `config` is no option"),
        ("log /etc/passwd", "line 1: `log` is no option"),
        ("status /etc/x", "line 1: `status` is no option"),
        ("writepid /etc/x", "line 1: `writepid` is no option"),
        ("management 0.0.0.0 1", "line 1: `management` is no option"),
        ("daemon", "line 1: `daemon` is no option"),
        ("chroot /", "line 1: `chroot` is no option"),
        ("setenv LD_PRELOAD x", "line 1: `setenv` is no option"),
        (
            "auth-user-pass /etc/shadow",
            "line 1: `auth-user-pass` names",
        ),
        (
            "<auth-user-pass>\na\n</auth-user-pass>",
            "line 1: `auth-user-pass` is no option",
        ),
        ("socks-proxy h 1 f", "line 1: `socks-proxy` names a file"),
        ("http-proxy h 1 /f", "line 1: `http-proxy` names a file"),
        ("ca", "line 1: `ca` names no file"),
        (
            "<ca>\n\u{b}</ca>\nup x\n</ca>",
            "line 2: holds a control character",
        ),
        ("<ca>\nx", "line 1: `<ca>` has no end"),
        ("verb \"3", "line 1: a quote is not closed"),
        ("verb 3\\", "line 1: a backslash before an ordinary"),
        ("verb\u{b}3", "line 1: holds a control character"),
        ("verb\r3", "line 1: holds a control character"),
        (&long, "line 2: is longer than 250 bytes"),
    ] {
        let error = read(text, &load).unwrap_err();
        assert!(error.message().starts_with(message), "{text:?}: {error}");
    }
    for (content, message) in [
        (
            "x\n</ca>\nup /bin/sh\n",
            "line 1: the file of `ca` holds more than a key",
        ),
        (
            "x\n\u{b}</ca>\nup /bin/sh\n",
            "line 1: the file of `ca` holds",
        ),
        ("x\r\u{c}y\n", "line 1: holds a control character"),
    ] {
        let error = read("ca x", &|_| Ok(content.to_owned())).unwrap_err();
        assert!(error.message().starts_with(message), "{content:?}: {error}");
    }
    let failing = |_: &str| Err(Error::usage("no such file"));
    let error = read("ca x", &failing).unwrap_err();
    assert_eq!(error.message(), "line 1: no such file");
}

proptest! {
    #[test]
    fn never_panics(text in any::<String>()) {
        let _ = read(&text, &load);
    }

    #[test]
    fn likely_lines_never_pass_a_program(
        head in "[ \t]{0,2}(--)?", quote in "[\"']?", word in "(up|down|plugin|tls-verify)",
        before in "(client|<ca>\nx\n</ca>|verb 3 # x|<connection>)\n",
    ) {
        let text = format!("{before}{head}{quote}{word}{quote} x\n");
        prop_assert!(read(&text, &load).is_err(), "{}", text);
    }

    #[test]
    fn what_is_kept_is_kept_again(text in "((client|verb 3|ca x|<key>\na\n</key>|remote h 1|#x)\n){1,6}") {
        if let Ok(found) = read(&text, &load) {
            prop_assert_eq!(read(&found.text, &load).unwrap(), found);
        }
    }
}
