//! Keys in versions of a long file, which git keeps as differences.
use crate::chance::Chance;
use crate::hiding::Fits;
use crate::history::Main;
use crate::scribe::{Scribe, Spot};
use crate::stream::Change;

const PATH: &str = "apps/ledger.txt";

/// Fourteen versions. A key comes in one, is moved, is made of halves that were there before.
pub(super) fn plant(scribe: &mut Scribe, main: &mut Main) {
    let mut lines: Vec<String> =
        Chance::of(scribe.seed, "ledger").prose(40_000).lines().map(str::to_owned).collect();
    let (halved, _) = scribe.key("delta/halved", Fits::Any);
    let (front, back) = halved.text.split_at(halved.text.len() / 2);
    for version in 0..14 {
        lines.insert(7, format!("version {version}"));
        let name = format!("delta/{version}");
        let planted = match version {
            // In the first version: the others are written down as differences from it, or it from them.
            0 | 4 | 9 => {
                let (key, _) = scribe.key(&name, Fits::Any);
                lines.insert(90 + version, format!("key={}", key.text));
                Some((key, "delta_inserted", 91 + version))
            }
            1 | 5 | 10 => {
                lines.remove(91 + version - 1);
                None
            }
            6 => {
                lines.insert(40, format!("a={front}"));
                lines.insert(200, back.to_owned());
                None
            }
            // Both halves are copied from the version before.
            7 => {
                let back = lines.remove(201);
                let line = lines.remove(41) + &back;
                lines.insert(41, line);
                Some((halved.clone(), "delta_of_copies", 42))
            }
            8 => {
                lines.remove(42);
                None
            }
            _ => None,
        };
        let text = lines.join("\n") + "\n";
        let blob = scribe.stream.blob(text.as_bytes());
        let change = [Change::Put("100644", blob, PATH.to_owned())];
        let commit = main.commit(scribe, &format!("Ledger of day {version}\n"), &change);
        if let Some((key, hiding, line)) = planted {
            let spot =
                Spot { path: Some(PATH.to_owned()), lines: Some((line, line)), ..Spot::corner(hiding) };
            scribe.plant(&key, spot, Some(commit), Some(blob));
        }
    }
}
