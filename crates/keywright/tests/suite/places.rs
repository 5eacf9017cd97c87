//! Everything in another place, and under another master key.

use crate::support::database::database;
use crate::support::home::Home;
use crate::support::places::Kinds;
use crate::support::world::World;

/// The master key's own file, and what the former one is kept as.
fn former(home: &Home) -> Vec<String> {
    let entries = std::fs::read_dir(home.folder()).unwrap().map(|entry| entry.unwrap().file_name());
    let names = entries.map(|name| name.into_string().unwrap());
    names.filter(|name| name.starts_with("keywright.key.")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_master_key_seals_everything_and_the_old_one_opens_nothing() {
    let world = World::start(sandbox::Profile::V2_41).await;
    let home = &world.home;
    let places = world.integration("backups", Kinds::Dotenv).await;
    let file = home.folder().join("keywright.key");
    let old = std::fs::read(&file).unwrap();
    home.must(&["seal", "rotate", "--dry-run"]).await;
    assert_eq!(std::fs::read(&file).unwrap(), old);
    let told = home.must(&["seal", "rotate"]).await;
    let new = std::fs::read(&file).unwrap();
    assert_ne!(new, old);
    assert!(!told.stdout.contains(String::from_utf8_lossy(&new).trim()), "its text is not printed");
    let [kept] = former(home).try_into().unwrap();
    assert_eq!(std::fs::read(home.folder().join(&kept)).unwrap(), old);
    home.must(&["rotate", "backups", "--grace", "0s"]).await;
    assert!(world.key_works(&places.held().remove(0).unwrap()).await);
    std::fs::write(&file, &old).unwrap();
    let refused = home.run(&["status"]).await;
    assert!(refused.code == Some(1) && refused.stderr.contains("master key"), "{refused:?}");
    std::fs::write(&file, &new).unwrap();
    home.must(&["doctor"]).await;
    let other = home.folder().join("elsewhere.key");
    home.must(&["seal", "rotate", "--to", &other.display().to_string()]).await;
    assert!(home.run(&["seal", "rotate", "--to", &other.display().to_string()]).await.code == Some(1));
}

/// Everything moves into a database, is worked with there, and comes back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_postgres_takes_a_store_over_and_gives_it_back() {
    let Some(url) = database("kw_moved").await else { return };
    let world = World::start(sandbox::Profile::V2_41).await;
    let home = &world.home;
    let places = world.integration("backups", Kinds::Dotenv).await;
    let before = world.show("backups").await;
    let config = home.folder().join("keywright.toml");
    let in_file = std::fs::read_to_string(&config).unwrap();
    home.must(&["store", "migrate", "--to", &url, "--dry-run"]).await;
    let moved = home.json(&["store", "migrate", "--to", &url]).await;
    assert!(moved["sealed"].as_u64().unwrap() > 3, "{moved}");
    let refused = home.run(&["status"]).await;
    assert!(
        refused.code == Some(1) && refused.stderr.contains("moved"),
        "the old place is used no more: {refused:?}"
    );
    std::fs::write(&config, in_file.replace("store = \"keywright.db\"", &format!("store = \"{url}\"")))
        .unwrap();
    assert_eq!(world.show("backups").await, before);
    home.must(&["rotate", "backups", "--grace", "0s"]).await;
    assert!(world.key_works(&places.held().remove(0).unwrap()).await);
    home.must(&["seal", "rotate"]).await;
    home.must(&["doctor"]).await;
    home.must(&["log", "verify"]).await;
    let back = home.folder().join("back.db").display().to_string();
    home.must(&["store", "migrate", "--to", &back]).await;
    std::fs::write(&config, in_file.replace("keywright.db", "back.db")).unwrap();
    home.must(&["rotate", "backups", "--grace", "0s"]).await;
    assert!(world.key_works(&places.held().remove(0).unwrap()).await);
    home.must(&["log", "verify"]).await;
}
