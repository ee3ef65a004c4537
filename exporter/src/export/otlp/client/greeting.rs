//! Noticing that a peer speaks another protocol than the one it is spoken to in.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::config::otlp::Protocol;

/// What the peer of one collector's connections was last heard to speak.
#[derive(Clone, Debug)]
pub(super) struct Greeting {
    spoken: Protocol,
    is_other: Arc<AtomicBool>,
}

impl Greeting {
    /// Of peers that are spoken to in a protocol.
    pub(super) fn new(spoken: Protocol) -> Self {
        Self { spoken, is_other: Arc::default() }
    }

    /// The protocol's name in the handshake of TLS.
    pub(super) const fn alpn(&self) -> &'static [u8] {
        match self.spoken {
            Protocol::Grpc => b"h2",
            Protocol::Http => b"http/1.1",
        }
    }

    /// Looks at the first byte: of HTTP/2 it begins the length of a frame that is short, of HTTP/1.1 it is a letter.
    fn hear(&self, first: u8) {
        self.set((first == 0) != (self.spoken == Protocol::Grpc));
    }

    /// Whether the peer seems to speak another protocol.
    pub(super) fn set(&self, is_other: bool) {
        self.is_other.store(is_other, Ordering::Relaxed);
    }

    /// What is wrong, with the way out if the peer seems to speak another protocol.
    pub(super) fn explain(&self, mut reason: String) -> String {
        if self.is_other.load(Ordering::Relaxed) {
            reason += match self.spoken {
                Protocol::Grpc => {
                    "; the endpoint does not answer as gRPC does: if this is the port of OTLP over HTTP, set \
                     `protocol: http/protobuf`, or give that of gRPC, usually 4317"
                }
                Protocol::Http => {
                    "; the endpoint does not answer in HTTP/1.1: if this is the port of OTLP over gRPC, set \
                     `protocol: grpc`, or give that of HTTP, usually 4318"
                }
            };
        }
        reason
    }
}

/// A connection of which the first byte is looked at.
#[derive(Debug)]
pub(super) struct Heard<S> {
    stream: S,
    /// Nothing after the first byte.
    greeting: Option<Greeting>,
}

impl<S> Heard<S> {
    pub(super) fn new(stream: S, greeting: Greeting) -> Self {
        // One that speaks something else may hang up without a word.
        greeting.set(true);
        Self { stream, greeting: Some(greeting) }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Heard<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        let result = Pin::new(&mut self.stream).poll_read(context, into);
        if let Some(first) = into.filled().get(before)
            && let Some(greeting) = self.greeting.take()
        {
            greeting.hear(*first);
        }
        result
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Heard<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
