-- mr.ops.git.given: which URLs and revisions the operation `git` accepts. It is no operation itself.
local args = require "mr.args"
local given = {}

-- https, ssh and file are encrypted or local. Others prove nothing (http, git), or run programs (ext).
local SCHEMES = { https = true, ssh = true, file = true }

-- A URL, `user@host:path`, or an absolute path on the server.
function given.url(url)
  local scheme, authority = url:match "^(%a[%w+.-]*)://([^/]*)"
  local is_scp = not scheme and url:find "^[%w_.@-]+:[^:]"
  local is_path = url:sub(1, 1) == "/"
  local is_url = scheme and #url > #scheme + 3
  if url:find "[%c%s]" or url:sub(1, 1) == "-" or not (is_scp or is_path or is_url) then
    args.refuse("`git`: the URL is none that git knows", "such as https://host/app.git")
  elseif scheme and not SCHEMES[scheme] then
    args.refuse(
      ("`git`: a URL with %s:// is not accepted"):format(scheme),
      "https, ssh and file are: others prove nothing, or run programs"
    )
  elseif authority and (authority:find "^%-" or authority:find "@%-") then
    args.refuse "`git`: the host's name begins with a dash"
  elseif scheme == "https" and authority:find ":[^@]*@" then
    args.refuse(
      "`git`: a password in the URL would be kept readable in the clone",
      "use an ssh key of the server, or its git's credential helper"
    )
  end
end

-- A branch, a tag or a whole commit, by the rules of git-check-ref-format; nil is the remote's HEAD.
function given.revision(rev)
  if rev == nil then
    return
  elseif rev:find "^refs/" then
    args.refuse "`git`: `revision` is written without refs/heads/ and refs/tags/"
  elseif
    rev == ""
    or rev:find "[%c%s~^:?*%[\\]"
    or rev:find "^[-/]"
    or rev:find("..", 1, true)
    or rev:find("@{", 1, true)
  then
    args.refuse(("`git`: `revision` must be a branch, a tag or a commit, not `%s`"):format(rev))
  end
end

return given
