//! A person stops, comes back days later, or gives up.

use sandbox::Profile;

use super::{QUESTION, begun, deleted, ended, made};
use crate::support::hand::{Asked, plain};
use crate::support::places::Kinds;
use crate::support::terminal::Terminal;
use crate::support::truth::faults_in;
use crate::support::world::{World, create};

#[tokio::test]
async fn it_can_wait_for_days() {
    let world = World::assisted(Profile::V2_41).await;
    let (hand, places) = begun(&world).await;
    let first = places.held()[0].clone().unwrap();

    // Nobody is there: everything but the clicks is said, and nothing is lost.
    let alone = world.home.run(&["rotate", "backups", "--grace", "0s"]).await;
    assert_eq!(alone.code, Some(1), "{alone:?}");
    for part in
        ["a person has to make the key", "nobody is there", "the old key still works", "--resume backups"]
    {
        assert!(alone.stderr.contains(part), "{part}: {}", alone.stderr);
    }
    // The person stops at the question, has made the key, and stops again at the deletion.
    let mut terminal = Terminal::start(&world.home, &["rotate", "--resume", "backups"]);
    let asked = Asked::read(&terminal.reads(QUESTION).await);
    terminal.types("").await;
    terminal.reads("it was not given yet").await;
    assert_eq!(ended(terminal, &[]).await, Some(1));
    let key = hand.makes(&asked).await;
    let mut terminal = Terminal::start(&world.home, &["rotate", "--resume", "backups"]);
    terminal.reads(QUESTION).await;
    terminal.interrupts().await;
    assert_ne!(ended(terminal, &[]).await, Some(0));
    let mut terminal = Terminal::start(&world.home, &["rotate", "--resume", "backups"]);
    terminal.reads(QUESTION).await;
    terminal.types(&key).await;
    terminal.reads("waiting until n8n refuses it").await;
    terminal.interrupts().await;
    assert_ne!(ended(terminal, &[&key]).await, Some(0));
    assert!(world.key_works(&first).await && places.held() == [Some(key.clone())]);

    // It is deleted days later, and nobody has to be there for the rest.
    let old = world.living().await.into_iter().find(|key| key.label != asked.label).unwrap();
    hand.deletes(&old.label).await;
    world.home.must(&["rotate", "--resume", "backups"]).await;
    assert!(!world.key_works(&first).await && world.key_works(&key).await);
    assert_eq!(faults_in(&world).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_key_whose_text_was_never_given_is_asked_after_when_it_is_undone() {
    let world = World::assisted(Profile::V2_41).await;
    let (hand, places) = begun(&world).await;
    let first = places.held()[0].clone().unwrap();
    let mut terminal = Terminal::start(&world.home, &["rotate", "backups", "--grace", "0s"]);
    let asked = Asked::read(&terminal.reads(QUESTION).await);
    let lost = hand.makes(&asked).await;
    terminal.types("").await;
    assert_eq!(ended(terminal, &[]).await, Some(1));

    let alone = world.home.run(&["rotate", "backups", "--abort"]).await;
    assert!(alone.code == Some(1) && alone.stderr.contains("no key `"), "{alone:?}");
    let mut terminal = Terminal::start(&world.home, &["rotate", "--resume", "backups"]);
    assert!(plain(&terminal.reads("is no such key left? [y/N] ").await).contains(&asked.label));
    hand.deletes(&asked.label).await;
    terminal.types("y").await;
    assert_eq!(ended(terminal, &[&lost]).await, Some(0));
    assert!(world.key_works(&first).await && places.held() == [Some(first)]);
    assert_eq!(world.living().await.len(), 1);
    let log = world.home.must(&["log", "show", "--json"]).await.stdout;
    assert!(log.contains("done_by_hand"), "{log}");
    // What was answered is not asked again.
    let mut terminal = Terminal::start(&world.home, &["rotate", "backups", "--grace", "0s"]);
    let key = made(&mut terminal, &hand).await;
    deleted(&mut terminal, &hand).await;
    let (code, shown) = terminal.ends().await;
    assert!(code == Some(0) && !shown.contains("is no such key left"), "{shown}");
    assert_eq!((places.held(), faults_in(&world).await), (vec![Some(key)], Vec::new()));
}

#[tokio::test]
async fn a_rotation_that_gives_way_is_asked_after_once() {
    let world = World::assisted(Profile::V2_41).await;
    let (hand, places) = begun(&world).await;
    let mut waiting = Terminal::start(&world.home, &["rotate", "backups", "--grace", "0s"]);
    let asked = Asked::read(&waiting.reads(QUESTION).await);
    let lost = hand.makes(&asked).await;
    let mut terminal = Terminal::start(&world.home, &["rotate", "backups", "--compromised"]);
    deleted(&mut terminal, &hand).await;
    assert!(plain(&terminal.reads("is no such key left? [y/N] ").await).contains(&asked.label));
    hand.deletes(&asked.label).await;
    terminal.types("y").await;
    let key = made(&mut terminal, &hand).await;
    let (code, shown) = terminal.ends().await;
    assert_eq!((code, shown.matches("is no such key left").count()), (Some(0), 1), "{shown}");
    assert_ne!(ended(waiting, &[&lost]).await, Some(0));
    assert_eq!((places.held(), faults_in(&world).await), (vec![Some(key)], Vec::new()));
}

#[tokio::test]
async fn one_key_is_not_told_to_be_deleted_when_it_is_the_new_one() {
    for profile in [Profile::V1_72, Profile::V1_60] {
        let world = World::assisted(profile).await;
        let hand = world.hand().await;
        let places = world.places("backups", Kinds::Dotenv);
        let arguments = create("backups", &places);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let mut terminal = Terminal::start(&world.home, &arguments);
        terminal.reads(QUESTION).await;
        terminal.types("").await;
        assert_eq!(ended(terminal, &[]).await, Some(1));
        let mut terminal = Terminal::start(&world.home, &["rotate", "backups", "--abort"]);
        terminal.reads("is no such key left? [y/N] ").await;
        terminal.types("y").await;
        assert_eq!(ended(terminal, &[]).await, Some(0));
        let mut terminal = Terminal::start(&world.home, &arguments);
        let key = made(&mut terminal, &hand).await;
        let (code, shown) = terminal.ends().await;
        assert!(code == Some(0) && !shown.contains("is no such key left"), "{shown}");
        assert_eq!((places.held(), faults_in(&world).await), (vec![Some(key.clone())], Vec::new()));

        // What nobody did can be undone: the old key works.
        let alone = world.home.run(&["rotate", "backups"]).await;
        assert!(alone.code == Some(1) && !alone.stderr.contains("is down"), "{alone:?}");
        let mut terminal = Terminal::start(&world.home, &["rotate", "backups", "--abort"]);
        if profile == Profile::V1_60 {
            terminal.reads("is no such key left? [y/N] ").await;
            terminal.types("y").await;
        }
        assert_eq!(ended(terminal, &[&key]).await, Some(0), "{profile:?}");
        assert!(world.key_works(&key).await);
        assert_eq!(faults_in(&world).await, Vec::<String>::new());
    }
}
