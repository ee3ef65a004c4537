//! Attaching the programs of probes and of single events, one by one.

use std::os::fd::{AsFd, OwnedFd};

use aya::{
    Btf, Ebpf,
    programs::{BtfTracePoint, ProgramError, ProgramFd, links::FdLink},
};
use tracing::warn;

use super::{
    events::EventSettings,
    layout::Layout,
    object::Settings,
    pin::{PinError, Pins},
    status::{AttachedProgram, EventStatus, ProbeState, ProbeStatus},
};
use crate::{
    error::chain,
    probes::{PROBES, Probe, Program},
};

/// Why a program is not attached.
#[derive(Debug, thiserror::Error)]
enum AttachError {
    #[error(transparent)]
    Program(#[from] ProgramError),
    #[error(transparent)]
    Pin(#[from] PinError),
}

/// Attaches the programs of a probe that count, and pins them where counts outlive the exporter. Those that are pinned are
/// attached.
pub(super) fn attach_probe(
    probe: &'static Probe,
    settings: &Settings,
    layout: &Layout,
    btf: &Btf,
    ebpf: &mut Ebpf,
    pins: Option<&Pins>,
    attached: &mut Vec<AttachedProgram>,
) -> ProbeStatus {
    let status = |state, reason| ProbeStatus { name: probe.name, state, reason };
    if !settings.probes.contains(&probe.name) {
        probe.programs.iter().for_each(|program| detach_counting(program, ebpf, pins));
        return status(ProbeState::Off, "switched off by the configuration".to_owned());
    }
    if let Some(reason) = settings.programs(probe).find_map(|program| layout.missing(program)) {
        return status(ProbeState::Unsupported, reason);
    }
    let before = attached.len();
    for program in settings.programs(probe) {
        match attach_counting(program, btf, ebpf, pins) {
            Ok(attachment) => attached.push(attachment),
            Err(error) => {
                attached.truncate(before);
                for program in settings.programs(probe) {
                    detach_counting(program, ebpf, pins);
                }
                return status(ProbeState::Failed, not_attached(program, &error));
            }
        }
    }
    status(ProbeState::Up, String::new())
}

/// Attaches the programs that send single events. Returns what became of each kind that is wanted.
pub(super) fn attach_events(
    settings: &EventSettings,
    probes: &[ProbeStatus],
    layout: &Layout,
    btf: &Btf,
    ebpf: &mut Ebpf,
    attached: &mut Vec<AttachedProgram>,
) -> Vec<EventStatus> {
    let mut events = Vec::new();
    for (probe, status) in PROBES.iter().zip(probes) {
        // A probe that sends nothing tells of its kinds by what it counts.
        let programs = if probe.events.is_empty() { probe.programs } else { probe.events };
        for program in programs {
            let kinds: Vec<_> = program.kinds.iter().filter(|kind| settings.gates.contains_key(kind)).collect();
            if kinds.is_empty() {
                continue;
            }
            let (state, reason) = if probe.events.is_empty() {
                (status.state, status.reason.clone())
            } else {
                attach_event(program, layout, btf, ebpf, attached)
            };
            for kind in kinds {
                match events.iter_mut().find(|event: &&mut EventStatus| event.kind == *kind) {
                    // Two programs send the kind together, and so far all was well.
                    Some(event) if event.state == ProbeState::Up => {
                        (event.state, event.reason) = (state, reason.clone());
                    }
                    Some(_) => {}
                    None => events.push(EventStatus { kind: *kind, state, reason: reason.clone() }),
                }
            }
        }
    }
    events
}

/// Attaches a program that sends single events. Says what became of it, and why.
pub(super) fn attach_event(
    program: &'static Program,
    layout: &Layout,
    btf: &Btf,
    ebpf: &mut Ebpf,
    attached: &mut Vec<AttachedProgram>,
) -> (ProbeState, String) {
    if let Some(reason) = layout.missing(program) {
        return (ProbeState::Unsupported, reason);
    }
    match attach_program(program, btf, ebpf) {
        Ok(attachment) => attached.push(attachment),
        Err(error) => return (ProbeState::Failed, not_attached(program, &error.into())),
    }
    (ProbeState::Up, String::new())
}

fn not_attached(program: &Program, error: &AttachError) -> String {
    format!("cannot attach the program `{}`: {}", program.name, chain(error))
}

fn attach_program(program: &'static Program, btf: &Btf, ebpf: &mut Ebpf) -> Result<AttachedProgram, ProgramError> {
    let bpf = tracepoint_program(program, ebpf).ok_or(ProgramError::NotLoaded)?;
    bpf.load(program.tracepoint, btf)?;
    bpf.attach()?;
    Ok(AttachedProgram { program, fd: program_fd(bpf.fd()?)? })
}

/// Another descriptor of a program.
pub(super) fn program_fd(program: &ProgramFd) -> Result<OwnedFd, ProgramError> {
    Ok(program.as_fd().try_clone_to_owned()?)
}

/// The same for a program that counts.
fn attach_counting(
    program: &'static Program,
    btf: &Btf,
    ebpf: &mut Ebpf,
    pins: Option<&Pins>,
) -> Result<AttachedProgram, AttachError> {
    let Some(pins) = pins else { return Ok(attach_program(program, btf, ebpf)?) };
    if let Some(fd) = pins.attached(program.name)? {
        return Ok(AttachedProgram { program, fd });
    }
    let bpf = tracepoint_program(program, ebpf).ok_or(ProgramError::NotLoaded)?;
    bpf.load(program.tracepoint, btf)?;
    let link = bpf.attach()?;
    let fd = program_fd(bpf.fd()?)?;
    pins.pin_program(program.name, &fd)?;
    pins.pin_kept_link(program.name, FdLink::from(bpf.take_link(link)?))?;
    Ok(AttachedProgram { program, fd })
}

/// Detaches a program that counts, whoever attached it, and lets it go.
fn detach_counting(program: &Program, ebpf: &mut Ebpf, pins: Option<&Pins>) {
    detach(program, ebpf);
    if let Some(Err(error)) = pins.map(|pins| pins.detach(program.name)) {
        warn!(error = chain(&error), program = program.name, "a program goes on counting");
    }
}

/// Detaches a program and lets it go.
pub(super) fn detach(program: &Program, ebpf: &mut Ebpf) {
    if let Some(bpf) = tracepoint_program(program, ebpf) {
        // One that was never loaded cannot be unloaded.
        let _ = bpf.unload();
    }
}

fn tracepoint_program<'a>(program: &Program, ebpf: &'a mut Ebpf) -> Option<&'a mut BtfTracePoint> {
    ebpf.program_mut(program.name)?.try_into().ok()
}
