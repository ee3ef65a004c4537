//! An empty program on a BTF tracepoint: what any program costs there.
#![expect(unsafe_code, reason = "the bpf system call takes addresses")]

use std::{
    io,
    mem::{size_of, zeroed},
    os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd},
};

use anyhow::{Context as _, Result};
use aya::Btf;
use aya_obj::{
    btf::BtfKind,
    generated::{bpf_attach_type, bpf_attr, bpf_cmd, bpf_prog_type},
};

use super::programs::{self, RunTime};

/// `r0 = 0; exit`: the registers are 0, so that both byte orders look the same (Documentation/bpf/standardization).
const INSTRUCTIONS: [[u8; 8]; 2] = [[0xb7, 0, 0, 0, 0, 0, 0, 0], [0x95, 0, 0, 0, 0, 0, 0, 0]];

/// An attached program of two instructions. Dropping it detaches it.
#[derive(Debug)]
pub(super) struct Empty {
    _link: OwnedFd,
    program: OwnedFd,
}

impl Empty {
    /// Attaches one.
    pub(super) fn attach(btf: &Btf, tracepoint: &str) -> Result<Self> {
        let id = btf.id_by_type_name_kind(&format!("btf_trace_{tracepoint}"), BtfKind::Typedef)?;
        let program = load(id).with_context(|| format!("cannot load an empty program for `{tracepoint}`"))?;
        let link = open(&program).with_context(|| format!("cannot attach an empty program to `{tracepoint}`"))?;
        Ok(Self { _link: link, program })
    }

    /// What the kernel measured of it.
    pub(super) fn run_time(&self) -> io::Result<RunTime> {
        programs::of_descriptor(self.program.as_raw_fd())
    }
}

fn load(attach_btf_id: u32) -> io::Result<OwnedFd> {
    // SAFETY: all-zero is a valid `bpf_attr`.
    let mut attr = unsafe { zeroed::<bpf_attr>() };
    // SAFETY: members of plain integers.
    let request = unsafe { &mut attr.__bindgen_anon_3 };
    request.prog_type = bpf_prog_type::BPF_PROG_TYPE_TRACING as u32;
    request.expected_attach_type = bpf_attach_type::BPF_TRACE_RAW_TP as u32;
    request.attach_btf_id = attach_btf_id;
    request.insns = INSTRUCTIONS.as_ptr().expose_provenance() as u64;
    request.insn_cnt = INSTRUCTIONS.len() as u32;
    request.license = c"GPL".as_ptr().expose_provenance() as u64;
    // SAFETY: the kernel reads `insn_cnt` instructions and a string that ends with NUL.
    unsafe { bpf(bpf_cmd::BPF_PROG_LOAD, &mut attr) }
}

fn open(program: &OwnedFd) -> io::Result<OwnedFd> {
    // SAFETY: all-zero is a valid `bpf_attr`.
    let mut attr = unsafe { zeroed::<bpf_attr>() };
    // Without a name: the program itself says where it belongs.
    attr.raw_tracepoint.prog_fd = program.as_raw_fd().cast_unsigned();
    // SAFETY: there is no address in it.
    unsafe { bpf(bpf_cmd::BPF_RAW_TRACEPOINT_OPEN, &mut attr) }
}

/// # Safety
///
/// Every address in `attr` is valid for what the command does with it, and the command returns a descriptor.
unsafe fn bpf(command: bpf_cmd, attr: &mut bpf_attr) -> io::Result<OwnedFd> {
    // SAFETY: the caller vouches for the addresses.
    let result = unsafe { libc::syscall(libc::SYS_bpf, command, std::ptr::from_mut(attr), size_of::<bpf_attr>()) };
    let descriptor = i32::try_from(result).map_err(io::Error::other)?;
    if descriptor < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel just made it for us.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}
