-- What the managers of rpm packages (dnf, yum, zypper) have in common. Pure. Internal.
local rpm = {}

-- Shell functions after those of mr.op.package.answer: `known` becomes the `have` lines of what is
-- wanted. `is_held NAME` must be defined before.
rpm.head = [[
shape='%{NAME}=%|EPOCH?{%{EPOCH}:}|%{VERSION}-%{RELEASE}\n'
as_name() {
  case $1 in
    /*) rpm -qp --nosignature --qf "$shape" "$1" 2>/dev/null | head -n 1 ;;
    *) printf '%s' "$1" ;;
  esac
}
installed() {
  for want; do
    full=$(as_name "$want")
    name=${full%%=*}
    if [ "$name" != "$want" ] && [ -n "$full" ]; then
      case $want in /*) say file "$want" "$name" "${full#*=}" ;; esac
    elif [ -z "$full" ]; then
      say none "$want"
      continue
    fi
    flags=
    found=$(rpm -q --qf "$shape" "$name" 2>/dev/null) ||
      { found=$(rpm -q --whatprovides --qf "$shape" "$name" 2>/dev/null) && flags=p; } || continue
    # The newest of several versions, as of a kernel, comes last.
    found=$(printf '%s\n' "$found" | tail -n 1)
    ! is_held "${found%%=*}" || flags=${flags}h
    say have "$name" "${found%%=*}" "${found#*=}" "$flags-"
  done
}
# Puts into `todo` what the simulation is to be asked about, quoted for nobody: one a line.
left() {
  state=$1
  shift
  for want; do
    name=$(as_name "$want")
    [ -n "$name" ] || continue
    is_there "$name" && there=1 || there=
    case $state$there in
      present | latest | latest1 | absent1) printf '%s\n' "$want" ;;
    esac
  done
}
]]

-- `name=1.2` as dnf and yum want it: `name-1.2`.
function rpm.dashed(list)
  local all = {}
  for i, text in ipairs(list) do
    all[i] = text:sub(1, 1) == "/" and text or (text:gsub("=", "-", 1))
  end
  return all
end

-- `rpm -q` gives `=` between name and version, which the epoch may stand before.
return rpm
