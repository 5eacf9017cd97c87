//! File systems that hold no files, but faces of the running system.

use std::os::fd::AsFd;

/// By the numbers of the kernel's `magic.h`. What is read there may wait, answer without end, or do something.
const FACES: [(i64, &str); 17] = [
    (0x9fa0, "proc"),
    (0x6265_6572, "sysfs"),
    (0x6462_6720, "debugfs"),
    (0x7472_6163, "tracefs"),
    (0x0027_e0eb, "cgroup"),
    (0x6367_7270, "cgroup2"),
    (0x7363_6673, "securityfs"),
    (0xcafe_4a11, "bpf"),
    (0x6165_676c, "pstore"),
    (0x6265_6570, "configfs"),
    (0x1cd1, "devpts"),
    (0xde5e_81e4, "efivarfs"),
    (0x4249_4e4d, "binfmt_misc"),
    (0x6573_5543, "fusectl"),
    (0xf97c_ff8c, "selinuxfs"),
    (0x1980_0202, "mqueue"),
    (0x6e73_6673, "nsfs"),
];

/// The name of the file system behind an open folder, if it is one of those.
pub(super) fn face(folder: impl AsFd) -> Option<&'static str> {
    let told = rustix::fs::fstatfs(folder).ok()?;
    // Signed or not, wide or narrow: that differs between machines, the lower half does not.
    let magic = i128::from(told.f_type) & 0xffff_ffff;
    FACES.iter().find(|(number, _)| i128::from(*number) == magic).map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faces_are_told_from_files() {
        let of = |path: &str| face(std::fs::File::open(path).unwrap());
        assert_eq!(of("/proc"), Some("proc"));
        assert_eq!(of("/sys"), Some("sysfs"));
        assert_eq!(of(env!("CARGO_MANIFEST_DIR")), None);
    }
}
