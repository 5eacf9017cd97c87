//! Any bytes, at every place where bytes from outside can be.

use proptest::prelude::*;

use super::*;

/// A report with the same bytes at every place where bytes from outside can be.
fn hostile(bytes: &[u8], object: Object) -> Judged {
    use std::os::unix::ffi::OsStrExt as _;
    let words = String::from_utf8_lossy(bytes).into_owned();
    let path = PathBuf::from(std::ffi::OsStr::from_bytes(bytes));
    let mut token = token("hostile", Kind::Native2);
    token.claims.user = Some(words.clone());
    let git = Provenance {
        repository: path.clone(),
        id: Some(words.clone()),
        paths: vec![bytes.to_vec(), b"a/b".to_vec()],
        first: Some(Author {
            commit: words.clone(),
            name: bytes.to_vec(),
            email: bytes.to_vec(),
            date: None,
        }),
        refs: vec![words.clone()],
        ..in_git(object, &[])
    };
    let wrapping = vec![member("zip", bytes), Wrapping::Layer(Layer::Hex)];
    let sources = [Source::File(path), Source::Git(Box::new(git)), Source::Stream(words.clone())];
    let place =
        |source, is_allowed_inline| Place { source, line: Some(1), column: Some(1), is_allowed_inline };
    let findings = sources.into_iter().flat_map(|source| {
        [false, true].map(|mark| Finding {
            token: token.clone(),
            place: place(source.clone(), mark),
            wrapping: wrapping.clone(),
            also: 0,
        })
    });
    let unread = vec![
        Unread { what: bytes.to_vec(), why: Why::Broken(words.clone()) },
        Unread { what: bytes.to_vec(), why: Why::System(words.clone()) },
    ];
    let report = Report { findings: findings.collect(), unread, ..Report::default() };
    let rules = Rules { allowlists: &[], marks: Marks::Heeded, coverage: Coverage::Whole };
    let mut judged = Judged::judge(report, rules, now());
    for leak in &mut judged.leaks {
        leak.owner = Owner::User { instance: "prod".parse().unwrap(), user: words.clone() };
        leak.alive = Alive::Unknown { why: words.clone() };
    }
    judged
}

fn is_fit_for_a_terminal(text: &str) -> bool {
    text.chars().all(|c| c == '\n' || c == '…' || text::is_visible(c))
}

#[test]
fn a_hostile_name_is_escaped() {
    let name = "a\u{1b}]0;x\u{7}\r\n\u{202e}\u{200b}::error::".as_bytes();
    for form in Form::ALL {
        let text = form.of(&hostile(name, Object::Blob), Secrets::Hidden);
        assert!(is_fit_for_a_terminal(&text), "{form:?}: {text}");
    }
    let table = Form::Table.of(&hostile(&[name, b"\xff"].concat(), Object::Blob), Secrets::Hidden);
    assert!(table.contains(r"a\u{1b}]0;x\u{7}\u{d}\u{a}\u{202e}\u{200b}::error::\xff"), "{table}");
}

#[test]
fn a_key_in_a_name_is_hidden() {
    let token = token("named", Kind::Native2);
    let secret = token.secret.expose();
    let name = format!("x/{secret}-{secret}.txt");
    let bytes = name.as_bytes().to_vec();
    let mut git = in_git(Object::RefName, &[&bytes]);
    git.repository = name.clone().into();
    git.refs = vec![name.clone()];
    git.first =
        git.first.map(|first| Author { name: bytes.clone(), email: format!("{name}-more").into(), ..first });
    let sources =
        [Source::File(name.clone().into()), Source::Git(Box::new(git)), Source::Stream(name.clone())];
    let findings = sources.map(|source| Finding {
        token: token.clone(),
        place: Place { source, line: None, column: None, is_allowed_inline: false },
        wrapping: vec![member("zip", &bytes)],
        also: 0,
    });
    let unread = vec![Unread { what: bytes, why: Why::System(name) }];
    let report = Report { findings: findings.into(), unread, ..Report::default() };
    let rules = Rules { allowlists: &[], marks: Marks::Heeded, coverage: Coverage::Whole };
    let judged = Judged::judge(report, rules, now());
    let hidden = format!("x/key-{0}-key-{0}.txt", token.fingerprint().short());
    for form in Form::ALL {
        let text = form.of(&judged, Secrets::Hidden);
        // Neither the whole, nor a half of a name whose middle was left out.
        assert!(!text.contains("canary") && text.contains(&hidden), "{form:?}: {text}");
    }
}

fn objects() -> impl Strategy<Value = Object> {
    prop::sample::select(vec![
        Object::Blob,
        Object::Commit,
        Object::Tag,
        Object::Tree,
        Object::Note,
        Object::RefName,
        Object::Reflog,
        Object::Administrative,
        Object::Index,
    ])
}

proptest! {
    #[test]
    fn any_bytes_give_what_can_be_read(bytes in prop::collection::vec(any::<u8>(), 0..400), object in objects()) {
        let judged = hostile(&bytes, object);
        for form in Form::ALL {
            let text = form.of(&judged, Secrets::Hidden);
            prop_assert!(is_fit_for_a_terminal(&text), "{:?}: {}", form, text);
            if let Some(validator) = form.judge() {
                prop_assert_eq!(faults(&validator, &text), [""; 0], "{:?}: {}", form, text);
            }
        }
    }
}
