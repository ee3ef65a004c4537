//! Tracepoints whose hits are single events: what the kernel sends of a hit, and by what it is understood.

use doubleslit_common::probes::tracepoint::{Extent, Located, TEXTS};

use super::{
    field::{Field, Shape},
    format::Format,
    name::Name,
    select::{SelectError, Wanted, meant},
    tracefs::Tracefs,
};

/// The category of the beginnings and ends of system calls.
const SYSCALLS: &str = "syscalls";

/// An argument of system calls that is no text although its type is one: so many bytes of a file or a message.
const DATA: &str = "buf";

/// Bytes of an address.
const ADDRESS_BYTES: u32 = 8;

/// A tracepoint whose hits are single events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traced {
    /// Its name.
    pub name: Name,
    /// What its records hold.
    pub format: Format,
    /// Whether it was named alone, and not by a pattern.
    pub named: bool,
    /// Whether the record's bytes are wanted.
    pub raw: bool,
    /// Which of the fields are addresses of texts in the process's memory that are followed.
    texts: Vec<usize>,
}

/// The tracepoints whose hits are wanted as single events, each once, as [`select`](super::select::select) has them.
///
/// # Errors
///
/// When a selector means none, or when there are too many.
pub fn traced(tracefs: &Tracefs, wanted: &[Wanted]) -> Result<Vec<Traced>, SelectError> {
    let all = tracefs.names()?;
    let meant = meant(&all, wanted)?.into_iter().filter(|(_, (_, wanted))| wanted.events);
    let traced = |(name, (named, wanted)): (&Name, (bool, &Wanted))| {
        Ok(Traced::new(name.clone(), tracefs.format(name)?, named, wanted.raw))
    };
    meant.map(traced).collect()
}

impl Traced {
    /// The tracepoint that is described so.
    #[must_use]
    pub fn new(name: Name, mut format: Format, named: bool, raw: bool) -> Self {
        // The kernel makes a program a record of a system call with nothing behind its arguments (`perf_call_bpf_enter`,
        // kernel/trace/trace_syscalls.c), whatever else there is in the record that it describes.
        format.fields.retain(|field| name.category != SYSCALLS || !matches!(field.shape, Shape::Located { .. }));
        let is_text = |field: &Field| {
            let is_string = field.declared.replace(' ', "") == "constchar*" && field.size == ADDRESS_BYTES;
            // Arguments of system calls are always the process's, marked or not.
            is_string && (field.user || name.category == SYSCALLS) && field.name != DATA
        };
        let texts = format.fields.iter().enumerate().filter(|(_, field)| is_text(field));
        let texts = texts.map(|(place, _)| place).take(TEXTS).collect();
        Self { name, format, named, raw, texts }
    }

    /// The fields that are addresses of texts in the process's memory, as many as are followed.
    pub fn texts(&self) -> impl Iterator<Item = &Field> {
        self.texts.iter().map(|place| &self.format.fields[*place])
    }

    /// What the kernel is told of it.
    #[must_use]
    pub fn extent(&self) -> Extent {
        let mut extent = Extent { bytes: ADDRESS_BYTES, ..Extent::default() };
        let offset = |offset: u32| u16::try_from(offset).unwrap_or_default();
        let located = |field: &Field| match field.shape {
            Shape::Located { relative, .. } => {
                let base = if relative { offset(field.offset.saturating_add(field.size)) } else { 0 };
                Some(Located { offset: offset(field.offset), base })
            }
            _ => None,
        };
        // What is located lies in the order of the fields: the last ones tell where the record ends.
        let words = self.format.fields.iter().rev().filter_map(located);
        extent.located.iter_mut().zip(words).for_each(|(place, located)| *place = located);
        let ends = self.format.fields.iter().map(|field| field.offset.saturating_add(field.size));
        extent.bytes = ends.fold(extent.bytes, u32::max);
        extent.texts.iter_mut().zip(self.texts()).for_each(|(place, field)| *place = offset(field.offset));
        extent
    }
}

#[cfg(test)]
mod tests {
    use doubleslit_common::probes::tracepoint::LOCATED;

    use super::*;

    fn traced(category: &str, description: &str) -> Traced {
        let format = Format::parse(description).expect("it is one");
        Traced::new(Name { category: category.to_owned(), name: format.name.clone() }, format, true, false)
    }

    macro_rules! recorded {
        ($name:literal) => {
            include_str!(concat!("../../tests/fixtures/parsers/tracepoint_format/", $name))
        };
    }

    #[test]
    fn what_is_sent_of_a_hit() {
        let located = |words: &[(u16, u16)]| {
            let mut all = [Located::default(); LOCATED];
            all.iter_mut()
                .zip(words)
                .for_each(|(place, (offset, base))| *place = Located { offset: *offset, base: *base });
            all
        };
        for (category, description, expected) in [
            (
                "syscalls",
                recorded!("sys_enter_openat"),
                Extent { bytes: 48, texts: [24, 0, 0, 0], ..Extent::default() },
            ),
            // The same type elsewhere may be an address of the kernel.
            ("fs", recorded!("sys_enter_openat"), Extent { bytes: 48, ..Extent::default() }),
            (
                "sched",
                recorded!("sched_process_fork"),
                Extent { bytes: 24, located: located(&[(16, 0), (8, 0)]), ..Extent::default() },
            ),
            (
                "made",
                recorded!("by_hand"),
                Extent { bytes: 192, located: located(&[(32, 0), (12, 16), (8, 12)]), texts: [16, 24, 0, 0] },
            ),
        ] {
            assert_eq!(traced(category, description).extent(), expected, "{category}");
        }
    }

    #[test]
    fn data_is_no_text_and_texts_behind_a_call_are_not_there() {
        let description = "name: sys_enter_write\nID: 7\nformat:\n\
                           \tfield:const char * buf;\toffset:24;\tsize:8;\tsigned:0;\n\
                           \tfield:const char * name;\toffset:32;\tsize:8;\tsigned:0;\n\
                           \tfield:char * other;\toffset:40;\tsize:8;\tsigned:0;\n\
                           \tfield:const char *const * argv;\toffset:48;\tsize:8;\tsigned:0;\n\
                           \tfield:__data_loc char[] __name_val;\toffset:56;\tsize:4;\tsigned:0;\n";
        let expected = Extent { bytes: 56, texts: [32, 0, 0, 0], ..Extent::default() };
        assert_eq!(traced("syscalls", description).extent(), expected);
    }
}
