//! The record of a system call: [`doubleslit_common::probes::syscall_event::SyscallEvent`] and the memory that follows it.

use std::time::Duration;

use doubleslit_common::probes::{
    syscall,
    syscall_event::{ARGUMENTS, COMPAT_CALL, RETURNED, SyscallEvent, state},
};

use super::{Decoded, Decoder, Reader};
use crate::events::{
    event::{Details, Syscall},
    syscalls::Memory,
};

pub(super) fn decode(decoder: Decoder<'_>, mut reader: Reader<'_>) -> Decoded {
    let SyscallEvent { header, process, began_boot_ns, arguments, result, number, flags, parts } = reader.take()?;
    let mut memory = [const { None }; ARGUMENTS];
    for part in parts {
        let bytes = reader.bytes(part.bytes)?;
        if let Some(place) = memory.get_mut(usize::from(part.argument)).filter(|_| part.state != state::NONE) {
            *place = Some(Memory { state: part.state, bytes });
        }
    }
    let call = syscall::call(number, flags & COMPAT_CALL != 0);
    let began = (began_boot_ns != 0).then(|| decoder.time(began_boot_ns));
    let has_returned = flags & RETURNED != 0;
    let syscall = Syscall {
        number,
        call,
        arguments: decoder.signatures.arguments(call, &arguments, &memory),
        result: has_returned.then_some(result),
        began,
        duration: began
            .filter(|_| has_returned)
            .map(|_| Duration::from_nanos(header.boot_ns.saturating_sub(began_boot_ns))),
    };
    Some((Some(decoder.process(process)), Details::Syscall(syscall)))
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::events::{
        decode::DecodeError,
        syscalls::{Decoded as Value, Signatures},
    };

    macro_rules! seed {
        ($name:literal) => {
            include_bytes!(concat!("../../../tests/fixtures/parsers/event_record/", $name))
        };
    }

    fn decoded(bytes: &[u8]) -> Result<Syscall, DecodeError> {
        let signatures = Signatures::default();
        let record = Decoder::new(SystemTime::UNIX_EPOCH, &[], &signatures).decode(bytes)?;
        let Details::Syscall(syscall) = record.details else { panic!("another kind: {record:?}") };
        Ok(syscall)
    }

    fn values(syscall: &Syscall) -> Vec<&Value> {
        syscall.arguments.iter().map(|argument| &argument.value).collect()
    }

    #[test]
    fn a_record_tells_the_call() {
        let connect = decoded(seed!("syscall_connect")).expect("a record");
        assert_eq!((connect.name(), connect.result, connect.error()), ("connect", Some(-111), Some(111)));
        assert_eq!(connect.duration, Some(Duration::from_nanos(900)));
        let address = Value::Fields(vec![
            ("family", Value::Text("AF_INET".to_owned())),
            ("address", Value::Text("127.0.0.1".to_owned())),
            ("port", Value::Number(8080)),
        ]);
        assert_eq!(values(&connect), [&Value::Number(3), &address, &Value::Number(16)]);

        let execve = decoded(seed!("syscall_execve")).expect("a record");
        let list = Value::Texts(["sh", "-c", "true"].map(str::to_owned).to_vec());
        assert_eq!(values(&execve)[..2], [&Value::Text("/bin/sh".to_owned()), &list]);
        assert!(execve.arguments[0].is_cut && !execve.arguments[1].is_cut);
    }

    #[test]
    fn a_call_that_never_returns_has_no_result() {
        let exit = decoded(seed!("syscall_exit_group")).expect("a record");
        assert_eq!((exit.name(), exit.result, exit.error(), exit.duration), ("exit_group", None, None, None));
        assert_eq!(exit.began, Some(SystemTime::UNIX_EPOCH + Duration::from_secs(5)));
        assert_eq!(values(&exit), [&Value::Number(7)]);
    }

    #[test]
    fn a_cut_record_is_none() {
        let whole = seed!("syscall_openat");
        let cut = DecodeError::Cut { kind: "syscall", length: whole.len() - 1 };
        assert_eq!(decoded(&whole[..whole.len() - 1]), Err(cut));
    }
}
