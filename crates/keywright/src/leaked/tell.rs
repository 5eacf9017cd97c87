//! What is said of a found key, and what can be done about it.

use model::KeyState;

use super::check::{Answer, Life, NotAsked, Said};
use super::judge::{Judged, Whose};
use crate::progress::shown;

impl Judged {
    /// Whose it is, in words: `ours: backups, at prod`.
    pub(crate) fn whose(&self) -> String {
        match &self.whose {
            Whose::Ours(ours) => {
                let state = match ours.key.state {
                    KeyState::Active => String::new(),
                    state => format!(", {}", state.as_str()),
                };
                format!("ours: `{}`, at `{}`{state}", ours.integration.name, ours.integration.instance)
            }
            Whose::OfOurUser(instance) => {
                format!("not ours; of a user of `{instance}` whose keys are ours, so it says")
            }
            Whose::Unknown => "not ours".to_owned(),
        }
    }

    /// Whether it is alive, in words.
    pub(crate) fn life(&self) -> String {
        match &self.life {
            Life::NotAsked(why) => why.words(),
            Life::Asked(answers) => {
                let alive: Vec<String> = self.life.alive_at().map(|at| format!("`{at}`")).collect();
                let unclear = answers.iter().filter_map(Answer::unclear).collect::<Vec<_>>().join("; ");
                match (alive.as_slice(), unclear.is_empty()) {
                    ([], true) => {
                        let asked: Vec<String> = answers.iter().map(|one| format!("`{}`", one.at)).collect();
                        format!("refused at {}", asked.join(", "))
                    }
                    ([], false) => format!("not known: {unclear}"),
                    (alive, true) => format!("ALIVE at {}", alive.join(", ")),
                    (alive, false) => {
                        format!("ALIVE at {}; not known elsewhere: {unclear}", alive.join(", "))
                    }
                }
            }
        }
    }

    /// Commands that end it, the best first; none if it is dead.
    pub(crate) fn mends(&self) -> Vec<String> {
        if self.life.is_dead() {
            return Vec::new();
        }
        if let Some(ours) = self.ours() {
            let name = &ours.integration.name;
            return match ours.key.state {
                KeyState::Retired => Vec::new(),
                _ => vec![format!("keywright rotate {name} --compromised")],
            };
        }
        let Some(at) = self.life.alive_at().next() else { return Vec::new() };
        let of_instance = if at.contains("://") { String::new() } else { format!(" --instance {at}") };
        vec![
            format!("keywright key adopt NAME{of_instance} --key-from file:PATH   # then it is ours to end:"),
            "keywright key revoke NAME".to_owned(),
            "or delete it in n8n's settings, under API, as the user who made it".to_owned(),
        ]
    }
}

impl NotAsked {
    pub(crate) fn words(self) -> String {
        match self {
            Self::NotTold => "not asked: `--check` asks".to_owned(),
            Self::Expired(at) => format!("not asked: it expired at {}", shown(at)),
            Self::ProvedDead(at) => format!("dead: proved at {}", shown(at)),
            Self::OtherKind => "not asked: it is no API key".to_owned(),
            Self::NoInstance => "not asked: there is no instance that it can be of".to_owned(),
            Self::TooMany => "not asked: there are too many".to_owned(),
        }
    }
}

impl Answer {
    fn unclear(&self) -> Option<String> {
        match &self.said {
            Said::Unclear(report) => Some(format!("`{}`: {}", self.at, report.line())),
            Said::Alive | Said::Refused => None,
        }
    }
}
