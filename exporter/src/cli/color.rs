//! Whether standard output gets colours.

use std::{
    env,
    ffi::OsStr,
    io::{self, IsTerminal as _},
};

use clap::ColorChoice;

/// Whether lines are coloured.
pub(super) fn wanted(choice: ColorChoice) -> bool {
    let (no_color, terminal) = (env::var_os("NO_COLOR"), env::var_os("TERM"));
    decide(choice, io::stdout().is_terminal(), no_color.as_deref(), terminal.as_deref())
}

/// The variables `NO_COLOR` (<https://no-color.org>) and `TERM` count where nothing else was asked for.
fn decide(choice: ColorChoice, is_terminal: bool, no_color: Option<&OsStr>, terminal: Option<&OsStr>) -> bool {
    match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => {
            is_terminal && no_color.is_none_or(OsStr::is_empty) && terminal.is_none_or(|name| name != "dumb")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_on_a_terminal_unless_forced() {
        let set = |text| Some(OsStr::new(text));
        for (choice, is_terminal, no_color, terminal, expected) in [
            (ColorChoice::Auto, true, None, set("xterm"), true),
            (ColorChoice::Auto, true, None, None, true),
            (ColorChoice::Auto, true, set(""), set("xterm"), true),
            (ColorChoice::Auto, true, set("1"), set("xterm"), false),
            (ColorChoice::Auto, true, None, set("dumb"), false),
            (ColorChoice::Auto, false, None, set("xterm"), false),
            (ColorChoice::Always, false, set("1"), set("dumb"), true),
            (ColorChoice::Never, true, None, set("xterm"), false),
        ] {
            let found = decide(choice, is_terminal, no_color, terminal);
            assert_eq!(found, expected, "{choice} {is_terminal} {no_color:?} {terminal:?}");
        }
    }
}
