-- timezone: in which zone the server's clock shows its time.
--
-- `/etc/localtime` becomes a link to the zone, which every system reads, with systemd and without.
-- Where Debian's `/etc/timezone` is, it says the same.
local reader = require("mr.ops.system.reader")

local LOOK = [[
zone=$1
for folder in /usr/share/zoneinfo /usr/lib/zoneinfo; do
  [ -d "$folder" ] || continue
  say folder "$folder"
  [ ! -f "$folder/$zone" ] || say there yes
  break
done
if [ -L /etc/localtime ]; then
  target=$(readlink /etc/localtime)
  say link "${target#*zoneinfo/}"
fi
if [ -e /etc/timezone ]; then
  IFS= read -r line </etc/timezone
  say named "$line"
fi
]]

return {
  name = "timezone",
  summary = "The server's time zone.",
  takes = { { "zone", type = "string", help = "such as `Europe/Berlin` or `UTC`" } },
  options = {},
  like = { ansible = "community.general.timezone", pyinfra = false },
  platforms = "Linux and the BSDs, with the tz database (tzdata)",
  valid = function(o)
    local is_name = #o.zone <= 64 and o.zone:find("^%a[%w_+-]*[%w_+/-]*%w$")
    if not is_name or o.zone:find("//", 1, true) then
      require("mr.args").refuse(
        ("`%s` is not the name of a time zone"):format(o.zone),
        "names are those of the tz database: `Europe/Berlin`, `UTC`"
      )
    end
  end,
  look = function(o)
    return reader.look(LOOK, { o.zone })
  end,
  read = function(text)
    local first = reader.parse(text)
    return {
      folder = first.folder and first.folder:match("^/[%w/]+$"),
      there = first.there ~= nil,
      zone = first.link,
      named = first.named,
    }
  end,
  plan = function(is, o, _, memory)
    if not is.there then
      if memory and memory.packages and memory.packages.tzdata then
        return { unknown = "the zones come with tzdata, which is not installed yet" }
      end
      mr.fail(("the server knows no time zone `%s`"):format(o.zone), {
        hint = is.folder and "is it spelled as in the tz database?"
          or '`on:package("tzdata")` brings them',
      })
    end
    local changes, steps = {}, {}
    if is.zone ~= o.zone then
      changes[1] = ("%s -> %s"):format(is.zone or "no link", o.zone)
      steps[1] = { run = { "ln", "-snf", is.folder .. "/" .. o.zone, "/etc/localtime" } }
    end
    if is.named and is.named ~= o.zone then
      changes[#changes + 1] = ("/etc/timezone %s -> %s"):format(is.named, o.zone)
      steps[#steps + 1] = { write = "/etc/timezone", content = o.zone .. "\n" }
    end
    if not changes[1] then
      return nil
    end
    local named = is.named and o.zone
    local will = { folder = is.folder, there = true, zone = o.zone, named = named }
    return { changes = changes, steps = steps, will = will }
  end,
}
