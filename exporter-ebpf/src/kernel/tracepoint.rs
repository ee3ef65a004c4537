//! Tracepoint arguments that only some kernels pass.

use aya_ebpf::Global;
use doubleslit_common::optional_arguments;

macro_rules! declare {
    ($($symbol:ident: $tracepoint:literal $position:literal;)+) => {
        $(
            #[doc = concat!("1 where `", $tracepoint, "` has an argument ", $position, ".")]
            #[unsafe(no_mangle)]
            pub static $symbol: Global<u32> = Global::new(0);
        )+
    };
}

optional_arguments!(declare);
