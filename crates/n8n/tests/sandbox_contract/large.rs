//! A list of 100,000 workflows as a stream: read in a process of its own, whose memory is looked at.

use std::sync::Arc;

use model::{Issuer as _, Secret};
use n8n::testing::{MemoryKeeper, RandomIds, WallClock};
use n8n::{
    BaseUrl, ClientConfig, Completeness, InsecureHttp, N8nClient, N8nIssuer, Timeouts, Transport,
    WorkflowFilter,
};
use sandbox::{Options, Profile, Sandbox};

use crate::suite::new_key;

const HOW_MANY: u32 = 100_000;
/// What reading them may add to the most memory that the process ever had. All of them at once take ten times more.
const ADDS_AT_MOST_KIB: usize = 24 * 1024;
const ROLE: &str = "KEYWRIGHT_TEST_LISTS";
const KEY: &str = "KEYWRIGHT_TEST_KEY";

/// The most memory that this process ever had.
fn peak_kib() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim().trim_end_matches(" kB").parse().unwrap()
}

fn client(url: &str) -> Arc<N8nClient> {
    let keeper = MemoryKeeper::new(Options::OWNER_EMAIL, Options::OWNER_PASSWORD, None);
    let config = ClientConfig {
        name: "sandbox".parse().unwrap(),
        base_url: BaseUrl::parse(url, InsecureHttp::Refused).unwrap(),
        transport: Transport::default(),
        timeouts: Timeouts::default(),
        clock: Arc::new(WallClock),
        ids: Arc::new(RandomIds),
    };
    Arc::new(N8nClient::new(config, Arc::new(keeper)).unwrap())
}

/// What the child does: reads them all, and keeps none.
async fn read_all(url: &str, key: String) {
    let api = client(url).public_api(Secret::new(key));
    let mut first = api.workflows(&WorkflowFilter::default());
    first.next().await.unwrap().unwrap();
    let before = peak_kib();
    let mut list = api.workflows(&WorkflowFilter::default());
    let mut count = 0;
    while let Some(workflow) = list.next().await {
        workflow.unwrap();
        count += 1;
    }
    assert_eq!(list.completeness(), Some(&Completeness::Whole));
    println!("\nread {count} {before} {}", peak_kib());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::disallowed_methods, reason = "the parent test tells its child what to read")]
async fn a_hundred_thousand_workflows_are_read_in_little_memory() {
    if let Ok(url) = std::env::var(ROLE) {
        return read_all(&url, std::env::var(KEY).unwrap()).await;
    }
    let options = Options { workflows: HOW_MANY, ..Options::default() };
    let sandbox = Sandbox::start(Profile::V1_72, options).await.unwrap();
    let client = client(&sandbox.url());
    let issuer = N8nIssuer::new(Arc::clone(&client), client.learn().await.unwrap().capabilities);
    let key = issuer.create(&new_key(issuer.capabilities())).await.unwrap();
    let mut child = tokio::process::Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "large::a_hundred_thousand_workflows_are_read_in_little_memory", "--nocapture"]);
    child.env(ROLE, sandbox.url()).env(KEY, key.secret.expose()).kill_on_drop(true);
    let output = child.output().await.unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let told = text.lines().find_map(|line| line.strip_prefix("read ")).unwrap();
    let told: Vec<usize> = told.split(' ').map(|number| number.parse().unwrap()).collect();
    let [count, before, after] = told.try_into().unwrap();
    println!("{count} workflows: at most {before} KiB before, {after} KiB after");
    assert_eq!(count, usize::try_from(HOW_MANY).unwrap());
    assert!(after - before < ADDS_AT_MOST_KIB, "{before} KiB before, {after} KiB after");
}
