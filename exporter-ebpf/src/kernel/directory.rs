//! `struct fs_struct` (include/linux/fs_struct.h) and the directories above the one that it names.
//!
//! `bpf_d_path` is not for programs of tracepoints. Nothing is locked here: of directories that are renamed meanwhile the names
//! may be old or new.

use core::ffi::c_void;

use super::{
    field::{
        self, DENTRY_NAME, DENTRY_PARENT, FS_PWD_DENTRY, FS_PWD_MNT, FS_ROOT_DENTRY, FS_ROOT_MNT, MOUNT_MNT,
        MOUNT_MOUNTPOINT, MOUNT_PARENT, TASK_FS, VFSMOUNT_ROOT,
    },
    task::Task,
};

/// A directory on the way from a process's working directory to its root.
pub struct Climb {
    /// The directory (`struct dentry`).
    entry: *const c_void,
    /// Where its file system is mounted (`struct mount`).
    mount: *const c_void,
    /// The first directory of that mount.
    top: *const c_void,
    /// The process's root, like `entry` and `mount`.
    root: (*const c_void, *const c_void),
}

/// A step of a climb.
pub enum Step {
    /// Out of the directory with this name.
    Out(*const u8),
    /// From a file system to the one that it is mounted on.
    Across,
    /// None: this is the process's root.
    Arrived,
    /// None: there is no way to the process's root, or it cannot be read.
    Lost,
}

impl Climb {
    /// Begins at a task's working directory.
    #[inline(always)]
    pub fn new(task: Task) -> Option<Self> {
        // SAFETY: the verifier knows the task.
        let fs = unsafe { field::load::<*const c_void>(task.pointer(), &TASK_FS) };
        let mount = field::probe::<*const c_void>(fs, &FS_PWD_MNT)?;
        let root = field::probe::<*const c_void>(fs, &FS_ROOT_MNT)?;
        Some(Self {
            entry: field::probe(fs, &FS_PWD_DENTRY)?,
            mount: mount.wrapping_byte_sub(MOUNT_MNT.load() as usize),
            top: field::probe(mount, &VFSMOUNT_ROOT)?,
            root: (field::probe(fs, &FS_ROOT_DENTRY)?, root.wrapping_byte_sub(MOUNT_MNT.load() as usize)),
        })
    }

    /// Goes one step, as `prepend_path` (fs/d_path.c) does.
    #[inline(always)]
    pub fn step(&mut self) -> Step {
        if (self.entry, self.mount) == self.root {
            return Step::Arrived;
        }
        let step = if self.entry == self.top { self.across() } else { self.out() };
        step.unwrap_or(Step::Lost)
    }

    #[inline(always)]
    fn across(&mut self) -> Option<Step> {
        let below = field::probe::<*const c_void>(self.mount, &MOUNT_PARENT).filter(|below| *below != self.mount)?;
        self.entry = field::probe(self.mount, &MOUNT_MOUNTPOINT)?;
        self.top = field::probe(below.wrapping_byte_add(MOUNT_MNT.load() as usize), &VFSMOUNT_ROOT)?;
        self.mount = below;
        Some(Step::Across)
    }

    #[inline(always)]
    fn out(&mut self) -> Option<Step> {
        let parent =
            field::probe::<*const c_void>(self.entry, &DENTRY_PARENT).filter(|parent| *parent != self.entry)?;
        let name = field::probe(self.entry, &DENTRY_NAME)?;
        self.entry = parent;
        Some(Step::Out(name))
    }
}
