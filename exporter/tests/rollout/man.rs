//! The manual pages.

use std::{collections::BTreeSet, fs, process::Command};

use doubleslit_testbed::shell;

use crate::harness::BINARY;

/// The names of the commands below one, as its help lists them.
fn commands(of: &[&str]) -> Vec<String> {
    let help = shell::run(BINARY, of.iter().copied().chain(["--help"]));
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    // What a description has on further lines stands further to the right.
    let named = listed.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    named.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help").map(str::to_owned).collect()
}

#[test]
#[ignore = "needs man"]
fn each_command_has_a_page_that_renders_without_a_warning() {
    let directory = tempfile::tempdir().expect("a directory can be made");
    shell::run(BINARY, ["man".as_ref(), directory.path().as_os_str()]);
    let mut expected = BTreeSet::from(["doubleslit.1".to_owned()]);
    for command in commands(&[]) {
        expected.extend(commands(&[&command]).iter().map(|below| format!("doubleslit-{command}-{below}.1")));
        expected.insert(format!("doubleslit-{command}.1"));
    }
    assert!(expected.contains("doubleslit-trace-create.1"), "{expected:?}");
    let entries = fs::read_dir(directory.path()).expect("it is there");
    let written: BTreeSet<_> =
        entries.map(|entry| entry.expect("it can be listed").file_name().to_string_lossy().into_owned()).collect();
    assert_eq!(written, expected);
    for page in written {
        let mut man = Command::new("man");
        man.args(["--warnings", "--local-file"]).arg(directory.path().join(&page));
        man.env("MANWIDTH", "100").env("LC_ALL", "C.UTF-8").env("MANROFFSEQ", "");
        let output = shell::output(&mut man);
        let [rendered, warnings] =
            [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        assert!(output.status.success() && warnings.is_empty(), "{page}: {warnings}");
        assert!(rendered.contains("SYNOPSIS"), "{page}: {rendered}");
    }
}
