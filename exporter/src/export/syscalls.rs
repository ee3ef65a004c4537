//! What the system calls are about that were counted.

use std::{collections::BTreeSet, fmt, sync::Arc};

use super::{Settings, own, rows::Out};
use crate::{counts::snapshot::Subject, probes::syscall};

/// Writes the class and the group of every call that rows tell apart.
pub(super) fn write(out: &mut Out<'_>, settings: &Settings, subjects: &[Arc<Subject>]) -> fmt::Result {
    let mut calls = BTreeSet::new();
    for family in settings.families.iter().filter(|family| family.labels.first() == Some(&"syscall")) {
        for subject in subjects {
            calls.extend(subject.of(family.kind).filter_map(|(detail, _)| Some((family.values)(detail)?[0])));
        }
    }
    let mut rows = out.own(&own::SYSCALL_INFO);
    calls.into_iter().try_for_each(|call| {
        let (class, group) = syscall::class_and_group(call);
        rows.row(&[call, class, group], true)
    })
}
