use super::*;

#[test]
fn github_has_a_line_for_each_leak() {
    insta::assert_snapshot!(Form::GitHub.of(&example(), Secrets::Hidden), @r#"
    ::error title=API key of n8n 2.x 954955648975 …1a2b,file=image.tar,line=7::API key of n8n 2.x 954955648975 …1a2b at image.tar:7:3; whose: ours: `deploy` on `prod`, key 01hf7yat000000000000000007 (active); alive: YES, `prod` takes it; expires: 2027-03-01 00:00 UTC, in 58 days; wrapped: base64 in layer.tar!app/.env; and at 1 more place. Next: kill it, and put a new key where it is used: keywright rotate deploy --compromised
    ::warning title=session cookie of n8n e4b9b436de73 …1a2b::session cookie of n8n e4b9b436de73 …1a2b at text of commit ab12ab12ab12:2; whose: not known here; alive: not checked; --check uses API keys of n8n only; expires: not said; commit 1c2d1c2d1c2d by Ann <ann@example.com>, 2026-01-02 03:04 UTC; refs/heads/main, refs/heads/dev, refs/heads/a and 8 more; in the history only; PUSHED. Next: change the password of its user in n8n: that ends the sessions of this user, signing out does not end all of them
    ::warning title=API key of n8n 1.x d269623c56a4 …1a2b,file=notes/old.txt,line=1::API key of n8n 1.x d269623c56a4 …1a2b at notes/old.txt:1:3; whose: not known here; alive: not checked: a native key's signature cannot be checked offline; --check asks your own instances; expires: EXPIRED 2026-12-30 00:00 UTC, 2 days ago. Next: it has ended by its own date: see what it was used for while it lived
    ::warning title=Keywright%3A not read::3 not read: big.bin (beyond max_object_bytes (by default 64 MiB)); x.zip (not supported: an encrypted zip)
    ::notice title=Keywright%3A let be::1 left out by .keywright-allow.toml
    ::warning title=Keywright::3 leaks; 3 things were not read
    "#);
}
