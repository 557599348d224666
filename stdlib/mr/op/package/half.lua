-- Which packages dpkg was interrupted in, for scripts that look at a server: programs of a package may be
-- there and work while it was never configured, and the operation `package` finishes that. Internal.
local half = {}

-- Shell functions; nothing is half-done where there is no dpkg. `half NAME...` prints those that dpkg has
-- begun with and not finished; a name may be a pattern of dpkg-query(1). `is_known NAME`: is it there, finished or not?
half.functions = [[
states() {
  command -v dpkg-query >/dev/null || return 0
  for one; do dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$one" 2>/dev/null; done
}
half() {
  states "$@" | sed -n '/^not-installed /d; /^config-files /d; /^installed /d; s/^[a-z-]* //p'
}
is_known() {
  states "$1" | grep -qv -e '^not-installed ' -e '^config-files '
}]]

-- Is one of them half-done on that server?
function half.of(s, ...)
  local look = half.functions .. '\n[ -n "$(half "$@")" ]'
  return s:test({ "sh", "-s", "--", ... }, { stdin = look, timeout = 60 })
end

return half
