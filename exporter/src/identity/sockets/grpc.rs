//! gRPC over a socket, without generated code: a method is its path, a message a struct.

use std::{error::Error, io, path::Path, time::Duration};

use http::uri::PathAndQuery;
use prost::Message;
use tokio::task::JoinSet;
use tonic::{
    Code, Request, Status, Streaming,
    client::Grpc,
    metadata::MetadataValue,
    transport::{Channel, Endpoint},
};
use tonic_prost::ProstCodec;

use super::{SocketError, within};

/// How long a call may take. A runtime on a busy machine takes seconds for a list; nobody waits for it.
pub(super) const CALL: Duration = Duration::from_secs(5);

/// The size up to which an answer is read, in bytes: as much as the kubelet takes.
const ANSWER_BYTES: usize = 16 << 20;

/// The header that tells containerd the namespace of a question.
const NAMESPACE: &str = "containerd-namespace";

/// A connection to a server.
#[derive(Debug)]
pub(super) struct Connection {
    channel: Channel,
}

impl Connection {
    /// Connects to the server behind a socket.
    pub(super) async fn open(socket: &Path) -> Result<Self, SocketError> {
        let address = format!("unix:{}", socket.display());
        within(CALL, "connect", async {
            let endpoint = Endpoint::new(address).map_err(connect_error)?;
            Ok(Self { channel: endpoint.connect().await.map_err(connect_error)? })
        })
        .await
    }

    /// Asks a question that has one answer; nothing when it is about what the server does not know.
    pub(super) async fn call<Q, A>(
        &self,
        method: &'static str,
        namespace: Option<&str>,
        question: Q,
    ) -> Result<Option<A>, SocketError>
    where
        Q: Message + 'static,
        A: Message + Default + 'static,
    {
        let mut request = request(namespace, question);
        request.set_timeout(CALL);
        let mut client = self.client();
        within(CALL, method, async {
            client.ready().await.map_err(|source| broken(method, source))?;
            match client.unary(request, PathAndQuery::from_static(method), ProstCodec::default()).await {
                Ok(answer) => Ok(Some(answer.into_inner())),
                Err(status) if status.code() == Code::NotFound => Ok(None),
                Err(status) => Err(status_error(method, status)),
            }
        })
        .await
    }

    /// Asks a question to which answers come as long as there are more.
    pub(super) fn subscribe<Q, A>(&self, method: &'static str, namespace: Option<&str>, question: Q) -> Answers<A>
    where
        Q: Message + 'static,
        A: Message + Default + 'static,
    {
        let mut client = self.client();
        let request = request(namespace, question);
        // A task of its own, so that the question is sent before anybody waits for an answer. It ends with its set.
        let mut opening = JoinSet::new();
        opening.spawn(async move {
            client.ready().await.map_err(|source| broken(method, source))?;
            match client.server_streaming(request, PathAndQuery::from_static(method), ProstCodec::default()).await {
                Ok(answers) => Ok(Some(answers.into_inner())),
                Err(status) if status.code() == Code::Unimplemented => Ok(None),
                Err(status) => Err(status_error(method, status)),
            }
        });
        Answers { method, stream: Stream::Opening(opening) }
    }

    fn client(&self) -> Grpc<Channel> {
        Grpc::new(self.channel.clone()).max_decoding_message_size(ANSWER_BYTES)
    }
}

/// Answers that come one by one.
pub(super) struct Answers<A> {
    method: &'static str,
    stream: Stream<A>,
}

enum Stream<A> {
    /// Servers written in Go say nothing at all before the first answer.
    Opening(JoinSet<Result<Option<Streaming<A>>, SocketError>>),
    /// Nothing when the server does not know the question.
    Open(Option<Box<Streaming<A>>>),
}

impl<A: Send + 'static> Answers<A> {
    /// The next answer; nothing after the last one, and from a server that does not know the question. May be dropped while
    /// it waits.
    pub(super) async fn next(&mut self) -> Result<Option<A>, SocketError> {
        loop {
            match &mut self.stream {
                Stream::Opening(opening) => match opening.join_next().await {
                    Some(Ok(opened)) => self.stream = Stream::Open(opened?.map(Box::new)),
                    Some(Err(error)) => return Err(broken(self.method, error)),
                    None => return Err(SocketError::Ended),
                },
                Stream::Open(None) => return Ok(None),
                Stream::Open(Some(stream)) => {
                    return stream.message().await.map_err(|status| status_error(self.method, status));
                }
            }
        }
    }
}

fn request<Q>(namespace: Option<&str>, question: Q) -> Request<Q> {
    let mut request = Request::new(question);
    if let Some(namespace) = namespace.and_then(|namespace| MetadataValue::try_from(namespace).ok()) {
        request.metadata_mut().insert(NAMESPACE, namespace);
    }
    request
}

fn connect_error(error: tonic::transport::Error) -> SocketError {
    SocketError::Connect(io::Error::other(root(&error).to_string()))
}

fn broken(method: &str, error: impl Error + 'static) -> SocketError {
    SocketError::Broken { request: method.to_owned(), source: root(&error).to_string().into() }
}

/// A status comes from the server, or from the client's side when the connection breaks: then it has a cause.
fn status_error(method: &str, status: Status) -> SocketError {
    if status.source().is_some() || status.code() == Code::Unavailable {
        return broken(method, status);
    }
    let request = method.to_owned();
    if status.code() == Code::DeadlineExceeded {
        return SocketError::Late { request, time: CALL };
    }
    SocketError::Refused { request, answer: format!("{:?}: {}", status.code(), status.message()) }
}

/// The cause at the end of the chain, which says what happened; those before it say that something did.
fn root<'a>(error: &'a (dyn Error + 'static)) -> &'a (dyn Error + 'static) {
    let mut root = error;
    while let Some(cause) = root.source() {
        root = cause;
    }
    root
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::failures::Reason;

    #[test]
    fn tells_a_refusal_from_a_broken_connection() {
        let refused = status_error("/a/B", Status::unimplemented("no such service"));
        assert_eq!(refused.to_string(), "`/a/B` is refused: Unimplemented: no such service");
        assert_eq!(refused.reason(), Reason::Malformed);
        let late = status_error("/a/B", Status::deadline_exceeded("context deadline exceeded"));
        assert_eq!(late.to_string(), "no answer to `/a/B` within 5s");

        let mut status = Status::unknown("transport error");
        status.set_source(std::sync::Arc::new(io::Error::from(io::ErrorKind::ConnectionReset)));
        let broken = status_error("/a/B", status);
        assert_eq!((broken.to_string().as_str(), broken.reason()), ("cannot ask `/a/B`", Reason::Unreachable));
        assert_eq!(broken.source().map(ToString::to_string).as_deref(), Some("connection reset"));
    }

    #[tokio::test]
    async fn says_why_there_is_no_connection() {
        let error = Connection::open(Path::new("/nonexistent/some.sock")).await.expect_err("nobody is there");
        assert_eq!(error.to_string(), "cannot connect");
        let cause = error.source().map(ToString::to_string).unwrap_or_default();
        assert!(cause.starts_with("No such file or directory"), "{cause}");
    }
}
