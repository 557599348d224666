-- daed: the proxy dae with its page, from its release package, as a service.
--
-- What the kernel must have is looked at first. Its service changes where packets go, so it starts under
-- a timer on the server that stops it again unless a new connection comes (see mr.confirm).
local args = require "mr.args"
local confirm = require "mr.confirm"
local curl = require "mr.curl"
local half = require "mr.op.package.half"
local version = require "mr.version"

-- How the release calls the machines that `uname -m` names.
local MACHINES = { x86_64 = "x86_64", aarch64 = "arm64", riscv64 = "riscv64" }

-- What dae needs of a kernel, as its own documentation has it.
local KERNEL = "5.17"
local CONFIG = {
  "BPF",
  "BPF_SYSCALL",
  "BPF_JIT",
  "CGROUPS",
  "KPROBES",
  "NET_INGRESS",
  "NET_EGRESS",
  "NET_SCH_INGRESS",
  "NET_CLS_BPF",
  "NET_CLS_ACT",
  "DEBUG_INFO_BTF",
  "KPROBE_EVENTS",
  "BPF_EVENTS",
}

-- `$@` are the kernel's options. Lines `KEY VALUE`.
local LOOK = half.functions
  .. [[

export LC_ALL=C
PATH=$PATH:/usr/sbin:/sbin
echo "kernel $(uname -r)"
echo "machine $(uname -m)"
[ -e /sys/kernel/btf/vmlinux ] && echo "btf yes"
[ -d /run/systemd/system ] && echo "systemd yes"
if [ -r "/boot/config-$(uname -r)" ]; then config=$(cat "/boot/config-$(uname -r)")
elif [ -r /proc/config.gz ]; then config=$(zcat /proc/config.gz)
else config=''; fi
if [ -n "$config" ]; then
  for option; do
    printf '%s\n' "$config" | grep -q "^CONFIG_$option=[ym]" || echo "lacks CONFIG_$option"
  done
fi
[ -z "$(half daed)" ] || echo "half yes"
is=$(daed --version 2>/dev/null | head -n 1) && echo "version $is"
[ "$(systemctl is-active daed 2>/dev/null)" = active ] && echo "running yes"
[ "$(systemctl is-enabled daed 2>/dev/null)" = enabled ] && echo "enabled yes"
exit 0]]

local function look(s)
  local text = s:capture({ "sh", "-s", "--", table.unpack(CONFIG) }, { stdin = LOOK, timeout = 60 })
  local is = { lacks = {} }
  for line in text:gmatch "[^\n]+" do
    local key, value = line:match "^(%l+) ([%g ]+)$"
    if key == "lacks" then
      table.insert(is.lacks, value)
    elseif key then
      is[key] = value
    end
  end
  is.version = is.version and is.version:match "%d[%w.+-]*"
  return is
end

-- Raises when dae cannot work on this kernel, and says what is missing.
local function demand(is)
  local hint = "a newer kernel of the distribution has it, as a rule"
  if not version.at_least(is.kernel, KERNEL) then
    mr.fail(
      ("the kernel is %s, and daed needs %s or newer"):format(is.kernel or "unknown", KERNEL),
      { hint = hint }
    )
  elseif not is.btf then
    mr.fail("the kernel has no BTF: there is no /sys/kernel/btf/vmlinux, and daed needs it", {
      hint = "a kernel with CONFIG_DEBUG_INFO_BTF=y has it",
    })
  elseif is.lacks[1] then
    mr.fail(
      ("the kernel lacks what daed needs: %s"):format(table.concat(is.lacks, ", ")),
      { hint = hint }
    )
  elseif not is.systemd then
    mr.fail "daed is a service of systemd, which does not run here"
  end
end

local function is_right(is, o)
  return not is.half and version.compare(is.version, o.version) == 0 and is.running and is.enabled
end

return {
  name = "daed",
  summary = "daed, the proxy dae with its page, from its release package.",
  marks = "daed_installed",
  options = {
    version = { type = "string", default = "1.0.0", help = "of the release" },
    url = {
      type = "string",
      default = "https://github.com/daeuniverse/daed/releases/download",
      help = "where releases are, or the whole URL of a .deb or .rpm",
    },
    sha256 = { type = "string", help = "of the package; it must be given" },
    timeout = { type = "number", default = 60, help = "seconds to prove that it lets us in" },
  },

  prepare = function(_, o)
    if not o.version:find "^v?%d[%d.]*$" then
      args.refuse(("`version` must be numbers joined by dots, not `%s`"):format(o.version))
    elseif o.sha256 and not o.sha256:find("^" .. ("%x"):rep(64) .. "$") then
      args.refuse "`sha256` must be 64 hexadecimal digits"
    end
  end,

  check = function(s, o)
    local is = look(s)
    return is_right(is, o), is
  end,

  apply = function(s, o, is)
    demand(is)
    local facts = s:facts()
    local on = s:ops { sudo = facts.uid ~= 0 or nil }
    if is.half or version.compare(is.version, o.version) ~= 0 then
      local kind = facts.package_manager == "apt" and "deb" or "rpm"
      local machine = MACHINES[is.machine]
      if not o.sha256 then
        args.refuse(
          "the SHA-256 of daed's package is not known",
          "`--set daed.sha256=` says it; the release's page lists it"
        )
      elseif not machine then
        mr.fail(("there is no daed for the processor `%s`"):format(is.machine or "unknown"))
      end
      local url = o.url:find "%.deb$" and o.url
        or o.url:find "%.rpm$" and o.url
        or ("%s/v%s/installer-daed-linux-%s.%s"):format(
          o.url:gsub("/+$", ""),
          o.version:gsub("^v", ""),
          machine,
          kind
        )
      local file = ("/var/cache/mroom-daed-%s.%s"):format(o.version, kind)
      curl.ensure(s, on)
      on:download(url, file, { sha256 = o.sha256 })
      on:package({ file }, { downgrade = true })
    end
    confirm.guard(s, {
      name = "daed",
      undo = "systemctl disable --now daed",
      timeout = math.tointeger(o.timeout) or 60,
    }, function()
      on:service("daed", { state = "running", enabled = true })
    end)
  end,

  verify = function(s, o)
    local is = look(s)
    if not is_right(is, o) then
      mr.fail(
        ("daed is %s and %s, not %s and running"):format(
          is.version or "not there",
          is.running and "running" or "not running",
          o.version
        )
      )
    end
  end,
}
