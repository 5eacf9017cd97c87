//! What runs, and how it is reached: `services.json` in the folder that `KEYWRIGHT_TEST_SERVICES` names.

use std::path::PathBuf;

use serde_json::Value;

/// What the record says of one server.
pub(crate) struct Entry(Value);

/// The entry of `name`; `None`, said aloud, where it does not run and nobody requires it.
#[expect(clippy::disallowed_methods, reason = "tests are told by the environment where real servers run")]
pub(crate) fn entry(name: &str) -> Option<Entry> {
    let folder = std::env::var_os("KEYWRIGHT_TEST_SERVICES").filter(|folder| !folder.is_empty());
    let text = folder.and_then(|folder| std::fs::read(PathBuf::from(folder).join("services.json")).ok());
    let record = text.map(|text| serde_json::from_slice::<Value>(&text).unwrap()).unwrap_or_default();
    let found = record.get(name).cloned().map(Entry);
    if found.is_none() {
        let required = std::env::var_os("KEYWRIGHT_TEST_REQUIRE_REAL").is_some_and(|value| value == "1");
        let why = format!("no real `{name}` runs (`cargo xtask services start`, `KEYWRIGHT_TEST_SERVICES`)");
        assert!(!required, "{why}");
        println!("skipped: {why}");
    }
    found
}

impl Entry {
    /// The text at a JSON pointer, such as `/allowed/secret`.
    pub(crate) fn text(&self, pointer: &str) -> &str {
        let found = self.0.pointer(pointer).and_then(Value::as_str);
        found.unwrap_or_else(|| panic!("the record has no text at `{pointer}`"))
    }

    /// Its address, without a slash at the end.
    pub(crate) fn url(&self) -> &str {
        self.text("/url")
    }
}
