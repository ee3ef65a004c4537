//! What completes the command's arguments, in the shells that it is for.

use std::{env, fs, path::Path, process::Command};

use doubleslit_testbed::shell;

use crate::harness::{BINARY, everything};

/// What bash does when somebody asks for completion: it calls the function that was registered for the command.
const BASH: &str = r#"
. "$1"
shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
complete -p doubleslit >/dev/null || exit 1
_doubleslit doubleslit "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\n' "${COMPREPLY[@]}"
"#;

/// zsh completes only at a terminal: its own module makes one, and the key is pressed there.
const ZSH: &str = r#"
zmodload zsh/zpty
zpty terminal "zsh -f -i"
zpty -w terminal "fpath=($1 \$fpath); autoload -Uz compinit; compinit -u -d $1/dump; echo rea''dy"
zpty -r terminal said '*ready*'
zpty -w terminal "$2"$'\t'"--help; echo en''ded"
zpty -r terminal said '*ended*'
print -r -- "$said"
"#;

/// The words that may follow.
const LINES: [(&[&str], &str); 3] = [
    (&["doubleslit", "wat"], "watch"),
    (&["doubleslit", "run", "--config.f"], "--config.file"),
    (&["doubleslit", "trace", "cre"], "create"),
];

/// A file with what the command prints for a shell.
fn script(directory: &Path, shell: &str, name: &str) -> String {
    let path = directory.join(name);
    let script = shell::run(BINARY, ["completions", shell]);
    fs::write(&path, script + "\n").expect("a file can be written");
    path.display().to_string()
}

#[test]
#[ignore = "needs shells"]
fn bash_completes() {
    let directory = tempfile::tempdir().expect("a directory can be made");
    let script = script(directory.path(), "bash", "doubleslit");
    for (words, expected) in LINES {
        let arguments = ["--norc", "-c", BASH, "bash", &script].into_iter().chain(words.iter().copied());
        assert_eq!(shell::run("bash", arguments), expected, "{words:?}");
    }
}

#[test]
#[ignore = "needs shells"]
fn fish_completes() {
    let directory = tempfile::tempdir().expect("a directory can be made");
    let script = script(directory.path(), "fish", "doubleslit.fish");
    for (words, expected) in LINES {
        let mut fish = Command::new("fish");
        let ask = "source $argv[1]; complete --do-complete $argv[2]";
        fish.args(["--no-config", "--command", ask, &script, &words.join(" ")]);
        let said = everything(fish.env("HOME", directory.path()));
        // Behind a tabulator is what the word means.
        let offered: Vec<_> = said.lines().map(|line| line.split('\t').next().unwrap_or_default()).collect();
        assert_eq!(offered, [expected], "{words:?}");
    }
}

#[test]
#[ignore = "needs shells"]
fn zsh_completes() {
    let directory = tempfile::tempdir().expect("a directory can be made");
    script(directory.path(), "zsh", "_doubleslit");
    let binary = Path::new(BINARY).parent().into_iter().map(Path::to_owned);
    let path = env::var_os("PATH").unwrap_or_default();
    let path = env::join_paths(binary.chain(env::split_paths(&path))).expect("a path");
    let mut zsh = Command::new("zsh");
    zsh.args(["-f", "-c", ZSH, "zsh"]).arg(directory.path()).arg("doubleslit trace cre").env("PATH", path);
    let said = everything(&mut zsh);
    // The help of the command that the word became.
    assert!(said.contains("Begin a trace"), "{said}");
}
