//! A fleet declared in the configuration: planned, made, changed, taken away; killed in the middle and made again.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use sandbox::{Options, Profile, Sandbox};
use serde_json::Value;

use crate::support::ground::Ground;
use crate::support::home::{Home, PASSWORD};

/// A home with a configuration, and the instance that it declares.
struct Fleet {
    home: Home,
    url: String,
    email: String,
}

impl Fleet {
    async fn new(url: String, email: String, password: &str) -> Self {
        let home = Home::empty(password);
        home.must(&["init"]).await;
        Self { home, url, email }
    }

    /// Writes the configuration: one instance, and these integrations.
    fn declare(&self, integrations: &[(String, String)]) {
        let mut text = format!(
            "store = \"keywright.db\"\nlog = \"keywright-log\"\nmaster_key = \"file:keywright.key\"\n\n\
             [instance.prod]\nurl = \"{}\"\nadmin = {{ email = \"{}\", password = \"env:{PASSWORD}\" }}\n",
            self.url, self.email
        );
        for (name, settings) in integrations {
            write!(text, "\n[integration.{name}]\n{settings}\n").unwrap();
        }
        std::fs::write(self.home.folder().join("keywright.toml"), text).unwrap();
    }

    fn place(&self, name: &str) -> std::path::PathBuf {
        self.home.folder().join(format!("{name}.env"))
    }

    fn one(&self, name: &str, more: &str) -> (String, String) {
        let to = self.place(name);
        std::fs::write(&to, "").unwrap();
        let settings = format!(
            "owner = \"ops\"\nscopes = [\"workflow:list\"]\ngrace = \"0s\"\ndeliver = [\"dotenv:{}#N8N_API_KEY\"]\n{more}",
            to.display()
        );
        (name.to_owned(), settings)
    }

    fn many(&self, number: usize) -> Vec<(String, String)> {
        (0..number).map(|n| self.one(&format!("job-{n:03}"), "rotate_every = \"90d\"")).collect()
    }

    fn held(&self, name: &str) -> String {
        std::fs::read_to_string(self.place(name)).unwrap()
    }

    /// What `plan` says is to be done, as `action name`; its exit code says the same.
    async fn planned(&self) -> Vec<String> {
        let ended = self.home.run(&["plan", "--json"]).await;
        let actions = ended.json()["actions"].as_array().unwrap().clone();
        assert_eq!(ended.code, Some(if actions.is_empty() { 0 } else { 3 }), "{ended:?}");
        let name = |action: &Value| {
            let of = action.get("integration").or(action.get("instance")).unwrap();
            format!("{} {}", action["action"].as_str().unwrap(), of.as_str().unwrap())
        };
        actions.iter().map(name).collect()
    }
}

async fn sandboxed() -> (Sandbox, Fleet) {
    let sandbox = Sandbox::start(Profile::V2_41, Options::default()).await.unwrap();
    let fleet = Fleet::new(sandbox.url(), Options::OWNER_EMAIL.into(), Options::OWNER_PASSWORD).await;
    (sandbox, fleet)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_declared_is_made_changed_and_taken_away() {
    let (sandbox, fleet) = sandboxed().await;
    let (backups, agent) = (fleet.one("backups", ""), fleet.one("agent", ""));
    fleet.declare(&[backups.clone(), agent.clone()]);
    assert_eq!(fleet.planned().await, ["connect prod", "create agent", "create backups"]);
    assert_eq!(fleet.home.run(&["apply", "--dry-run"]).await.code, Some(3));
    assert!(sandbox.keys().is_empty(), "a plan changes nothing");
    fleet.home.must(&["apply", "--yes"]).await;
    assert_eq!(fleet.planned().await, Vec::<String>::new());
    let (first, former) = (fleet.held("backups"), sandbox.keys().len());
    fleet.home.must(&["apply", "--yes"]).await;
    assert_eq!((fleet.held("backups"), sandbox.keys().len()), (first.clone(), former), "again, for nothing");

    // An owner is a record; scopes are part of the key.
    let owned = (backups.0.clone(), backups.1.replace("\"ops\"", "\"bob\""));
    fleet.declare(&[owned.clone(), agent.clone()]);
    assert_eq!(fleet.planned().await, ["change backups"]);
    fleet.home.must(&["apply", "--yes"]).await;
    assert_eq!(fleet.held("backups"), first);
    let scoped = (owned.0, owned.1.replace("\"workflow:list\"", "\"workflow:list\", \"workflow:read\""));
    fleet.declare(&[scoped.clone(), agent.clone()]);
    assert_eq!(fleet.planned().await, ["rotate backups"]);
    fleet.home.must(&["apply", "--yes"]).await;
    assert_ne!(fleet.held("backups"), first);
    let shown = fleet.home.json(&["key", "show", "backups"]).await;
    assert_eq!(
        (&shown["integration"]["owner"], shown["integration"]["scopes"].as_array().unwrap().len()),
        (&"bob".into(), 2)
    );

    // What is not declared any more goes; what a command made stays.
    fleet.home.must(&["key", "create", "by-hand", "--scope", "workflow:list"]).await;
    fleet.declare(&[scoped]);
    assert_eq!(fleet.planned().await, ["retire agent"]);
    fleet.home.must(&["apply", "--yes"]).await;
    assert_eq!(fleet.planned().await, Vec::<String>::new());
    let alive = sandbox.keys().into_iter().filter(|key| key.alive).map(|key| key.label);
    let mut alive: Vec<String> = alive.map(|label| label.split(' ').next().unwrap().to_owned()).collect();
    alive.sort();
    assert_eq!(alive, ["backups", "by-hand", "prod-root"]);
    // Declared again, it comes back into service with a key of its own.
    fleet.declare(&[agent]);
    let refused = fleet.home.run(&["plan"]).await;
    assert_eq!(refused.code, Some(3), "{refused:?}");
    assert_eq!(fleet.planned().await, ["create agent", "retire backups"]);
    fleet.home.must(&["apply", "--yes"]).await;
    fleet.home.must(&["log", "verify"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_is_told_with_its_line_and_nothing_is_done() {
    let (sandbox, fleet) = sandboxed().await;
    let wrong = fleet.one("backups", "").1.replace("workflow:list", "workflow:lisd");
    fleet.declare(&[("backups".into(), wrong)]);
    let ended = fleet.home.run(&["apply", "--yes"]).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let line = "keywright.toml:11: integration.backups.scopes: ";
    assert!(
        ended.stderr.contains(line) && ended.stderr.contains("did you mean `workflow:list`?"),
        "{ended:?}"
    );
    assert!(sandbox.keys().iter().all(|key| key.label.starts_with("prod-root")), "no key of it was made");
}

/// `apply` is killed again and again in the middle; in the end all is as if it never was.
async fn converges(fleet: &Fleet, number: usize, kills: u32) {
    fleet.declare(&fleet.many(number));
    for kill in 0..kills {
        let mut child = fleet.home.command(&["apply", "--yes", "--quiet"]).spawn().unwrap();
        let wanted = number * usize::try_from(kill + 1).unwrap() / usize::try_from(kills + 1).unwrap();
        let until = Instant::now() + Duration::from_mins(2);
        // It dies when about so many keys are delivered.
        loop {
            let delivered = (0..number).filter(|n| !fleet.held(&format!("job-{n:03}")).is_empty()).count();
            if delivered >= wanted || child.try_wait().unwrap().is_some() {
                break;
            }
            assert!(Instant::now() < until, "{delivered} of {wanted}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        child.kill().await.unwrap();
    }
    fleet.home.must(&["apply", "--yes", "--quiet"]).await;
    assert_eq!(fleet.planned().await, Vec::<String>::new());
    let began = Instant::now();
    fleet.home.must(&["apply", "--yes"]).await;
    println!("apply of {number} integrations where nothing differs: {:?}", began.elapsed());
    let status = fleet.home.json(&["status"]).await;
    assert_eq!(status["open_rotations"], Value::Array(Vec::new()));
    assert_eq!(status["integrations"].as_array().unwrap().len(), number + 1);
    let mut texts: Vec<String> = (0..number).map(|n| fleet.held(&format!("job-{n:03}"))).collect();
    texts.sort();
    texts.dedup();
    assert_eq!(texts.len(), number, "each has a key of its own");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_apply_that_is_killed_converges() {
    let (sandbox, fleet) = sandboxed().await;
    converges(&fleet, 60, 5).await;
    let alive = sandbox.keys().into_iter().filter(|key| key.alive).count();
    assert_eq!(alive, 61, "no orphan: a key each, and the root key");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_2_41_five_hundred_are_made_from_nothing_and_killed_in_between() {
    let Some(ground) = Ground::of("2.41.1").await else { return };
    let fleet = Fleet::new(ground.url().to_owned(), ground.email().to_owned(), ground.password()).await;
    let began = Instant::now();
    converges(&fleet, 500, 2).await;
    println!("500 integrations on a real n8n, killed twice: {:?}", began.elapsed());
    assert_eq!(ground.living().await.len(), 501, "no orphan: a key each, and the root key");
}
