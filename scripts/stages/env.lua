return { name = "env", summary = "Facts, workspace and requirements.", apply = function() end }
