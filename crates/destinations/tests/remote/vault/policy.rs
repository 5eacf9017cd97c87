//! Policies, read from the documentation, so that what it calls enough is enough.

const DOCS: &str = include_str!("../../../../../docs/destinations/vault.md");

/// Paths, of which the last character may be `*`, and what may be done there.
#[derive(Clone, Default)]
pub(crate) struct Policy(Vec<(String, Vec<String>)>);

impl Policy {
    /// The blocks of the documentation that follow these words.
    pub(crate) fn documented(marks: &[&str]) -> Self {
        let mut rules = Vec::new();
        for mark in marks {
            let block = DOCS.split(mark).nth(1).unwrap_or_else(|| panic!("no `{mark}`"));
            let block = block.split("```hcl\n").nth(1).unwrap().split("```").next().unwrap();
            rules.extend(Self::parsed(block).0);
        }
        Self(rules)
    }

    pub(crate) fn parsed(text: &str) -> Self {
        let lines = text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
        Self(
            lines
                .map(|line| {
                    let words: Vec<&str> = line.split('"').collect();
                    assert!(words[0] == "path " && words[2] == " { capabilities = [", "{line}");
                    let capabilities = words[3..].iter().step_by(2).map(|word| (*word).to_owned()).collect();
                    (words[1].to_owned(), capabilities)
                })
                .collect(),
        )
    }

    /// What may be done at a path; the longest rule counts.
    pub(crate) fn capabilities(&self, path: &str) -> Vec<&str> {
        let fits = |rule: &str| match rule.strip_suffix('*') {
            Some(prefix) => path.starts_with(prefix),
            None => path == rule,
        };
        let rule = self.0.iter().filter(|(rule, _)| fits(rule)).max_by_key(|(rule, _)| rule.len());
        rule.map_or_else(
            || vec!["deny"],
            |(_, capabilities)| capabilities.iter().map(String::as_str).collect(),
        )
    }

    /// The same, without one capability.
    pub(crate) fn without(&self, capability: &str) -> Self {
        let mut policy = self.clone();
        policy.0.iter_mut().for_each(|(_, capabilities)| capabilities.retain(|one| one != capability));
        policy
    }

    /// Whether anything may be done in a mount.
    pub(crate) fn knows(&self, mount: &str) -> bool {
        self.0.iter().any(|(rule, _)| rule.starts_with(&format!("{mount}/")))
    }
}
