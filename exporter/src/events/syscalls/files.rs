//! What calls about files are told.

use super::names::{Flags, Named, named};

/// `O_*` (include/uapi/asm-generic/fcntl.h).
pub(super) static OPEN: Flags = Flags {
    // musl's O_ACCMODE has O_PATH in it.
    choice: ((libc::O_WRONLY | libc::O_RDWR) as u64, named![O_RDONLY, O_WRONLY, O_RDWR]),
    flags: &[
        (libc::O_SYNC as u64, "O_SYNC"),
        (libc::O_DSYNC as u64, "O_DSYNC"),
        (libc::O_TMPFILE as u64, "O_TMPFILE"),
        (libc::O_DIRECTORY as u64, "O_DIRECTORY"),
        (libc::O_CREAT as u64, "O_CREAT"),
        (libc::O_EXCL as u64, "O_EXCL"),
        (libc::O_NOCTTY as u64, "O_NOCTTY"),
        (libc::O_TRUNC as u64, "O_TRUNC"),
        (libc::O_APPEND as u64, "O_APPEND"),
        (libc::O_NONBLOCK as u64, "O_NONBLOCK"),
        (libc::O_ASYNC as u64, "O_ASYNC"),
        (libc::O_DIRECT as u64, "O_DIRECT"),
        // The C library says 0, because it always sets it.
        (LARGEFILE, "O_LARGEFILE"),
        (libc::O_NOFOLLOW as u64, "O_NOFOLLOW"),
        (libc::O_NOATIME as u64, "O_NOATIME"),
        (libc::O_CLOEXEC as u64, "O_CLOEXEC"),
        (libc::O_PATH as u64, "O_PATH"),
    ],
};

#[cfg(target_arch = "aarch64")]
const LARGEFILE: u64 = 0o400_000;
#[cfg(not(target_arch = "aarch64"))]
const LARGEFILE: u64 = 0o100_000;

/// What `access` asks for; without any, whether the file is there.
pub(super) static ACCESS: Flags = Flags { choice: (u64::MAX, named![F_OK]), flags: named![R_OK, W_OK, X_OK] };

/// `AT_*` (include/uapi/linux/fcntl.h).
pub(super) static AT: Flags = Flags::of(named![
    AT_SYMLINK_NOFOLLOW,
    AT_SYMLINK_FOLLOW,
    AT_NO_AUTOMOUNT,
    AT_EMPTY_PATH,
    AT_STATX_FORCE_SYNC,
    AT_STATX_DONT_SYNC,
    AT_RECURSIVE,
]);

/// Those of `faccessat2`, where one has another meaning.
pub(super) static AT_ACCESS: Flags = Flags::of(named![AT_SYMLINK_NOFOLLOW, AT_EACCESS, AT_EMPTY_PATH]);

/// Those of `unlinkat`.
pub(super) static AT_UNLINK: Flags = Flags::of(named![AT_REMOVEDIR]);

/// `MS_*` (include/uapi/linux/mount.h).
pub(super) static MOUNT: Flags = Flags::of(named![
    MS_RDONLY,
    MS_NOSUID,
    MS_NODEV,
    MS_NOEXEC,
    MS_SYNCHRONOUS,
    MS_REMOUNT,
    MS_MANDLOCK,
    MS_DIRSYNC,
    MS_NOSYMFOLLOW,
    MS_NOATIME,
    MS_NODIRATIME,
    MS_BIND,
    MS_MOVE,
    MS_REC,
    MS_SILENT,
    MS_POSIXACL,
    MS_UNBINDABLE,
    MS_PRIVATE,
    MS_SLAVE,
    MS_SHARED,
    MS_RELATIME,
    MS_KERNMOUNT,
    MS_I_VERSION,
    MS_STRICTATIME,
    MS_LAZYTIME,
]);

/// What `umount2` is told.
pub(super) static UNMOUNT: Flags = Flags::of(named![MNT_FORCE, MNT_DETACH, MNT_EXPIRE, UMOUNT_NOFOLLOW]);

/// `IN_*` (include/uapi/linux/inotify.h).
pub(super) static INOTIFY: Flags = Flags::of(named![
    IN_ALL_EVENTS,
    IN_ACCESS,
    IN_MODIFY,
    IN_ATTRIB,
    IN_CLOSE_WRITE,
    IN_CLOSE_NOWRITE,
    IN_OPEN,
    IN_MOVED_FROM,
    IN_MOVED_TO,
    IN_CREATE,
    IN_DELETE,
    IN_DELETE_SELF,
    IN_MOVE_SELF,
    IN_ONLYDIR,
    IN_DONT_FOLLOW,
    IN_EXCL_UNLINK,
    IN_MASK_CREATE,
    IN_MASK_ADD,
    IN_ISDIR,
    IN_ONESHOT,
]);

/// `F_*` (include/uapi/asm-generic/fcntl.h, include/uapi/linux/fcntl.h).
pub(super) static FCNTL: &[Named] = named![
    F_DUPFD,
    F_GETFD,
    F_SETFD,
    F_GETFL,
    F_SETFL,
    F_GETLK,
    F_SETLK,
    F_SETLKW,
    F_SETOWN,
    F_GETOWN,
    F_OFD_GETLK,
    F_OFD_SETLK,
    F_OFD_SETLKW,
    F_SETLEASE,
    F_GETLEASE,
    F_NOTIFY,
    F_DUPFD_CLOEXEC,
    F_SETPIPE_SZ,
    F_GETPIPE_SZ,
    F_ADD_SEALS,
    F_GET_SEALS,
];

/// `SEEK_*` (include/uapi/linux/fs.h).
pub(super) static SEEK: &[Named] = named![SEEK_SET, SEEK_CUR, SEEK_END, SEEK_DATA, SEEK_HOLE];
