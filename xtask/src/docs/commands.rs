//! Command lines: what the shell makes of them, and what `doubleslit` does.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use clap::{Parser as _, error::ErrorKind};
use doubleslit::cli::Cli;

/// Whether the shell understands a text, and `doubleslit` each of its own command lines in it.
pub(super) fn check(text: &str) -> Result<(), String> {
    understood_by_shell(text)?;
    for command in text.replace("\\\n", " ").lines().flat_map(commands) {
        understood_by_us(&command)?;
    }
    Ok(())
}

fn understood_by_shell(text: &str) -> Result<(), String> {
    let mut shell = Command::new("bash")
        .arg("-n")
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("cannot run bash: {error}"))?;
    let written = shell.stdin.take().map_or(Ok(()), |mut input| input.write_all(text.as_bytes()));
    let output =
        written.and_then(|()| shell.wait_with_output()).map_err(|error| format!("cannot run bash: {error}"))?;
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()) }
}

fn understood_by_us(words: &[String]) -> Result<(), String> {
    // `sudo` and variables may stand before it.
    let command = words.iter().skip_while(|word| *word == "sudo" || word.contains('=')).collect::<Vec<_>>();
    if command.first().is_none_or(|first| first.rsplit('/').next() != Some("doubleslit")) {
        return Ok(());
    }
    match Cli::try_parse_from(command) {
        Err(error) if !matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            Err(error.to_string().lines().next().unwrap_or_default().to_owned())
        }
        _ => Ok(()),
    }
}

/// The commands of a line, each as its words.
fn commands(line: &str) -> Vec<Vec<String>> {
    let (mut commands, mut word, mut quote) = (vec![Vec::new()], None::<String>, None);
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match (c, quote) {
            (c, Some(open)) if c == open => quote = None,
            ('\'' | '"', None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            ('\\', None | Some('"')) => word.get_or_insert_default().extend(chars.next()),
            ('#', None) if word.is_none() => break,
            (' ' | '|' | ';' | '&' | '>' | '<', None) => {
                commands.last_mut().expect("there is one").extend(word.take());
                if c != ' ' {
                    commands.push(Vec::new());
                }
            }
            (c, _) => word.get_or_insert_default().push(c),
        }
    }
    commands.last_mut().expect("there is one").extend(word);
    commands
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_as_the_shell_has_them() {
        let found = commands(r#"sudo A=1 x --a 'b c' "d|e" f\ g | jq -r '.a' && y; z # no"#);
        let expected: [&[&str]; 5] =
            [&["sudo", "A=1", "x", "--a", "b c", "d|e", "f g"], &["jq", "-r", ".a"], &[], &["y"], &["z"]];
        assert_eq!(found, expected);
    }
}
