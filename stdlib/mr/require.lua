-- require, as it was but for this: a module that is still loading is named as a circle, loading
-- has an end, and a module that is not there says where it was looked for. Internal: not for
-- `require`.
local native = ...
local raw, loaded, preload = require, package.loaded, package.preload

function require(name)
  local module = loaded[name]
  if module ~= nil then
    return module
  end
  if preload[name] == nil then
    native.find(name)
  end
  local _loading <close> = native.load(name)
  return raw(name)
end
