-- An image of one program of 200 bytes, so that an engine can be tried without a registry: the program
-- says `mroom` and ends well. Pure. For the stage `docker`. Internal.
local probe = {}

-- What the program is, by the machine of `uname -m`: its number in ELF's header, and its code with the
-- text behind it. Assembled by hand: write(1, "mroom\n", 6); exit(0).
local CODE = {
  x86_64 = {
    62,
    "\xb8\1\0\0\0" -- mov eax, 1
      .. "\xbf\1\0\0\0" -- mov edi, 1
      .. "\x48\x8d\x35\x10\0\0\0" -- lea rsi, [rip + 16]
      .. "\xba\6\0\0\0" -- mov edx, 6
      .. "\x0f\5" -- syscall
      .. "\xb8\x3c\0\0\0" -- mov eax, 60
      .. "\x31\xff" -- xor edi, edi
      .. "\x0f\5", -- syscall
  },
  aarch64 = {
    183,
    "\x20\0\x80\xd2" -- mov x0, 1
      .. "\1\1\0\x10" -- adr x1, 32
      .. "\xc2\0\x80\xd2" -- mov x2, 6
      .. "\8\8\x80\xd2" -- mov x8, 64
      .. "\1\0\0\xd4" -- svc 0
      .. "\0\0\x80\xd2" -- mov x0, 0
      .. "\xa8\x0b\x80\xd2" -- mov x8, 93
      .. "\1\0\0\xd4" -- svc 0
      .. "\x1f\x20\3\xd5", -- nop
  },
}

-- What it says.
probe.says = "mroom"

-- A program for that machine (elf(5)): the header, one segment with all of it, the code.
local function program(number, code)
  local base, head = 0x400000, 64 + 56
  local size = head + #code
  return "\x7fELF\2\1\1"
    .. ("\0"):rep(9)
    .. ("<I2I2I4I8I8I8I4I2I2I2I2I2I2"):pack(
      2,
      number,
      1,
      base + head,
      64,
      0,
      0,
      64,
      56,
      1,
      64,
      0,
      0
    )
    .. ("<I4I4I8I8I8I8I8I8"):pack(1, 5, 0, base, base, size, size, 0x1000)
    .. code
end

-- One file as a tar archive: the format of POSIX.1-1988, as tar(5) has it.
local function tar(name, content)
  local function header(sum)
    return ("c100c8c8c8c12c12c8c1c100c6c2c32c32c8c8c155c12"):pack(
      name,
      "0000755\0",
      "0000000\0",
      "0000000\0",
      ("%011o\0"):format(#content),
      "00000000000\0",
      sum,
      "0",
      "",
      "ustar\0",
      "00",
      "root",
      "root",
      "0000000\0",
      "0000000\0",
      "",
      ""
    )
  end
  local sum = 0
  for _, byte in ipairs { header(("\32"):rep(8)):byte(1, -1) } do
    sum = sum + byte
  end
  return header(("%06o\0\32"):format(sum))
    .. content
    .. ("\0"):rep(-#content % 512)
    .. ("\0"):rep(1024)
end

-- The image for that machine as `docker import -` reads it; nil for a machine that is not known here.
function probe.archive(machine)
  local known = CODE[machine]
  if not known then
    return nil
  end
  return tar("probe", program(known[1], known[2] .. probe.says .. "\n"))
end

-- Runs it and takes it away again; the archive is on standard input. Prints what the program says.
probe.script = [[
image=$(docker import -) || exit
trap 'docker image rm -f "$image" >/dev/null 2>&1' EXIT
docker run --rm --network none "$image" /probe]]

return probe
