//! What Lua code may use and load: instructions, memory, modules; nothing that was compiled.

use crate::support::home::{Done, Home};

/// Runs `play.lua` with these variables set.
fn play(home: &Home, text: &str, settings: &[(&str, &str)]) -> Done {
    home.write("play.lua", text);
    let mut command = home.mroom(&["run", "play.lua"]);
    command.envs(settings.iter().copied());
    crate::support::home::run(&mut command, "")
}

#[test]
fn a_loop_without_a_call_ends_at_the_limit_whatever_catches() {
    let home = Home::new();
    let limit = [("MROOM_LUA_INSTRUCTIONS", "1000000")];
    for text in [
        "\nwhile true do end",
        "\nwhile true do pcall(function() while true do end end) end",
        "\nwhile true do mr.try(function() while true do end end) end",
        "\nwhile true do xpcall(function() while true do end end, print) end",
        "local co = coroutine.wrap(function()\nwhile true do end end) while true do pcall(co) end",
        "local f = coroutine.create\nwhile true do coroutine.resume(f(function() while true do end end)) end",
        "table.sort({ 1, 2, 3 }, function()\nwhile true do end end)",
        "local t = setmetatable({}, { __index = function()\nwhile true do end end }) print(t.x)",
    ] {
        let done = play(&home, text, &limit).ended(1);
        let message = "error: play.lua:2: more than 1000000 instructions without a call that waits";
        assert!(done.stderr.contains(message), "{text}\n{done:?}");
        assert!(
            done.stderr.contains("hint: the setting `lua.instructions`"),
            "{done:?}"
        );
    }
    // Waiting begins the count anew; without the setting there is none.
    let busy = "for _ = 1, 30 do local n = 0 for i = 1, 1e5 do n = n + i end mr.sleep(0.001) end";
    play(&home, busy, &limit).ended(0);
    play(&home, "for i = 1, 3e6 do end", &[]).ended(0);
}

#[test]
fn memory_has_an_end() {
    let home = Home::new();
    let limit = [("MROOM_LUA_MEMORY_MB", "64")];
    let grows = "local all = {}\nwhile true do\npcall(function() for i = 1, 1e4 do all[#all + 1] = { i } end end)\nend";
    let done = play(&home, grows, &limit).ended(1);
    assert!(
        done.stderr
            .contains("play.lua:3: more than 64 MB of memory"),
        "{done:?}"
    );
    assert!(
        done.stderr.contains("hint: the setting `lua.memory_mb`"),
        "{done:?}"
    );
    let at_once = play(&home, "print(#('x'):rep(1 << 40))", &limit).ended(1);
    assert!(at_once.stderr.contains("error: "), "{at_once:?}");
    let doubles = play(&home, "local s = 'x' while true do s = s .. s end", &limit).ended(1);
    assert!(
        doubles.stderr.contains("not enough memory") && doubles.stderr.contains("`lua.memory_mb`"),
        "{doubles:?}"
    );
    // Garbage is not counted.
    play(
        &home,
        "for i = 1, 3e5 do local t = { ('x'):rep(1000) } end",
        &limit,
    )
    .ended(0);
}

#[test]
fn loading_comes_to_an_end() {
    let home = Home::new();
    home.write(
        "loops.lua",
        "local n = 0\nwhile true do n = n + 1 end\nreturn {}",
    );
    home.write(
        "slow.lua",
        "while true do pcall(function()\nwhile true do end end) end",
    );
    for (name, line) in [("loops", 2), ("slow", 2)] {
        let done = play(&home, &format!("pcall(require, '{name}') print 'on'"), &[]).ended(1);
        let message = format!("{name}.lua:{line}: `{name}` does not come to an end of loading");
        assert!(
            done.stderr.contains(&message) && done.stdout.is_empty(),
            "{done:?}"
        );
    }
    let stage = home.config("stages/endless.lua");
    home.write(
        &stage,
        "local t = {}\nrepeat t[1] = 1 until false\nreturn t",
    );
    home.ok(&["add", "web", "root@127.0.0.1:1"]);
    let done = home.run(&["stage", "endless", "web"]).ended(1);
    let message = "endless.lua:2: `stages.endless` does not come to an end of loading";
    assert!(done.stderr.contains(message), "{done:?}");
}

#[test]
fn modules_of_ones_own() {
    let home = Home::new();
    home.write("lib/names.lua", "return { mine = 'beside' }");
    home.write(
        "lib/users.lua",
        "local n = require 'lib.names'\nreturn { all = { n.mine } }",
    );
    assert_eq!(
        play(&home, "print(require('lib.users').all[1])", &[]).stdout,
        "beside\n"
    );
    // The user's own folder serves stages and workflows too.
    home.write(home.config("lib/words.lua"), "return 'of the user'");
    assert_eq!(
        play(&home, "print((require 'lib.words'))", &[]).stdout,
        "of the user\n"
    );
    // What lies beside a script wins over that; what a trusted project has wins over both.
    home.write("lib/words.lua", "return 'beside'");
    assert_eq!(
        play(&home, "print((require 'lib.words'))", &[]).stdout,
        "beside\n"
    );
    home.write(".machineroom/lib/words.lua", "return 'of the project'");
    home.ok(&["trust"]);
    assert_eq!(
        play(&home, "print((require 'lib.words'))", &[]).stdout,
        "of the project\n"
    );
    home.write("a.lua", "return require 'b'");
    home.write("b.lua", "return require 'c'");
    home.write("c.lua", "return require 'a'");
    for (text, part) in [
        ("require 'a'", "`require` is a circle: a -> b -> c -> a"),
        (
            "require 'lib.usres'",
            "play.lua:1: there is no module `lib.usres`",
        ),
        ("require 'mr.tex'", "hint: did you mean `mr.text`?"),
        ("require 'socket'", "/socket.lua"),
        ("require '../a'", "is not the name of a Lua module"),
        ("require(1, 2)", "there is no module `1`"),
        ("require()", "must be a string"),
    ] {
        let done = play(&home, text, &[]).ended(2);
        assert!(done.stderr.contains(part), "{text}\n{done:?}");
    }
}

#[test]
fn compiled_lua_is_never_loaded() {
    let home = Home::new();
    for text in [
        "assert(load(string.dump(function() end)))",
        "assert(load(string.dump(function() end), 'x', 'b'))",
        "local d = string.dump(function() end) local n = 0\n
         assert(load(function() n = n + 1 return n == 1 and d or nil end))",
        "local f = io.open('c.lua', 'wb') f:write(string.dump(function() end)) f:close()
         assert(loadfile('c.lua', 'b'))",
        "dofile 'c.lua'",
    ] {
        let done = play(&home, text, &[]).ended(1);
        assert!(
            done.stderr.contains("attempt to load a binary chunk"),
            "{text}\n{done:?}"
        );
    }
    let done = play(&home, "require 'c'", &[]).ended(1);
    assert!(
        done.stderr.contains("compiled Lua, which is not loaded"),
        "{done:?}"
    );
    // The old name of `load` and the library that takes protections off are not there.
    assert_eq!(
        play(&home, "print(loadstring, debug)", &[]).stdout,
        "nil\tnil\n"
    );
    let library = play(&home, "print(package.loadlib('libc.so.6', '*'))", &[]);
    assert_ne!(library.code, 0, "{library:?}");
}
