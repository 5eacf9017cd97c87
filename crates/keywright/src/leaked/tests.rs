use std::fmt::Write as _;
use std::path::PathBuf;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use detector::Detector;
use leaks::{Place, Source};
use n8n::{BaseUrl, InsecureHttp};
use rotation::Engine;
use sandbox::{Effect, Fault, Hostile, Matcher, Options, Outcome, Profile, Sandbox};
use sha2::{Digest as _, Sha256};

use super::leak::Leak;
use super::turn::End;
use super::*;
use crate::Hooks;
use crate::app::App;
use crate::keeper::Keeping;
use crate::ui::Ui;

/// A home that has taken charge of a sandbox.
struct Ground {
    sandbox: Sandbox,
    home: tempfile::TempDir,
    app: App,
}

/// As from the command line, on a thread without a runtime of its own.
async fn run(home: &std::path::Path, words: &[&str]) {
    let config = home.join("keywright.toml").display().to_string();
    let words: Vec<String> = ["keywright", "--quiet", "--config", &config]
        .iter()
        .chain(words)
        .map(|word| (*word).to_owned())
        .collect();
    let shown = format!("{words:?}");
    let ran = tokio::task::spawn_blocking(move || {
        crate::run(words.into_iter().map(Into::into), &Hooks::default()) == std::process::ExitCode::SUCCESS
    });
    assert!(ran.await.unwrap(), "{shown}");
}

impl Ground {
    async fn new() -> Self {
        let sandbox = Sandbox::start(Profile::V2_41, Options::default()).await.unwrap();
        let home = tempfile::tempdir().unwrap();
        run(home.path(), &["init"]).await;
        let password = home.path().join("password");
        std::fs::write(&password, Options::OWNER_PASSWORD).unwrap();
        let from = format!("file:{}", password.display());
        let login = ["--email", Options::OWNER_EMAIL, "--password-from", &from];
        run(home.path(), &[&["connect", "prod", &sandbox.url()][..], &login].concat()).await;
        let to = format!("file:{}", home.path().join("backups.key").display());
        run(home.path(), &["key", "create", "backups", "--scope", "workflow:list", "--to", &to]).await;
        let config = home.path().join("keywright.toml");
        let app = App::open(&config, Ui::new(false, true), &Hooks::default()).await.unwrap();
        Self { sandbox, home, app }
    }

    fn engine(&self) -> Engine {
        self.app.engine(Keeping::Kept)
    }

    fn ours(&self) -> String {
        std::fs::read_to_string(self.home.path().join("backups.key")).unwrap().trim().to_owned()
    }

    /// What is known of keys that lie in a file.
    async fn judged(&self, keys: &[&str]) -> Vec<Judged> {
        judge(&*self.app.store, keys.iter().map(|key| leak(key)).collect()).await.unwrap()
    }

    /// How often it was used at the sandbox.
    fn uses_of(&self, one: &Judged) -> usize {
        uses(&self.sandbox, one)
    }
}

fn uses(sandbox: &Sandbox, one: &Judged) -> usize {
    let fingerprint = one.leak.fingerprint.to_string();
    let used = |call: &&sandbox::Call| call.key.as_ref().is_some_and(|key| key.fingerprint == fingerprint);
    sandbox.calls().iter().filter(used).count()
}

fn place(path: &str) -> Place {
    let source = Source::File(PathBuf::from(path));
    Place { source, line: Some(7), column: None, is_allowed_inline: false }
}

fn leak(key: &str) -> Leak {
    let hit = Detector::new().search(key.as_bytes()).hits.remove(0);
    Leak::new(hit.token, [&place("/srv/app/.env")])
}

/// A text as n8n makes it, which no n8n signed.
fn made_up(audience: &str, expires_at: i64) -> String {
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
    let claims = format!(
        r#"{{"sub":"0c1e7d1a-7f50-4f0f-9b66-0e5f6f6a0c11","iss":"n8n","aud":"{audience}","jti":"7b0c3a52-1111-4c0b-8f00-4b5f6f6a0c12","iat":1700000000,"exp":{expires_at}}}"#
    );
    format!("{header}.{}.{}", URL_SAFE_NO_PAD.encode(&claims), URL_SAFE_NO_PAD.encode(Sha256::digest(claims)))
}

fn legacy() -> String {
    let hex = Sha256::digest("canary").iter().chain(&Sha256::digest("example")).fold(
        String::new(),
        |mut hex, byte| {
            write!(hex, "{byte:02x}").unwrap();
            hex
        },
    );
    format!("n8n_api_{}", hex.get(..80).unwrap())
}

const LATER: i64 = 4_000_000_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whose_it_is_is_known_without_asking_anybody() {
    let ground = Ground::new().await;
    let asked = ground.sandbox.calls().len();
    let judged = ground.judged(&[&ground.ours(), &made_up("public-api", LATER)]).await;
    assert_eq!(judged[0].whose(), "ours: `backups`, at `prod`");
    assert!(matches!(judged[1].whose, Whose::Unknown), "{judged:?}");
    assert!(judged.iter().all(|one| one.life == Life::NotAsked(NotAsked::NotTold)));
    assert_eq!(ground.sandbox.calls().len(), asked, "nobody was asked");
    assert!(!format!("{judged:?}").contains(&ground.ours()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_is_used_once_where_it_may_be_of_and_what_is_dead_is_not_used() {
    let ground = Ground::new().await;
    let texts = [
        ground.ours(),
        made_up("public-api", LATER),
        made_up("public-api", 1_700_000_001),
        made_up("mcp-server-api", LATER),
        legacy(),
    ];
    let mut judged = ground.judged(&texts.each_ref().map(String::as_str)).await;
    check(&ground.engine(), &mut judged, &Vec::new()).await.unwrap();
    let life: Vec<String> = judged.iter().map(Judged::life).collect();
    assert_eq!(
        life,
        [
            "ALIVE at `prod`",
            "refused at `prod`",
            "not asked: it expired at 2023-11-14 22:13:21 UTC",
            "not asked: it is no API key",
            "refused at `prod`",
        ]
    );
    let uses: Vec<usize> = judged.iter().map(|one| ground.uses_of(one)).collect();
    // Ours was used before, when it was made and proved.
    assert_eq!((&uses[1..], judged[0].mends().len()), (&[1, 0, 0, 1][..], 1), "{uses:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_host_is_asked_only_if_a_person_names_it() {
    let ground = Ground::new().await;
    let other = Sandbox::start(Profile::V1_123, Options::default()).await.unwrap();
    let text = made_up("public-api", LATER);
    let mut judged = ground.judged(&[&text]).await;
    check(&ground.engine(), &mut judged, &Vec::new()).await.unwrap();
    assert_eq!(other.calls().len(), 0, "nobody named it");
    let url = BaseUrl::parse(&other.url(), InsecureHttp::Refused).unwrap();
    check(&ground.engine(), &mut judged, &vec![url]).await.unwrap();
    assert_eq!((uses(&other, &judged[0]), ground.uses_of(&judged[0])), (1, 2));
    assert_eq!(judged[0].life(), format!("refused at `prod`, `{}`", other.url()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_that_lets_everybody_in_proves_nothing() {
    let ground = Ground::new().await;
    let text = made_up("public-api", LATER);
    let mut judged = ground.judged(&[&text]).await;
    let open = Effect::Hostile(Hostile::Bytes(br#"{"data":{"scopes":[]}}"#.to_vec()));
    ground.sandbox.faults().push(Fault::always(Matcher::of("GET", "/api/v1/"), open));
    check(&ground.engine(), &mut judged, &Vec::new()).await.unwrap();
    assert!(judged[0].life().contains("lets a key in that nobody ever made"), "{}", judged[0].life());
    assert_eq!((ground.uses_of(&judged[0]), judged[0].life.is_dead()), (0, false));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_ours_and_alive_is_turned_once_and_dead_afterwards() {
    let ground = Ground::new().await;
    let (first, stranger) = (ground.ours(), made_up("public-api", LATER));
    let mut judged = ground.judged(&[&first, &stranger]).await;
    check(&ground.engine(), &mut judged, &Vec::new()).await.unwrap();
    let changes = || {
        let changing =
            |call: &&sandbox::Call| call.method != "GET" && call.path.starts_with("/rest/api-keys");
        ground.sandbox.calls().iter().filter(changing).count()
    };
    let before = changes();
    let would = turn(&ground.engine(), &judged, Doing::DryRun).await;
    assert_eq!((would.len(), changes()), (1, before));
    assert!(
        would[0].line().starts_with("would turn `backups` as compromised: retire, prove-dead"),
        "{would:?}"
    );
    assert_eq!(news(&*ground.app.store, &judged).await.unwrap().len(), 1, "a dry run notes nothing");
    let turned = turn(&ground.engine(), &[judged.clone(), judged.clone()].concat(), Doing::Now).await;
    assert_eq!((turned.len(), turned[0].is_left()), (1, false), "{turned:?}");
    assert!(turned[0].line().contains("the leaked key is proved dead"), "{turned:?}");
    assert_ne!(ground.ours(), first);
    let mut again = ground.judged(&[&first]).await;
    let used = ground.uses_of(&again[0]);
    check(&ground.engine(), &mut again, &Vec::new()).await.unwrap();
    assert!(again[0].life().starts_with("dead: proved at") && again[0].life.is_dead(), "{}", again[0].life());
    assert_eq!(ground.uses_of(&again[0]), used, "what was proved dead is not used again");
    assert!(turn(&ground.engine(), &again, Doing::Now).await.is_empty());
    assert!(news(&*ground.app.store, &again).await.unwrap().is_empty(), "this place was noted");
    let all = [turned[0].view().to_string(), format!("{judged:?}")].concat();
    assert!(!all.contains(&first));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_of_ours_is_turned_though_nobody_can_say_whether_it_lives() {
    let ground = Ground::new().await;
    let mut judged = ground.judged(&[&ground.ours()]).await;
    ground.sandbox.faults().push(Fault::always(Matcher::of("GET", "/api/v1/"), Effect::Status(502)));
    check(&ground.engine(), &mut judged, &Vec::new()).await.unwrap();
    assert!(judged[0].life().starts_with("not known: `prod`"), "{}", judged[0].life());
    let turned = turn(&ground.engine(), &judged, Doing::Now).await;
    assert!(matches!(turned[0].end, End::Stalled(..)) && turned[0].is_left(), "{turned:?}");
    assert!(turned[0].line().contains("keywright rotate --resume backups"), "{turned:?}");
    let deleted = |call: &sandbox::Call| call.method == "DELETE" && call.outcome == Outcome::Answered(200);
    assert!(ground.sandbox.calls().iter().any(deleted), "it was deleted; only the proof is missing");
}

#[test]
fn a_place_holds_neither_control_characters_nor_what_may_be_a_key() {
    let key = made_up("public-api", LATER);
    let at = |path: String| Leak::new(leak(&key).token, [&place(&path)]).places.remove(0);
    assert_eq!(at("/srv/app/.env".into()), "/srv/app/.env:7");
    assert_eq!(at(format!("/srv/{key}/x")), "/srv/…/x:7");
    assert_eq!(at("/srv/a\u{1b}[2J\nb".into()), "/srv/a\u{fffd}[2J\u{fffd}b:7");
    let many: Vec<Place> = (0..15).map(|number| place(&format!("/srv/{number}"))).collect();
    let leak = Leak::new(leak(&key).token, many.iter().take(3).chain(&many));
    assert_eq!((leak.places.len(), leak.more_places), (10, 5), "each place once, and not all of them");
}
