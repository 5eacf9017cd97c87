//! Profiles of the AWS CLI: `~/.aws/config` and `~/.aws/credentials`. Pure: files come in as text.

use std::collections::BTreeMap;

use model::{DestinationError, DestinationErrorKind as Kind, Secret};
use zeroize::Zeroizing;

use super::Keys;
use crate::error::error;

/// Roles that are taken on one after another.
const MAX_ROLES: usize = 5;
const WHAT: &str = "cannot use a profile of the AWS CLI";

/// Both files, read.
#[derive(Default)]
pub(super) struct Profiles(BTreeMap<String, Profile>);

type Profile = BTreeMap<String, Zeroizing<String>>;

/// Where the first credentials of a profile are from.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Base {
    Keys(Keys),
    WebIdentity { token_file: String, role: Role },
    Environment,
    Container,
    Instance,
}

/// A role to take on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Role {
    pub(super) arn: String,
    pub(super) external_id: Option<String>,
    pub(super) session: Option<String>,
}

/// What a profile says: its first credentials, and the roles to take on with them, in order.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) base: Base,
    pub(super) roles: Vec<Role>,
}

impl Profiles {
    /// Adds a file; what it says counts over what is there already. In `config`, a section is `[profile NAME]`.
    pub(super) fn add(&mut self, text: &str, config: bool) {
        let mut section = None;
        for line in text.lines() {
            let trimmed = line.trim();
            if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
                continue;
            }
            if let Some(name) = trimmed.strip_prefix('[').and_then(|rest| Some(rest.split_once(']')?.0)) {
                section = profile_name(name, config);
                if let Some(name) = &section {
                    self.0.entry(name.clone()).or_default();
                }
                continue;
            }
            // An indented line belongs to a setting of other services, such as `s3 =`.
            let indented = line.starts_with(char::is_whitespace);
            if let (Some(name), Some((key, value)), false) = (&section, trimmed.split_once('='), indented) {
                let value = [" #", " ;", "\t#", "\t;"].iter().fold(value, |value, comment| {
                    value.split_once(comment).map_or(value, |(value, _)| value)
                });
                let value = Zeroizing::new(value.trim().to_owned());
                let profile = self.0.entry(name.clone()).or_default();
                profile.insert(key.trim().to_ascii_lowercase(), value);
            }
        }
    }

    /// A setting of a profile that holds no secret.
    pub(super) fn setting(&self, profile: &str, name: &str) -> Option<&str> {
        text(self.0.get(profile)?, name)
    }

    /// How a profile logs in; `None` if there is no such, or it does not say.
    pub(super) fn plan(&self, name: &str) -> Result<Option<Plan>, DestinationError> {
        if !self.0.contains_key(name) {
            return Ok(None);
        }
        let (mut roles, mut current, mut seen) = (Vec::new(), name.to_owned(), Vec::new());
        let base = loop {
            let Some(profile) = self.0.get(&current) else {
                return Err(fault(&current, "is named as a `source_profile`, and there is none"));
            };
            let role = text(profile, "role_arn").map(|arn| Role {
                arn: arn.to_owned(),
                external_id: text(profile, "external_id").map(str::to_owned),
                session: text(profile, "role_session_name").map(str::to_owned),
            });
            let again = seen.contains(&current);
            match (role, text(profile, "source_profile"), text(profile, "credential_source")) {
                // A profile may be the source of itself: of its own keys.
                (Some(_), Some(_), _) if again && keys(profile).is_some() => break first(&current, profile)?,
                (Some(_), Some(_), _) if again => {
                    return Err(fault(&current, "is its own source in the end"));
                }
                (Some(role), Some(source), None) => {
                    mfa(&current, profile)?;
                    roles.push(role);
                    seen.push(std::mem::replace(&mut current, source.to_owned()));
                }
                (Some(role), None, Some(source)) => {
                    mfa(&current, profile)?;
                    roles.push(role);
                    break Some(match source {
                        "Environment" => Base::Environment,
                        "EcsContainer" => Base::Container,
                        "Ec2InstanceMetadata" => Base::Instance,
                        _ => return Err(fault(&current, "has a `credential_source` that there is not")),
                    });
                }
                (Some(_), Some(_), Some(_)) => {
                    return Err(fault(&current, "has both `source_profile` and `credential_source`"));
                }
                (Some(role), None, None) => {
                    let Some(file) = text(profile, "web_identity_token_file") else {
                        let problem = "has a `role_arn`, and neither `source_profile`, `credential_source` nor `web_identity_token_file`";
                        return Err(fault(&current, problem));
                    };
                    break Some(Base::WebIdentity { token_file: file.to_owned(), role });
                }
                (None, ..) => break first(&current, profile)?,
            }
            if roles.len() > MAX_ROLES {
                return Err(fault(name, "takes on more roles than anybody needs"));
            }
        };
        roles.reverse();
        match base {
            Some(base) => Ok(Some(Plan { base, roles })),
            None if roles.is_empty() => Ok(None),
            None => {
                Err(fault(&current, "is a source, and has neither an access key with its secret nor a role"))
            }
        }
    }
}

/// What the section of a profile is called; others are of no use here.
fn profile_name(section: &str, config: bool) -> Option<String> {
    let section = section.trim();
    let name = match section.strip_prefix("profile") {
        Some(name) if config && name.starts_with(char::is_whitespace) => name.trim(),
        _ if config && section != "default" => return None,
        _ => section,
    };
    let unquoted = name.strip_prefix('"').and_then(|name| name.strip_suffix('"'));
    Some(unquoted.unwrap_or(name).to_owned())
}

fn text<'p>(profile: &'p Profile, name: &str) -> Option<&'p str> {
    profile.get(name).map(|value| value.as_str()).filter(|value| !value.is_empty())
}

fn keys(profile: &Profile) -> Option<Keys> {
    Some(Keys {
        id: text(profile, "aws_access_key_id")?.to_owned(),
        secret: Secret::new(text(profile, "aws_secret_access_key")?),
        token: text(profile, "aws_session_token").map(Secret::new),
    })
}

/// The credentials that a profile itself has; it may hold other settings only.
fn first(name: &str, profile: &Profile) -> Result<Option<Base>, DestinationError> {
    if let Some(keys) = keys(profile) {
        return Ok(Some(Base::Keys(keys)));
    }
    if text(profile, "credential_process").is_some() {
        return Err(fault(name, "has a `credential_process`, and no program is started for credentials"));
    }
    if ["sso_session", "sso_start_url", "login_session"].iter().any(|key| text(profile, key).is_some()) {
        return Err(fault(name, "signs in with a browser, which ends within hours; a service cannot"));
    }
    Ok(None)
}

fn mfa(name: &str, profile: &Profile) -> Result<(), DestinationError> {
    let asks = text(profile, "mfa_serial").is_some();
    if asks { Err(fault(name, "asks for a second factor, and nobody is there to give it")) } else { Ok(()) }
}

fn fault(profile: &str, problem: &str) -> DestinationError {
    let profile = transport::shown(profile, 80);
    error(
        Kind::Denied,
        WHAT,
        format!("the profile `{profile}` {problem}"),
        "give `access_key_id` and `secret_access_key`, a `profile` with keys or a role, or `web_identity_token_file` with `role_arn`",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profiles(config: &str, credentials: &str) -> Profiles {
        let mut profiles = Profiles::default();
        profiles.add(config, true);
        profiles.add(credentials, false);
        profiles
    }

    fn named(id: &str) -> Base {
        Base::Keys(Keys { id: id.into(), secret: Secret::new("canary"), token: None })
    }

    fn role(arn: &str) -> Role {
        Role { arn: arn.into(), external_id: None, session: None }
    }

    const CREDENTIALS: &str = "[default]\naws_access_key_id = AKIA1\naws_secret_access_key=canary ; mine\n\n# more\n[work space]\n\
         AWS_ACCESS_KEY_ID=AKIA2\naws_secret_access_key = canary\n";

    #[test]
    fn reads_both_files_as_the_cli_does() {
        let config = "[default]\nregion = eu-central-1\naws_access_key_id = AKIA0\ns3 =\n  region = nowhere\n\
                      [profile \"work space\"]\nregion=us-east-1 # near\n[sso-session x]\nregion = a\n[odd]\nregion = b\n[profile bare]\nregion = c\n";
        let profiles = profiles(config, CREDENTIALS);
        assert_eq!(profiles.setting("default", "region"), Some("eu-central-1"));
        assert_eq!(profiles.setting("work space", "region"), Some("us-east-1"));
        assert_eq!((profiles.setting("x", "region"), profiles.setting("odd", "region")), (None, None));
        let plan = |name: &str| profiles.plan(name).unwrap();
        assert_eq!(plan("default"), Some(Plan { base: named("AKIA1"), roles: vec![] }));
        assert_eq!(plan("work space"), Some(Plan { base: named("AKIA2"), roles: vec![] }));
        assert_eq!((plan("none"), plan("bare")), (None, None));
    }

    #[test]
    fn roles_are_taken_on_from_the_source_outwards() {
        let config = "[profile a]\nrole_arn = A\nsource_profile = b\nexternal_id = e\nrole_session_name = s\n\
                      [profile b]\nrole_arn = B\nsource_profile = default\n\
                      [profile own]\nrole_arn = O\nsource_profile = own\naws_access_key_id = AKIA3\naws_secret_access_key = canary\n\
                      [profile web]\nrole_arn = W\nweb_identity_token_file = /t\n\
                      [profile ecs]\nrole_arn = E\ncredential_source = EcsContainer\n";
        let profiles = profiles(config, CREDENTIALS);
        let plan = |name: &str| profiles.plan(name).unwrap().unwrap();
        let outer = Role { external_id: Some("e".into()), session: Some("s".into()), ..role("A") };
        assert_eq!(plan("a"), Plan { base: named("AKIA1"), roles: vec![role("B"), outer] });
        assert_eq!(plan("own"), Plan { base: named("AKIA3"), roles: vec![role("O")] });
        let web = Base::WebIdentity { token_file: "/t".into(), role: role("W") };
        assert_eq!(plan("web"), Plan { base: web, roles: vec![] });
        assert_eq!(plan("ecs"), Plan { base: Base::Container, roles: vec![role("E")] });
    }

    #[test]
    fn what_cannot_be_used_says_why() {
        for (config, expected) in [
            ("role_arn = A\nsource_profile = a", "its own source"),
            ("role_arn = A\nsource_profile = c", "there is none"),
            ("role_arn = A", "neither"),
            ("role_arn = A\nsource_profile = default\nmfa_serial = m", "second factor"),
            ("role_arn = A\ncredential_source = Moon", "that there is not"),
            ("credential_process = /bin/canary", "no program is started"),
            ("sso_session = x", "browser"),
            ("role_arn = A\nsource_profile = empty", "neither an access key"),
        ] {
            let config = format!("[profile empty]\n[profile a]\n{config}\n");
            let failure = profiles(&config, CREDENTIALS).plan("a").unwrap_err();
            assert!(failure.report.because[0].contains(expected), "{failure}");
            assert!(!format!("{failure:?}").contains("canary"));
        }
    }
}
