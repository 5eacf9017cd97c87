//! What addresses name.

/// Whose secrets they are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Owner {
    Repository { owner: String, repo: String },
    Environment { owner: String, repo: String, environment: String },
    Organisation { org: String },
}

/// One secret.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) owner: Owner,
    pub(super) name: String,
}

impl Owner {
    /// The path of its secrets in the API, not encoded yet.
    pub(super) fn secrets(&self) -> Vec<&str> {
        match self {
            Self::Repository { owner, repo } => vec!["repos", owner, repo, "actions", "secrets"],
            Self::Environment { owner, repo, environment } => {
                vec!["repos", owner, repo, "environments", environment, "secrets"]
            }
            Self::Organisation { org } => vec!["orgs", org, "actions", "secrets"],
        }
    }

    /// Owner and name of the repository.
    pub(super) fn repository(&self) -> Option<(&str, &str)> {
        match self {
            Self::Repository { owner, repo } | Self::Environment { owner, repo, .. } => Some((owner, repo)),
            Self::Organisation { .. } => None,
        }
    }

    /// What a fine-grained token or an App needs, as its API calls it.
    pub(super) fn permission(&self) -> &'static str {
        match self {
            Self::Repository { .. } => "secrets",
            Self::Environment { .. } => "environments",
            Self::Organisation { .. } => "organization_secrets",
        }
    }

    /// What a classic token needs.
    pub(super) fn scope(&self) -> &'static str {
        if matches!(self, Self::Organisation { .. }) { "admin:org" } else { "repo" }
    }

    /// What is missing where it is refused, such as `secrets: write` on `acme/site`.
    pub(super) fn need(&self, level: &str) -> String {
        let (permission, scope) = (self.permission(), self.scope());
        format!("the permission `{permission}: {level}` on `{self}` (a classic token: the scope `{scope}`)")
    }
}

impl std::fmt::Display for Owner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Repository { owner, repo } => write!(f, "{owner}/{repo}"),
            Self::Environment { owner, repo, environment } => write!(f, "{owner}/{repo}@{environment}"),
            Self::Organisation { org } => f.write_str(org),
        }
    }
}

impl Place {
    pub(super) fn parse(rest: &str) -> Option<Self> {
        let (owner, name) = rest.rsplit_once('#')?;
        let owner = match owner.split_once('@') {
            Some((repository, environment)) => {
                let (owner, repo) = repository_of(repository)?;
                is_segment(environment).then_some(())?;
                Owner::Environment { owner, repo, environment: environment.to_owned() }
            }
            None if owner.contains('/') => {
                let (owner, repo) = repository_of(owner)?;
                Owner::Repository { owner, repo }
            }
            None => Owner::Organisation { org: account(owner)? },
        };
        is_secret_name(name).then(|| Self { owner, name: name.to_owned() })
    }
}

/// A workflow that can be run by hand, and at what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Workflow {
    pub(super) owner: String,
    pub(super) repo: String,
    /// The name of its file, or its number.
    pub(super) file: String,
    pub(super) reference: String,
    pub(super) inputs: Vec<(String, String)>,
}

/// So many inputs does GitHub take.
const MAX_INPUTS: usize = 25;

impl Workflow {
    pub(super) fn parse(rest: &str) -> Option<Self> {
        let (workflow, at) = rest.split_once('@')?;
        let (repository, file) = workflow.rsplit_once('/')?;
        let (owner, repo) = repository_of(repository)?;
        let is_file = file
            .rsplit_once('.')
            .is_some_and(|(stem, end)| !stem.is_empty() && matches!(end, "yml" | "yaml"));
        (is_file || (!file.is_empty() && file.bytes().all(|b| b.is_ascii_digit()))).then_some(())?;
        // No branch and no tag has a `?` in its name.
        let (reference, inputs) = at.split_once('?').unwrap_or((at, ""));
        let inputs: Vec<(String, String)> =
            url::form_urlencoded::parse(inputs.as_bytes()).into_owned().collect();
        let sound = !reference.is_empty()
            && !reference.contains(' ')
            && inputs.len() <= MAX_INPUTS
            && inputs.iter().all(|(name, _)| !name.is_empty());
        sound.then(|| Self { owner, repo, file: file.to_owned(), reference: reference.to_owned(), inputs })
    }
}

/// A user or an organisation.
fn account(name: &str) -> Option<String> {
    let sound =
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    sound.then(|| name.to_owned())
}

fn repository_of(text: &str) -> Option<(String, String)> {
    let (owner, repo) = text.split_once('/')?;
    let sound = is_segment(repo)
        && repo.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
    Some((account(owner)?, sound.then(|| repo.to_owned())?))
}

/// Whether a path's segment stays what it is.
fn is_segment(text: &str) -> bool {
    !matches!(text, "" | "." | "..")
}

/// As GitHub itself writes names of secrets: it turns small letters into capitals.
pub(super) fn is_secret_name(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && !name.starts_with("GITHUB_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_told_from_its_address() {
        let check = |rest: &str, path: &str, need: &str| {
            let place = Place::parse(rest).unwrap_or_else(|| panic!("{rest}"));
            assert_eq!(format!("{}#{}", place.owner, place.name), rest);
            assert_eq!(place.owner.secrets().join("|"), path);
            assert!(place.owner.need("write").contains(need), "{}", place.owner.need("write"));
        };
        check("acme/site#N8N_API_KEY", "repos|acme|site|actions|secrets", "`secrets: write` on `acme/site`");
        check("acme/site.js@prod/eu#_K", "repos|acme|site.js|environments|prod/eu|secrets", "environments");
        check("a-b_c/x@y#z@w#K", "repos|a-b_c|x|environments|y#z@w|secrets", "`repo`");
        check("acme#K9", "orgs|acme|actions|secrets", "`admin:org`");
    }

    #[test]
    fn what_names_no_secret_is_refused() {
        for bad in [
            "",
            "acme",
            "acme/site",
            "#K",
            "acme/#K",
            "/site#K",
            "acme/site/x#K",
            "acme/site#",
            "acme/site#k",
            "acme/site#1K",
            "acme/site#GITHUB_K",
            "acme/site#A-B",
            "acme/..#K",
            "acme/.#K",
            "acme/site@#K",
            "acme/site@..#K",
            "acme@prod#K",
            "ac me#K",
            "acme/si te#K",
            "acme%2fsite#K",
            "acme/site?x#K",
        ] {
            assert_eq!(Place::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_workflow_is_told_from_its_address() {
        let workflow =
            Workflow::parse("acme/site/deploy.yml@release/v1?environment=prod&why=a%20key").unwrap();
        assert_eq!((workflow.file.as_str(), workflow.reference.as_str()), ("deploy.yml", "release/v1"));
        let inputs = [("environment".to_owned(), "prod".to_owned()), ("why".to_owned(), "a key".to_owned())];
        assert_eq!(workflow.inputs, inputs);
        assert!(Workflow::parse("acme/site/1234@main").is_some());
        for bad in [
            "acme/site/deploy.yml",
            "acme/site/deploy.yml@",
            "acme/site@main",
            "acme/site/.yml@main",
            "acme/site/deploy.txt@main",
            "acme/site/x/deploy.yml@main",
            "acme/site/../x.yml@main",
            "acme/site/deploy.yml@a b",
            "acme/site/deploy.yml@main?=x",
            "acme/site#K",
        ] {
            assert_eq!(Workflow::parse(bad), None, "{bad}");
        }
    }
}
