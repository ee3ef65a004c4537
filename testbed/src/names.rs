//! A server of names (RFC 1035): every name has the address 127.0.0.1.

use std::{
    io::Result,
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    process,
    thread::{self, JoinHandle},
};

/// The type of a question for an IPv4 address.
const A: [u8; 2] = [0, 1];
const HEADER: usize = 12;

/// A running server. It ends when this is dropped.
#[derive(Debug)]
pub struct Names {
    socket: UdpSocket,
    thread: Option<JoinHandle<()>>,
}

impl Names {
    /// Starts a server at an address of the loopback interface that no other process has. Needs root for the port.
    #[must_use]
    pub fn start() -> Self {
        let [.., high, middle, low] = process::id().to_be_bytes();
        let socket = UdpSocket::bind((Ipv4Addr::new(127, high | 0x80, middle, low), 53)).expect("the port is free");
        let own = socket.try_clone().expect("a socket can be shared");
        Self { socket, thread: Some(thread::spawn(move || drop(serve(&own)))) }
    }

    /// Where it is asked.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.socket.local_addr().expect("it is bound")
    }
}

impl Drop for Names {
    fn drop(&mut self) {
        // An empty question is its end.
        drop(self.socket.send_to(&[], self.address()));
        drop(self.thread.take().map(JoinHandle::join));
    }
}

fn serve(socket: &UdpSocket) -> Result<()> {
    let mut question = [0; 512];
    loop {
        match socket.recv_from(&mut question)? {
            (0, _) => return Ok(()),
            (length, from) => {
                if let Some(answer) = answer(&question[..length]) {
                    socket.send_to(&answer, from)?;
                }
            }
        }
    }
}

/// The answer to a message with one question; of other types than [`A`] there is nothing.
fn answer(question: &[u8]) -> Option<Vec<u8>> {
    let name = question.get(HEADER..)?.iter().position(|byte| *byte == 0)? + 1;
    // Its type and class come behind it.
    let asked = question.get(HEADER..HEADER + name + 4)?;
    let count = u8::from(asked[name..name + 2] == A);
    // A response to a recursive question, with one question and its answer.
    let mut answer = [&question[..2], &[0x81, 0x80, 0, 1, 0, count, 0, 0, 0, 0], asked].concat();
    if count > 0 {
        // The name is where the question has it; a minute, four bytes.
        answer.extend([&[0xc0, HEADER as u8][..], &A, &[0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1]].concat());
    }
    Some(answer)
}
