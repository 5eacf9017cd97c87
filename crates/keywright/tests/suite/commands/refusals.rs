//! What cannot be done: said with what, why and how to mend it, and with the right exit code.

use sandbox::{Effect, Fault, Matcher, Options, Profile};

use super::{is_whole, said};
use crate::support::places::Kinds;
use crate::support::world::World;

async fn world() -> World {
    let world = World::start(Profile::V2_41).await;
    world.integration("backups", Kinds::All).await;
    world
}

async fn refused(world: &World, arguments: &[&str]) -> String {
    let text = said(world, arguments).await;
    assert!(is_whole(&text), "{text}");
    text
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn integrations() {
    let world = world().await;
    insta::assert_snapshot!(refused(&world, &["rotate", "backup"]).await, @r"
    exit code 1
    error: there is no integration `backup`
    because: there are 2 of other names
    try: did you mean `backups`?
    try: keywright key list
    ");
    insta::assert_snapshot!(refused(&world, &["key", "show", "nothing-like-it"]).await, @r"
    exit code 1
    error: there is no integration `nothing-like-it`
    because: there are 2 of other names
    try: keywright key list
    ");
    insta::assert_snapshot!(refused(&world, &["key", "revoke", "backups"]).await, @r"
    exit code 1
    error: cannot ask on the terminal
    because: Kill the key of `backups` now? Whatever uses it stops working.
    try: keywright key revoke backups --yes
    ");
    insta::assert_snapshot!(refused(&world, &["key", "create", "backups", "--scope", "workflow:list"]).await, @r"
    exit code 1
    error: `backups` has a key already
    because: key ID is active
    try: keywright rotate backups
    ");
    insta::assert_snapshot!(refused(&world, &["rotate", "backups", "--abort"]).await, @r"
    exit code 1
    error: `backups` has no open rotation
    because: there is nothing to undo
    try: keywright key show backups
    ");
    world.home.must(&["key", "revoke", "backups", "--yes"]).await;
    insta::assert_snapshot!(refused(&world, &["rotate", "backups"]).await, @r"
    exit code 1
    error: `backups` has no key
    because: none was made, or all are retired
    try: keywright key create backups --help
    ");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scopes_and_destinations() {
    let world = world().await;
    let create = |more: &[&'static str]| [&["key", "create", "new"], more].concat();
    let scopes = refused(&world, &create(&["--scope", "workflow:lst,workflow:read,everything:do"])).await;
    let (told, all) = scopes.split_once("try: scopes there are: ").unwrap();
    assert_eq!(all.split(' ').count(), 106, "{all}");
    insta::assert_snapshot!(told, @r"
    exit code 2
    error: n8n 2.41.1 does not let owner@example.com give these scopes
    because: `workflow:lst` is not among them; did you mean `workflow:list`?
    because: `everything:do` is not among them
    ");
    assert!(refused(&world, &create(&[])).await.starts_with("exit code 2\nerror: a key needs to be told"));
    let to = |to: &'static str| create(&["--scope", "workflow:list", "--to", to]);
    insta::assert_snapshot!(refused(&world, &to("dotnev:/x/.env#KEY")).await, @r"
    exit code 2
    error: cannot use the destination `dotnev:/x/.env#KEY`
    because: there is no kind and no service `dotnev`
    try: did you mean `dotenv`? An address of it: `dotenv:/srv/backup/.env#N8N_API_KEY`
    try: keywright destination list --kinds   # all that there are
    ");
    insta::assert_snapshot!(refused(&world, &to("dotenv:/x/.env")).await, @r"
    exit code 2
    error: cannot use the destination `dotenv:/x/.env`
    because: it names no variable after a `#`
    try: write the file and the variable, such as `dotenv:/srv/app/.env#N8N_API_KEY`
    ");
    insta::assert_snapshot!(refused(&world, &to("file:relative")).await, @r"
    exit code 2
    error: cannot use the destination `file:relative`
    because: the path does not start with `/`
    try: write the whole path of a file, such as `file:/srv/app/…`
    ");
    insta::assert_snapshot!(refused(&world, &to("file:/nowhere/at/all/key")).await, @r"
    exit code 1
    error: cannot use the file `/nowhere/at/all/key`
    because: `/nowhere` does not exist, or something on the way to it is not a folder
    try: make the folder, such as `mkdir -p /nowhere`
    ");
    let twice = create(&["--scope", "workflow:list", "--to", "file:/x/y", "--to", "file:/x/y"]);
    insta::assert_snapshot!(refused(&world, &twice).await, @r"
    exit code 2
    error: `file:/x/y` is given twice
    because: a destination holds one key
    try: give it once
    ");
    insta::assert_snapshot!(refused(&world, &create(&["--scope", "workflow:list", "--expires", "soon"])).await, @r"
    exit code 2
    error: cannot use `--expires`
    because: `soon` is not a length of time; write a number and a unit, such as `90d`, `24h`, `30m`, `0s` (at most ten years)
    try: --expires 90d
    try: --expires never   # if it must not end by itself
    ");
    let short = create(&["--scope", "workflow:list", "--rotate-every", "90d", "--expires", "30d"]);
    insta::assert_snapshot!(refused(&world, &short).await, @r"
    exit code 2
    error: cannot use `--expires`
    because: the key would end after 30d, before its rotation every 90d and grace are over
    try: --expires with a longer period, or leave it out
    ");
    let known = world.home.json(&["key", "list", "--all"]).await;
    assert_eq!(known["keys"].as_array().map(Vec::len), Some(2), "nothing of all that was begun");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instances_and_logins() {
    let world = world().await;
    let wrong = world.home.folder().join("wrong");
    std::fs::write(&wrong, "Example-wrong-password").unwrap();
    let login = ["--email", Options::OWNER_EMAIL, "--password-from"];
    let (url, source) = (world.url(), format!("file:{}", wrong.display()));
    let connect = |name: &'static str, url: &str, source: &str| {
        ["connect", name, url].into_iter().chain(login).chain([source]).map(str::to_owned).collect::<Vec<_>>()
    };
    let told = async |arguments: Vec<String>| {
        refused(&world, &arguments.iter().map(String::as_str).collect::<Vec<_>>()).await
    };
    insta::assert_snapshot!(told(connect("other", &url, &source)).await, @r"
    exit code 4
    asking URL what it can do …
    error: cannot log in at instance `other`
    because: POST /rest/login: status 401
    because: e-mail or password is wrong, or the account may only use single sign-on
    try: give the e-mail and password that open n8n's editor
    ");
    insta::assert_snapshot!(told(connect("other", &url, "env:NOT_SET")).await, @r"
    exit code 1
    error: cannot read `env:NOT_SET`
    because: it is not set
    try: set NOT_SET, or say where the secret is: `env:NAME`, `file:PATH`
    ");
    insta::assert_snapshot!(told(connect("other", &url, "file:not-there")).await, @r"
    exit code 1
    error: cannot read `file:not-there`
    because: No such file or directory (os error 2)
    try: give the path of a file that holds the secret and nothing else
    ");
    insta::assert_snapshot!(told(connect("prod", "https://elsewhere.example.com", &source)).await, @r"
    exit code 1
    error: `prod` is another instance already
    because: it is at URL
    try: give the new one another name
    ");
    insta::assert_snapshot!(told(connect("other", "http://n8n.example.com", &source)).await, @r"
    exit code 1
    error: the base URL of the instance is not usable
    because: the admin's password and every key would travel to `n8n.example.com` in the clear
    try: use `https://n8n.example.com` if the instance has TLS
    try: or accept plain HTTP for this instance explicitly
    try: keywright connect … --dangerous-plain-http
    ");
    insta::assert_snapshot!(told(connect("other", "ftp://n8n.example.com", &source)).await, @r"
    exit code 1
    error: the base URL of the instance is not usable
    because: its scheme is neither `https` nor `http`
    try: give the address of the editor, such as `https://n8n.example.com`
    ");
    insta::assert_snapshot!(told(connect("other", "http://127.0.0.1:1", &source)).await, @r"
    exit code 1
    asking http://127.0.0.1:1 what it can do …
    error: cannot log in at instance `other`
    because: POST /rest/login: no connection
    because: error sending request
    because: client error (Connect)
    because: tcp connect error
    because: Connection refused (os error 111)
    try: see whether `http://127.0.0.1:1` is up, and whether a proxy stands in between
    ");
    insta::assert_snapshot!(refused(&world, &["key", "create", "x", "--instance", "prd", "--scope", "tag:list"]).await, @r"
    exit code 1
    error: there is no instance `prd`
    because: there are: prod
    try: did you mean `prod`?
    try: keywright connect prd https://… --email …
    ");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stalled_rotations() {
    let world = World::start(Profile::V2_41).await;
    let places = world.integration("backups", Kinds::Command).await;
    places.raise("broken");
    let stalled = refused(&world, &["rotate", "backups"]).await;
    for part in [
        "exit code 1\n",
        "the vault is sealed",
        "stalled backups",
        "now:   keywright rotate --resume backups",
    ] {
        assert!(stalled.contains(part), "{part} in {stalled}");
    }
    insta::assert_snapshot!(refused(&world, &["rotate", "backups"]).await, @r"
    exit code 1
    error: `backups` is being rotated already
    because: rotation ID is stalled
    try: keywright rotate --resume backups
    try: keywright rotate backups --abort
    try: keywright rotate backups --compromised   # if a key leaked: kills every key of it now
    ");
    let later = said(&world, &["rotate", "--resume"]).await;
    assert!(later.starts_with("exit code 0\nnothing is due; next is `backups` at "), "{later}");
    let status = said(&world, &["status", "--offline"]).await;
    assert!(
        status.contains("stalled backups: the old key still works: cannot deliver with `/bin/sh`"),
        "{status}"
    );
    places.lower("broken");
    insta::assert_snapshot!(said(&world, &["rotate", "backups", "--abort", "--quiet"]).await, @r"
    exit code 0
    undone backups: all is as it was before
    ");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_undoing_that_comes_too_late() {
    let world = world().await;
    // The old key is deleted, and then cannot be proved dead.
    let proving = Matcher::of("GET", "/api/v1/discover").nth(3);
    world.sandbox().faults().push(Fault::always(proving, Effect::Status(403)));
    let stalled = said(&world, &["rotate", "backups", "--grace", "0s"]).await;
    assert!(stalled.contains("✗ backups  prove-dead"), "{stalled}");
    let late = refused(&world, &["rotate", "backups", "--abort"]).await;
    assert!(late.contains("the only way is forward\n"), "{late}");
    assert!(late.ends_with("try: keywright rotate --resume backups\n"), "{late}");
    world.sandbox().faults().clear();
    let resumed = world.home.must(&["rotate", "--resume", "backups"]).await;
    assert!(resumed.stdout.starts_with("rotated backups: "), "{resumed:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_that_is_away_is_told_by_status_too() {
    let world = world().await;
    world.sandbox().faults().push(Fault::always(Matcher::any(), Effect::RefuseBefore));
    insta::assert_snapshot!(refused(&world, &["rotate", "backups", "--dry-run"]).await, @r"
    exit code 1
    error: cannot see whether all is ready at instance `prod`
    because: GET /healthz/readiness: the connection or the answer was cut
    because: error sending request
    because: client error (SendRequest)
    because: connection closed before message completed
    try: see whether `URL` is up, and whether a proxy stands in between
    ");
    let status = world.home.must(&["status"]).await;
    assert!(status.stdout.contains("prod cannot be asked: "), "{status:?}");
    let status = world.home.json(&["status"]).await;
    assert_eq!(status["unreachable"][0]["instance"], "prod");
}
