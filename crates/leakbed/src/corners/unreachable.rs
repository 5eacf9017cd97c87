//! Keys in objects that no reference leads to, in packs and loose.
use super::After;
use crate::hiding::Fits;
use crate::history::Main;
use crate::scribe::{Page, Scribe, Spot};
use crate::stream::{Change, On};
use crate::truth::ObjectKind;

/// Objects of the history's pack.
pub(super) fn plant_packed(scribe: &mut Scribe, main: &Main) {
    plant(scribe, &main.tip, "packed");
}

/// Loose objects; one of them is known to a log only.
pub(super) fn plant_loose(scribe: &mut Scribe, tip: &str) -> Vec<After> {
    let on = On::Oid(tip.to_owned());
    plant(scribe, &on, "loose");
    let (key, blob) = scribe.secret("loose/amended");
    let path = "apps/amended.env";
    let commit = scribe.commit(&Page {
        branch: "refs/bed/amended",
        parents: &[on],
        changes: &[Change::Put("100644", blob, path.to_owned())],
        message: "Amended at once\n",
        ..Page::default()
    });
    scribe.plant_secret(&key, "reflog_only", Some(path), Some(commit), blob);
    vec![After::PointAndMoveOn("refs/heads/amended".to_owned(), commit)]
}

fn plant(scribe: &mut Scribe, on: &On, how: &str) {
    for number in 0..2 {
        let (key, blob) = scribe.secret(&format!("{how}/blob/{number}"));
        scribe.plant_secret(&key, &format!("unreachable_{how}_blob"), None, None, blob);
        let (key, blob) = scribe.secret(&format!("{how}/commit/{number}"));
        let path = format!("apps/lost-{number}.env");
        let commit = scribe.commit(&Page {
            branch: &format!("refs/bed/{how}-{number}"),
            parents: std::slice::from_ref(on),
            changes: &[Change::Put("100644", blob, path.clone())],
            message: "Lost\n",
            ..Page::default()
        });
        scribe.plant_secret(&key, &format!("unreachable_{how}_commit"), Some(&path), Some(commit), blob);
    }
    let (key, _) = scribe.key(&format!("{how}/message"), Fits::Any);
    let commit = scribe.commit(&Page {
        branch: &format!("refs/bed/{how}-message"),
        parents: std::slice::from_ref(on),
        message: &format!("Lost\n\nkey={}\n", key.text),
        ..Page::default()
    });
    let hiding = format!("unreachable_{how}_message");
    let spot = Spot { object: ObjectKind::CommitMessage, lines: Some((3, 3)), ..Spot::corner(&hiding) };
    scribe.plant(&key, spot, Some(commit), Some(commit));
}
