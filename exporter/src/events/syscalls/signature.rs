//! The names and types of the arguments of each call, as the kernel describes them in tracefs.

use std::sync::{Arc, LazyLock};

use doubleslit_common::probes::{
    syscall::{self, CALLS},
    syscall_event::{ARGUMENTS, state},
};

use super::{
    calls,
    decoded::Decoded,
    meaning::{Meaning, Memory},
};
use crate::{
    probes::syscall::{Calls, call_name},
    tracepoints::{
        field::Shape,
        name::Name,
        tracefs::{Tracefs, TracefsError},
    },
};

/// The calls that the kernel describes by another name: that of the function that does it.
const FUNCTIONS: [(&str, &str); 6] = [
    ("stat", "newstat"),
    ("lstat", "newlstat"),
    ("fstat", "newfstat"),
    ("uname", "newuname"),
    ("umount2", "umount"),
    ("sendfile", "sendfile64"),
];

/// The names of arguments of calls that the kernel does not describe.
const UNNAMED: [&str; ARGUMENTS] = ["arg0", "arg1", "arg2", "arg3", "arg4", "arg5"];

/// An argument of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Argument {
    /// Its name, and its type as the kernel declares it; the type is empty where the kernel says nothing.
    pub declared: Arc<Declared>,
    /// Its value.
    pub value: Decoded,
    /// Whether there is more of it.
    pub is_cut: bool,
    /// Whether what it points to could not be read.
    pub is_unreadable: bool,
}

/// What an argument is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declared {
    /// Its name.
    pub name: String,
    /// Its type.
    pub ctype: String,
    shape: Option<Shape>,
}

/// What is known of calls. The default is what is known without the kernel's descriptions.
#[derive(Debug, Default)]
pub struct Signatures(Vec<Option<Vec<Arc<Declared>>>>);

impl Signatures {
    /// Reads what the kernel says of these calls.
    ///
    /// # Errors
    ///
    /// When a description cannot be read or understood. A call without one is none.
    pub fn read(tracefs: &Tracefs, calls: &Calls) -> Result<Self, TracefsError> {
        let mut signatures = vec![None; CALLS];
        for (call, signature) in (0..).zip(&mut signatures).filter(|(call, _)| calls.has(*call)) {
            let call = call_name(call);
            let function = FUNCTIONS.iter().find(|(name, _)| *name == call).map_or(call, |(_, function)| function);
            let name = Name { category: "syscalls".to_owned(), name: format!("sys_enter_{function}") };
            let format = match tracefs.format(&name) {
                Err(TracefsError::Read { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => continue,
                format => format?,
            };
            // Some kernels add what they have read themselves.
            let arguments = format.fields.into_iter().filter(|field| !field.common && !field.name.starts_with("__"));
            let declared = arguments
                .map(|field| Arc::new(Declared { name: field.name, ctype: field.declared, shape: Some(field.shape) }));
            *signature = Some(declared.take(ARGUMENTS).collect());
        }
        Ok(Self(signatures))
    }

    /// The arguments of a call.
    #[must_use]
    pub fn arguments(
        &self,
        call: u32,
        registers: &[u64; ARGUMENTS],
        memory: &[Option<Memory<'_>>; ARGUMENTS],
    ) -> Vec<Argument> {
        let declared = self.0.get(call as usize).and_then(Option::as_ref);
        let meanings = if call == syscall::COMPAT { None } else { calls::meanings(call_name(call)) };
        let count = declared.map_or_else(|| meanings.map_or(ARGUMENTS, <[_]>::len), Vec::len);
        let arguments = registers.iter().zip(memory).enumerate().take(count);
        arguments
            .map(|(number, (value, memory))| {
                let declared = declared.and_then(|all| all.get(number)).unwrap_or(&unnamed()[number]);
                let meaning = meanings.and_then(|all| all.get(number)).unwrap_or(&Meaning::Hex);
                let memory = memory.as_ref().filter(|_| meaning.is_read());
                Argument {
                    value: meaning.decode(*value, declared.shape, registers, memory),
                    declared: Arc::clone(declared),
                    is_cut: memory.is_some_and(|memory| memory.state == state::CUT),
                    is_unreadable: memory.is_some_and(|memory| memory.state == state::UNREADABLE),
                }
            })
            .collect()
    }
}

fn unnamed() -> &'static [Arc<Declared>; ARGUMENTS] {
    static ALL: LazyLock<[Arc<Declared>; ARGUMENTS]> = LazyLock::new(|| {
        UNNAMED.map(|name| Arc::new(Declared { name: name.to_owned(), ctype: String::new(), shape: None }))
    });
    &ALL
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;
    use crate::probes::syscall::call_number;

    fn number(name: &str) -> u32 {
        call_number(name).expect("a call of this machine")
    }

    /// What the kernel says of `openat`, and nothing else.
    fn signatures() -> Signatures {
        let root = TempDir::new().expect("a directory can be made");
        let place = root.path().join("events/syscalls/sys_enter_openat");
        fs::create_dir_all(&place).expect("a directory can be made");
        let text = include_str!("../../../tests/fixtures/parsers/tracepoint_format/sys_enter_openat");
        fs::write(place.join("format"), text).expect("a file can be written");
        Signatures::read(&Tracefs::at(root.path()), &Calls::all()).expect("it is one")
    }

    fn shown(arguments: &[Argument]) -> Vec<(&str, &str, &Decoded)> {
        arguments.iter().map(|a| (a.declared.name.as_str(), a.declared.ctype.as_str(), &a.value)).collect()
    }

    #[test]
    fn names_and_types_are_the_kernels() {
        let registers = [libc::AT_FDCWD as u32 as u64, 0x7f00, 0o2_000_101, 0o644, 1, 2];
        let memory = [None, Some(Memory { state: state::WHOLE, bytes: b"/tmp/a\xff\0" }), None, None, None, None];
        let arguments = signatures().arguments(number("openat"), &registers, &memory);
        let flags = Decoded::Texts(["O_WRONLY", "O_CREAT", "O_CLOEXEC"].map(str::to_owned).to_vec());
        assert_eq!(
            shown(&arguments),
            [
                ("dfd", "int", &Decoded::text("AT_FDCWD")),
                ("filename", "const char *", &Decoded::text("/tmp/a\\xff")),
                ("flags", "int", &flags),
                ("mode", "umode_t", &Decoded::text("0644")),
            ]
        );
        assert!(arguments.iter().all(|argument| !argument.is_cut && !argument.is_unreadable));
    }

    #[test]
    fn what_is_cut_or_unreadable_says_so() {
        let of = |state, bytes| {
            let memory = [None, Some(Memory { state, bytes }), None, None, None, None];
            let arguments = signatures().arguments(number("openat"), &[3, 0x7f00, 0, 0, 0, 0], &memory);
            (arguments[0].value.clone(), arguments[1].clone())
        };
        let (directory, path) = of(state::CUT, &b"/long\0"[..]);
        assert_eq!((directory, path.value, path.is_cut), (Decoded::number(3), Decoded::text("/long"), true));
        let (_, path) = of(state::UNREADABLE, b"");
        assert_eq!((path.value, path.is_unreadable), (Decoded::text("0x7f00"), true));
        // A record that says one thing and has another.
        let (_, path) = of(state::WHOLE, b"no end");
        assert_eq!(path.value, Decoded::text("0x7f00"));
    }

    #[test]
    fn calls_without_a_description() {
        let none = [const { None }; ARGUMENTS];
        let names = |call| -> Vec<_> {
            let arguments = Signatures::default().arguments(call, &[1, 2, 3, 4, 5, 6], &none);
            arguments.into_iter().map(|argument| (argument.declared.name.clone(), argument.value)).collect()
        };
        let all = names(1000);
        assert_eq!(all.len(), ARGUMENTS);
        assert_eq!(all[5], ("arg5".to_owned(), Decoded::text("0x6")));
        assert_eq!(names(syscall::COMPAT), all);
        assert_eq!(
            names(number("kill")),
            [("arg0".to_owned(), Decoded::number(1)), ("arg1".to_owned(), Decoded::text("SIGINT"))]
        );
        let null = Signatures::default().arguments(number("chdir"), &[0; ARGUMENTS], &none);
        assert_eq!(null[0].value, Decoded::text("NULL"));
    }
}
