//! The names of system calls and errors on this architecture; what has none has its number.

use std::sync::LazyLock;

use doubleslit_common::probes::syscall::{CALLS, COMPAT, OTHER, RT_SIGRETURN};
use syscalls::{Errno, Sysno};

/// The name of a call, see [`doubleslit_common::probes::syscall::call`].
pub(super) fn call(call: u32) -> &'static str {
    match call {
        COMPAT => "compat",
        OTHER => "other",
        RT_SIGRETURN => Sysno::rt_sigreturn.name(),
        number => Sysno::new(number as usize).map_or_else(|| digits(number), |sysno| kernels(sysno.name())),
    }
}

/// The kernel's name of a call: that which x86-64 has for it too.
pub(super) fn kernels(name: &'static str) -> &'static str {
    if name == "fstatat" { "newfstatat" } else { name }
}

/// The name of an error; that of none is `OK`.
pub(super) fn error(error: u32) -> &'static str {
    match error {
        0 => "OK",
        number => Errno::new(number.cast_signed()).name().unwrap_or_else(|| digits(number)),
    }
}

/// A number as text.
fn digits(number: u32) -> &'static str {
    static NUMBERS: LazyLock<[String; CALLS]> = LazyLock::new(|| std::array::from_fn(|number| number.to_string()));
    NUMBERS.get(number as usize).map_or("other", String::as_str)
}

#[cfg(test)]
mod tests {
    use std::{
        collections::{BTreeMap, HashMap},
        fs,
    };

    use super::*;

    /// The names that a header of the kernel has for each number, some of them by way of other names.
    fn header(text: &str) -> BTreeMap<u32, Vec<&str>> {
        let mut values = HashMap::new();
        let mut calls = BTreeMap::<_, Vec<_>>::new();
        for line in text.lines() {
            let mut words = line.split_whitespace();
            if let (Some("#define"), Some(name), Some(value)) = (words.next(), words.next(), words.next())
                && let Some(number) = value.parse().ok().or_else(|| values.get(value).copied())
            {
                values.insert(name, number);
                calls.entry(number).or_default().extend(name.strip_prefix("__NR_"));
            }
        }
        // Names for how many there are, and for where others begin.
        calls.retain(|_, names| !matches!(names[..], [] | ["syscalls" | "arch_specific_syscall"]));
        calls
    }

    /// Checks the names up to the last one that the table has.
    fn assert_like_the_header(path: &str, last: u32, name: impl Fn(u32) -> Option<&'static str>) {
        let Ok(text) = fs::read_to_string(path) else {
            println!("skipped: there is no `{path}` here");
            return;
        };
        let calls = header(&text);
        assert!(calls.len() > 250, "{} calls in `{path}`", calls.len());
        for (number, names) in calls.range(..=last) {
            let name = name(*number);
            assert!(name.is_some_and(|name| names.contains(&name)), "{number} is {names:?}, not {name:?}");
        }
    }

    #[test]
    fn calls_of_x86_64_are_those_of_the_kernel() {
        use syscalls::x86_64::Sysno;
        let name = |number| Some(kernels(Sysno::new(number as usize)?.name()));
        assert_eq!([0, 257, 469].map(name), [Some("read"), Some("openat"), Some("file_setattr")]);
        assert_like_the_header("/usr/include/x86_64-linux-gnu/asm/unistd_64.h", 469, name);
    }

    #[test]
    fn calls_of_aarch64_are_those_of_the_kernel() {
        use syscalls::aarch64::Sysno;
        let name = |number| Some(kernels(Sysno::new(number as usize)?.name()));
        assert_eq!([63, 56, 79].map(name), [Some("read"), Some("openat"), Some("newfstatat")]);
        assert_like_the_header("/usr/include/asm-generic/unistd.h", 469, name);
    }

    #[test]
    fn what_has_no_name_has_its_number() {
        assert_eq!((call(1000), error(134)), ("1000", "134"));
        assert_eq!((error(2), error(133), error(524)), ("ENOENT", "EHWPOISON", "ENOTSUPP"));
    }
}
