//! n8n's description of its public API: of all of it, only paths, methods and required scopes are read, one event
//! of the parser after the other.

use model::Scope;
use saphyr_parser::{Event, Parser};

use super::routes::{MAX_ROUTES, RequiredScopes, Route, Routes, is_route};

/// A description of 20,000 lines has a tenth of this.
const MAX_EVENTS: usize = 2_000_000;
const MAX_DEPTH: usize = 100;
const SCOPE: &str = "x-required-scope";

/// Where the reader is: for each open mapping or sequence, the key whose value is read, if it is a mapping.
enum Level {
    Mapping { key: Option<String> },
    Sequence,
}

impl Level {
    fn key(&self) -> Option<&str> {
        match self {
            Self::Mapping { key } => key.as_deref(),
            Self::Sequence => None,
        }
    }
}

/// The operations of a description; `None` if it is none.
pub(super) fn routes(yaml: &[u8]) -> Option<Routes> {
    let mut levels: Vec<Level> = Vec::new();
    let mut found: Vec<Route> = Vec::new();
    for (count, event) in Parser::new_from_str(std::str::from_utf8(yaml).ok()?).enumerate() {
        let (event, _span) = event.ok()?;
        if count > MAX_EVENTS || levels.len() > MAX_DEPTH || found.len() > MAX_ROUTES {
            return None;
        }
        match event {
            Event::MappingStart(..) => {
                begin(&levels, &mut found)?;
                levels.push(Level::Mapping { key: None });
            }
            Event::SequenceStart(..) => levels.push(Level::Sequence),
            Event::MappingEnd | Event::SequenceEnd => {
                levels.pop()?;
                value_read(&mut levels);
            }
            Event::Scalar(text, ..) => {
                if let Some(Level::Mapping { key: key @ None }) = levels.last_mut() {
                    *key = Some(text.into_owned());
                } else {
                    scope(&levels, &text, &mut found)?;
                    value_read(&mut levels);
                }
            }
            // The value of an alias is of no use here.
            Event::Alias(_) => value_read(&mut levels),
            _ => {}
        }
    }
    (!found.is_empty()).then(|| Routes::new(found))
}

/// The next scalar of the mapping is a key again.
fn value_read(levels: &mut [Level]) {
    if let Some(Level::Mapping { key }) = levels.last_mut() {
        *key = None;
    }
}

/// The keys that lead to the value that is read now.
fn keys(levels: &[Level]) -> Option<Vec<&str>> {
    levels.iter().map(Level::key).collect()
}

/// An operation begins where a mapping is the value of a method.
fn begin(levels: &[Level], found: &mut Vec<Route>) -> Option<()> {
    if levels.len() == 3
        && let Some(["paths", path, method]) = keys(levels).as_deref()
    {
        let (method, path) = (method.to_ascii_uppercase(), (*path).to_owned());
        // `parameters` and the like stand beside methods, but are sequences.
        if !is_route(&method, &path) {
            return None;
        }
        found.push(Route { method, path, scopes: RequiredScopes::NotTold });
    }
    Some(())
}

fn scope(levels: &[Level], text: &str, found: &mut [Route]) -> Option<()> {
    if levels.len() == 4
        && let Some(["paths", _, _, SCOPE]) = keys(levels).as_deref()
    {
        let scopes: Option<Vec<Scope>> = match text {
            "none" => Some(Vec::new()),
            _ => text.split(',').map(|scope| scope.trim().parse().ok()).collect(),
        };
        found.last_mut()?.scopes = RequiredScopes::All(scopes?);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "openapi: 3.0.0\ninfo: &info {title: x, x-required-scope: tag:list}\npaths:\n  \
        /discover:\n    get:\n      x-required-scope: none\n      responses: {}\n  \
        /workflows/{id}:\n    parameters: [{name: id, in: path}]\n    get:\n      tags:\n        - x-required-scope\n      \
        x-required-scope: workflow:read\n      responses:\n        '200': *info\n    delete:\n      summary: |\n        \
        x-required-scope: tag:list\n      x-required-scope: workflow:delete,workflow:read\n  \
        '/credentials/schema/{name}':\n    get:\n      responses: {}\ncomponents:\n  paths: {x: {get: {}}}\n";

    #[test]
    fn reads_paths_methods_and_scopes() {
        let found = routes(TEXT.as_bytes()).unwrap();
        let shown: Vec<String> = found
            .all()
            .iter()
            .map(|route| match &route.scopes {
                RequiredScopes::NotTold => format!("{} {} ?", route.method, route.path),
                RequiredScopes::All(scopes) => {
                    let scopes: Vec<_> = scopes.iter().map(Scope::as_str).collect();
                    format!("{} {} {}", route.method, route.path, scopes.join("+"))
                }
            })
            .collect();
        assert_eq!(
            shown,
            [
                "GET /discover ",
                "GET /workflows/{id} workflow:read",
                "DELETE /workflows/{id} workflow:delete+workflow:read",
                "GET /credentials/schema/{name} ?",
            ]
        );
        assert_eq!(found.find("DELETE", "/workflows/x").unwrap().path, "/workflows/{id}");
        assert_eq!(found.find("PUT", "/workflows/x"), None);
        assert_eq!(found.find("GET", "/workflows/"), None);
    }

    #[test]
    fn anything_else_is_no_description() {
        let aliases = format!(
            "paths:\n{}",
            (0..50).map(|n| format!("  a{n}: &a{n} [*a{}]\n", n - 1)).collect::<Vec<_>>().concat()
        );
        for bad in [
            "",
            "canary",
            "paths: 7",
            "paths: {}",
            "paths: {/x: {get: {x-required-scope: canary}}}",
            "paths: {../x: {get: {}}}",
            "paths: {/x: {trace: {}}}",
            "paths: {/x: {get: {}}",
            "\u{feff}{{{{",
            &"[".repeat(100_000),
            &"{a: ".repeat(100_000),
            &"- ".repeat(100_000),
            &aliases,
        ] {
            assert_eq!(routes(bad.as_bytes()), None, "{bad:.40}");
        }
        assert_eq!(routes(b"paths: {/x\xff: {get: {}}}"), None);
    }
}
