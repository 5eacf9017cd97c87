//! Deltas: instructions that make an object from its base. The format is in git's `gitformat-pack`.

use super::fault::broken;
use crate::Why;

/// A delta, inflated.
#[derive(Clone, Copy, Debug)]
pub(super) struct Delta<'a> {
    /// How long its base must be.
    pub(super) base_bytes: u64,
    /// How long the object is that it makes.
    pub(super) result_bytes: u64,
    instructions: &'a [u8],
}

impl<'a> Delta<'a> {
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, Why> {
        let (base_bytes, rest) = size(bytes)?;
        let (result_bytes, instructions) = size(rest)?;
        Ok(Self { base_bytes, result_bytes, instructions })
    }

    /// Checks every instruction, and puts into `fresh` what is not copied, each with `margin` bytes on either side
    /// and a zero byte between.
    pub(super) fn fresh(&self, base: &[u8], margin: usize, fresh: &mut Vec<u8>) -> Result<(), Why> {
        fresh.clear();
        let mut made = 0_u64;
        // The stretch of the base that is being copied, so that a long copy in several instructions has no seam.
        let mut copied = 0..0;
        let mut is_first = true;
        let mut instructions = self.instructions;
        while let Some(instruction) = next(&mut instructions)? {
            match instruction {
                Instruction::Insert(bytes) => {
                    made += bytes.len() as u64;
                    around(base, &copied, margin, is_first, fresh);
                    copied = 0..0;
                    fresh.extend_from_slice(bytes);
                    is_first = false;
                }
                Instruction::Copy { at, length } => {
                    let end = at + length;
                    if end > base.len() {
                        return Err(broken("its delta copies from beyond its base"));
                    }
                    made += length as u64;
                    if copied.end == at && !copied.is_empty() {
                        copied.end = end;
                    } else {
                        if !copied.is_empty() {
                            around(base, &copied, margin, is_first, fresh);
                            is_first = false;
                        }
                        copied = at..end;
                    }
                }
            }
            if made > self.result_bytes {
                break;
            }
        }
        if made != self.result_bytes {
            return Err(broken("its delta makes more or less than it says"));
        }
        if !is_first {
            fresh.extend_from_slice(
                base.get(copied.start..copied.end.min(copied.start + margin)).unwrap_or_default(),
            );
        }
        Ok(())
    }

    /// Makes the beginning of the object, so many bytes or all.
    pub(super) fn begin(&self, base: &[u8], length: usize, result: &mut Vec<u8>) -> Result<(), Why> {
        result.clear();
        let mut instructions = self.instructions;
        while result.len() < length
            && let Some(instruction) = next(&mut instructions)?
        {
            let bytes = instruction.bytes(base)?;
            result.extend_from_slice(bytes.get(..length - result.len()).unwrap_or(bytes));
        }
        Ok(())
    }

    /// Makes the object.
    pub(super) fn apply(&self, base: &[u8], result: &mut Vec<u8>) -> Result<(), Why> {
        result.clear();
        let size = usize::try_from(self.result_bytes).unwrap_or_default();
        result.reserve_exact(size);
        let mut instructions = self.instructions;
        while let Some(instruction) = next(&mut instructions)? {
            let bytes = instruction.bytes(base)?;
            if result.len() + bytes.len() > size {
                return Err(broken("its delta makes more than it says"));
            }
            result.extend_from_slice(bytes);
        }
        if result.len() == size { Ok(()) } else { Err(broken("its delta makes less than it says")) }
    }
}

/// What a copy gives to what is new around it: its end, and its beginning if something new was before it.
fn around(base: &[u8], copied: &std::ops::Range<usize>, margin: usize, is_first: bool, fresh: &mut Vec<u8>) {
    let bytes = base.get(copied.clone()).unwrap_or_default();
    if is_first {
        fresh.extend_from_slice(bytes.get(bytes.len().saturating_sub(margin)..).unwrap_or_default());
    } else if bytes.len() <= 2 * margin {
        fresh.extend_from_slice(bytes);
    } else {
        fresh.extend_from_slice(bytes.get(..margin).unwrap_or_default());
        fresh.push(0);
        fresh.extend_from_slice(bytes.get(bytes.len() - margin..).unwrap_or_default());
    }
}

enum Instruction<'a> {
    Copy { at: usize, length: usize },
    Insert(&'a [u8]),
}

impl<'a> Instruction<'a> {
    #[inline]
    fn bytes(&self, base: &'a [u8]) -> Result<&'a [u8], Why> {
        match *self {
            Self::Insert(bytes) => Ok(bytes),
            Self::Copy { at, length } => {
                base.get(at..at + length).ok_or_else(|| broken("its delta copies from beyond its base"))
            }
        }
    }
}

#[inline]
fn next<'a>(bytes: &mut &'a [u8]) -> Result<Option<Instruction<'a>>, Why> {
    let Some((&command, mut rest)) = bytes.split_first() else { return Ok(None) };
    let instruction = if command & 0x80 != 0 {
        let (mut at, mut length) = (0_u32, 0_u32);
        for bit in 0..7 {
            if command & (1 << bit) == 0 {
                continue;
            }
            let (&byte, after) =
                rest.split_first().ok_or_else(|| broken("its delta ends within an instruction"))?;
            rest = after;
            if bit < 4 {
                at |= u32::from(byte) << (8 * bit);
            } else {
                length |= u32::from(byte) << (8 * (bit - 4));
            }
        }
        let length = if length == 0 { 0x1_0000 } else { length };
        Instruction::Copy { at: at as usize, length: length as usize }
    } else {
        if command == 0 {
            return Err(broken("its delta has an instruction that git does not know"));
        }
        let (bytes, after) = rest
            .split_at_checked(usize::from(command))
            .ok_or_else(|| broken("its delta ends within an instruction"))?;
        rest = after;
        Instruction::Insert(bytes)
    };
    *bytes = rest;
    Ok(Some(instruction))
}

/// A size at the head of a delta: seven bits a byte, the lowest first.
fn size(bytes: &[u8]) -> Result<(u64, &[u8]), Why> {
    let mut size = 0_u64;
    for (place, &byte) in bytes.iter().enumerate().take(9) {
        size |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Ok((size, bytes.get(place + 1..).unwrap_or_default()));
        }
    }
    Err(broken("its delta does not say how long it is"))
}
