//! Connections whose every state is known.
//!
//! With [`Order::ClientFirst`] a client goes closed → syn_sent → established → fin_wait_1 → fin_wait_2 → closed (its rest in
//! time_wait is no socket any more) and the server's end listen → syn_received → established → close_wait → last_ack →
//! closed. With [`Order::ServerFirst`] the two exchange what comes behind established. As the second one to close waits
//! for the end of the other's data, they never close at the same time.

use std::{
    fs,
    io::{self, Read as _, Write as _},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    os::fd::AsFd as _,
    sync::{Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};

use crate::sys;

/// Who closes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The client.
    ClientFirst,
    /// The server.
    ServerFirst,
}

static HELD: Mutex<Option<TcpStream>> = Mutex::new(None);

/// Accepts connections on a thread of its own, one after the other, as long as the process lives.
pub fn listen(address: SocketAddr, order: Order) -> Result<()> {
    let listener = TcpListener::bind(address).with_context(|| format!("cannot listen at {address}"))?;
    thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            // A reset ends the reading with an error, which is as good an end.
            drop(match order {
                Order::ClientFirst => until_end(connection),
                Order::ServerFirst => connection.shutdown(Shutdown::Write).and_then(|()| until_end(connection)),
            });
        }
    });
    Ok(())
}

/// Opens and closes connections.
pub fn connect(address: SocketAddr, order: Order, count: u64) -> Result<()> {
    for _ in 0..count {
        open_and_close(address, order)?;
    }
    settle(address.port())
}

/// Opens and closes a connection.
pub fn open_and_close(address: SocketAddr, order: Order) -> Result<()> {
    let stream = open(address)?;
    match order {
        Order::ClientFirst => {
            stream.shutdown(Shutdown::Write)?;
            until_end(stream)?;
        }
        Order::ServerFirst => until_end(stream)?,
    }
    Ok(())
}

/// Opens a connection, accepts it and closes it at both ends, the client's first, all on this thread.
pub fn open_accept_close(listener: &TcpListener, address: SocketAddr) -> Result<()> {
    let client = open(address)?;
    let (server, _) = listener.accept().context("cannot accept")?;
    client.shutdown(Shutdown::Write)?;
    until_end(server)?;
    until_end(client)?;
    Ok(())
}

/// Connects to where nobody listens.
pub fn connect_refused(address: SocketAddr, count: u64) -> Result<()> {
    for _ in 0..count {
        match TcpStream::connect(address) {
            Ok(_) => bail!("somebody listens at {address}"),
            Err(error) => {
                ensure!(error.kind() == io::ErrorKind::ConnectionRefused, "connecting to {address} failed: {error}");
            }
        }
    }
    Ok(())
}

/// Opens connections and resets them.
pub fn reset(address: SocketAddr, count: u64) -> Result<()> {
    for _ in 0..count {
        let stream = open(address)?;
        sys::reset_on_close(stream.as_fd())?;
    }
    settle(address.port())
}

/// Opens a connection and keeps it.
pub fn hold(address: SocketAddr) -> Result<()> {
    let stream = open(address)?;
    stream.set_nodelay(true)?;
    *HELD.lock().unwrap_or_else(PoisonError::into_inner) = Some(stream);
    Ok(())
}

/// Writes to the connection that is kept.
pub fn write(bytes: usize) -> Result<()> {
    let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
    held.as_mut().context("no connection is kept")?.write_all(&vec![0; bytes])?;
    Ok(())
}

/// Closes the connection that is kept.
pub fn release() -> Result<()> {
    let stream = HELD.lock().unwrap_or_else(PoisonError::into_inner).take().context("no connection is kept")?;
    let port = stream.peer_addr()?.port();
    stream.shutdown(Shutdown::Write)?;
    until_end(stream)?;
    settle(port)
}

/// Waits until no socket of this network namespace with this port, its own or its peer's, is anything but listening or
/// a rest in time_wait.
pub fn settle(port: u16) -> Result<()> {
    let start = Instant::now();
    loop {
        let mut open = false;
        for table in ["/proc/self/net/tcp", "/proc/self/net/tcp6"] {
            open |= fs::read_to_string(table).is_ok_and(|table| table.lines().skip(1).any(|line| is_open(line, port)));
        }
        if !open {
            return Ok(());
        }
        ensure!(start.elapsed() < Duration::from_secs(30), "connections with port {port} are still open after 30 s");
        thread::sleep(Duration::from_millis(2));
    }
}

/// Whether a line of `/proc/net/tcp` is a socket with this port in a state from which it will still change.
fn is_open(line: &str, port: u16) -> bool {
    let mut words = line.split_whitespace().skip(1);
    let (Some(local), Some(remote), Some(state)) = (words.next(), words.next(), words.next()) else { return false };
    let has_port = |end: &str| end.rsplit(':').next().and_then(|port| u16::from_str_radix(port, 16).ok()) == Some(port);
    let (time_wait, listen) = ("06", "0A");
    (has_port(local) || has_port(remote)) && state != time_wait && state != listen
}

fn open(address: SocketAddr) -> Result<TcpStream> {
    TcpStream::connect(address).with_context(|| format!("cannot connect to {address}"))
}

fn until_end(mut stream: TcpStream) -> io::Result<()> {
    let mut buffer = [0; 4096];
    while stream.read(&mut buffer)? > 0 {}
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_proc_net_tcp() {
        let line =
            |state: &str| format!("  1: 0100007F:1F90 0100007F:D431 {state} 00000000:00000000 00:00000000 00000000");
        assert!(is_open(&line("01"), 0x1F90));
        assert!(is_open(&line("04"), 0xD431));
        assert!(!is_open(&line("01"), 1));
        assert!(!is_open(&line("06"), 0x1F90));
        assert!(!is_open(&line("0A"), 0x1F90));
    }
}
