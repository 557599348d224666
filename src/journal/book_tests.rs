use super::tests::Place;
use super::*;

#[test]
fn queries() {
    let place = Place::new();
    let log = place.log(Limits::default());
    for (server, kind, status) in [
        ("a", Kind::Connect, "ok"),
        ("a", Kind::Exec, "failed"),
        ("b", Kind::Stage, "changed"),
        ("c", Kind::Connect, "unreachable"),
    ] {
        log.begin(server, kind, "w".into()).end(End::of(status));
    }
    let open = log.begin("d", Kind::Exec, "w".into());
    log.flush();
    let ids = |query: Query| -> String {
        let rows = place.rows(&query);
        let counted = Book::open(&place.file()).unwrap().count(&query).unwrap();
        assert!(counted == rows.len() || query.last.is_some());
        rows.into_iter().map(|r| r.server).collect()
    };
    let all = Query::default;
    assert_eq!(ids(all()), "aabcd");
    assert_eq!(
        ids(Query {
            failed: true,
            ..all()
        }),
        "acd"
    );
    assert_eq!(
        ids(Query {
            last: Some(2),
            ..all()
        }),
        "cd"
    );
    assert_eq!(
        ids(Query {
            after: Some(3),
            ..all()
        }),
        "cd"
    );
    assert_eq!(
        ids(Query {
            run: Some(1),
            ..all()
        }),
        "aabcd"
    );
    assert_eq!(
        ids(Query {
            run: Some(2),
            ..all()
        }),
        ""
    );
    assert_eq!(
        ids(Query {
            since: Some(0),
            until: Some(1),
            ..all()
        }),
        ""
    );
    assert_eq!(
        ids(Query {
            without_connections: true,
            ..all()
        }),
        "abcd"
    );
    let kinds = vec![Kind::Stage, Kind::Connect];
    assert_eq!(ids(Query { kinds, ..all() }), "abc");
    let servers = Some(vec!["b".to_owned(), "it's".to_owned(), "d".to_owned()]);
    assert_eq!(ids(Query { servers, ..all() }), "bd");
    let book = Book::open(&place.file()).unwrap();
    assert_eq!(book.servers().unwrap(), ["a", "b", "c", "d"]);
    drop(open);
}

#[test]
fn the_old_and_the_many_go() {
    let place = Place::new();
    let insert = |run: i64, at: i64, count: i64| {
        place
            .db()
            .write(|conn| {
                let sql = "INSERT INTO run VALUES (?, ?, 'me', 'mroom')";
                conn.execute(sql, [run, at])?;
                let sql = "INSERT INTO command_log (run, began_at, server, kind, what, status) \
                           VALUES (?, ?, 'a', 'exec', '', 'ok')";
                for n in 0..count {
                    conn.execute(sql, [run, at + n])?;
                }
                Ok(())
            })
            .unwrap();
    };
    let day = 86_400_000;
    let now = super::log::now();
    insert(1, now - 91 * day, 3);
    insert(2, now - 10 * day, 100);
    let book = Book::open(&place.file()).unwrap();
    let count = || book.count(&Query::default()).unwrap();
    let limits = |days, rows| Limits { days, rows };
    // Nobody removes by the way what is a few hours or a few entries too much.
    for (limit, due) in [
        (limits(0, 0), false),
        (limits(90, 0), false),
        (limits(89, 0), true),
        (limits(0, 100), false),
        (limits(0, 90), true),
    ] {
        let found = place
            .db()
            .read(|conn| rows::is_due(conn, limit, now))
            .unwrap();
        assert_eq!(found, due, "{limit:?}");
    }
    assert_eq!(book.prune(limits(0, 0)).unwrap(), 0);
    assert_eq!(book.prune(limits(90, 0)).unwrap(), 3);
    assert_eq!(count(), 100);
    assert!(
        book.rows(&Query {
            run: Some(1),
            ..Query::default()
        })
        .unwrap()
        .is_empty()
    );
    // The writer does it too, after its first round.
    let log = place.log(limits(0, 50));
    log.begin("a", Kind::Exec, "1".into()).end(End::of("ok"));
    log.flush();
    drop(log);
    let until = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while count() != 50 && std::time::Instant::now() < until {
        std::thread::yield_now();
    }
    assert_eq!(count(), 50);
}
