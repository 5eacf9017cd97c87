//! Keys in names: a branch, a file or a member of an archive may be called by the key that was found in its name.
//!
//! Before a report is shown, each stands there by its fingerprint. What is encoded in a name stays as it is.

use std::collections::HashMap;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::PathBuf;

use crate::{Judged, Leak, Place, Provenance, Source, Spot, Unread, Why, Wrapping};

/// Shorter secrets are words that names may have by chance, and no keys.
const END_BYTES: usize = 16;

/// The secrets of a report, by the bytes that they end with: their beginnings are much alike.
struct Secrets<'a>(HashMap<&'a [u8], Vec<(&'a [u8], String)>>);

/// Takes every secret that was found out of all names.
pub(crate) fn hide_secrets(judged: &mut Judged) {
    let owned: Vec<_> =
        judged.leaks.iter().map(|leak| (leak.token.secret.clone(), leak.fingerprint.short())).collect();
    let mut secrets = Secrets(HashMap::new());
    for (secret, short) in &owned {
        let secret = secret.expose().as_bytes();
        if let Some(end) = secret.last_chunk::<END_BYTES>() {
            secrets.0.entry(end).or_default().push((secret, format!("key-{short}")));
        }
    }
    for one in &mut judged.unread {
        secrets.in_unread(one);
    }
    for Leak { places, allowed, .. } in &mut judged.leaks {
        for spot in places.iter_mut().chain(allowed.iter_mut().map(|(spot, _)| spot)) {
            secrets.in_spot(spot);
        }
    }
}

impl Secrets<'_> {
    fn in_unread(&self, one: &mut Unread) {
        self.in_bytes(&mut one.what);
        match &mut one.why {
            Why::Broken(text) | Why::System(text) => self.in_text(text),
            Why::Limit(_) | Why::Unsupported(_) | Why::Changed => {}
        }
    }

    fn in_spot(&self, spot: &mut Spot) {
        let Spot { place: Place { source, .. }, wrapping, .. } = spot;
        match source {
            Source::File(path) => self.in_path(path),
            Source::Stream(name) => self.in_text(name),
            Source::Git(git) => self.in_git(git),
        }
        for one in wrapping {
            if let Wrapping::Member(member) = one
                && let Some(name) = &mut member.name
            {
                self.in_bytes(name);
            }
        }
    }

    fn in_git(&self, git: &mut Provenance) {
        self.in_path(&mut git.repository);
        git.paths.iter_mut().for_each(|path| self.in_bytes(path));
        git.refs.iter_mut().for_each(|name| self.in_text(name));
        if let Some(first) = &mut git.first {
            self.in_bytes(&mut first.name);
            self.in_bytes(&mut first.email);
        }
    }

    fn in_path(&self, path: &mut PathBuf) {
        if let Some(hidden) = self.hidden(path.as_os_str().as_bytes()) {
            *path = OsString::from_vec(hidden).into();
        }
    }

    fn in_text(&self, text: &mut String) {
        if let Some(hidden) = self.hidden(text.as_bytes()) {
            *text = String::from_utf8_lossy(&hidden).into_owned();
        }
    }

    fn in_bytes(&self, bytes: &mut Vec<u8>) {
        if let Some(hidden) = self.hidden(bytes) {
            *bytes = hidden;
        }
    }

    /// The name without the secrets; none if it has none.
    fn hidden(&self, name: &[u8]) -> Option<Vec<u8>> {
        let mut hidden: Vec<u8> = Vec::new();
        let mut done = 0;
        for (at, window) in name.windows(END_BYTES).enumerate() {
            let Some(secrets) = self.0.get(window) else { continue };
            let end = at + END_BYTES;
            let before = name.get(..end).unwrap_or_default();
            let longest =
                secrets.iter().filter(|(secret, _)| before.ends_with(secret)).max_by_key(|one| one.0.len());
            if let Some((secret, by)) = longest {
                // One that reaches into what is hidden already is hidden with it.
                hidden.extend_from_slice(name.get(done..end - secret.len()).unwrap_or_default());
                hidden.extend_from_slice(by.as_bytes());
                done = end;
            }
        }
        (done > 0).then(|| [&hidden, name.get(done..).unwrap_or_default()].concat())
    }
}
