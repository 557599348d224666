//! CSV: what clouds export, every column, and bad rows.

use machineroom::inventory::{Format, ImportOptions};

use super::import_formats::{errors, options};
use super::inventory::Room;

#[test]
fn tables_of_clouds() {
    for (what, text, expected) in [
        (
            "EC2's console",
            "\u{feff}\"Name\",\"Instance ID\",\"Instance state\",\"Instance type\",\"Public IPv4 DNS\",\"Public IPv4 address\",\"Elastic IP\",\"Key name\",\"Private IP address\"\n\
             \"web\",\"i-0abc\",\"Running\",\"t3.micro\",\"ec2-1.amazonaws.com\",\"203.0.113.1\",\"–\",\"mine\",\"10.0.0.1\"\n\
             \"\",\"i-0def\",\"Stopped\",\"t3.micro\",\"\",\"-\",\"\",\"mine\",\"10.0.0.2\"\n",
            &["web 203.0.113.1", "i-0def 10.0.0.2"][..],
        ),
        (
            "doctl",
            "ID,Name,Public IPv4,Private IPv4,Public IPv6,Memory,VCPUs,Disk,Region,Image,VPC UUID,Status,Tags,Features,Volumes\n\
             3164444,web,203.0.113.2,10.1.0.2,,1024,1,25,fra1,Debian 12,uuid,active,\"prod,edge\",,\n",
            &["web 203.0.113.2 edge prod"],
        ),
        (
            "linode-cli",
            "id,label,region,type,image,status,ipv4\n1,web,eu,g6,debian,running,\"203.0.113.3, 192.168.1.2\"\n",
            &["web 203.0.113.3"],
        ),
        (
            "Vultr",
            "ID\tIP\tLABEL\tOS\tSTATUS\nb7e9f0aa-12aa-4f07-9ee2-5c1df7d0a9d3\t203.0.113.4\tweb\tDebian\tactive\n",
            &["web 203.0.113.4"],
        ),
        (
            "gcloud",
            "name,zone,machine_type,internal_ip,external_ip,status\nweb,eu-1,e2,10.0.0.5,203.0.113.5,RUNNING\nlan,eu-1,e2,10.0.0.6,,RUNNING\n",
            &["web 203.0.113.5", "lan 10.0.0.6"],
        ),
        (
            "hcloud",
            "id;name;ipv4;ipv6;status\n42;web;203.0.113.6;2001:db8::1;running\n",
            &["web 203.0.113.6"],
        ),
        (
            "one's own ids beside names",
            "id,name,host\nw1,The web,203.0.113.7\n7,Seven,203.0.113.8\n",
            &["w1 203.0.113.7", "7 203.0.113.8"],
        ),
        (
            "only names",
            "hostname,login\nweb.example.org,root\n",
            &["web.example.org web.example.org"],
        ),
    ] {
        let room = Room::new();
        let options = ImportOptions {
            user: Some("root".into()),
            ..options()
        };
        let summary = room
            .store
            .import("list.csv", text.as_bytes(), &options)
            .unwrap();
        assert_eq!(errors(&summary), [""; 0], "{what}");
        let servers = room.store.list().unwrap();
        let lines: Vec<String> = servers
            .iter()
            .map(|s| {
                let tags = s.tags.iter().map(|t| format!(" {t}"));
                format!("{} {}{}", s.id, s.host, tags.collect::<String>())
            })
            .collect();
        assert_eq!(lines, expected, "{what}");
    }
}

#[test]
fn every_column_of_a_table() {
    let room = Room::new();
    let text = "Name;Host;User;SSH Port;Password;Key file;Tags;Description;Jump;Rack No;Size\n\
        web;10.0.0.1;admin;2222;\"p;\"\"w\";/nowhere/k;@a|b;\"two\nlines\";bastion;r1;4\n\
        db;10.0.0.2;root;;;;;;;;\n";
    let vars = ImportOptions {
        vars: true,
        ..options()
    };
    let summary = room
        .store
        .import("list.csv", text.as_bytes(), &vars)
        .unwrap();
    assert_eq!(errors(&summary), [""; 0]);
    let web = room.get("web");
    assert_eq!(
        (web.user.as_str(), web.port, web.key()),
        ("admin", 2222, Some("/nowhere/k"))
    );
    assert_eq!(room.password("web"), "p;\"w");
    assert_eq!(web.tags.iter().collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(web.description.as_deref(), Some("two\nlines"));
    assert_eq!(
        (&web.meta["jump"], &web.meta["rack_no"]),
        (&"bastion".into(), &"r1".into())
    );
    assert_eq!(web.meta["size"], 4);
    assert_eq!(
        summary.warnings,
        ["list.csv:2: key file `/nowhere/k` does not exist"]
    );
    // A cell with nothing in it says nothing.
    room.store
        .update("db", |s| s.set("description", "kept"))
        .unwrap();
    let again = room
        .store
        .import("list.csv", text.as_bytes(), &vars)
        .unwrap();
    assert_eq!((again.unchanged, again.changed.len()), (2, 0));
    let plain = room
        .store
        .import("list.csv", text.as_bytes(), &options())
        .unwrap();
    assert_eq!(
        plain.notes,
        [
            "list.csv: other columns are left out: `rack_no`, `size` (`--vars` keeps them as metadata)"
        ]
    );
}

#[test]
fn bad_rows_are_named_by_line() {
    for (text, expected) in [
        ("name,ip,user\nw1,10.0.0.1,\n", "list.csv:2: no user"),
        ("name,ip,user\n,10.0.0.1,u\n", "list.csv:2: no id"),
        ("name,ip,user\nw1,,u\n", "list.csv:2: `w1` has no address"),
        (
            "name,ip,user\n\n\"w\n1\",10.0.0.1,u\n",
            "list.csv:3: id `w\\n1` holds the character U+000A",
        ),
        (
            "name,ip,user\nw1,10.0.0.1,u,x\n",
            "list.csv:2: 4 fields, but the header has 3",
        ),
        (
            "name,ip,user,port\nw1,10.0.0.1,u,x\n",
            "list.csv:2: the port is not a number",
        ),
        (
            "name,ip,user\nw1,a b/c,u\nw1,10.0.0.2,u\n",
            "list.csv:3: id `w1` is on line 2 already",
        ),
        (
            "name,ip,user,tags\nw1,10.0.0.1,u,a=b\n",
            "list.csv:2: tag `a=b` may not hold `=`",
        ),
        (
            "name,ip,user\nw1,10.0.0.1,=cmd|x\nw2,=1+1,u\n",
            "list.csv:3: the host holds `=`",
        ),
        (
            "name,name,ip\nw1,w1,h\n",
            "list.csv:1: column `name` is there twice",
        ),
    ] {
        let room = Room::new();
        let csv = ImportOptions {
            format: Some(Format::Csv),
            ..ImportOptions::default()
        };
        let summary = room
            .store
            .import("list.csv", text.as_bytes(), &csv)
            .unwrap();
        assert!(
            errors(&summary).contains(&expected.to_owned()),
            "{text}: {:?}",
            errors(&summary)
        );
        assert!(!summary.is_written, "{text}");
    }
    let room = Room::new();
    let csv = ImportOptions {
        format: Some(Format::Csv),
        ..options()
    };
    for (bytes, expected) in [
        (
            &b"name,ip\nw1,\xff\n"[..],
            "x:2: the line is not valid UTF-8",
        ),
        (
            b"foo,bar\n1,2\n",
            "x:1: the header names no column for the id and none for the host",
        ),
    ] {
        let summary = room.store.import("x", bytes, &csv).unwrap();
        assert_eq!(errors(&summary), [expected]);
    }
}
