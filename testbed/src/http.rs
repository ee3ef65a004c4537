//! The least HTTP/1.1 client: GET and POST over one connection that stays open, so that asking opens and closes no sockets.

use std::{
    fmt,
    fs::File,
    io::{self, BufRead as _, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    os::fd::AsFd as _,
    thread,
};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// An open connection.
pub struct Connection {
    stream: BufReader<Box<dyn Duplex>>,
    address: SocketAddr,
}

/// What is read from and written to.
pub trait Duplex: Read + Write + Send {}

impl<T: Read + Write + Send> Duplex for T {}

impl fmt::Debug for Connection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Connection").field("address", &self.address).finish_non_exhaustive()
    }
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The header lines: name in lower case and value.
    pub headers: Vec<(String, String)>,
    /// The body, decoded if it came in chunks.
    pub body: Vec<u8>,
}

impl Response {
    /// The value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).expect("the body is UTF-8")
    }
}

impl Connection {
    /// Connects.
    pub fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(crate::wait::PATIENCE))?;
        Ok(Self::over(stream, address))
    }

    /// Goes on with what is connected to an address already.
    pub fn over(stream: impl Duplex + 'static, address: SocketAddr) -> Self {
        Self { stream: BufReader::new(Box::new(stream)), address }
    }

    /// Connects from where a process has its network.
    pub fn open_in_network_of(pid: i32, address: SocketAddr) -> io::Result<Self> {
        let namespace = File::open(format!("/proc/{pid}/ns/net"))?;
        // A socket stays in the network where it was made; the thread does not come back from there.
        let open = move || {
            move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))?;
            Self::open(address)
        };
        thread::spawn(open).join().expect("it does not panic")
    }

    /// Asks for a path, with further header lines.
    pub fn get(&mut self, path: &str, headers: &[(&str, &str)]) -> io::Result<Response> {
        self.ask("GET", path, headers, &[])
    }

    /// Sends a body to a path, with further header lines.
    pub fn post(&mut self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> io::Result<Response> {
        let length = body.len().to_string();
        self.ask("POST", path, &[&[("Content-Length", length.as_str())], headers].concat(), body)
    }

    fn ask(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> io::Result<Response> {
        let mut request = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n", self.address);
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        request += "\r\n";
        self.stream.get_mut().write_all(&[request.as_bytes(), body].concat())?;

        let status = self.line()?.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.ok_or_else(|| invalid("no status line"))?;
        let mut response = Response { status, headers: Vec::new(), body: Vec::new() };
        loop {
            let line = self.line()?;
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(':').ok_or_else(|| invalid("a header line without a colon"))?;
            response.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        if response.header("transfer-encoding") == Some("chunked") {
            while self.chunk(&mut response.body)? > 0 {}
        } else {
            let length = response.header("content-length").map_or(Ok(0), str::parse);
            response.body = self.exactly(length.map_err(|_| invalid("a length that is no number"))?)?;
        }
        Ok(response)
    }

    fn chunk(&mut self, body: &mut Vec<u8>) -> io::Result<usize> {
        let size = usize::from_str_radix(&self.line()?, 16).map_err(|_| invalid("a chunk without a size"))?;
        body.extend(self.exactly(size)?);
        self.line()?;
        Ok(size)
    }

    fn exactly(&mut self, length: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        self.stream.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end().to_owned())
    }
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
