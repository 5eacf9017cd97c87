//! The table, the verdict, the order, and whether a key is shown.

use super::*;

#[test]
fn the_table_says_all_that_matters() {
    insta::assert_snapshot!(written(|out| table(out, &example(), Secrets::Hidden)), @r#"
    1. API key of n8n 2.x  954955648975  …1a2b  (high)
       whose    ours: `deploy` on `prod`, key 01hf7yat000000000000000007 (active)
       alive    YES, `prod` takes it
       issued   2026-01-02 03:04 UTC
       expires  2027-03-01 00:00 UTC, in 58 days
       where    app/.env (and 1 more name):4
                3 times more there, or in other versions of it
                in /srv/app
                commit 1c2d1c2d1c2d by Ann <ann@example.com>, 2026-01-02 03:04 UTC
                refs/heads/main, refs/heads/dev, refs/heads/a and 8 more; in the history only; PUSHED
       also     image.tar:7:3
                base64 in layer.tar!app/.env
       next     1. kill it, and put a new key where it is used
                     keywright rotate deploy --compromised
                2. take it out of the files above
                3. then clean the history, with a file `leaked.txt` that has the key and `==>REMOVED` after it
                4. if it is no leak, let it be: 954955648975c1fac3b2b1445f762bbcf789f601f1537cacdc464c4f763fe8e2

    2. session cookie of n8n  e4b9b436de73  …1a2b  (medium)
       whose    not known here
       alive    not checked; --check uses API keys of n8n only
       expires  not said
       where    text of commit ab12ab12ab12:2
                in /srv/app
                commit 1c2d1c2d1c2d by Ann <ann@example.com>, 2026-01-02 03:04 UTC
                refs/heads/main, refs/heads/dev, refs/heads/a and 8 more; in the history only; PUSHED
       let be   at 1 other place
       next     1. change the password of its user in n8n: that ends the sessions of this user, signing out does not end all of them
                2. then clean the history, with a file `leaked.txt` that has the key and `==>REMOVED` after it
                3. if it is no leak, let it be: e4b9b436de73c80282c92c8a9f48b84b9c6a984297cee743802dbb57960725b1

    3. API key of n8n 1.x  d269623c56a4  …1a2b  (high)
       whose    not known here
       alive    not checked: a native key's signature cannot be checked offline; --check asks your own instances
       expires  EXPIRED 2026-12-30 00:00 UTC, 2 days ago
       where    notes/old.txt:1:3
       let be   until 2026-12-02 00:00 UTC by .keywright-allow.toml:9; that is over
       next     1. it has ended by its own date: see what it was used for while it lived
                2. take it out of the files above
                3. if it is no leak, let it be: d269623c56a481ea8d0a253e44d921e57cca727e0f268386d7350b1468d1335d

    To clean a history: in a file `leaked.txt` a line for each key, the key and `==>REMOVED` after it:
                git filter-repo --sensitive-data-removal --replace-text leaked.txt --replace-message leaked.txt
    Cleaning a history without rotating the key helps nobody: clones, forks, caches and backups keep what was pushed, and whoever read it has it.

    To let be what is no leak: lines such as these in .keywright-allow.toml:
                [[allow]]
                fingerprint = "its 64 digits"
                reason = "why it may stay"

    1 left out by .keywright-allow.toml:
       e4b9b436de73 docs/a.md:5:3: an example of the guide (line 1, ops)

    1 left out by a mark in the line itself:
       6c03aedae79c docs/b.md:9:3

    .keywright-allow.toml:6: nothing here has this fingerprint any more: take the line out
    .keywright-allow.toml:9: its time was over at 2026-12-02 00:00 UTC: the key is reported again
    not read:
       big.bin: beyond max_object_bytes (by default 64 MiB)
       x.zip: not supported: an encrypted zip
       and 1 more

    read: 1 repository, 20 git objects, 4 files, 2 members of archives; 68 KiB
    3 leaks; 3 things were not read
    "#);
}

#[test]
fn the_verdict_is_clean_only_if_all_was_read() {
    let outcome = |report: Report| {
        let rules = Rules { allowlists: &[], marks: Marks::Heeded, coverage: Coverage::Whole };
        verdict(&Judged::judge(report, rules, now()))
    };
    let unread = || Unread { what: b"a".to_vec(), why: Why::Changed };
    let marked = || Finding {
        token: token("let", Kind::Legacy),
        place: Place { is_allowed_inline: true, ..in_file("a", 1) },
        wrapping: vec![],
        also: 0,
    };
    let with = |findings, unread| Report { findings, unread, ..Report::default() };
    assert_eq!(outcome(Report::default()), "clean");
    assert_eq!(outcome(with(vec![], vec![unread()])), "nothing found, but 1 thing was not read");
    assert_eq!(
        outcome(Report { more_unread: 2, ..Report::default() }),
        "nothing found, but 2 things were not read"
    );
    assert_eq!(outcome(with(vec![marked()], vec![])), "nothing found but what is let be, at 1 place");
    assert_eq!(
        outcome(with(vec![marked()], vec![unread()])),
        "nothing found but what is let be, at 1 place, but 1 thing was not read"
    );
    assert_eq!(
        outcome(Report { more_findings: 3, ..Report::default() }),
        "0 leaks, and 3 findings more that were not kept"
    );
    let bare = Finding { place: in_file("a", 1), ..marked() };
    assert_eq!(outcome(with(vec![bare], vec![unread()])), "1 leak; 1 thing was not read");
}

#[test]
fn the_worst_is_first() {
    let mut judged = example();
    let order =
        |judged: &Judged| -> Vec<Kind> { judged.worst_first().iter().map(|leak| leak.token.kind).collect() };
    assert_eq!(order(&judged), [Kind::Native2, Kind::SessionCookie, Kind::Native1]);
    for leak in &mut judged.leaks {
        leak.alive = if leak.token.kind == Kind::Native2 { Alive::No } else { Alive::NotAsked };
    }
    assert_eq!(order(&judged), [Kind::SessionCookie, Kind::Native1, Kind::Native2]);
}

#[test]
fn a_key_is_shown_only_where_it_is_asked_for() {
    for form in Form::ALL {
        let hidden = form.of(&example(), Secrets::Hidden);
        for name in ["ours", "spent", "cookie", "let"] {
            assert!(!hidden.contains(canary(name).expose().get(..30).unwrap()), "{form:?}: {hidden}");
        }
    }
    for form in [Form::Table, Form::Json] {
        assert!(form.of(&example(), Secrets::Shown).contains(canary("ours").expose()), "{form:?}");
    }
}

#[test]
fn what_a_host_takes_that_a_person_named_is_alive() {
    let mut judged = example();
    for leak in &mut judged.leaks {
        leak.alive = Alive::Yes { at: TakenBy::Host("https://n8n.example.com".to_owned()) };
    }
    assert!(Form::Table.of(&judged, Secrets::Hidden).contains("YES, https://n8n.example.com takes it"));
    let json = Form::Json.of(&judged, Secrets::Hidden);
    assert!(json.contains(r#""alive":{"state":"alive","host":"https://n8n.example.com"}"#), "{json}");
    assert!(!Form::Table.of(&judged, Secrets::Hidden).contains("not checked"));
}

#[test]
fn how_to_clean_is_said_once_however_many_leaks_there_are() {
    let findings = (0..200).map(|number| Finding {
        token: token(&format!("k{number}"), Kind::Legacy),
        place: of_git(in_git(Object::Blob, &[b"a"]), Some(1)),
        wrapping: vec![],
        also: 0,
    });
    let report = Report { findings: findings.collect(), ..Report::default() };
    let rules = Rules { allowlists: &[], marks: Marks::Heeded, coverage: Coverage::Whole };
    let text = Form::Table.of(&Judged::judge(report, rules, now()), Secrets::Hidden);
    let count = |what: &str| text.matches(what).count();
    assert_eq!((count("helps nobody"), count("git filter-repo"), count("[[allow]]")), (1, 1, 1));
    assert_eq!(count("then clean the history"), 200, "each leak has its steps");
    assert!(text.lines().count() < 200 * 15, "{}", text.lines().count());
}
