//! The programs that are measured, each with the words that it takes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::contender::Contender;
use crate::Trouble;

const RUNS: usize = 5;
/// Kingfisher's rule for native keys in n8n's usual order of claims, and for legacy ones.
const KINGFISHER_RULE: &str = r"rules:
  - name: n8n API key
    id: kingfisher.n8n.1
    pattern: |
      (?x)
      (
        eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]*LCJpc3MiOiJuOG4iLCJhdWQiOiJwdWJsaWMtYXBp[A-Za-z0-9_-]*\.[A-Za-z0-9_-]{20,}
        | n8n_api_[0-9a-f]{80}
      )
    min_entropy: 3.0
    confidence: medium
";

/// Where programs lie, by name; a peer that is not there is left out.
pub(crate) struct Scanners {
    pub(crate) keywright: PathBuf,
    pub(crate) peers: BTreeMap<String, PathBuf>,
    pub(crate) kingfisher_rule: PathBuf,
}

impl Scanners {
    pub(crate) fn new(
        keywright: &str,
        peers: BTreeMap<String, PathBuf>,
        scratch: &Path,
    ) -> Result<Self, Trouble> {
        let kingfisher_rule = scratch.join("n8n-rule.yml");
        std::fs::write(&kingfisher_rule, KINGFISHER_RULE)?;
        // They run in other folders.
        Ok(Self { keywright: std::path::absolute(keywright)?, peers, kingfisher_rule })
    }

    pub(crate) fn keywright(&self, words: &[&str], folder: &Path) -> Contender {
        let words = ["leaks", "scan"].iter().chain(words).map(ToString::to_string).collect();
        let program = self.keywright.clone();
        Contender {
            name: "keywright".into(),
            program,
            words,
            folder: folder.into(),
            accepted: &[0, 3],
            runs: RUNS,
        }
    }

    /// Decoding alone, as gix does it best and as git does it.
    pub(crate) fn bare(repository: &Path) -> Result<Vec<Contender>, Trouble> {
        let gix = contender("bare walk, gix", std::env::current_exe()?, &["bare-walk", &shown(repository)]);
        let script = "git rev-list --objects --all | cut -c1-40 | git cat-file --batch --buffer >/dev/null";
        let git = Contender {
            folder: repository.into(),
            runs: 3,
            ..contender("bare walk, git", "sh".into(), &["-c", script])
        };
        Ok(vec![gix, git])
    }

    /// The peers that read histories.
    pub(crate) fn of_histories(&self, repository: &Path) -> Vec<Contender> {
        self.kingfisher(&shown(repository), "full")
    }

    /// The peers that read trees; the first one is what trees are held to.
    pub(crate) fn of_trees(&self, tree: &Path) -> Vec<Contender> {
        let rg = self.peers.get("rg").map(|rg| Contender {
            accepted: &[0, 1],
            ..contender("rg", rg.clone(), &["-uuu", "-c", "eyJ", &shown(tree)])
        });
        let ripsecrets = self.peers.get("ripsecrets").map(|ripsecrets| Contender {
            accepted: &[0, 1],
            ..contender("ripsecrets", ripsecrets.clone(), &[&shown(tree)])
        });
        rg.into_iter().chain(ripsecrets).chain(self.kingfisher(&shown(tree), "none")).collect()
    }

    fn kingfisher(&self, target: &str, history: &str) -> Vec<Contender> {
        let Some(program) = self.peers.get("kingfisher") else { return Vec::new() };
        let words = ["scan", target, "--git-history", history, "--no-validate", "--format", "json"];
        let rule = shown(&self.kingfisher_rule);
        let one_rule = ["--rules-path", &rule, "--load-builtins=false"];
        [("kingfisher", &[][..]), ("kingfisher, n8n rule", &one_rule)]
            .map(|(name, more)| Contender {
                accepted: &[0, 200, 205],
                runs: 1,
                ..contender(name, program.clone(), &[&words[..], more].concat())
            })
            .into()
    }
}

fn contender(name: &str, program: PathBuf, words: &[&str]) -> Contender {
    let words = words.iter().map(ToString::to_string).collect();
    Contender { name: name.into(), program, words, folder: "/".into(), accepted: &[0], runs: RUNS }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}
