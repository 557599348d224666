//! Ctrl-C, coroutines of the user's own, and the end of connections.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::*;
use crate::error::Kind;

const BOX: &str = "local s = ssh.connect { host = 'h', user = 'u' }\n";

/// Runs a chunk, presses Ctrl-C after 50 ms, and gives the error and the time since.
async fn interrupted(bench: &Bench, text: &str) -> (Error, Duration) {
    let cancel = bench.room.cancel.clone();
    // A thread, as the signal's is: a busy loop leaves no time to the executor.
    let press = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(50));
        cancel.cancel();
        Instant::now()
    });
    let error = bench.fails(text).await;
    (error, press.join().unwrap().elapsed())
}

#[tokio::test]
async fn ctrl_c_ends_whatever_runs() {
    for text in [
        "while true do end",
        "while true do pcall(function() while true do end end) end",
        "while true do mr.try(mr.sleep, 10) end",
        "table.sort({ 1, 2, 3 }, function() while true do end end)",
        "local co = coroutine.wrap(function() while true do end end) while true do co() end",
        "s:run 'sleep 100'",
        "local co = coroutine.wrap(function() s:run 'sleep 100' end) co()",
        "mr.wait(function() return false end, { every = 100, timeout = 1000 })",
    ] {
        let bench = bench();
        let (error, took) = interrupted(&bench, &format!("{BOX}{text}")).await;
        assert_eq!(error.kind(), Kind::Cancelled, "{text}: {error}");
        assert!(took < Duration::from_millis(1500), "{text}: {took:?}");
        assert_eq!(bench.fake.running.load(Ordering::SeqCst), 0, "{text}");
        // The prompt is back: the VM goes on.
        bench.room.cancel.reset();
        assert_eq!(bench.show("return 1 + 1").await, "2", "{text}");
    }
}

#[tokio::test]
async fn a_waiting_call_ends_at_once_and_code_may_still_print() {
    let bench = bench();
    let text = format!("{BOX}local v, e = mr.try(s.run, s, 'sleep 100') print(e.kind) error(e)");
    let (error, took) = interrupted(&bench, &text).await;
    assert_eq!(error.kind(), Kind::Cancelled);
    assert!(took < Duration::from_millis(200), "{took:?}");
    assert_eq!(*bench.printed.borrow(), "cancelled\n");
}

#[tokio::test]
async fn calls_wait_inside_the_users_own_coroutines() {
    let bench = bench();
    let shown = bench
        .show(&format!(
            "{BOX}local co = coroutine.wrap(function(a)
               local b = coroutine.yield(a .. s:capture 'echo 1')
               s:run 'soon'
               return b .. s:capture 'echo 2'
             end)
             local first = co('a')
             local other = coroutine.create(function() s:run 'soon'; error(s:capture 'echo oh', 0) end)
             return {{ first, co('b'), coroutine.resume(other) }}"
        ))
        .await;
    assert_eq!(shown, r#"{ "a1", "b2", false, "oh" }"#);
}

#[tokio::test]
async fn connections_end_by_close_by_scope_by_error_and_by_ctrl_c() {
    let open = |b: &Bench| b.fake.open.load(Ordering::SeqCst);
    let bench = bench();
    bench
        .exec(&format!("{BOX}s:close() s:close()"))
        .await
        .unwrap();
    assert_eq!(open(&bench), 0);
    let error = bench.fails(&format!("{BOX}s:close() s:run 'echo'")).await;
    assert!(error.message().contains("closed"), "{error}");
    let scope = "local s <close> = ssh.connect { host = 'h', user = 'u' }\n";
    bench.exec(&format!("do {scope} end")).await.unwrap();
    assert_eq!(open(&bench), 0);
    bench.fails(&format!("{scope} s:run 'false'")).await;
    assert_eq!(open(&bench), 0);
    interrupted(&bench, &format!("{scope} while true do end")).await;
    assert_eq!(open(&bench), 0);
    bench.room.cancel.reset();
    bench.exec("do local s = ssh.connect { host = 'h', user = 'u' } end collectgarbage() collectgarbage()").await.unwrap();
    assert_eq!(open(&bench), 0);
}
