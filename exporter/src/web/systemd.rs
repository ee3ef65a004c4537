//! Listeners that systemd hands over (`sd_listen_fds(3)`).

use std::{
    env, io,
    net::TcpListener,
    os::fd::{FromRawFd as _, OwnedFd},
    process,
};

use rustix::net::{SocketType, getsockname, sockopt};

/// Why systemd's listeners cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum SystemdError {
    /// What it says is not understood.
    #[error("taking over the sockets of systemd")]
    Read(#[source] io::Error),
    /// It has handed over none.
    #[error(
        "systemd has handed over no socket: start the exporter by a unit of type `.socket`, or leave out `--web.systemd-socket`"
    )]
    Nothing,
    /// One of them is something else.
    #[error("socket {number} of systemd does not listen by TCP: expected `ListenStream=` with an address and a port")]
    Unfit {
        /// From 1 on, in the order of the unit.
        number: usize,
    },
}

/// Whether there are any for this process.
#[must_use]
pub fn has_passed() -> bool {
    let number = |name| env::var(name).ok()?.parse::<u32>().ok();
    number("LISTEN_PID") == Some(process::id()) && number("LISTEN_FDS").is_some_and(|count| count > 0)
}

/// Takes them over. To be called once, before there are threads.
///
/// # Errors
///
/// When there is none, or one of them does not listen by TCP.
pub fn passed() -> Result<Vec<TcpListener>, SystemdError> {
    #[expect(unsafe_code, reason = "the environment is the process's")]
    // SAFETY: there is no other thread that could read the environment meanwhile.
    let handed = unsafe { sd_notify::listen_fds_and_unset_env() }.map_err(SystemdError::Read)?;
    let mut listeners = Vec::new();
    for (index, descriptor) in handed.enumerate() {
        #[expect(unsafe_code, reason = "a number becomes a descriptor")]
        // SAFETY: systemd has opened it for this process, and nobody else here knows of it.
        let socket = unsafe { OwnedFd::from_raw_fd(descriptor) };
        listeners.push(listener(socket).map_err(|_| SystemdError::Unfit { number: index + 1 })?);
    }
    if listeners.is_empty() { Err(SystemdError::Nothing) } else { Ok(listeners) }
}

fn listener(socket: OwnedFd) -> io::Result<TcpListener> {
    let is_tcp = sockopt::socket_type(&socket)? == SocketType::STREAM
        && sockopt::socket_acceptconn(&socket)?
        && std::net::SocketAddr::try_from(getsockname(&socket)?).is_ok();
    if !is_tcp {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let listener = TcpListener::from(socket);
    listener.set_nonblocking(true)?;
    Ok(listener)
}

#[cfg(test)]
mod tests {
    use std::{net::UdpSocket, os::unix::net::UnixListener};

    use super::*;

    #[test]
    fn only_listeners_by_tcp() {
        let tcp = TcpListener::bind("127.0.0.1:0").expect("bound");
        let address = tcp.local_addr().expect("bound");
        assert_eq!(listener(tcp.into()).expect("it listens").local_addr().expect("bound"), address);
        assert!(listener(UdpSocket::bind("127.0.0.1:0").expect("bound").into()).is_err());
        let directory = tempfile::tempdir().expect("a directory");
        assert!(listener(UnixListener::bind(directory.path().join("s")).expect("bound").into()).is_err());
    }
}
