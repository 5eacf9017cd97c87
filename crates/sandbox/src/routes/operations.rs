//! The table of the public API's operations, by version.

use crate::Profile;

/// An operation of the public API.
pub(crate) struct Operation {
    pub(crate) method: &'static str,
    /// Such as `/workflows/{id}`.
    pub(crate) template: &'static str,
    pub(crate) id: &'static str,
    /// Its name in `/discover`.
    pub(crate) resource: &'static str,
    /// A validator checks its key, not a controller: 401 is worded otherwise.
    pub(crate) validated: bool,
    /// All of which a key must have.
    pub(crate) scopes: Vec<&'static str>,
}

/// What a method and a path lead to.
pub(crate) enum Found<'a> {
    Operation(&'a Operation),
    OtherMethod,
    Nothing,
}

/// The operations of a version.
pub(crate) struct Operations(Vec<Operation>);

impl Operations {
    pub(crate) fn of(profile: Profile) -> Self {
        let lines = profile.operations().lines().filter(|line| !line.starts_with('#'));
        Self(lines.filter_map(operation).collect())
    }

    pub(crate) fn all(&self) -> &[Operation] {
        &self.0
    }

    /// Looks a path up, without `/api/v1`. A literal segment wins over a placeholder.
    pub(crate) fn find(&self, method: &str, path: &str) -> Found<'_> {
        let mut best: Option<&Operation> = None;
        let mut path_known = false;
        for operation in &self.0 {
            if !fits(operation.template, path) {
                continue;
            }
            path_known = true;
            let more_literal = |known: &&Operation| {
                operation.template.matches('{').count() < known.template.matches('{').count()
            };
            if operation.method == method && best.as_ref().is_none_or(more_literal) {
                best = Some(operation);
            }
        }
        match best {
            Some(operation) => Found::Operation(operation),
            None if path_known => Found::OtherMethod,
            None => Found::Nothing,
        }
    }
}

fn operation(line: &'static str) -> Option<Operation> {
    let mut words = line.split(' ');
    let (method, template) = (words.next()?, words.next()?);
    let id = words.next().unwrap_or_default();
    let resource = words.next().unwrap_or_default();
    let validated = words.next() != Some("controller");
    let scopes = words.next().filter(|scopes| *scopes != "-");
    let scopes = scopes.map(|scopes| scopes.split(',').collect()).unwrap_or_default();
    Some(Operation { method, template, id, resource, validated, scopes })
}

fn fits(template: &str, path: &str) -> bool {
    let (mut wanted, mut given) = (template.split('/'), path.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some(wanted), Some(given)) if wanted == given => {}
            (Some(wanted), Some(given)) if wanted.starts_with('{') && !given.is_empty() => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_is_read_whole() {
        for (profile, count) in
            [(Profile::V2_41, 154), (Profile::V1_123, 42), (Profile::V1_72, 36), (Profile::V1_60, 36)]
        {
            assert_eq!(Operations::of(profile).all().len(), count, "{profile}");
        }
    }

    #[test]
    fn finds_by_method_and_prefers_literals() {
        let operations = Operations::of(Profile::V2_41);
        let found = |method: &str, path: &str| match operations.find(method, path) {
            Found::Operation(operation) => operation.template,
            Found::OtherMethod => "405",
            Found::Nothing => "404",
        };
        assert_eq!(found("GET", "/workflows/x"), "/workflows/{workflowId}");
        assert_eq!(found("GET", "/workflows/x/history"), "/workflows/{workflowId}/history");
        assert_eq!(found("PUT", "/workflows"), "405");
        assert_eq!(found("GET", "/nonsense"), "404");
        assert_eq!(found("GET", "/workflows/"), "404");
    }
}
