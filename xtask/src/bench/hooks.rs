//! The tracepoints that storms reach, and how bpftrace counts there what the exporter counts.

use anyhow::{Context as _, Result};
use doubleslit::probes::PROBES;

use super::storm::Storm;

/// A program of the exporter on its tracepoint.
#[derive(Debug)]
pub(super) struct Hook {
    /// The exporter's program.
    pub(super) program: &'static str,
    /// The storm that reaches it.
    pub(super) storm: Storm,
    /// The tracepoint as bpftrace names it.
    event: &'static str,
    /// The key by which bpftrace counts.
    key: &'static str,
    /// Nanoseconds that it may cost, where that is limited.
    pub(super) limit: Option<f64>,
}

/// All of them.
pub(super) static HOOKS: [Hook; 8] = [
    hook("exec", Storm::Exec, "sched:sched_process_exec", "cgroup", Some(40.0)),
    hook("fork", Storm::Exec, "sched:sched_process_fork", "cgroup", None),
    hook("exit", Storm::Exec, "sched:sched_process_exit", "cgroup", Some(40.0)),
    hook("signal_generate", Storm::Signal, "signal:signal_generate", "cgroup, args->sig, args->result", None),
    hook("signal_deliver", Storm::Signal, "signal:signal_deliver", "cgroup, args->sig", Some(40.0)),
    hook("socket_state", Storm::Connect, "sock:inet_sock_set_state", "cgroup, args->oldstate, args->newstate", None),
    hook("tcp_reset_send", Storm::Refused, "tcp:tcp_send_reset", "cgroup", None),
    hook("tcp_reset_receive", Storm::Refused, "tcp:tcp_receive_reset", "cgroup", None),
];

const fn hook(program: &'static str, storm: Storm, event: &'static str, key: &'static str, limit: Option<f64>) -> Hook {
    Hook { program, storm, event, key, limit }
}

impl Hook {
    /// The tracepoint as BTF names it.
    pub(super) fn tracepoint(&self) -> Result<&'static str> {
        let mut programs = PROBES.iter().flat_map(|probe| probe.programs);
        let program = programs.find(|program| program.name == self.program);
        Ok(program.with_context(|| format!("no probe has a program `{}`", self.program))?.tracepoint)
    }

    /// A bpftrace probe that counts in the same way.
    pub(super) fn counting_script(&self) -> String {
        let Self { program, event, key, .. } = self;
        format!("tracepoint:{event} {{ @{program}[{key}] = count(); }} ")
    }

    /// A bpftrace probe that does nothing.
    pub(super) fn empty_script(&self) -> String {
        format!("tracepoint:{} {{ }} ", self.event)
    }
}

/// The hooks of a probe.
pub(super) fn of_probe(name: &str) -> Vec<&'static Hook> {
    let probe = PROBES.iter().find(|probe| probe.name == name);
    let programs = probe.map_or(&[][..], |probe| probe.programs);
    HOOKS.iter().filter(|hook| programs.iter().any(|program| program.name == hook.program)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_exist() {
        for hook in &HOOKS {
            hook.tracepoint().expect("a probe has the program");
        }
        assert_eq!(of_probe("signal").len(), 2);
    }
}
