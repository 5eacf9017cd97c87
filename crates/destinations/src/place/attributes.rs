//! Owner, mode, ACL and labels of a file, carried over to the file that takes its place.

use std::os::fd::AsFd;

use model::{DestinationError, DestinationErrorKind};
use rustix::{
    fs::{Mode, Stat, XattrFlags, fchmod, fchown, fgetxattr, flistxattr, fsetxattr, fstat},
    io::Errno,
    process::{Gid, Uid, getegid, geteuid, getgroups},
};

use super::{find::Spot, load::Loaded};
use crate::error::{error, refused};

const NEW_FILE: u32 = 0o600;
const MAX_LIST_BYTES: usize = 64 * 1024;

/// Gives `new` what `old` had; a new file is its owner's alone.
pub(super) fn carry_over(spot: &Spot, old: Option<&Loaded>, new: impl AsFd) -> Result<(), DestinationError> {
    let path = spot.path();
    let denied = |errno| refused(format!("cannot write `{}`", path.display()), "write", &path, errno);
    let Some(old) = old else {
        return fchmod(&new, Mode::from_raw_mode(NEW_FILE)).map_err(denied);
    };
    let now = fstat(&new).map_err(denied)?;
    let uid = (now.st_uid != old.stat.st_uid).then(|| Uid::from_raw(old.stat.st_uid));
    let gid = (now.st_gid != old.stat.st_gid).then(|| Gid::from_raw(old.stat.st_gid));
    if uid.is_some() || gid.is_some() {
        fchown(&new, uid, gid).map_err(|errno| match errno {
            Errno::PERM => owner_would_change(spot, &old.stat),
            _ => denied(errno),
        })?;
    }
    copy_extended(old, &new).map_err(denied)?;
    // After chown, which clears bits, and after the ACL, whose mask is the group's bits.
    fchmod(&new, Mode::from_raw_mode(old.stat.st_mode & 0o777)).map_err(denied)
}

/// ACL and `user.*` must come along; a security label is tried. Hashes and capabilities belong to the old bytes.
fn copy_extended(old: &Loaded, new: impl AsFd) -> rustix::io::Result<()> {
    let mut list = vec![0u8; MAX_LIST_BYTES];
    let length = match flistxattr(&old.file, list.as_mut_slice()) {
        Ok(0) | Err(Errno::NOTSUP | Errno::NOSYS) => return Ok(()),
        Ok(length) => length,
        Err(errno) => return Err(errno),
    };
    let mut value = vec![0u8; MAX_LIST_BYTES];
    for name in list.get(..length).unwrap_or_default().split(|byte| *byte == 0) {
        let must = name == b"system.posix_acl_access" || name.starts_with(b"user.");
        if !must && name != b"security.selinux" {
            continue;
        }
        let length = fgetxattr(&old.file, name, value.as_mut_slice())?;
        let value = value.get(..length).unwrap_or_default();
        match fsetxattr(&new, name, value, XattrFlags::empty()) {
            Err(errno) if must => return Err(errno),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

/// Whether a file put in place of `old` could have its owner and group; for checks.
pub(super) fn can_carry_over(spot: &Spot, old: &Stat) -> Result<(), DestinationError> {
    let me = geteuid();
    if me.is_root() {
        return Ok(());
    }
    let group = Gid::from_raw(old.st_gid);
    let member = getegid() == group || getgroups().is_ok_and(|groups| groups.contains(&group));
    if me.as_raw() == old.st_uid && member { Ok(()) } else { Err(owner_would_change(spot, old)) }
}

fn owner_would_change(spot: &Spot, old: &Stat) -> DestinationError {
    let shown = spot.path();
    let (uid, me) = (old.st_uid, geteuid().as_raw());
    error(
        DestinationErrorKind::Denied,
        format!("cannot write `{}`", shown.display()),
        format!("it belongs to {uid}:{}, and uid {me} may not make a file that does", old.st_gid),
        format!("run as uid {uid} or root, or `chown {me} {}`", shown.display()),
    )
}
