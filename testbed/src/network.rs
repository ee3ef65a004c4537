//! A wire between two network namespaces.

use std::net::IpAddr;

use crate::shell;

/// A pair of connected interfaces, one in the network namespace of each of two processes. It goes with the namespaces.
#[derive(Clone, Copy, Debug)]
pub struct Wire {
    ends: [i32; 2],
}

impl Wire {
    /// The name of the interface in either namespace.
    pub const INTERFACE: &str = "wire0";
    /// The IPv4 addresses of the two ends.
    pub const IPV4: [&str; 2] = ["192.0.2.1", "192.0.2.2"];
    /// The IPv6 addresses of the two ends.
    pub const IPV6: [&str; 2] = ["2001:db8::1", "2001:db8::2"];

    /// Connects the namespaces of two processes.
    #[must_use]
    pub fn between(first: i32, second: i32) -> Self {
        let wire = Self { ends: [first, second] };
        let interface = Self::INTERFACE;
        let (first, second) = (first.to_string(), second.to_string());
        shell::run(
            "ip",
            ["link", "add", interface, "netns", &first, "type", "veth", "peer", "name", interface, "netns", &second],
        );
        for end in 0..2 {
            // Containers may have been made without IPv6.
            wire.inside(end, &["sysctl", "--quiet", "-w", "net.ipv6.conf.all.disable_ipv6=0"]);
            wire.inside(end, &["sysctl", "--quiet", "-w", &format!("net.ipv6.conf.{interface}.disable_ipv6=0")]);
            wire.inside(end, &["ip", "link", "set", interface, "up"]);
            wire.add_address(end, Self::IPV4[end]);
            wire.add_address(end, Self::IPV6[end]);
        }
        wire
    }

    /// Gives an end an address, without waiting whether another one has it.
    pub fn add_address(&self, end: usize, address: &str) {
        let interface = Self::INTERFACE;
        // The routes that come with the addresses, but for the last two words: see `acknowledge_at_once`.
        let route = match address.parse().expect("an address") {
            IpAddr::V4(_) => {
                self.address(end, "add", &[&format!("{address}/24")]);
                format!(
                    "-4 route replace 192.0.2.0/24 dev {interface} proto kernel scope link src {address} quickack 1"
                )
            }
            IpAddr::V6(_) => {
                self.address(end, "add", &[&format!("{address}/64"), "nodad"]);
                format!("-6 route replace 2001:db8::/64 dev {interface} proto kernel metric 256 quickack 1")
            }
        };
        let words: Vec<_> = ["ip"].into_iter().chain(route.split(' ')).collect();
        self.inside(end, &words);
    }

    /// Takes an address from an end: it no longer answers to what is sent there, not even with a reset.
    pub fn remove_address(&self, end: usize, address: &str) {
        let length = if address.contains(':') { 64 } else { 24 };
        self.address(end, "del", &[&format!("{address}/{length}")]);
    }

    /// Runs a command in the network namespace of an end and returns what it prints.
    pub fn inside(&self, end: usize, command: &[&str]) -> String {
        let target = format!("--net=/proc/{}/ns/net", self.ends[end]);
        shell::run("nsenter", [&[target.as_str(), "--"], command].concat())
    }

    /// A counter of an end's network namespace, see [`snmp`].
    #[must_use]
    pub fn snmp(&self, end: usize, protocol: &str, counter: &str) -> u64 {
        snmp(self.ends[end], protocol, counter)
    }

    fn address(&self, end: usize, change: &str, what: &[&str]) {
        self.inside(end, &[&["ip", "address", change, "dev", Self::INTERFACE], what].concat());
    }
}

/// Has every segment over loopback acknowledged at once, in the network namespace of a process.
///
/// The acknowledgement of a FIN otherwise waits for a timer if its receiver is slow: then the sender's next state comes in an
/// interrupt, on top of whatever runs there.
pub fn acknowledge_at_once(pid: i32) {
    let route = |family, route: &str| {
        let command = format!("--net=/proc/{pid}/ns/net -- ip {family} route {route} dev lo proto kernel table local");
        shell::run("nsenter", command.split(' '));
    };
    route("-4", "replace local 127.0.0.1 scope host src 127.0.0.1 quickack 1");
    let interfaces = std::fs::read_to_string(format!("/proc/{pid}/net/if_inet6")).unwrap_or_default();
    if interfaces.lines().any(|line| line.ends_with(" lo")) {
        // An IPv6 route is not replaced when its metric is 0.
        route("-6", "add local ::1 metric 1 quickack 1");
        route("-6", "del local ::1 metric 0");
    }
}

/// What the kernel itself counts in the network namespace of a process: a line and a name of `/proc/net/snmp`, as `Tcp` and
/// `RetransSegs`.
#[must_use]
pub fn snmp(pid: i32, protocol: &str, counter: &str) -> u64 {
    let table = std::fs::read_to_string(format!("/proc/{pid}/net/snmp")).expect("the process is there");
    let mut lines = table.lines().filter_map(|line| line.strip_prefix(protocol)?.strip_prefix(": "));
    let (names, values) = (lines.next().expect("a line of names"), lines.next().expect("a line of values"));
    let mut pairs = names.split(' ').zip(values.split(' '));
    let (_, value) = pairs.find(|(name, _)| *name == counter).expect("the kernel has this counter");
    value.parse().expect("a number")
}
