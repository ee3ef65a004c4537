//! A runtime behind a socket that answers as it is told.

use std::{
    collections::VecDeque,
    convert::Infallible,
    path::PathBuf,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use doubleslit::identity::{
    failures::Failures,
    resolve::{Resolved, Resolver},
    roots::Roots,
    sockets::{Setting, SocketSource},
};
use hyper::{
    Request, Response,
    body::{Body, Bytes, Frame, Incoming},
    header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
    service::service_fn,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use rustix::event::{EventfdFlags, eventfd};
use tempfile::TempDir;
use tokio::{
    net::UnixListener,
    runtime::{self, Handle, Runtime},
    signal::unix::{SignalKind, signal},
    task::{JoinSet, yield_now},
    time::timeout,
};

use crate::state;

/// What stands between two answers.
const BETWEEN: &[u8] = b"\n---\n";
/// How often everybody gets a turn after the source is up: enough for all questions about a container and for some events.
const TURNS: usize = 30;
/// How long is waited for what comes at once.
const PATIENCE: Duration = Duration::from_secs(30);

const GRPC: HeaderValue = HeaderValue::from_static("application/grpc");
const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");

thread_local! {
    /// It has one thread, so that everybody had a turn when one gets the next. Made once, because this runs often.
    static RUNTIME: Runtime = {
        let runtime = runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        // A fuzz target has no `main` of Rust's, which would ignore it: either end of a connection may be gone first.
        drop(runtime.block_on(async { signal(SignalKind::pipe()) }).expect("a signal can be handled"));
        runtime
    };
    static DIRECTORY: TempDir = TempDir::with_prefix("ds-parsers-").expect("a directory can be made");
}

/// The API of a runtime, and a container that it may know.
pub(crate) struct Api {
    pub(crate) follow: fn(PathBuf, Setting) -> SocketSource,
    /// How the paths of the requests begin. The first is answered by the first answer, and so on; the last one is a stream of
    /// all that are left.
    pub(crate) requests: &'static [&'static str],
    /// The path of the container's own cgroup.
    pub(crate) cgroup: &'static str,
}

/// What must hold whatever the runtime answers.
pub(crate) fn check(bytes: &[u8], api: &Api) {
    state::assert_sound(&told(bytes, api), api.cgroup);
}

/// What is known of the container from a runtime that answers so.
pub(crate) fn told(bytes: &[u8], api: &Api) -> Resolved {
    let socket = DIRECTORY.with(|directory| directory.path().join("socket"));
    let _ = std::fs::remove_file(&socket);
    RUNTIME.with(|runtime| {
        runtime.block_on(async {
            let listener = UnixListener::bind(&socket).expect("a socket");
            let failures = Arc::<Failures>::default();
            let wake = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).expect("an eventfd"));
            let setting = Setting { runtime: Handle::current(), wake, failures: Arc::clone(&failures) };
            let roots = Roots::below("/nonexistent".as_ref(), "/nonexistent".into());
            let source = (api.follow)(socket, setting);
            let mut resolver = Resolver::new(roots, vec![Box::new(source)], Arc::clone(&failures));
            let is_up = |resolver: &Resolver| resolver.up().into_values().all(|is_up| is_up);

            // It asks for this container.
            let _ = resolver.resolve(api.cgroup, Instant::now());
            let followed = async {
                until(|| is_up(&resolver) || failures.iter().any(|(.., count)| count > 0)).await;
                for _ in 0..TURNS {
                    yield_now().await;
                }
            };
            tokio::select! {
                never = serve(listener, api.requests, bytes) => match never {},
                () = followed => {}
            }
            let resolved = resolver.resolve(api.cgroup, Instant::now());
            assert!(resolver.news().iter().all(|id| api.cgroup.contains(id)), "nobody asked for others");
            // Nothing that was answered has stopped it: it sees that there are no more answers.
            let mut others = 0..u64::MAX;
            until(|| {
                let other = others.next().map(|number| format!("/k8s.io/{number:064x}"));
                let _ = other.map(|other| resolver.resolve(&other, Instant::now()));
                !is_up(&resolver)
            })
            .await;
            resolved
        })
    })
}

/// Waits until something is so.
async fn until(mut is_so: impl FnMut() -> bool) {
    let waiting = async {
        while !is_so() {
            yield_now().await;
        }
    };
    timeout(PATIENCE, waiting).await.expect("the source follows the runtime");
}

async fn serve(listener: UnixListener, requests: &'static [&'static str], bytes: &[u8]) -> Infallible {
    let answers: Arc<[Bytes]> = parts(bytes).into();
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.expect("a connection");
        let answers = Arc::clone(&answers);
        connections.spawn(async move {
            let answer = service_fn(|request: Request<Incoming>| {
                let at = requests.iter().position(|begin| request.uri().path().starts_with(begin));
                let is_last = at == Some(requests.len() - 1);
                let answers = at.and_then(|at| answers.get(at..)).unwrap_or_default();
                let answers = if is_last { answers } else { answers.get(..1).unwrap_or_default() };
                let is_grpc = request.headers().get(CONTENT_TYPE) == Some(&GRPC);
                let answer = if is_grpc { grpc(answers, is_last) } else { http(answers, is_last) };
                async { Ok::<_, Infallible>(answer) }
            });
            // The source may go at any time.
            let _ = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), answer).await;
        });
    }
}

/// The answers.
fn parts(mut bytes: &[u8]) -> Vec<Bytes> {
    let mut parts = Vec::new();
    while let Some(at) = bytes.windows(BETWEEN.len()).position(|window| window == BETWEEN) {
        parts.push(Bytes::copy_from_slice(&bytes[..at]));
        bytes = &bytes[at + BETWEEN.len()..];
    }
    parts.push(Bytes::copy_from_slice(bytes));
    parts
}

/// The body of an answer, which may have no end.
struct Frames {
    frames: VecDeque<Frame<Bytes>>,
    is_open: bool,
}

impl Body for Frames {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.frames.pop_front() {
            Some(frame) => Poll::Ready(Some(Ok(frame))),
            None if self.is_open => Poll::Pending,
            None => Poll::Ready(None),
        }
    }
}

fn http(answers: &[Bytes], is_open: bool) -> Response<Frames> {
    let frames = answers.iter().cloned().map(Frame::data).collect();
    let answer = Response::builder().status(if answers.is_empty() { 404 } else { 200 });
    answer.body(Frames { frames, is_open }).expect("an answer")
}

fn grpc(answers: &[Bytes], is_open: bool) -> Response<Frames> {
    let framed = |answer: &Bytes| {
        let length = u32::try_from(answer.len()).expect("it is short");
        Frame::data([&[0][..], &length.to_be_bytes(), answer].concat().into())
    };
    let mut frames: VecDeque<_> = answers.iter().map(framed).collect();
    // A question about what is not there has this status.
    let status = if answers.is_empty() { "5" } else { "0" };
    let trailers = HeaderMap::from_iter([(GRPC_STATUS, HeaderValue::from_static(status))]);
    frames.extend((!is_open).then(|| Frame::trailers(trailers)));
    let answer = Response::builder().header(CONTENT_TYPE, GRPC);
    answer.body(Frames { frames, is_open }).expect("an answer")
}
