//! Lines of a code base: programs, JSON, lock files, prose, markup, minified scripts, images.

use super::dice::Dice;
use super::keys::signed;
use super::vocabulary::Vocabulary;

/// What a file is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Code,
    Json,
    Lock,
    Prose,
    Markup,
    Minified,
    Image,
}

const BASE64: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const HEX: &[u8] = b"0123456789abcdef";
const DIGITS: &[u8] = b"0123456789";

/// Writes lines; what a file calls its own comes in as `names`.
pub(crate) struct Pen<'a> {
    pub(crate) vocabulary: &'a Vocabulary,
    pub(crate) names: &'a [String],
}

impl Pen<'_> {
    /// Appends at least `bytes` of that kind.
    pub(crate) fn write(&self, kind: Kind, bytes: usize, dice: &mut Dice, out: &mut Vec<u8>) {
        let end = out.len() + bytes;
        while out.len() < end {
            match kind {
                Kind::Code => self.code(dice, out),
                Kind::Json => self.json(dice, out),
                Kind::Lock => self.lock_entry(dice, out),
                Kind::Prose => self.prose(dice, out),
                Kind::Markup => self.markup(dice, out),
                Kind::Minified => self.minified(dice, out),
                Kind::Image => {
                    let begin = out.len();
                    out.resize(end, 0);
                    dice.fill(out.get_mut(begin..).unwrap_or_default());
                }
            }
        }
    }

    fn name(&self, dice: &mut Dice) -> &str {
        self.names.get(dice.low_below(self.names.len())).map_or("it", String::as_str)
    }

    fn code(&self, dice: &mut Dice, out: &mut Vec<u8>) {
        let what = dice.below(24);
        for _ in 0..if what < 2 { 0 } else { dice.between(1, 4) } {
            out.push(b'\t');
        }
        let (a, b, c) = (self.name(dice), self.name(dice), self.name(dice));
        let line = match what {
            0 | 1 => String::new(),
            2 => format!("export async function {a}({b}: {c}, options: {b}Options = {{}}): Promise<{c}> {{"),
            3 | 4 => format!("const {a} = {b}.{c}({});", self.name(dice)),
            5 | 6 => format!("if ({a}.{b} === '{}') {{", self.vocabulary.word(dice)),
            7 => format!("return await this.{a}.{b}({c});"),
            8 | 9 => "}".into(),
            10 | 11 => format!("{a}.{b} = {c} ?? {};", dice.below(1000)),
            12 => format!("import {{ {a}, {b} }} from '../{c}/{}';", self.vocabulary.word(dice)),
            13 | 14 => format!("{a}: {b},"),
            15 => format!("expect({a}.{b}).toBe({c});"),
            16 => format!("for (const {a} of {b}.{c}) {{"),
            17 => format!("displayName: '{} {}',", self.vocabulary.word(dice), self.vocabulary.word(dice)),
            18 => "});".into(),
            19 => format!("private readonly {a}: Map<string, {b}> = new Map();"),
            _ => return self.code_with_words(what, dice, out),
        };
        out.extend_from_slice(line.as_bytes());
        out.push(b'\n');
    }

    fn code_with_words(&self, what: usize, dice: &mut Dice, out: &mut Vec<u8>) {
        let words = dice.between(4, 11);
        match what {
            20 | 21 => {
                out.extend_from_slice(b"// ");
                self.vocabulary.sentence(dice, words, out);
            }
            22 => {
                out.extend_from_slice(b"throw new OperationError('");
                self.vocabulary.sentence(dice, words, out);
                out.extend_from_slice(b"');");
            }
            // Now and then what looks like a secret to those who go by looks.
            _ if dice.once_in(40) => {
                out.extend_from_slice(b"const sample = '");
                stranger(dice, out);
                out.extend_from_slice(b"';");
            }
            _ => {
                out.extend_from_slice(b"const digest = '");
                dice.letters(HEX, 40, out);
                out.extend_from_slice(b"';");
            }
        }
        out.push(b'\n');
    }

    fn json(&self, dice: &mut Dice, out: &mut Vec<u8>) {
        out.extend_from_slice(b"\t\t\"");
        out.extend_from_slice(self.name(dice).as_bytes());
        out.extend_from_slice(b"\": ");
        match dice.below(6) {
            0 => out.extend_from_slice(dice.below(100_000).to_string().as_bytes()),
            1 => {
                out.push(b'[');
                out.extend_from_slice(format!("{}, {}", dice.below(2000), dice.below(2000)).as_bytes());
                out.push(b']');
            }
            _ => {
                out.push(b'"');
                let words = dice.between(1, 8);
                self.vocabulary.sentence(dice, words, out);
                out.push(b'"');
            }
        }
        out.extend_from_slice(b",\n");
    }

    fn lock_entry(&self, dice: &mut Dice, out: &mut Vec<u8>) {
        let name = format!("{}-{}", self.vocabulary.word(dice), self.vocabulary.word(dice));
        let version = format!("{}.{}.{}", dice.low_below(20), dice.below(20), dice.below(30));
        let head = format!(
            "    \"node_modules/{name}\": {{\n      \"version\": \"{version}\",\n      \
             \"resolved\": \"https://registry.example/{name}/-/{name}-{version}.tgz\",\n      \"integrity\": \"sha512-"
        );
        out.extend_from_slice(head.as_bytes());
        dice.letters(BASE64, 86, out);
        out.extend_from_slice(b"==\",\n      \"license\": \"MIT\"\n    },\n");
    }

    fn prose(&self, dice: &mut Dice, out: &mut Vec<u8>) {
        match dice.below(12) {
            0 => out.extend_from_slice(b"\n## "),
            1 | 2 => out.extend_from_slice(b"- "),
            3 => out.push(b'\n'),
            _ => {}
        }
        let words = dice.between(6, 16);
        self.vocabulary.sentence(dice, words, out);
        out.extend_from_slice(b".\n");
    }

    fn markup(&self, dice: &mut Dice, out: &mut Vec<u8>) {
        let (a, b) = (self.name(dice), self.name(dice));
        out.extend_from_slice(format!("  <{a} class=\"{b}\" d=\"M").as_bytes());
        for _ in 0..dice.between(2, 9) {
            dice.letters(DIGITS, 2, out);
            out.push(b'.');
            dice.letters(DIGITS, 2, out);
            out.push(b' ');
        }
        out.extend_from_slice(format!("\"></{a}>\n").as_bytes());
    }

    fn minified(&self, dice: &mut Dice, out: &mut Vec<u8>) {
        let letter = |dice: &mut Dice| char::from(dice.pick(b"abcdefghijklmnopqrstuvwxyz"));
        let (a, b, c) = (letter(dice), letter(dice), letter(dice));
        let name = self.vocabulary.word(dice);
        let piece = match dice.below(5) {
            0 => format!("function {a}({b},{c}){{return {b}.{name}({c})}}"),
            1 => format!("{a}.{name}=!0,"),
            2 => format!("var {a}={b}({}),", dice.below(9999)),
            3 => format!("{a}&&{b}.{name}(\"{}\"),", self.vocabulary.word(dice)),
            _ => format!("{a}?{b}:{c};"),
        };
        out.extend_from_slice(piece.as_bytes());
    }
}

/// A token of another issuer, which nobody should report as a key of n8n.
fn stranger(dice: &mut Dice, out: &mut Vec<u8>) {
    let claims =
        format!("{{\"sub\":\"{}\",\"iss\":\"example\",\"aud\":\"public-api\"}}", dice.below(1 << 40));
    out.extend_from_slice(signed(&claims, dice).as_bytes());
}
