local glob = require "mr.glob"

-- Does the path fit the pattern?
local function fits(pattern, path, is_folder)
  return glob.matcher { pattern }(path, is_folder or false)
end

describe("a pattern without a slash", function()
  it("fits a name at any depth", function()
    for _, path in ipairs { "a.log", "x/a.log", "x/y/z.log" } do
      expect(fits("*.log", path)):is(true)
    end
    expect(fits("*.log", "a.log/b")):is(false)
    expect(fits("*.log", "alog")):is(false)
  end)

  it("fits folders only with a slash at its end", function()
    expect(fits("cache/", "x/cache", true)):is(true)
    expect(fits("cache/", "x/cache", false)):is(false)
  end)
end)

describe("a pattern with a slash", function()
  it("is a path from the root", function()
    expect(fits("/cache", "cache")):is(true)
    expect(fits("/cache", "x/cache")):is(false)
    expect(fits("docs/*.md", "docs/a.md")):is(true)
    expect(fits("docs/*.md", "docs/x/a.md")):is(false)
    expect(fits("docs/*.md", "x/docs/a.md")):is(false)
  end)

  it("has ** for any number of folders", function()
    for _, path in ipairs { "docs/a.md", "docs/x/a.md", "docs/x/y/a.md" } do
      expect(fits("docs/**/*.md", path)):is(true)
    end
    expect(fits("docs/**/*.md", "src/a.md")):is(false)
    expect(fits("**/tmp", "tmp")):is(true)
    expect(fits("docs/**", "docs/x/y")):is(true)
    expect(fits("docs/**", "docsy")):is(false)
  end)
end)

describe("one character", function()
  it("is any but a slash, or one of a class", function()
    expect(fits("a?c", "abc")):is(true)
    expect(fits("a?c", "a/c")):is(false)
    expect(fits("[a-c]1", "b1")):is(true)
    expect(fits("[!a-c]1", "b1")):is(false)
    expect(fits("[!a-c]1", "d1")):is(true)
    expect(fits("[]]", "]")):is(true)
    expect(fits("[^a]", "^")):is(true)
  end)

  it("stands for itself when it means something in Lua's own patterns", function()
    for _, name in ipairs { "a.b", "a-b", "100%", "(x)", "a+b", "a^b$", "[x", "%d", "x%" } do
      expect(fits(name, name)):is(true)
    end
    expect(fits("a.b", "axb")):is(false)
    expect(fits("%d", "1")):is(false)
    expect(fits("[%d]", "1")):is(false)
  end)
end)

it("never fails, whatever the pattern and the name are", function()
  local parts = { "[", "]", "!", "^", "%", "*", "**", "/", "-", "?", "a", "\0", "\255", "." }
  local state = 7
  local function word()
    local out = {}
    for i = 1, 6 do
      state = (state * 1103515245 + 12345) % 2147483648
      out[i] = parts[state // 65536 % #parts + 1]
    end
    return table.concat(out)
  end
  for _ = 1, 2000 do
    expect(type(fits(word(), word()))):is "boolean"
  end
end)
