use super::*;

fn faults(text: &str) -> Vec<String> {
    Config::parse(text, Path::new("/etc/k/keywright.toml")).unwrap_err().because
}

#[test]
fn the_template_is_read() {
    let config = Config::parse(TEMPLATE, Path::new("/etc/k/keywright.toml")).unwrap();
    assert_eq!(config.store, Path::new("/etc/k/keywright.db"));
    assert_eq!(config.log, Path::new("/etc/k/keywright-log"));
    assert_eq!(config.master_key, SecretRef::File("/etc/k/keywright.key".into()));
}

#[test]
fn all_faults_come_at_once_with_line_and_nearest_name() {
    let faults = faults("stor = \"a\"\nlog = 7\nmaster_key = \"plain-canary\"\n");
    assert_eq!(
        faults,
        [
            "line 1: `stor` is not a setting; did you mean `store`?",
            "`store` is missing; write `store = \"keywright.db\"`",
            "line 2: `log` wants a text, such as \"keywright-log\"",
            "line 3: `master_key` wants `file:PATH` or `env:NAME`",
        ]
    );
}

#[test]
fn a_master_key_in_the_file_is_refused_and_not_quoted() {
    let faults = faults("store = \"a\"\nlog = \"b\"\nmaster_key = \"plain-canary\"\n");
    assert_eq!(faults, ["line 3: `master_key` wants `file:PATH` or `env:NAME`"]);
}

#[test]
fn a_syntax_error_names_its_line() {
    assert!(faults("store = \"a\"\nlog = [\n").concat().starts_with("line "), "{:?}", faults("log = [\n"));
}

#[test]
fn a_secret_is_no_argument() {
    let refusal = "canary-password".parse::<SecretSource>().unwrap_err();
    assert!(!refusal.contains("canary"), "{refusal}");
    assert_eq!("-".parse::<SecretSource>().unwrap(), SecretSource::Stdin);
}

#[test]
fn one_line_end_is_not_part_of_a_secret() {
    assert_eq!(bounded("canary\r\n".as_bytes(), "x").unwrap().expose(), "canary");
    assert_eq!(bounded("canary\n\n".as_bytes(), "x").unwrap().expose(), "canary\n");
    assert!(bounded("\n".as_bytes(), "x").is_err());
}
