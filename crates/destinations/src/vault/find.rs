//! Looking through all secrets: folder by folder, of which only the names are held.

use std::{collections::BTreeSet, ops::ControlFlow};

use model::DestinationError;
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    Vault,
    address::{is_segment, written},
    mount::{Mount, Version},
};
use crate::search::Search;

/// Folders in folders.
const DEPTH: usize = 32;
/// The names of one folder; servers send them in one answer.
const MAX_LIST_BYTES: usize = 16 << 20;

#[derive(Deserialize)]
struct Listed {
    data: Keys,
}

#[derive(Deserialize)]
struct Keys {
    keys: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Two {
    data: TwoData,
}

#[derive(Deserialize)]
struct TwoData {
    data: Option<Map<String, Value>>,
}

#[derive(Deserialize)]
struct One {
    data: Map<String, Value>,
}

/// A folder on the way, and what is left in it.
struct Folder {
    /// With a `/` at its end.
    path: String,
    left: std::collections::btree_set::IntoIter<String>,
}

impl Vault {
    /// Shows every field of every secret that can be read.
    pub(super) async fn look_through(&self, search: &mut Search) -> Result<(), DestinationError> {
        if search.read() == ControlFlow::Break(()) {
            return Ok(());
        }
        for mount in self.mounts().await? {
            if self.look_through_mount(&mount, search).await? == ControlFlow::Break(()) {
                return Ok(());
            }
        }
        Ok(())
    }

    async fn look_through_mount(
        &self,
        mount: &Mount,
        search: &mut Search,
    ) -> Result<ControlFlow<()>, DestinationError> {
        let mut open: Vec<Folder> = Vec::new();
        let mut next = Some(format!("{}/", mount.path));
        loop {
            if let Some(path) = next.take() {
                if search.read() == ControlFlow::Break(()) {
                    return Ok(ControlFlow::Break(()));
                }
                let left = self.list(mount, &path, search).await?.into_iter();
                open.push(Folder { path, left });
            }
            let depth = open.len();
            let Some(folder) = open.last_mut() else { return Ok(ControlFlow::Continue(())) };
            let Some(name) = folder.left.next() else {
                open.pop();
                continue;
            };
            let path = format!("{}{name}", folder.path);
            if !is_segment(name.strip_suffix('/').unwrap_or(&name)) {
                let shown = transport::shown(&path, 200);
                search.leave_out(format!("`{shown}`: no address can name it"));
            } else if !name.ends_with('/') {
                if search.read() == ControlFlow::Break(()) {
                    return Ok(ControlFlow::Break(()));
                }
                self.look_at(mount, &path, search).await?;
            } else if depth < DEPTH {
                next = Some(path);
            } else {
                search.leave_out(format!("`{path}`: more than {DEPTH} folders deep"));
            }
        }
    }

    /// The names in a folder, each once.
    async fn list(
        &self,
        mount: &Mount,
        path: &str,
        search: &mut Search,
    ) -> Result<BTreeSet<String>, DestinationError> {
        let api = mount.api("metadata", path);
        let list = Method::from_bytes(b"LIST").unwrap_or(Method::GET);
        let request = self
            .request(list, &api, format!("list `{path}`"), self.on("`list`", &api))?
            .up_to(MAX_LIST_BYTES);
        let answer = self.send_plainly(&request).await?;
        if answer.is_ok() {
            return Ok(answer.json::<Listed>()?.data.keys);
        }
        if answer.status != 404 {
            search.leave_out(answer.refusal().report.line());
        }
        Ok(BTreeSet::new())
    }

    async fn look_at(&self, mount: &Mount, path: &str, search: &mut Search) -> Result<(), DestinationError> {
        let answer = self.send_plainly(&self.read_request(mount, path, None)?).await?;
        if !answer.is_ok() {
            // Listed and not there: it is deleted.
            if answer.status != 404 {
                search.leave_out(answer.refusal().report.line());
            }
            return Ok(());
        }
        let fields = match mount.version {
            Version::One => answer.json::<One>()?.data,
            Version::Two => answer.json::<Two>()?.data.data.unwrap_or_default(),
        };
        let at = format!("{}:{}", self.config.name(), written(path));
        let named: Vec<(String, &Value)> =
            fields.iter().map(|(name, value)| (written(name), value)).collect();
        search.look_fields(&at, named.iter().map(|(name, value)| (name.as_str(), *value)));
        Ok(())
    }
}
