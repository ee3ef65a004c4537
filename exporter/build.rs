//! Builds the BPF object with the toolchain that `scripts/setup-bpf-toolchain` prepared.

#![expect(unsafe_code, reason = "changing the environment is unsafe")]

use aya_build::{Package, Toolchain};

fn main() -> anyhow::Result<()> {
    println!("cargo:rerun-if-changed=../common");
    // Building `core` for the BPF target is an unstable feature of cargo, whatever its channel.
    // SAFETY: the build script has one thread.
    unsafe {
        std::env::set_var("RUSTC_BOOTSTRAP", "1");
        // What cargo says while it builds would appear as warnings.
        std::env::set_var("CARGO_TERM_QUIET", "true");
    }
    aya_build::build_ebpf(
        [Package { name: "doubleslit-ebpf", root_dir: "../exporter-ebpf", ..Package::default() }],
        Toolchain::Custom("ebpf"),
    )
}
