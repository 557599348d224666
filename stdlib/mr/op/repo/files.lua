-- What the operation `repo` writes: where each package manager keeps its sources and their keys, and
-- in which form. Pure. Internal.
local files = {}

local function words(key, list)
  return list and #list > 0 and ("%s: %s\n"):format(key, table.concat(list, " ")) or ""
end

-- apt's deb822: sources.list(5).
local function deb822(o, key)
  local text = ("Types: deb%s\n"):format(o.source and " deb-src" or "")
    .. words("URIs", o.url)
    .. words("Suites", o.suites)
    .. words("Components", o.components)
    .. words("Architectures", o.architectures)
  if key then
    text = text .. ("Signed-By: %s\n"):format(key)
  end
  if o.trusted then
    text = text .. "Trusted: yes\n"
  end
  return o.enabled and text or text .. "Enabled: no\n"
end

-- The .repo file of dnf, yum and zypper: dnf.conf(5), "Repo Options".
local function ini(o, key, zypper)
  local lines = {
    ("[%s]"):format(o.name),
    ("name=%s"):format(o.description or o.name),
    ("enabled=%d"):format(o.enabled and 1 or 0),
  }
  if #o.url > 0 then
    lines[#lines + 1] = "baseurl=" .. table.concat(o.url, "\n        ")
  end
  if zypper then
    lines[#lines + 1] = "autorefresh=1"
  end
  lines[#lines + 1] = ("gpgcheck=%d"):format(o.trusted and 0 or 1)
  if key then
    lines[#lines + 1] = "gpgkey=file://" .. key
  end
  return table.concat(lines, "\n") .. "\n"
end

-- apk's one file of lines: the URLs are there, or none of them.
local function lines_of(o, content)
  local wanted, kept = {}, {}
  for _, url in ipairs(o.url) do
    wanted[url] = true
  end
  local there = {}
  for line in (content or ""):gmatch("[^\n]+") do
    if not wanted[line] then
      kept[#kept + 1] = line
    elseif o.state ~= "absent" and not there[line] then
      kept[#kept + 1], there[line] = line, true
    end
  end
  for _, url in ipairs(o.state ~= "absent" and o.url or {}) do
    if not there[url] then
      kept[#kept + 1] = url
    end
  end
  return #kept > 0 and table.concat(kept, "\n") .. "\n" or ""
end

local function is_armoured(key)
  return key:find("^%s*%-%-%-%-%-BEGIN PGP") ~= nil
end

-- For each manager: `path(o)`, `key(o)` (where the key goes), `content(o, key_path, is)`, and
-- `refresh(o)`, the argv that reads this source and no other.
files.apt = {
  path = function(o)
    return ("/etc/apt/sources.list.d/%s.sources"):format(o.name)
  end,
  key = function(o)
    return ("/etc/apt/keyrings/%s.%s"):format(o.name, is_armoured(o.key or "") and "asc" or "gpg")
  end,
  content = deb822,
  refresh = function(o)
    local argv =
      { "apt-get", "-q", "-o", "APT::Update::Error-Mode=any", "-o", "APT::Get::List-Cleanup=0" }
    for _, word in ipairs({
      "-o",
      ("Dir::Etc::sourcelist=sources.list.d/%s.sources"):format(o.name),
      "-o",
      "Dir::Etc::sourceparts=-",
      "update",
    }) do
      argv[#argv + 1] = word
    end
    return argv
  end,
}

local function rpm_key(o)
  return "/etc/pki/rpm-gpg/RPM-GPG-KEY-" .. o.name
end

local function of_dnf(tool)
  return {
    path = function(o)
      return ("/etc/yum.repos.d/%s.repo"):format(o.name)
    end,
    key = rpm_key,
    content = function(o, key)
      return ini(o, key, false)
    end,
    refresh = function(o)
      local only = { "--disablerepo=*", "--enablerepo=" .. o.name }
      return { tool, "-y", "--setopt=exit_on_lock=True", only[1], only[2], "makecache" }
    end,
  }
end

files.dnf, files.yum = of_dnf("dnf"), of_dnf("yum")

files.zypper = {
  path = function(o)
    return ("/etc/zypp/repos.d/%s.repo"):format(o.name)
  end,
  key = rpm_key,
  content = function(o, key)
    return ini(o, key, true)
  end,
  refresh = function(o)
    return { "zypper", "--non-interactive", "--gpg-auto-import-keys", "refresh", o.name }
  end,
}

files.apk = {
  path = function()
    return "/etc/apk/repositories"
  end,
  key = function(o)
    return ("/etc/apk/keys/%s.rsa.pub"):format(o.name)
  end,
  content = function(o, _, is)
    return lines_of(o, is.content)
  end,
  refresh = function()
    return { "apk", "update", "--no-progress" }
  end,
  shared = true, -- one file for all sources: never removed
}

return files
