//! Hooks of destinations (`{ to, reload }`): declared, run after a delivery, waited for, run again when it is undone.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{configure, declared, integration};
use crate::support::places::{Kinds, Places};
use crate::support::world::World;

/// Notes all that it is given; fails while there is a file `broken`.
const HOOK: &str = r#"#!/bin/sh
here=$1
{ echo "run $KEYWRIGHT_ACTION"; echo "arguments $*"; env; cat; } >> "$here/seen"
if [ -e "$here/broken" ]; then echo "the unit did not start" >&2; exit 1; fi
"#;

struct Hooked {
    world: World,
    places: Places,
    folder: PathBuf,
    hook: String,
}

impl Hooked {
    /// One integration with a hook after each of its two places.
    async fn start(grace: &str) -> Self {
        let world = declared().await;
        let places = world.places("backups", Kinds::All);
        let folder = world.home.folder().join("hook");
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("hook.sh"), HOOK).unwrap();
        let hook = format!("command:/bin/sh {0}/hook.sh {0}", folder.display());
        let hooked = Self { world, places, folder, hook };
        configure(&hooked.world.home, &integration("backups", grace, &hooked.deliver(&hooked.hook)));
        hooked.world.home.must(&["apply", "--yes"]).await;
        hooked
    }

    fn deliver(&self, hook: &str) -> Vec<String> {
        let to = self.places.addresses();
        vec![format!("{{ to = {}, reload = {} }}", json!(to[0]), json!(hook)), json!(to[1]).to_string()]
    }

    fn seen(&self) -> String {
        std::fs::read_to_string(self.folder.join("seen")).unwrap_or_default()
    }

    fn runs(&self) -> usize {
        self.seen().matches("run reload\n").count()
    }

    fn held(&self) -> Vec<Option<String>> {
        self.places.held()[..2].to_vec()
    }

    /// Changes the configuration.
    fn rewrite(&self, from: &str, to: &str) {
        let file = self.world.home.folder().join("keywright.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.contains(from), "{text}");
        std::fs::write(&file, text.replace(from, to)).unwrap();
    }
}

fn flag(folder: &Path) -> PathBuf {
    folder.join("broken")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hook_that_fails_stalls_the_rotation_while_both_keys_work() {
    let hooked = Hooked::start("0s").await;
    let (home, old) = (&hooked.world.home, hooked.held()[0].clone().unwrap());
    assert_eq!(hooked.runs(), 1, "the first key is taken up too");
    std::fs::write(flag(&hooked.folder), "").unwrap();
    let stalled = home.run(&["rotate", "backups"]).await;
    assert!(stalled.code == Some(1) && stalled.stderr.contains("the unit did not start"), "{stalled:?}");
    let new = hooked.held()[0].clone().unwrap();
    assert!(hooked.held().iter().all(|held| held.as_deref() == Some(&*new)) && new != old);
    assert!(hooked.world.key_works(&old).await && hooked.world.key_works(&new).await, "both keys work");
    let shown = hooked.world.show("backups").await;
    assert_eq!(shown["rotations"][0]["status"], "stalled");
    assert!(shown["keys"].as_array().unwrap().iter().all(|key| key["state"] != "retired"), "{shown}");
    let again = home.run(&["rotate", "--resume", "backups"]).await;
    assert_eq!(again.code, Some(1), "{again:?}");
    assert!(hooked.world.key_works(&old).await);
    std::fs::remove_file(flag(&hooked.folder)).unwrap();
    home.must(&["rotate", "--resume", "backups"]).await;
    assert!(!hooked.world.key_works(&old).await && hooked.world.key_works(&new).await);
    assert!(hooked.seen().contains("KEYWRIGHT_INTEGRATION=backups\n"));
    // Another hook in the file mends it too, while the rotation stands.
    std::fs::write(flag(&hooked.folder), "").unwrap();
    assert_eq!(home.run(&["rotate", "backups"]).await.code, Some(1));
    hooked.rewrite(&json!(hooked.hook).to_string(), "\"command:/bin/true\"");
    home.must(&["apply", "--yes"]).await;
    home.must(&["rotate", "--resume", "backups"]).await;
    assert!(!hooked.world.key_works(&new).await);
    for key in [&old, &new, hooked.held()[0].as_ref().unwrap()] {
        assert!(!hooked.seen().contains(key.as_str()), "a hook is given no key");
    }
    home.must(&["log", "verify"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn undoing_restores_and_lets_the_program_take_it_up() {
    let hooked = Hooked::start("1h").await;
    let (home, before) = (&hooked.world.home, hooked.held());
    home.must(&["rotate", "backups"]).await;
    assert!(hooked.held() != before && hooked.runs() == 2);
    home.must(&["rotate", "backups", "--abort"]).await;
    assert_eq!((hooked.held(), hooked.runs()), (before.clone(), 3));
    // Stalled at its hook, undoing waits for the hook too: the program may have taken the new key up.
    std::fs::write(flag(&hooked.folder), "").unwrap();
    assert_eq!(home.run(&["rotate", "backups"]).await.code, Some(1));
    let new = hooked.held()[0].clone().unwrap();
    assert_eq!(home.run(&["rotate", "backups", "--abort"]).await.code, Some(1));
    assert!(hooked.held() == before && hooked.world.key_works(&new).await);
    std::fs::remove_file(flag(&hooked.folder)).unwrap();
    home.must(&["rotate", "--resume", "backups"]).await;
    assert_eq!(hooked.held(), before);
    assert!(
        !hooked.world.key_works(&new).await && hooked.world.key_works(before[0].as_deref().unwrap()).await
    );
    let shown = hooked.world.show("backups").await;
    let steps = shown["rotations"][0]["steps"].as_array().unwrap();
    let undone: Vec<&str> = steps.iter().rev().take(5).map(|step| step["step"].as_str().unwrap()).collect();
    assert_eq!(undone, ["close", "remove", "restore", "reload", "restore"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hook_is_changed_without_turning_the_key() {
    let hooked = Hooked::start("0s").await;
    let (home, before) = (&hooked.world.home, hooked.held());
    let to = &hooked.places.addresses()[0];
    let shown = hooked.world.show("backups").await;
    assert_eq!(shown["integration"]["reload"], json!([{"after": to, "hook": hooked.hook}]));
    let text = home.must(&["key", "show", "backups"]).await.stdout;
    assert!(text.contains(&format!("  to {to}, then {}\n", hooked.hook)), "{text}");
    let listed = home.json(&["destination", "list", "backups"]).await;
    assert_eq!(listed["destinations"][0]["reload"], hooked.hook.as_str());
    let looked = home.json(&["doctor"]).await;
    let looked = looked["checks"].as_array().unwrap().iter().find(|check| check["check"] == "hook").cloned();
    assert_eq!(looked.unwrap()["subject"], format!("{} of backups", hooked.hook));
    let none = format!("{{ to = {}, reload = {} }}", json!(to), json!(hooked.hook));
    let steps = [
        (json!(hooked.hook).to_string(), json!("command:/bin/true").to_string()),
        (none.replace(&json!(hooked.hook).to_string(), "\"command:/bin/true\""), json!(to).to_string()),
        (json!(to).to_string(), none),
    ];
    for (from, into) in steps {
        hooked.rewrite(&from, &into);
        let planned = home.run(&["plan", "--json"]).await;
        let actions = planned.json()["actions"].as_array().unwrap().clone();
        assert_eq!((planned.code, actions.len()), (Some(3), 1), "{into}");
        assert_eq!(
            (&actions[0]["action"], &actions[0]["changes"][0]["setting"]),
            (&json!("change"), &json!("reload"))
        );
        let plan = home.run(&["plan"]).await.stdout;
        assert!(plan.contains("~ integration backups\n    reload: "), "{plan}");
        home.must(&["apply", "--yes"]).await;
        assert_eq!(home.run(&["plan"]).await.code, Some(0));
        assert_eq!((hooked.held(), hooked.runs()), (before.clone(), 1), "{into}");
    }
    let told: Value = hooked.world.show("backups").await;
    assert_eq!(told["rotations"].as_array().unwrap().len(), 1);
    home.must(&["deliver", "backups"]).await;
    assert_eq!(hooked.runs(), 2);
    // What is no hook is told with its line, and what might be a key is not repeated.
    hooked.rewrite(&json!(hooked.hook).to_string(), "\"canary-of-a-key\"");
    let refused = home.run(&["config", "check"]).await;
    assert!(refused.code != Some(0) && refused.stderr.contains("integration.backups.deliver"), "{refused:?}");
    assert!(!refused.stderr.contains("canary"), "{refused:?}");
}
