//! An instance without an admin session: a person makes and deletes keys, told click by click.

mod waiting;
mod wrong;

use std::fmt::Write as _;

use sandbox::Profile;

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
