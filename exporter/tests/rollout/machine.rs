//! What is documented for Debian and systemd, done on a machine that a real systemd has booted, by a real apt-get.

use std::{fs, path::Path};

use doubleslit_testbed::{
    booted::Booted,
    documented::{self, Command, Runner},
    shell, wait,
};

use crate::harness::{BINARY, repository};

/// The only thing that differs: a log that can be read from outside.
const DROP_IN: &str = "[Service]\nStandardOutput=append:/log\nStandardError=append:/log\n";

const CONFIG: &str = "/etc/doubleslit/doubleslit.yaml";

/// The machine, with what a clone of the repository has in which `make deb` was run.
struct Machine(Booted);

impl Machine {
    /// A shell's command, run in the clone.
    fn output(&self, command: &str) -> (bool, String) {
        let output = self.0.command(&["/usr/bin/bash", "-c", &format!("cd /clone && {command}")]);
        let said = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
        (output.status.success(), said.trim_end().to_owned())
    }

    fn run(&self, command: &str) -> String {
        let (is_done, said) = self.output(command);
        assert!(is_done, "`{command}`: {said}\n{}", self.0.read("/log"));
        said
    }

    /// What systemd says of the unit.
    fn property(&self, name: &str) -> String {
        self.run(&format!("systemctl show --value --property {name} doubleslit"))
    }

    /// The value of a metric without labels.
    fn metric(&self, name: &str) -> Option<String> {
        let metrics = self.run("curl --silent --show-error --fail 127.0.0.1:10435/metrics");
        metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ').map(str::to_owned))
    }

    /// Every file that has its name.
    fn traces(&self) -> String {
        self.run("find /usr /etc /var /run -name '*doubleslit*' | sort")
    }

    /// It runs, with its configuration, now and after the next boot; and reloads as it is documented.
    fn assert_runs(&self, reloads: &[Command]) {
        assert_eq!(self.property("ActiveState"), "active", "{}", self.0.read("/log"));
        assert_eq!(self.run("systemctl is-enabled doubleslit"), "enabled");
        assert_eq!(self.run("doubleslit --version"), concat!("doubleslit ", env!("CARGO_PKG_VERSION")));
        for reload in reloads {
            println!("{reload}");
            let last = || self.metric("doubleslit_config_last_reload_success_timestamp_seconds");
            let before = last();
            assert!(before.is_some());
            self.run(&format!("cp {CONFIG} /config"));
            self.run(&format!("echo 'log: {{level: debug}}' >{CONFIG}"));
            self.run(&reload.text);
            assert_ne!(last(), before);
            // What is refused is told, and it goes on.
            self.run(&format!("echo 'log: {{level: loud}}' >{CONFIG}"));
            let (is_done, said) = self.output(&reload.text);
            assert!(!is_done, "{said}");
            assert_eq!(self.metric("doubleslit_config_last_reload_successful").as_deref(), Some("0"));
            self.run(&format!("cp /config {CONFIG}"));
            self.run(&reload.text);
        }
    }
}

#[test]
#[ignore = "needs root and BTF"]
fn every_command_for_debian_and_systemd() {
    let directory = tempfile::tempdir().expect("a directory can be made");
    let target = directory.path().join("target");
    fs::create_dir_all(target.join("release")).expect("a directory can be made");
    fs::copy(BINARY, target.join("release/doubleslit")).expect("a file can be copied");
    let script = repository().join("scripts/package-deb").display().to_string();
    shell::run(&script, [BINARY.as_ref(), target.as_os_str()]);
    let [packaging, config] = ["packaging", "config"].map(|name| repository().join(name));
    let mounts: [(&Path, &str); 3] =
        [(&target, "/clone/target"), (&packaging, "/clone/packaging"), (&config, "/clone/config")];
    let machine = Machine(Booted::debian(&[("doubleslit.service.d/log.conf", DROP_IN)], &mounts));

    let (reloads, others): (Vec<_>, Vec<_>) =
        documented::commands(Runner::Machine).into_iter().partition(|command| command.text.contains(" reload "));
    // What is said of the web side is for who has the package.
    let (sockets, others): (Vec<_>, Vec<_>) =
        others.into_iter().partition(|command| command.block.page.ends_with("web.md"));
    assert!(!reloads.is_empty() && !sockets.is_empty());
    let before = machine.traces();
    let is_there = |path: &str| machine.output(&format!("test -e {path}")).0;
    for command in others {
        println!("{command}");
        machine.run(&command.text);
        if command.text.contains("apt-get install") || command.text.contains("systemctl enable") {
            machine.assert_runs(&reloads);
            if command.text.contains("apt-get install") {
                for socket in &sockets {
                    println!("{socket}");
                    machine.run(&socket.text);
                }
                assert_eq!(machine.run("systemctl is-active doubleslit.socket doubleslit.service"), "active\nactive");
                machine.assert_runs(&reloads);
            }
        } else if command.text.contains("apt-get remove") {
            wait::until("nobody listens", || {
                (!machine.output("curl --silent 127.0.0.1:10435/metrics").0).then_some(())
            });
            assert!(!is_there("/usr/bin/doubleslit") && is_there(CONFIG));
        } else if command.text.contains("apt-get purge") {
            assert_eq!(machine.traces(), before);
        }
    }
}
