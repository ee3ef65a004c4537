//! A loopback port that stays one's own while who listens on it comes and goes.

use std::{
    net::{Ipv4Addr, SocketAddr, SocketAddrV4},
    os::fd::OwnedFd,
};

use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, getsockname, socket_with, sockopt};

/// A reserved port. A listener can have it, if it allows addresses to be used again, as they all do; nobody is given it who
/// asks for any port, and no connection goes out from it.
#[derive(Debug)]
pub struct Port {
    _holder: OwnedFd,
    /// Where to listen and to connect.
    pub address: SocketAddr,
}

impl Port {
    /// Reserves a free one.
    #[must_use]
    pub fn reserve() -> Self {
        // Bound and never listening: then others that set the same option can bind, too.
        let holder = socket_with(AddressFamily::INET, SocketType::STREAM, SocketFlags::CLOEXEC, None)
            .expect("a socket can be made");
        sockopt::set_socket_reuseaddr(&holder, true).expect("a socket has this option");
        bind(&holder, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
        let address = getsockname(&holder).expect("it is bound").try_into().expect("it has an internet address");
        Self { _holder: holder, address }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn is_ones_own_whoever_listens() {
        let port = Port::reserve();
        for _ in 0..2 {
            TcpStream::connect(port.address).expect_err("nobody listens");
            let listener = TcpListener::bind(port.address).expect("the port is free for a listener");
            TcpStream::connect(port.address).expect("somebody listens");
            drop(listener);
        }
    }
}
