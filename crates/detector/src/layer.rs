//! How a token was wrapped.

/// One wrapping around a token. A list of them is outermost first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Layer {
    /// Base64, of either alphabet, in one line or wrapped.
    Base64,
    /// Two bytes a character.
    Utf16,
    /// Four bytes a character.
    Utf32,
    /// Two hex digits a byte, with or without `\x` or `0x`, close together or apart.
    Hex,
    /// `\145` and the like.
    Octal,
    /// The number of each byte, with commas between.
    Decimal,
    /// `%2E` and the like.
    Percent,
    /// `&#46;` and the like.
    Html,
    /// `\u002e` and the like.
    Unicode,
    /// In pieces: over lines, or joined by an operator.
    Split,
}
