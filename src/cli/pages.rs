//! The pages of help that belong to no command; the manual has them too. Text only.

/// What `mroom help` explains beside commands.
pub(super) const TOPICS: &[&str] = &["commands", "exit", "flags", "patterns", "tunnels"];

/// How servers are selected.
pub(super) const PATTERNS: &str = "\
A pattern selects servers. Words are joined by a comma or a blank:

  web-01          the server of that id
  all             every server that is not retired
  web-*           wildcards: * ? [abc] [!a]
  web-[01-20]     a range of numbers, here with a leading zero
  @edge           a tag; wildcards as well: @edge*
  role=edge       a field or metadata: host user port key tunnel, or any key
  facts.os.id=x   what servers have told of themselves: `mroom facts`
  rank>3          a number: < <= > >=, with K M G T behind it for sizes
  @./ids.txt      ids from a file, one a line, or the servers of a list file;
                  servers.txt and ./servers do the same
  -               ids from standard input
  !web-09         take out; &@edge keeps only what is in both

Quote patterns, so that your shell leaves them alone: 'all !web-09'. One that
matches nothing is an error: empty never means all. Retired servers are left
out unless named one by one, or with --retired. --limit narrows any selection.
";

/// What stands below the shared flags.
pub(super) const FLAGS_NOTE: &str = "
Each stands before or after the command, and has a variable: --accept-new is
MROOM_ACCEPT_NEW. Those marked as settings can be kept in the settings file:
`mroom config` lists them.
";

/// What the exit code says.
pub(super) const EXIT: &str = "\
The exit code of mroom:

  0    all well
  1    an error of mroom itself: a file, the database, a script
  2    wrong usage or settings
  3    failed on some server, or nobody knows how it ended there
  4    some server unreachable
  5    refused: a host key, locked secrets, code that nobody trusts
  130  interrupted

Of several the last in this list counts.
";

/// Where things are, for the manual.
pub(super) const FILES: &str = "\
~/.config/machineroom/config.toml
    The settings. MROOM_CONFIG_DIR names another folder.
~/.config/machineroom/stages/, workflows/
    Your own stages and workflows; they win over those of the program.
~/.local/share/machineroom/cache.db
    The inventory. MROOM_DATA_DIR names another folder.
.machineroom/
    A project's own Lua, when it is trusted.
~/.ssh/known_hosts
    The host keys, read and appended to.
";
