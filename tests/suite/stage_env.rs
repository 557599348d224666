//! The stage env on a real sshd, and check mode over both stages.

use machineroom::fleet::RunOptions;
use serde_json::{Value as Json, json};

use crate::support::place::Place;

#[tokio::test(flavor = "current_thread")]
async fn check_mode_writes_nothing() {
    let Some(place) = Place::new("HOME/.ssh/authorized_keys") else {
        return;
    };
    let yard = place.yard(RunOptions {
        check: true,
        ..RunOptions::default()
    });
    let workspace = place.dir.path().join("work");
    let options = json!({"cert": {"key": place.public()}, "env": {"workspace": workspace}});
    let outcomes = yard.stage(&["cert", "env"], options).await.unwrap();
    assert_eq!(
        outcomes[0].status.as_str(),
        "changed",
        "{:?}",
        outcomes[0].error
    );
    assert!(!place.ssh_dir().exists() && !workspace.exists());
    assert_eq!(
        yard.meta("web"),
        json!({"local_cert_path": place.sshd.path("id")})
    );
}

#[tokio::test(flavor = "current_thread")]
async fn env_makes_the_workspace_and_learns_what_is_true() {
    let Some(place) = Place::new("HOME/.ssh/authorized_keys") else {
        return;
    };
    let yard = place.yard(RunOptions::default());
    let home = place.dir.path().join("home");
    let run = async |more: Json| {
        let outcomes = yard.stage(&["env"], json!({"env": more})).await.unwrap();
        let error = outcomes[0].error.as_ref().map(ToString::to_string);
        (outcomes[0].status.as_str(), error.unwrap_or_default())
    };
    let huge = 1_000_000;
    let (status, error) = run(json!({"disk_gb": huge, "strict": true})).await;
    assert_eq!(status, "failed");
    assert!(error.contains("where 1000000 GB are required"), "{error}");
    assert!(
        !home.join("machineroom").exists(),
        "a strict failure comes first"
    );
    let enough = json!({"ram_gb": 0, "disk_gb": 0});
    assert_eq!(run(enough.clone()).await, ("changed", String::new()));
    assert!(home.join("machineroom/cache").is_dir() && home.join("machineroom/assets").is_dir());
    assert_eq!(yard.meta("web")["home_path"], json!(home));
    assert_eq!(run(enough).await, ("ok", String::new()));
    assert!(yard.notes.0.lock().unwrap().is_empty());
    assert_eq!(
        run(json!({"disk_gb": huge, "ram_gb": 0})).await,
        ("ok", String::new())
    );
    let notes = yard.notes.0.lock().unwrap().join("\n");
    assert!(notes.starts_with("Warning web: disk: "), "{notes}");
}
