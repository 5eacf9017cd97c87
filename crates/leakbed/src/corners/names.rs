//! Keys as names of files and folders, as targets of links, and in files with names that do harm.
use crate::hiding::Fits;
use crate::history::Main;
use crate::scribe::{Scribe, Spot};
use crate::stream::Change;
use crate::truth::ObjectKind;

pub(super) fn plant(scribe: &mut Scribe, main: &mut Main) {
    for (hiding, template) in [
        ("path_name", "apps/keys/¤"),
        ("path_name", "apps/keys/¤.json"),
        ("path_name", "apps/¤/README.md"),
        ("path_name", "apps/gone/key-¤.txt"),
    ] {
        let (key, _) = scribe.key(template, Fits::Prefixed);
        let path = template.replace('¤', &key.text);
        let file = scribe.noise();
        let commit = main.commit(scribe, "One file each\n", &[Change::Put("100644", file, path.clone())]);
        let spot = Spot { object: ObjectKind::PathName, path: Some(path.clone()), ..Spot::corner(hiding) };
        scribe.plant(&key, spot, Some(commit), None);
        if path.starts_with("apps/gone/") {
            main.commit(scribe, "Not like that\n", &[Change::Remove(path)]);
        }
    }
    let (key, _) = scribe.key("link", Fits::Any);
    let blob = scribe.stream.blob(key.text.as_bytes());
    let path = "apps/keys/current";
    let commit = main.commit(scribe, "Link to it\n", &[Change::Put("120000", blob, path.to_owned())]);
    let spot = Spot { path: Some(path.to_owned()), lines: Some((1, 1)), ..Spot::corner("link_target") };
    scribe.plant(&key, spot, Some(commit), Some(blob));
    for path in [
        "apps/odd/tab\there\u{1b}[2J\u{7}.env",
        "apps/odd/ü \"quoted\" \\ back.env",
        "apps/odd/new\nline: clean.env",
        "apps/odd/-rf.env",
    ] {
        let (key, blob) = scribe.secret(path);
        let commit = main.commit(scribe, "Odd names\n", &[Change::Put("100755", blob, path.to_owned())]);
        scribe.plant_secret(&key, "hostile_path", Some(path), Some(commit), blob);
    }
}
