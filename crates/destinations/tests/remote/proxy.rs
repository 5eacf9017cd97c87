//! A proxy of the environment, which only a process of its own has.

use std::process::{Command, Stdio};

use model::{DestinationErrorKind as Kind, Held};

use crate::{
    doppler::DopplerPlace,
    place::{RemotePlace as _, key, open, open_with},
};

const INSIDE: &str = "PROXY_TEST_INSIDE";
/// Nobody listens there.
const PROXY: &str = "http://127.0.0.1:1";

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "how a process that is started knows that it is it")]
async fn this_machine_is_not_reached_through_the_proxy_of_the_environment() {
    if std::env::var(INSIDE).is_err() {
        let mut command = Command::new(std::env::current_exe().unwrap());
        let name = "proxy::this_machine_is_not_reached_through_the_proxy_of_the_environment";
        command.args([name, "--exact", "--nocapture"]).stdin(Stdio::null()).env(INSIDE, "1");
        for variable in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
            command.env(variable, PROXY).env(variable.to_lowercase(), PROXY);
        }
        command.env_remove("NO_PROXY").env_remove("no_proxy").env_remove("REQUEST_METHOD");
        let output = command.output().unwrap();
        let told = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && told.contains("1 passed"), "{told}");
        return;
    }
    let place = DopplerPlace::start().await;
    open(&place).deliver(&key("one")).await.unwrap();
    assert_eq!(open(&place).read().await.unwrap(), Held::Value(key("one")));
    // One that is set for the service is used.
    let failure = open_with(&place, &[("proxy", PROXY)]).read().await.unwrap_err();
    assert_eq!(failure.kind, Kind::Unreachable);
    // What is elsewhere goes through the environment's.
    let more = [("url", "http://192.0.2.1"), ("dangerous_plain_http", "true"), ("timeout", "5s")];
    let failure = open_with(&place, &more).read().await.unwrap_err();
    assert!(failure.report.line().contains("refused"), "{failure}");
    place.server().assert_clean();
}
