//! System calls that a thread of another process makes because a debugger has it make them: with its rights, its filters and
//! its sandbox.
#![expect(unsafe_code, reason = "ptrace has no safe form")]

use std::{
    fs::{self, File},
    io,
    mem::zeroed,
    os::unix::fs::FileExt as _,
    ptr,
};

use crate::wait;

/// The instruction `syscall`.
const SYSCALL: [u8; 2] = [0x0f, 0x05];

/// How far below the stack pointer the texts of calls are: beyond what a function uses there without moving it.
const BELOW: u64 = 4096;

/// An argument of a call.
#[derive(Clone, Copy, Debug)]
pub enum Argument<'a> {
    /// A number.
    Number(i64),
    /// The address of these bytes, and of a zero byte behind them.
    Bytes(&'a [u8]),
}

impl From<i64> for Argument<'_> {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<i32> for Argument<'_> {
    fn from(number: i32) -> Self {
        Self::Number(number.into())
    }
}

impl<'a> From<&'a str> for Argument<'a> {
    fn from(text: &'a str) -> Self {
        Self::Bytes(text.as_bytes())
    }
}

impl<'a> From<&'a [u8]> for Argument<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Bytes(bytes)
    }
}

/// A thread that is stopped. It goes on as if nothing had happened when this is dropped.
#[derive(Debug)]
pub struct Thread {
    id: i32,
    memory: File,
    instruction: u64,
    saved: libc::user_regs_struct,
}

/// The threads of a process.
#[must_use]
pub fn threads(pid: i32) -> Vec<i32> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).expect("the process runs");
    tasks.flatten().filter_map(|task| task.file_name().to_str()?.parse().ok()).collect()
}

/// The children of a process.
#[must_use]
pub fn children(pid: i32) -> Vec<i32> {
    let children = |thread| fs::read_to_string(format!("/proc/{pid}/task/{thread}/children")).unwrap_or_default();
    let all: Vec<_> = threads(pid).into_iter().map(children).collect();
    all.iter().flat_map(|line| line.split_whitespace()).filter_map(|pid| pid.parse().ok()).collect()
}

impl Thread {
    /// Stops a thread of a process. Nothing when it has ended meanwhile.
    #[must_use]
    pub fn stop(pid: i32, id: i32) -> Option<Self> {
        if request(libc::PTRACE_SEIZE, id, 0).is_err() {
            return None;
        }
        request(libc::PTRACE_INTERRUPT, id, 0).expect("it is traced");
        await_stop(id)?;
        let memory = File::options().read(true).write(true).open(format!("/proc/{pid}/mem")).expect("root may");
        let instruction = instruction(pid, &memory);
        Some(Self { id, memory, instruction, saved: registers(id) })
    }

    /// Has it make a call. Returns what the kernel returns.
    ///
    /// # Errors
    ///
    /// The kernel's.
    pub fn call(&self, number: i64, arguments: &[Argument<'_>]) -> io::Result<i64> {
        let mut place = (self.saved.rsp - BELOW) & !15;
        let mut values = [0; 6];
        for (value, argument) in values.iter_mut().zip(arguments) {
            *value = match argument {
                Argument::Number(number) => number.cast_unsigned(),
                Argument::Bytes(bytes) => {
                    let bytes = [bytes, &[0][..]].concat();
                    place -= (bytes.len() as u64).next_multiple_of(16);
                    self.memory.write_all_at(&bytes, place).expect("its stack can be written to");
                    place
                }
            };
        }
        let [rdi, rsi, rdx, r10, r8, r9] = values;
        let changed = libc::user_regs_struct {
            rip: self.instruction,
            rax: number.cast_unsigned(),
            // It is in no call that would be made again.
            orig_rax: u64::MAX,
            rdi,
            rsi,
            rdx,
            r10,
            r8,
            r9,
            ..self.saved
        };
        set_registers(self.id, &changed);
        let behind = self.instruction + SYSCALL.len() as u64;
        loop {
            request(libc::PTRACE_SINGLESTEP, self.id, 0).expect("it is stopped");
            let signal = await_stop(self.id).expect("a call that may be made does not end its thread");
            let now = registers(self.id);
            if signal == libc::SIGTRAP && now.rip == behind {
                let result = now.rax.cast_signed();
                return if result < 0 { Err(io::Error::from_raw_os_error((-result) as i32)) } else { Ok(result) };
            }
            assert_eq!(now.rip, self.instruction, "{signal}");
        }
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        set_registers(self.id, &self.saved);
        drop(request(libc::PTRACE_DETACH, self.id, 0));
    }
}

/// Where the process has a system call in its own code: every process has the kernel's part of it.
fn instruction(pid: i32, memory: &File) -> u64 {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).expect("root may");
    let line = maps.lines().find(|line| line.ends_with("[vdso]")).expect("every process has it");
    let (from, rest) = line.split_once('-').expect("an address");
    let number = |text: &str| u64::from_str_radix(text, 16).expect("a hexadecimal number");
    let (from, to) = (number(from), number(rest.split(' ').next().expect("an address")));
    let mut code = vec![0; usize::try_from(to - from).expect("it is small")];
    memory.read_exact_at(&mut code, from).expect("root may");
    let at = code.windows(SYSCALL.len()).position(|bytes| bytes == SYSCALL).expect("it falls back to a call");
    from + at as u64
}

/// Waits until a thread stops; returns the signal, or nothing when it has ended.
fn await_stop(id: i32) -> Option<i32> {
    wait::until("the thread stops", || {
        let mut status = 0;
        // SAFETY: the kernel writes one number.
        match unsafe { libc::waitpid(id, &raw mut status, libc::__WALL | libc::WNOHANG) } {
            0 => None,
            found if found == id && libc::WIFSTOPPED(status) => Some(Some(libc::WSTOPSIG(status))),
            _ => Some(None),
        }
    })
}

fn registers(id: i32) -> libc::user_regs_struct {
    // SAFETY: all-zero is a valid set of registers, and the kernel writes one.
    unsafe {
        let mut registers: libc::user_regs_struct = zeroed();
        let result = libc::ptrace(libc::PTRACE_GETREGS, id, ptr::null_mut::<()>(), &raw mut registers);
        assert_eq!(result, 0, "{}", io::Error::last_os_error());
        registers
    }
}

fn set_registers(id: i32, registers: &libc::user_regs_struct) {
    // SAFETY: the kernel reads one set of registers.
    unsafe { libc::ptrace(libc::PTRACE_SETREGS, id, ptr::null_mut::<()>(), ptr::from_ref(registers)) };
}

fn request(request: libc::c_uint, id: i32, data: usize) -> io::Result<()> {
    // SAFETY: none of these requests writes to this process.
    match unsafe { libc::ptrace(request, id, ptr::null_mut::<()>(), data) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
