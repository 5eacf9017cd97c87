//! A small repository to plant in, for tests and a first try.
use crate::chance::Chance;
use crate::git::Git;
use crate::stream::{Change, Draft, On, Storage, Stream};
use crate::trouble::Result;
use std::path::Path;

/// Makes a repository of twenty commits, three branches, two merges and a tag in `dest`.
pub fn small_source(dest: &Path) -> Result<()> {
    let git = Git::at(dest);
    git.init(&[])?;
    let mut chance = Chance::of(0, "small source");
    let mut stream = Stream::default();
    let mut tips: [(&str, Option<On>); 3] =
        [("refs/heads/main", None), ("refs/heads/feature/import", None), ("refs/heads/fix", None)];
    let mut tagged = None;
    for number in 0..20_i64 {
        let which = match number {
            5 | 7 | 9 => 1,
            11 | 13 => 2,
            _ => 0,
        };
        let content = format!("# {number}\n{}", chance.prose(400 + 10 * chance.clone().below(90)));
        let blob = stream.blob(content.as_bytes());
        let path = format!("src/part{}/file{}.md", number % 4, number % 7);
        let main = tips.first().and_then(|(_, tip)| tip.clone());
        let Some((branch, tip)) = tips.get(which).cloned() else { continue };
        let mut parents: Vec<On> = tip.or(main).into_iter().collect();
        let merged = match number {
            10 => tips.get(1),
            15 => tips.get(2),
            _ => None,
        };
        parents.extend(merged.and_then(|(_, tip)| tip.clone()));
        let commit = stream.commit(&Draft {
            branch,
            parents: &parents,
            author: "Ana Example <ana@corp.test>",
            committer: "Ana Example <ana@corp.test>",
            at_s: 1_600_000_000 + 400_000 * number,
            message: format!("Change {number}\n\nAs agreed.\n").as_bytes(),
            changes: &[Change::Put("100644", blob, path)],
        });
        if let Some(tip) = tips.get_mut(which) {
            tip.1 = Some(On::Mark(commit));
        }
        if number == 12 {
            tagged = Some(On::Mark(commit));
        }
    }
    if let Some(tagged) = tagged {
        stream.point("refs/tags/v1.0", &tagged);
    }
    stream.import(&git, Storage::Packed)?;
    git.run(&["reset", "--quiet", "--hard", "refs/heads/main"]).map(drop)
}
