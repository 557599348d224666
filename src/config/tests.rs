use super::*;

fn build(text: &str, project: Option<&str>, env: &[(&str, &str)]) -> Result<Config> {
    let file = Path::new("config.toml");
    let env = |name: &str| {
        env.iter()
            .find(|(k, _)| *k == name)
            .map(|(_, v)| (*v).to_owned())
    };
    Config::build(&parse(text, file)?, file, project, env)
}

#[test]
fn later_wins_and_the_origin_is_known() {
    let text = "forks = 8\nram_gb = 2\n[commands]\nbash = '/bin/bash'\n[projects.edge]\nram_gb = 1\nforks = 4";
    let config = build(
        text,
        Some("edge"),
        &[("MROOM_FORKS", "99"), ("MROOM_DEFAULT_STAGES", "env,cert")],
    )
    .unwrap();
    assert_eq!(
        (config.forks(), config.ram_gb(), config.disk_gb()),
        (99, 1, 100)
    );
    assert_eq!(config.command("bash"), "/bin/bash");
    assert_eq!(config.default_stages(), ["env", "cert"]);
    let origin = |key: &str| {
        config
            .entries()
            .iter()
            .find(|e| e.key == key)
            .unwrap()
            .origin
            .to_string()
    };
    assert_eq!(origin("forks"), "$MROOM_FORKS");
    assert_eq!(origin("ram_gb"), "[projects.edge]");
    assert_eq!(origin("commands.bash"), "config.toml");
    assert_eq!(origin("disk_gb"), "default");
}

#[test]
fn bad_settings_name_file_line_and_key() {
    for (text, project, message, hint) in [
        (
            "fork = 1",
            None,
            "config.toml: unknown setting `fork`",
            "did you mean `forks`?",
        ),
        (
            "forks = 'x'",
            None,
            "config.toml: `forks` must be a whole number from 1 to 10000, not `\"x\"`",
            "",
        ),
        (
            "forks = 0",
            None,
            "config.toml: `forks` must be a whole number from 1 to 10000, not `0`",
            "",
        ),
        ("a = 1\nb = = 2", None, "config.toml:2: ", ""),
        (
            "projects = 1",
            None,
            "config.toml: `projects` must be a table of tables",
            "",
        ),
        (
            "[projects.a]\nform = 1",
            None,
            "config.toml [projects.a]: unknown setting `form`",
            "did you mean `forks`?",
        ),
        (
            "[projects.edge]",
            Some("edgy"),
            "config.toml: no project `edgy`",
            "did you mean `edge`?",
        ),
        (
            "[commands]\nzsh = 'x'",
            None,
            "config.toml: unknown setting `commands.zsh`",
            "",
        ),
    ] {
        let error = build(text, project, &[]).unwrap_err();
        assert!(error.message().starts_with(message), "{text:?}: {error}");
        assert!(
            error.hint_text().unwrap_or_default().contains(hint),
            "{text:?}: {:?}",
            error.hint_text()
        );
        assert_eq!(error.kind().exit_code(), 2);
    }
    let error = build("", None, &[("MROOM_FORKS", "many")]).unwrap_err();
    assert!(
        error.message().starts_with("$MROOM_FORKS: `forks` must be"),
        "{error}"
    );
}
