//! What a person gives or deletes is not what was asked for.

use sandbox::{Effect, Fault, Matcher, Profile};

use super::{QUESTION, begun, deleted, ended, made};
use crate::support::hand::Asked;
use crate::support::places::Kinds;
use crate::support::terminal::Terminal;
use crate::support::truth::faults_in;
use crate::support::world::{SCOPES, World, create};

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
