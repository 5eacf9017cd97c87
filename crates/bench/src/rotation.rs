//! `bench rotation`: many keys turned by one command, beside a bare loop; many more on the sandbox.

use sandbox::{Options, Profile, Sandbox};
use serde_json::Value;

use crate::home::Home;
use crate::measure::{self, Cost, median};
use crate::{Trouble, bare, say};

const REAL: usize = 200;
const SANDBOXED: usize = 2_000;
const PLACES: usize = 3;
const RUNS: usize = 3;

pub(crate) async fn run(binary: &str, record: Option<&str>) -> Result<(), Trouble> {
    // An error means that a provider is installed already, which is as good.
    drop(rustls::crypto::ring::default_provider().install_default());
    if let Some(record) = record {
        real(binary, &serde_json::from_str(&std::fs::read_to_string(record)?)?).await?;
    } else {
        say("no record of a real n8n was given: only the sandbox is measured");
    }
    sandboxed(binary).await
}

async fn real(binary: &str, record: &Value) -> Result<(), Trouble> {
    let field =
        |name: &str| record.get(name).and_then(Value::as_str).ok_or(format!("the record has no `{name}`"));
    let (url, cookie) = (field("url")?, field("cookie")?);
    say(&format!("{REAL} integrations on a real n8n {}, {RUNS} runs each, in turn", field("version")?));
    let home = Home::connected(binary, url, field("email")?, field("password")?).await?;
    let names = home.populate(REAL, 1).await?;
    let (mut loops, mut rotations) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let loop_s = bare::run(url, cookie, REAL).await?.as_secs_f64();
        let cost = rotate(&home, &names).await?;
        say(&format!("  bare loop {loop_s:6.2} s   keywright {}", shown(cost)));
        loops.push(loop_s);
        rotations.push(cost.wall.as_secs_f64());
    }
    for name in names.iter().chain([&"prod-root".to_owned()]) {
        measure::run(&mut home.command(&["key", "revoke", name, "--yes", "--quiet"])).await?;
    }
    let (bare, keywright) = (median(loops), median(rotations));
    say(&format!(
        "  medians: bare loop (create, use, delete) {bare:.2} s, keywright {keywright:.2} s, ratio {:.2} (wanted: at most 1.5)",
        keywright / bare
    ));
    Ok(())
}

async fn sandboxed(binary: &str) -> Result<(), Trouble> {
    say(&format!("{SANDBOXED} integrations with {PLACES} files each on the sandbox, {RUNS} runs"));
    let sandbox = Sandbox::start(Profile::V2_41, Options::default()).await?;
    let home = Home::connected(binary, &sandbox.url(), Options::OWNER_EMAIL, Options::OWNER_PASSWORD).await?;
    let names = home.populate(SANDBOXED, PLACES).await?;
    let (mut walls, mut peaks) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let before = sandbox.call_count();
        let cost = rotate(&home, &names).await?;
        say(&format!("  keywright {}, {} calls", shown(cost), sandbox.call_count() - before));
        walls.push(cost.wall.as_secs_f64());
        #[expect(clippy::cast_precision_loss, reason = "megabytes are shown to one digit")]
        peaks.push(cost.peak_bytes as f64 / 1e6);
    }
    say(&format!(
        "  medians: {:.2} s (wanted: under 15), {:.1} MB (wanted: under 100)",
        median(walls),
        median(peaks)
    ));
    sandbox.shutdown().await;
    Ok(())
}

async fn rotate(home: &Home, names: &[String]) -> Result<Cost, Trouble> {
    let mut arguments = vec!["rotate", "--grace", "0s", "--quiet"];
    arguments.extend(names.iter().map(String::as_str));
    measure::run(&mut home.command(&arguments)).await
}

fn shown(cost: Cost) -> String {
    let (wall, cpu) = (cost.wall.as_secs_f64(), cost.cpu.as_secs_f64());
    format!("{wall:6.2} s wall, {cpu:5.2} s CPU, {} MB peak", cost.peak_bytes / 1_000_000)
}
