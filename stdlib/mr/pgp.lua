-- Fingerprints of OpenPGP keys, so that a key that was fetched is believed only when it is the one
-- that was meant. Reads the text of a key file, armoured or not; checks no signature. Pure.
--
-- Formats: RFC 4880, 4.2 (packet headers), 6.2 (armour), 12.2 (fingerprint of a version 4 key).
local pgp = {}

local function bad(why)
  mr.fail("it is no OpenPGP key: " .. why, {
    hint = "a public key as `gpg --armor --export` writes it",
  })
end

local function rotated(n, bits)
  return (n << bits | n >> (32 - bits)) & 0xffffffff
end

-- SHA-1 as 40 hexadecimal digits. What a version 4 fingerprint is made with; good for nothing else.
function pgp.sha1(text)
  local h0, h1, h2, h3, h4 = 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0
  local padded = text .. "\x80" .. ("\0"):rep((55 - #text) % 64) .. (">I8"):pack(#text * 8)
  local w = {}
  for at = 1, #padded, 64 do
    for i = 0, 15 do
      w[i] = (">I4"):unpack(padded, at + i * 4)
    end
    for i = 16, 79 do
      w[i] = rotated(w[i - 3] ~ w[i - 8] ~ w[i - 14] ~ w[i - 16], 1)
    end
    local a, b, c, d, e = h0, h1, h2, h3, h4
    for i = 0, 79 do
      local f, k
      if i < 20 then
        f, k = b & c | ~b & 0xffffffff & d, 0x5a827999
      elseif i < 40 then
        f, k = b ~ c ~ d, 0x6ed9eba1
      elseif i < 60 then
        f, k = b & c | b & d | c & d, 0x8f1bbcdc
      else
        f, k = b ~ c ~ d, 0xca62c1d6
      end
      local next = (rotated(a, 5) + f + e + k + w[i]) & 0xffffffff
      a, b, c, d, e = next, a, rotated(b, 30), c, d
    end
    h0, h1, h2 = (h0 + a) & 0xffffffff, (h1 + b) & 0xffffffff, (h2 + c) & 0xffffffff
    h3, h4 = (h3 + d) & 0xffffffff, (h4 + e) & 0xffffffff
  end
  return ("%08x%08x%08x%08x%08x"):format(h0, h1, h2, h3, h4)
end

local ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

local function base64(text)
  local bytes, held, bits = {}, 0, 0
  for char in text:gmatch "[%w+/]" do
    held = (held << 6 | (ALPHABET:find(char, 1, true) or 1) - 1) & 0xffff
    bits = bits + 6
    if bits >= 8 then
      bits = bits - 8
      bytes[#bytes + 1] = string.char(held >> bits & 0xff)
    end
  end
  return table.concat(bytes)
end

-- The bytes of all armoured blocks of a text, or the text when it is not armoured.
local function bytes_of(text)
  if not text:find("-----BEGIN PGP", 1, true) then
    return text
  end
  local all = {}
  for body in text:gmatch "%-%-%-%-%-BEGIN PGP PUBLIC KEY BLOCK%-%-%-%-%-(.-)%-%-%-%-%-END" do
    -- Headers end with an empty line; a line with `=` before the end is the checksum.
    body = body:gsub("\r", ""):gsub("^[^\n]*\n", "", 1)
    body = body:match "^.-\n%s*\n(.*)$" or body
    all[#all + 1] = base64((body:gsub("\n=[%w+/]+%s*$", "")))
  end
  return table.concat(all)
end

-- The next packet: its tag, its body, and where the one behind it begins.
local function packet(data, at)
  local head = data:byte(at)
  if head < 0x80 then
    bad "a packet begins with a wrong byte"
  end
  local tag, length ---@type integer, integer?
  local first = at
  if head & 0x40 ~= 0 then
    tag = head & 0x3f
    local one = data:byte(at + 1)
    if not one or (one >= 224 and one < 255) then
      bad "a packet has no length"
    elseif one < 192 then
      length, first = one, at + 2
    elseif one < 224 then
      length, first = (one - 192 << 8) + (data:byte(at + 2) or 0) + 192, at + 3
    elseif #data >= at + 5 then
      length, first = (">I4"):unpack(data, at + 2)
    end
  else
    tag = head >> 2 & 0x0f
    local size = ({ [0] = 1, 2, 4 })[head & 3]
    if size and #data >= at + size then
      length, first = (">I" .. size):unpack(data, at + 1)
    end
  end
  if not length or first + length - 1 > #data then
    bad "it ends in the middle of a packet"
  end
  return tag, data:sub(first, first + length - 1), first + length
end

-- The fingerprints of the primary keys in a text, in capitals, in their order.
function pgp.fingerprints(text)
  local data, at, found = bytes_of(text), 1, {}
  while at <= #data do
    local tag, body, after = packet(data, at)
    at = after
    if tag == 6 then
      if body:byte(1) ~= 4 then
        bad(("a key of version %s"):format(tostring(body:byte(1))))
      elseif #body > 0xffff then
        bad "a key is too long"
      end
      found[#found + 1] = pgp.sha1("\x99" .. (">I2"):pack(#body) .. body):upper()
    end
  end
  if #found == 0 then
    bad "there is no public key in it"
  end
  return found
end

-- A fingerprint as people write it, without blanks and in capitals; nil when it is none.
function pgp.plain(text)
  local plain = text:gsub("[%s:]", ""):gsub("^0[xX]", ""):upper()
  return plain:find("^" .. ("%x"):rep(40) .. "$") and plain or nil
end

-- Raises unless every key in the text has that fingerprint. `what` names the text.
function pgp.demand(text, wanted, what)
  local plain = pgp.plain(wanted)
  if not plain then
    error({ kind = "usage", message = ("`%s` is no fingerprint"):format(wanted) }, 0)
  end
  for _, is in ipairs(pgp.fingerprints(text)) do
    if is ~= plain then
      mr.fail(("%s has the fingerprint %s, not %s"):format(what, is, plain), {
        hint = "nothing was changed; the option `fingerprint` says which key is meant",
      })
    end
  end
end

return pgp
