//! Records of the ring, byte by byte. Nothing that is in them makes this panic.

mod exec;
mod exit;
mod fork;
mod oom;
mod signal;
mod socket_state;
mod syscall;
mod tcp;
mod tracepoint;

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use doubleslit_common::{
    event::{Header, Process as ProcessRecord},
    kind::Kind,
    wire::{self, Wire},
};

use super::{
    event::{Details, Process},
    syscalls::Signatures,
};
use crate::tracepoints::traced::Traced;

/// A record, understood. Whose it is, is not known yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// What all records have.
    pub header: Header,
    /// The process that it is about.
    pub process: Option<Process>,
    /// What happened.
    pub details: Details,
}

/// Why a record was not understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// It ends too early.
    #[error("the record of {kind} is cut after {length} bytes")]
    Cut {
        /// The kind's name.
        kind: &'static str,
        /// The record's length.
        length: usize,
    },
    /// The kind is unknown, or none that comes through the ring.
    #[error("a record has the unknown kind {0}")]
    Kind(u32),
}

impl DecodeError {
    /// The name of the record's kind.
    #[must_use]
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Cut { kind, .. } => kind,
            Self::Kind(_) => "unknown",
        }
    }
}

/// What a record is about, and what happened; nothing when it is cut.
type Decoded = Option<(Option<Process>, Details)>;

/// Understands records of a time when the machine's clock of time since boot and that of the day had some distance.
#[derive(Clone, Copy, Debug)]
pub struct Decoder<'a> {
    booted: SystemTime,
    tracepoints: &'a [Arc<Traced>],
    signatures: &'a Signatures,
}

impl<'a> Decoder<'a> {
    /// A decoder for a machine whose `CLOCK_BOOTTIME` was 0 at `booted`, which sends hits of these tracepoints, and whose
    /// system calls are these.
    #[must_use]
    pub const fn new(booted: SystemTime, tracepoints: &'a [Arc<Traced>], signatures: &'a Signatures) -> Self {
        Self { booted, tracepoints, signatures }
    }

    /// The time of day of a time since boot.
    #[must_use]
    pub fn time(self, boot_ns: u64) -> SystemTime {
        self.booted.checked_add(Duration::from_nanos(boot_ns)).unwrap_or(self.booted)
    }

    fn process(self, record: ProcessRecord) -> Process {
        Process { record, started: self.time(record.start_boot_ns) }
    }

    /// Understands a record.
    ///
    /// # Errors
    ///
    /// When it is none.
    pub fn decode(self, bytes: &[u8]) -> Result<Record, DecodeError> {
        let (header, _) =
            wire::take::<Header>(bytes).ok_or(DecodeError::Cut { kind: "unknown", length: bytes.len() })?;
        let kind = u8::try_from(header.kind).ok().and_then(Kind::from_number).ok_or(DecodeError::Kind(header.kind))?;
        let reader = Reader(bytes);
        let decoded = match kind {
            Kind::Exec => exec::decode(self, reader),
            Kind::Fork => fork::decode(self, reader, Details::Fork),
            Kind::Thread => fork::decode(self, reader, Details::Thread),
            Kind::Exit => exit::decode(self, reader),
            Kind::OomKill => oom::decode(self, reader),
            Kind::SignalGenerate => signal::decode_generated(self, reader),
            Kind::SignalDeliver => signal::decode_delivered(self, reader),
            Kind::SocketState => socket_state::decode(self, reader),
            Kind::TcpRetransmit => tcp::decode(reader, Details::TcpRetransmit),
            Kind::TcpResetReceive => tcp::decode(reader, Details::TcpResetReceive),
            Kind::Syscall => syscall::decode(self, reader),
            Kind::Tracepoint => tracepoint::decode(self, reader),
            Kind::TcpResetSend
            | Kind::ContainerStart
            | Kind::ContainerStop
            | Kind::SyscallTime
            | Kind::SyscallUntimed
            | Kind::SyscallLatency
            | Kind::EventLost => {
                return Err(DecodeError::Kind(header.kind));
            }
        };
        let (process, details) = decoded.ok_or(DecodeError::Cut { kind: kind.name(), length: bytes.len() })?;
        Ok(Record { header, process, details })
    }
}

/// The rest of a record.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take<T: Wire>(&mut self) -> Option<T> {
        let (value, rest) = wire::take(self.0)?;
        self.0 = rest;
        Some(value)
    }

    fn bytes(&mut self, count: u32) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(count as usize)?;
        self.0 = rest;
        Some(bytes)
    }
}
