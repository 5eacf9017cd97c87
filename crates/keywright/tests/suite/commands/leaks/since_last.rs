//! `--since-last`: what was told is not told again, and nothing new is missed.

use crate::support::home::Home;
use crate::support::repo::{Repo, key, short};

/// Which of these keys are told.
async fn told(repo: &Repo<'_>, keys: &[u32], code: i32) -> Vec<u32> {
    let ended = repo.keywright(&["leaks", "scan", "--since-last"]).await;
    assert_eq!(ended.code, Some(code), "{ended:?}");
    // What is left to be told is nothing: that does not make the repository clean.
    assert_eq!(ended.stderr.contains("what was told then is not told again"), code == 0, "{ended:?}");
    let is_told = |number: &u32| ended.stdout.contains(&short(&key(*number)));
    keys.iter().copied().filter(is_told).collect()
}

#[tokio::test]
async fn each_is_told_once() {
    let home = Home::empty("");
    let repo = Repo::new(&home, "repo").await;
    repo.commit("x", &key(1)).await;
    repo.git(&["rm", "--quiet", "x"]).await;
    repo.write("y", &key(2));
    assert_eq!(told(&repo, &[1, 2], 3).await, [1, 2]);
    assert_eq!(told(&repo, &[1, 2], 0).await, Vec::<u32>::new());
    repo.commit("z", &key(3)).await;
    repo.git(&["rm", "--quiet", "z"]).await;
    // A folder that is moved in is old by its dates.
    std::fs::create_dir(home.folder().join("elsewhere")).unwrap();
    std::fs::write(home.folder().join("elsewhere/x"), key(4)).unwrap();
    std::fs::rename(home.folder().join("elsewhere"), repo.folder.join("inner")).unwrap();
    assert_eq!(told(&repo, &[1, 2, 3, 4], 3).await, [3, 4]);
    assert_eq!(told(&repo, &[1, 2, 3, 4], 0).await, Vec::<u32>::new());
    let kept = home.folder().join(".local/state/keywright/leaks");
    for file in std::fs::read_dir(&kept).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        assert!((1..5).all(|number| !text.contains(&key(number))));
    }
    // Who loses the cursors is told all of it once more.
    std::fs::remove_dir_all(kept).unwrap();
    assert_eq!(told(&repo, &[1, 2, 3, 4], 3).await, [1, 2, 3, 4]);
}

#[tokio::test]
async fn what_was_not_reported_is_not_marked_as_told() {
    let home = Home::empty("");
    let repo = Repo::new(&home, "repo").await;
    repo.write("x", &key(1));
    let failed = repo.keywright(&["leaks", "scan", "--since-last", "--output", "no/folder"]).await;
    assert_eq!(failed.code, Some(1), "{failed:?}");
    assert_eq!(told(&repo, &[1], 3).await, [1]);
    std::fs::remove_dir_all(home.folder().join(".local")).unwrap();
    std::fs::write(home.folder().join(".local"), "in the way").unwrap();
    let refused = repo.keywright(&["leaks", "scan", "--since-last"]).await;
    assert!(refused.code == Some(1) && super::super::is_whole(&refused.stderr), "{refused:?}");
}
