-- mr.template(text, values, opts): a template in Jinja's language: `{{ name }}`, `{% for %}`, `{% if %}`,
-- filters. What is not defined is an error, never an empty text; `opts.name` names the template in
-- messages. With a secret among the values the text is a secret.
local args = require "mr.args"
local native = require "mr.native"

local OPTIONS = { name = { type = "string" } }

return function(text, values, opts)
  return native.template(text, values, args.decode("mr.template", OPTIONS, opts).name)
end
