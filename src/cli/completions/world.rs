//! Where the words come from: the inventory, the settings, the Lua files.

use clap::Arg;

use super::super::pages::TOPICS;
use super::super::{args, vm};
use super::tunnels;
use super::values::{Candidate, Files, Found, candidate, commands, plain};
use super::wants::{Wants, wants};
use crate::config::Config;
use crate::inventory::Names;
use crate::lua::Reference;
use crate::ui::columns;

/// What stands behind `key=` in `set` and `add`, beside metadata.
const FIELDS: &[&str] = &[
    "host",
    "user",
    "port",
    "key",
    "description",
    "tunnel",
    "home",
    "retired",
];

/// What there is to type on this machine.
pub(in crate::cli) struct World {
    /// The words before the cursor.
    words: Vec<String>,
    config: Option<Config>,
    names: Names,
}

impl World {
    /// As the settings say; with none of them readable, nothing.
    pub fn new(words: &[String]) -> World {
        World {
            words: words.to_vec(),
            ..World::at(Config::load(None).ok())
        }
    }

    /// As these settings say.
    pub fn at(config: Option<Config>) -> World {
        let path = config.as_ref().map(Config::database).unwrap_or_default();
        World {
            words: Vec::new(),
            config,
            names: Names::of(&path),
        }
    }

    /// Every tag, without its `@`.
    pub fn tags(&self) -> Vec<Candidate> {
        plain(self.names.tags())
    }

    /// The values of an argument. `word` is what there is of it.
    pub(super) fn of(&self, arg: &Arg, command: &str, word: &str) -> Found {
        let choices = arg.get_possible_values();
        if !choices.is_empty() {
            let shown = choices.iter().filter(|value| !value.is_hide_set());
            let all = shown.map(|v| candidate(v.get_name(), "")).collect();
            return Found::of(match arg.get_value_delimiter() {
                Some(',') => listed(word, all),
                _ => all,
            });
        }
        Found::of(match wants(arg) {
            // Its id is a new one.
            Wants::Id if command == "add" => Vec::new(),
            Wants::Id => self.ids("", ""),
            Wants::Pattern => self.pattern(word, ""),
            Wants::Side => return self.side(word),
            Wants::Stages => listed(word, self.modules("stages")),
            Wants::StageOption => self.stage_option(word).unwrap_or_default(),
            Wants::Workflow => {
                let list = match is_path(word) {
                    true => Vec::new(),
                    false => self.modules("workflows"),
                };
                return Found {
                    list,
                    files: Files::All,
                };
            }
            Wants::Module => self.named(),
            Wants::FileOrModule => {
                return Found {
                    list: self.named(),
                    files: Files::All,
                };
            }
            Wants::Tag => self.tags(),
            Wants::Field => self.field(word, "", &["id"]),
            Wants::Fields => {
                let mut all = columns::usual(true);
                all.extend(["key", "password"].map(str::to_owned));
                all.extend(self.names.keys());
                all.extend(self.names.facts());
                listed(word, plain(all))
            }
            Wants::Setting => {
                let entries = self.config.iter().flat_map(|c| c.entries());
                entries.map(|e| candidate(e.key, e.help)).collect()
            }
            Wants::Project => plain(self.config.iter().flat_map(|c| c.projects().to_vec())),
            Wants::Topic if self.words.last().is_some_and(|w| w == "stage") => {
                self.modules("stages")
            }
            Wants::Topic => {
                let mut list = commands(&args::command());
                list.extend(TOPICS.iter().map(|page| candidate(*page, "")));
                list
            }
            Wants::Tunnel => plain(self.names.tunnels()),
            Wants::TunnelKind => tunnels::kinds(),
            Wants::TunnelField => tunnels::fields(&self.names, &self.words, word),
            Wants::Subject => {
                let mut list = plain(Reference::bundled().names());
                list.extend(plain(["ops", "stages", "workflows"].map(str::to_owned)));
                for family in ["stages", "workflows"] {
                    let names = self.modules(family).into_iter();
                    list.extend(names.map(|c| candidate(format!("{family}.{}", c.value), "")));
                }
                list
            }
            Wants::File => {
                return Found {
                    list: Vec::new(),
                    files: Files::All,
                };
            }
            Wants::Folder => {
                return Found {
                    list: Vec::new(),
                    files: Files::Folders,
                };
            }
            Wants::Own => Vec::new(),
        })
    }

    /// Every id between `head` and `tail`.
    pub fn ids(&self, head: &str, tail: &str) -> Vec<Candidate> {
        let ids = self.names.ids().into_iter();
        ids.map(|(id, place)| candidate(format!("{head}{id}{tail}"), &place))
            .collect()
    }

    /// The last word of a pattern, what stands before it kept.
    pub fn pattern(&self, word: &str, tail: &str) -> Vec<Candidate> {
        let at = last_word(word);
        let (head, term) = word.split_at(at);
        let sign = term.len() - term.trim_start_matches(['!', '&']).len();
        let (head, term) = (&word[..head.len() + sign], &term[sign..]);
        if term.contains('=') {
            return self.field(term, head, &[]);
        }
        let mut list = Vec::new();
        if !term.starts_with('@') {
            list.push(candidate(format!("{head}all{tail}"), "every server"));
            let ids = self.ids(head, tail).into_iter();
            // Such an id, of an old database, cannot stand in a pattern.
            list.extend(ids.filter(|c| last_word(&c.value[head.len()..]) == 0));
        }
        let tags = self.names.tags().into_iter();
        list.extend(tags.map(|tag| candidate(format!("{head}@{tag}{tail}"), "tag")));
        if tail.is_empty() && !term.starts_with('@') {
            let keys = FIELDS.iter().map(|f| (*f).to_owned());
            let keys = keys.chain(self.names.keys());
            list.extend(keys.map(|key| candidate(format!("{head}{key}="), "field")));
            // There are many: they are offered to who begins to type one.
            if term.starts_with("fa") {
                let facts = self.names.facts().into_iter();
                list.extend(facts.map(|key| candidate(format!("{head}{key}="), "fact")));
            }
        }
        list
    }

    /// `key=` and, behind that, the values that the inventory has.
    fn field(&self, word: &str, head: &str, without: &[&str]) -> Vec<Candidate> {
        if let Some((key, _)) = word.split_once('=') {
            let values = match key {
                "retired" => vec!["true".to_owned(), "false".to_owned()],
                "key" => self.names.values("local_cert_path"),
                "tunnel" => self.names.tunnels(),
                "home" => self.names.values("home_path"),
                key if key.starts_with("facts.") => self.names.fact_values(key),
                key => self.names.values(key),
            };
            let full = values.into_iter().map(|v| format!("{head}{key}={v}"));
            return plain(full);
        }
        let keys = FIELDS.iter().map(|f| (*f).to_owned());
        let keys = keys.chain(self.names.keys());
        let keys = keys.filter(|key| !without.contains(&key.as_str()));
        plain(keys.map(|key| format!("{head}{key}=")))
    }

    /// `key=` of the stages on the line (of all when there is none yet), with `stage.` before it
    /// when that is begun; behind it the values that it may have.
    fn stage_option(&self, word: &str) -> Option<Vec<Candidate>> {
        let vm = vm::quiet(self.config.clone()?).ok()?;
        let all = vm.stage_names();
        let is_stage = |name: &&str| all.iter().any(|known| known == name);
        let named = self.words.iter().filter_map(|words| {
            let names: Vec<&str> = words.split(',').collect();
            names.iter().all(is_stage).then_some(names)
        });
        let named: Vec<String> = named.flatten().map(str::to_owned).collect();
        let stages = match named.is_empty() {
            true => all
                .iter()
                .filter_map(|name| vm.stage_info(name).ok())
                .collect(),
            false => vm.planned(&named).ok()?,
        };
        let mut list = Vec::new();
        for stage in &stages {
            let head = match word.starts_with(&format!("{}.", stage.name)) {
                true => format!("{}.", stage.name),
                false => String::new(),
            };
            for (key, option) in &stage.options {
                let start = format!("{head}{key}=");
                if word.starts_with(&start) {
                    list.extend(
                        option
                            .values()
                            .into_iter()
                            .map(|v| candidate(format!("{start}{v}"), "")),
                    );
                } else {
                    list.push(candidate(start, option.help.as_deref().unwrap_or_default()));
                }
            }
        }
        list.dedup();
        Some(list)
    }

    /// One side of `cp`. Paths on servers are theirs to know.
    fn side(&self, word: &str) -> Found {
        if is_path(word) {
            return Found {
                list: Vec::new(),
                files: Files::All,
            };
        }
        let list = match word.contains(':') {
            true => Vec::new(),
            false => self.pattern(word, ":"),
        };
        let files = match word.contains(':') {
            true => Files::No,
            false => Files::All,
        };
        Found { list, files }
    }

    /// Stages and workflows by the names of their modules.
    fn named(&self) -> Vec<Candidate> {
        let full = |family: &'static str| {
            let names = self.modules(family).into_iter();
            names.map(move |c| candidate(format!("{family}.{}", c.value), ""))
        };
        full("stages").chain(full("workflows")).collect()
    }

    /// The names of stages or workflows, those of a trusted project among them.
    pub fn modules(&self, family: &str) -> Vec<Candidate> {
        let loader = |config| vm::quiet_loader(config).ok();
        let found = self.config.as_ref().and_then(loader);
        found.map_or_else(Vec::new, |(loader, _)| plain(loader.list(family)))
    }
}

/// `all` as the items of a list joined by commas, of which `word` has the first ones.
fn listed(word: &str, all: Vec<Candidate>) -> Vec<Candidate> {
    let head = word.rfind(',').map_or("", |at| &word[..=at]);
    let given: Vec<&str> = head.split(',').collect();
    let more = all
        .into_iter()
        .filter(|c| !given.contains(&c.value.as_str()));
    more.map(|c| candidate(format!("{head}{}", c.value), &c.about))
        .collect()
}

/// Where the last word of a pattern begins: behind a comma or blank outside of brackets.
fn last_word(text: &str) -> usize {
    let (mut depth, mut at) = (0_u32, 0);
    for (i, c) in text.char_indices() {
        match c {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            c if depth == 0 && (c == ',' || c.is_whitespace()) => at = i + c.len_utf8(),
            _ => {}
        }
    }
    at
}

fn is_path(word: &str) -> bool {
    word.contains('/') || word.starts_with(['.', '~'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_last_words() {
        let all = || plain(["cert", "env"].map(str::to_owned));
        let values = |word| {
            let list = listed(word, all()).into_iter();
            list.map(|c| c.value).collect::<Vec<_>>()
        };
        assert_eq!(values(""), ["cert", "env"]);
        assert_eq!(values("cert,e"), ["cert,env"]);
        for (text, at) in [
            ("we", 0),
            ("a,b", 2),
            ("a b", 2),
            ("w[1,2", 0),
            ("w[1,2],b", 7),
            ("東,b", 4),
        ] {
            assert_eq!(last_word(text), at, "{text}");
        }
    }
}
