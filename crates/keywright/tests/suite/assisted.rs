//! An instance without an admin session: a person makes and deletes keys, told click by click.

use std::fmt::Write as _;

use sandbox::{Effect, Fault, Matcher, Profile};

use crate::support::ground::Ground;
use crate::support::hand::{Asked, Hand, plain};
use crate::support::places::{Kinds, Places};
use crate::support::terminal::Terminal;
use crate::support::truth::faults_in;
use crate::support::world::{SCOPES, World, create};

const QUESTION: &str = "the new key (nothing alone: later): ";

/// An integration whose first key a person made.
async fn begun(world: &World) -> (Hand, Places) {
    let hand = world.hand().await;
    let places = world.places("backups", Kinds::Dotenv);
    let arguments = create("backups", &places);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut terminal = Terminal::start(&world.home, &arguments);
    let key = made(&mut terminal, &hand).await;
    assert_eq!(ended(terminal, &[&key]).await, Some(0));
    assert_eq!(places.held(), [Some(key)]);
    (hand, places)
}

/// The person makes the key that is asked for, and gives it.
async fn made(terminal: &mut Terminal, hand: &Hand) -> String {
    let asked = Asked::read(&terminal.reads(QUESTION).await);
    let key = hand.makes(&asked).await;
    terminal.types(&key).await;
    key
}

/// The person deletes the key that is asked for.
async fn deleted(terminal: &mut Terminal, hand: &Hand) {
    terminal.reads("  find ").await;
    let line = plain(&terminal.reads("\n").await);
    let label = line.trim().split(',').next().unwrap().to_owned();
    terminal.reads("waiting until n8n refuses it").await;
    hand.deletes(&label).await;
}

/// The end; no key was shown.
async fn ended(terminal: Terminal, keys: &[&str]) -> Option<i32> {
    let (code, shown) = terminal.ends().await;
    println!("{}", plain(&shown));
    assert!(keys.iter().all(|key| !shown.contains(key)), "a key is on the screen: {shown}");
    code
}

/// Whether a user may have several keys.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Keys {
    Many,
    One,
    Overwritten,
}

async fn whole_life(world: World, keys: Keys) {
    let (hand, places) = begun(&world).await;
    let first = places.held()[0].clone().unwrap();

    let mut terminal = Terminal::start(&world.home, &["rotate", "backups", "--grace", "0s"]);
    match keys {
        Keys::Many => {
            made(&mut terminal, &hand).await;
            deleted(&mut terminal, &hand).await;
        }
        Keys::One => {
            deleted(&mut terminal, &hand).await;
            made(&mut terminal, &hand).await;
        }
        Keys::Overwritten => drop(made(&mut terminal, &hand).await),
    }
    assert_eq!(ended(terminal, &[&first]).await, Some(0));
    let second = places.held()[0].clone().unwrap();
    assert!(second != first && world.key_works(&second).await && !world.key_works(&first).await);

    let mut terminal = Terminal::start(&world.home, &["rotate", "backups", "--compromised"]);
    deleted(&mut terminal, &hand).await;
    let third = made(&mut terminal, &hand).await;
    assert_eq!(ended(terminal, &[&second, &third]).await, Some(0));
    assert!(!world.key_works(&second).await && world.key_works(&third).await);
    assert_eq!(places.held(), [Some(third.clone())]);
    assert_eq!(world.home.run(&["status"]).await.code, Some(0));
    assert_eq!(world.home.run(&["doctor"]).await.code, Some(0));

    let mut terminal = Terminal::start(&world.home, &["key", "revoke", "backups", "--yes"]);
    deleted(&mut terminal, &hand).await;
    assert_eq!(ended(terminal, &[&third]).await, Some(0));
    assert!(!world.key_works(&third).await && world.living().await.is_empty());
    assert_eq!(faults_in(&world).await, Vec::<String>::new());
}

macro_rules! on_each {
    ($($name:ident $real:ident: $profile:ident $version:literal $keys:ident),*) => {
        $(
            #[tokio::test]
            async fn $name() {
                whole_life(World::assisted(Profile::$profile).await, Keys::$keys).await;
            }

            #[tokio::test]
            async fn $real() {
                let Some(ground) = Ground::of($version).await else { return };
                whole_life(World::real_assisted(ground).await, Keys::$keys).await;
            }
        )*
    };
}
on_each!(
    by_hand_on_2_41 real_2_41_by_hand: V2_41 "2.41.1" Many,
    by_hand_on_1_123 real_1_123_by_hand: V1_123 "1.123.81" Many,
    by_hand_on_1_72 real_1_72_by_hand: V1_72 "1.72.1" One,
    by_hand_on_1_60 real_1_60_by_hand: V1_60 "1.60.1" Overwritten
);

#[tokio::test]
async fn what_is_not_the_key_is_asked_for_again() {
    let world = World::assisted(Profile::V2_41).await;
    let (hand, places) = begun(&world).await;
    let first = places.held()[0].clone().unwrap();
    let asks = ["rotate", "backups", "--grace", "0s"];

    let mut terminal = Terminal::start(&world.home, &asks);
    let asked = Asked::read(&terminal.reads(QUESTION).await);
    terminal.types("canary").await;
    terminal.reads("it is no API key of n8n").await;
    terminal.reads(QUESTION).await;
    terminal.types(&first).await;
    terminal.reads("it is the one that `backups` has").await;
    terminal.reads(QUESTION).await;
    let narrow = Asked { scopes: vec!["workflow:list".into()], ..asked.clone() };
    let wrong = hand.makes(&narrow).await;
    terminal.types(&wrong).await;
    terminal.reads("lacks `workflow:read`").await;
    assert_eq!(ended(terminal, &["canary", &first, &wrong]).await, Some(1));
    assert!(world.key_works(&first).await && places.held() == [Some(first.clone())]);

    // The person mends it and comes back: the rotation is the same, and so is the label.
    hand.deletes(&asked.label).await;
    let mut terminal = Terminal::start(&world.home, &["rotate", "--resume", "backups"]);
    let again = Asked::read(&terminal.reads(QUESTION).await);
    assert_eq!((&again.label, again.scopes.join(",")), (&asked.label, SCOPES.to_owned()));
    terminal.types(&format!("  {} ", hand.makes(&again).await)).await;
    deleted(&mut terminal, &hand).await;
    assert_eq!(ended(terminal, &[&first]).await, Some(0));
    assert_eq!((world.living().await.len(), faults_in(&world).await), (1, Vec::new()));
}

#[tokio::test]
async fn a_key_that_lives_longer_than_asked_is_refused() {
    let world = World::assisted(Profile::V2_41).await;
    let hand = world.hand().await;
    let places = world.places("agent", Kinds::File);
    let arguments = [create("agent", &places), vec!["--rotate-every".into(), "30d".into()]].concat();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut terminal = Terminal::start(&world.home, &arguments);
    let asked = Asked::read(&terminal.reads(QUESTION).await);
    let label = |name: &str| format!("{name} {}", asked.label.split(' ').next_back().unwrap());
    let endless = hand.makes(&Asked { ends: None, label: label("endless"), ..asked.clone() }).await;
    terminal.types(&endless).await;
    terminal.reads("never expires").await;
    terminal.reads(QUESTION).await;
    let later = asked.ends.unwrap() + model::SignedDuration::from_hours(72);
    let long = hand.makes(&Asked { ends: Some(later), label: label("long"), ..asked.clone() }).await;
    terminal.types(&long).await;
    terminal.reads("longer than it should").await;
    terminal.reads(QUESTION).await;
    let key = hand.makes(&asked).await;
    terminal.types(&key).await;
    assert_eq!(ended(terminal, &[&endless, &long, &key]).await, Some(0));
    assert_eq!(places.held(), [Some(key)]);
}

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
async fn the_wrong_key_is_missed_before_the_right_one_goes_too() {
    let world = World::assisted(Profile::V2_41).await;
    let (hand, places) = begun(&world).await;
    let first = places.held()[0].clone().unwrap();
    let mut terminal = Terminal::start(&world.home, &["rotate", "backups", "--grace", "0s"]);
    let asked = Asked::read(&terminal.reads(QUESTION).await);
    let new = hand.makes(&asked).await;
    terminal.types(&new).await;
    terminal.reads("waiting until n8n refuses it").await;
    hand.deletes(&asked.label).await;
    terminal.reads("the wrong key was deleted").await;
    terminal.reads("leave it alone").await;
    assert_eq!(ended(terminal, &[&new]).await, Some(1));
    assert!(world.key_works(&first).await && !world.key_works(&new).await);
    // It goes no further by itself, and what it says to try mends it.
    let again = world.home.run(&["rotate", "--resume", "backups"]).await;
    assert!(again.code == Some(1) && world.key_works(&first).await, "{again:?}");
    let mut terminal = Terminal::start(&world.home, &["rotate", "backups", "--compromised"]);
    deleted(&mut terminal, &hand).await;
    let third = made(&mut terminal, &hand).await;
    assert_eq!(ended(terminal, &[&third]).await, Some(0));
    assert_eq!((places.held(), faults_in(&world).await), (vec![Some(third)], Vec::new()));
}

#[tokio::test]
async fn a_given_key_is_kept_while_n8n_does_not_answer() {
    let world = World::assisted(Profile::V2_41).await;
    let hand = world.hand().await;
    let places = world.places("backups", Kinds::Dotenv);
    let arguments = create("backups", &places);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut terminal = Terminal::start(&world.home, &arguments);
    let key = hand.makes(&Asked::read(&terminal.reads(QUESTION).await)).await;
    world.sandbox().faults().push(Fault::always(Matcher::any(), Effect::Status(500)));
    terminal.types(&key).await;
    terminal.reads("the key is kept").await;
    // A second paste, a moment late, is neither shown nor taken for another answer.
    terminal.types(&key).await;
    terminal.reads("the key is kept").await;
    world.sandbox().faults().clear();
    assert_eq!(ended(terminal, &[&key]).await, Some(0));
    assert_eq!(places.held(), [Some(key)]);
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

#[tokio::test]
async fn a_known_key_is_taken_charge_of() {
    let world = World::assisted(Profile::V2_41).await;
    let hand = world.hand().await;
    let scopes: Vec<String> = SCOPES.split(',').map(str::to_owned).collect();
    let key = hand.makes(&Asked { label: "old".into(), scopes, ends: None }).await;
    std::fs::write(world.home.folder().join("key"), &key).unwrap();
    let adopt = ["key", "adopt", "backups", "--scope", SCOPES, "--key-from", "file:key", "--grace", "0s"];
    world.home.must(&adopt).await;
    let places = world.places("backups", Kinds::Dotenv);
    let mut terminal = Terminal::start(&world.home, &["rotate", "backups", "--compromised"]);
    // Its own label is not known: its last characters are.
    terminal.reads("  find ").await;
    let shown = terminal.reads("waiting until").await;
    assert!(plain(&shown).contains(key.split_at(key.len() - 4).1), "{shown}");
    hand.deletes("old").await;
    let new = made(&mut terminal, &hand).await;
    let (code, shown) = terminal.ends().await;
    assert_eq!(code, Some(0), "{shown}");
    // Without a destination it is told, once.
    assert_eq!(shown.matches(&new).count(), 1, "{shown}");
    assert!(!world.key_works(&key).await && places.held() == [None]);
}

#[tokio::test]
async fn a_declared_fleet_is_made_by_hand() {
    let world = World::assisted(Profile::V2_41).await;
    let hand = world.hand().await;
    let file = world.home.folder().join("keywright.toml");
    let mut text = std::fs::read_to_string(&file).unwrap();
    write!(text, "[instance.prod]\nurl = \"{}\"\nassisted = true\n", world.url()).unwrap();
    for name in ["backups", "reports"] {
        write!(
            text,
            "[integration.{name}]\nscopes = [\"workflow:list\"]\nrotate_every = \"30d\"\ndeliver = [\"file:{}\"]\n",
            world.home.folder().join(name).display()
        )
        .unwrap();
    }
    std::fs::write(&file, text).unwrap();
    assert_eq!(world.home.run(&["plan"]).await.code, Some(3));

    let alone = world.home.run(&["apply", "--yes"]).await;
    assert!(alone.code == Some(1) && alone.stderr.contains("nobody is there"), "{alone:?}");
    // One question at a time, however many keys are made at once.
    let mut terminal = Terminal::start(&world.home, &["apply", "--yes"]);
    let first = Asked::read(&terminal.reads(QUESTION).await);
    let key = hand.makes(&first).await;
    terminal.types(&key).await;
    let second = Asked::read(&terminal.reads(QUESTION).await);
    assert_ne!(first.label, second.label);
    terminal.types(&key).await;
    terminal.reads("it ").await;
    terminal.reads(QUESTION).await;
    terminal.types(&hand.makes(&second).await).await;
    assert_eq!(ended(terminal, &[]).await, Some(0));
    world.home.must(&["plan"]).await;
    assert_eq!((world.living().await.len(), faults_in(&world).await), (2, Vec::new()));
}

#[tokio::test]
async fn connecting_is_either_with_a_session_or_by_hand() {
    let world = World::assisted(Profile::V2_41).await;
    let sessions = ["--email", "keys@example.com", "--password-from", "env:NONE", "--totp-from", "env:NONE"];
    for options in [&sessions[..2], &sessions[2..4], &sessions[4..], &["--no-keep"][..]] {
        let both =
            world.home.run(&[&["connect", "prod", &world.url(), "--assisted"], options].concat()).await;
        assert!(both.code == Some(2) && both.stderr.contains("cannot be used with"), "{both:?}");
    }
    let neither = world.home.run(&["connect", "prod", &world.url()]).await;
    assert!(neither.code == Some(2) && neither.stderr.contains("--email"), "{neither:?}");
}
