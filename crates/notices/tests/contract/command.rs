//! A shell script as the receiver.

use std::fs;

use notices::Way;
use tempfile::TempDir;

use crate::receiver::{LONG, Mood, Receiver, channel, notice};

pub(crate) struct CommandReceiver {
    folder: TempDir,
}

impl CommandReceiver {
    fn script(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("tell.sh"), text).unwrap();
        Self { folder }
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).unwrap_or_default()
    }
}

impl Receiver for CommandReceiver {
    async fn start(mood: Mood) -> Self {
        Self::script(match mood {
            Mood::Takes => "cat >> $1/in; echo $KEYWRIGHT_NOTICE_ID >> $1/ids; env > $1/env; pwd > $1/pwd",
            Mood::Refuses => "echo canary >&2; exit 77",
            Mood::Throttles => "exit 75",
            Mood::Gone => "exit 69",
            Mood::Silent => "cat > /dev/null; sleep 1000 & wait",
            Mood::Floods => "yes flood; exit 1",
        })
    }

    fn way(&self) -> Way {
        let place = self.folder.path().display();
        Way::Command { line: format!("/bin/sh '{place}/tell.sh' {place}") }
    }

    fn arrived(&self) -> Vec<String> {
        self.text("ids").lines().map(str::to_owned).collect()
    }
}

#[tokio::test]
async fn the_program_gets_the_notice_and_none_of_our_variables() {
    let receiver = CommandReceiver::start(Mood::Takes).await;
    channel(receiver.way(), LONG).send(&notice()).await.unwrap();
    let got: model::Notice = serde_json::from_str(&receiver.text("in")).unwrap();
    assert_eq!(got, notice());
    let env = receiver.text("env");
    for wanted in [
        "KEYWRIGHT_NOTICE_KIND=stalled",
        "KEYWRIGHT_NOTICE_CHANNEL=on-call",
        "KEYWRIGHT_INSTANCE=prod",
        "KEYWRIGHT_INTEGRATION=backups",
        "KEYWRIGHT_ROTATION=01jabcdefghjkmnpqrstvwxyz0",
    ] {
        assert!(env.lines().any(|line| line == wanted), "{wanted} in {env}");
    }
    assert!(env.contains("PATH=") && !env.contains("CARGO_PKG_NAME="), "{env}");
    assert_eq!(receiver.text("pwd"), "/\n");
}

#[tokio::test]
async fn a_program_that_reads_nothing_may_still_be_right() {
    let receiver = CommandReceiver::script("exec <&-; exit 0");
    let mut large = notice();
    large.text = "x".repeat(1 << 20);
    channel(receiver.way(), LONG).send(&large).await.unwrap();
}

#[tokio::test]
async fn a_bad_setting_is_named() {
    use std::sync::Arc;

    use model::ChannelErrorKind as Kind;
    for bad in ["", "tell", "'/bin/tell", " "] {
        let config = notices::ChannelConfig {
            name: "ops".parse().unwrap(),
            kinds: Vec::new(),
            way: Way::Command { line: bad.to_owned() },
        };
        let opened = notices::open(&config, &[], Arc::new(crate::receiver::FixedClock));
        assert_eq!(opened.err().unwrap().kind, Kind::BadSetting, "{bad}");
    }
    for missing in ["/nowhere/tell", "/tmp"] {
        let way = Way::Command { line: missing.to_owned() };
        assert_eq!(channel(way, LONG).send(&notice()).await.unwrap_err().kind, Kind::BadSetting, "{missing}");
    }
}
