//! An engine that answers as it is told.

use std::{
    os::fd::OwnedFd,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use doubleslit_testbed::wait;
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{UnixListener, UnixStream},
    runtime::Runtime,
    sync::{Semaphore, broadcast},
};

use crate::identity::{
    facts::Facts,
    failures::{Failures, Reason, Source as Name},
    sockets::{Setting, SocketSource, docker::follow},
    source::{Source as _, Trouble, Wanted},
};

/// What a request gets.
#[derive(Clone, Debug)]
pub(super) enum Reply {
    /// An answer of JSON.
    Json(String),
    /// An answer of JSON once there is a permit.
    After(Arc<Semaphore>, String),
    /// A status without a body.
    Status(&'static str),
    /// These bytes, and the end.
    Closes(Vec<u8>),
    /// These bytes, and nothing more.
    Hangs(Vec<u8>),
    /// The events from now on, as the socket's user sends them.
    Events,
}

type Script = dyn Fn(&str) -> Option<Reply> + Send + Sync;

/// A source, and the engine that it follows. The engine answers what its script does not as one without containers.
pub(super) struct Fake {
    pub(super) source: SocketSource,
    failures: Arc<Failures>,
    wake: Arc<OwnedFd>,
    engine: Engine,
    runtime: Runtime,
    _directory: tempfile::TempDir,
}

struct Engine {
    socket: PathBuf,
    script: Arc<Mutex<Arc<Script>>>,
    events: broadcast::Sender<String>,
    connections: Arc<AtomicUsize>,
}

impl Engine {
    fn listen(&self, runtime: &Runtime) {
        let _on_the_runtime = runtime.enter();
        let listener = UnixListener::bind(&self.socket).expect("a socket");
        let (script, events) = (Arc::clone(&self.script), self.events.clone());
        let connections = Arc::clone(&self.connections);
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (script, events) = (Arc::clone(&script), events.subscribe());
                let connections = Arc::clone(&connections);
                connections.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(async move {
                    serve(stream, &script, events).await;
                    connections.fetch_sub(1, Ordering::Relaxed);
                });
            }
        });
    }

    fn says(&self, script: impl Fn(&str) -> Option<Reply> + Send + Sync + 'static) {
        *self.script.lock().expect("a script") = Arc::new(script);
    }
}

impl Fake {
    /// A source whose engine is not there.
    pub(super) fn absent() -> Self {
        Self::start(|_, _| ())
    }

    /// A source and its engine.
    pub(super) fn new(script: impl Fn(&str) -> Option<Reply> + Send + Sync + 'static) -> Self {
        Self::start(|runtime, engine| {
            engine.says(script);
            engine.listen(runtime);
        })
    }

    fn start(prepare: impl FnOnce(&Runtime, &Engine)) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let engine = Engine {
            socket: directory.path().join("docker.sock"),
            script: Arc::new(Mutex::new(Arc::new(|_: &str| None))),
            events: broadcast::channel(64).0,
            connections: Arc::default(),
        };
        let runtime = Runtime::new().expect("a runtime");
        prepare(&runtime, &engine);
        let failures = Arc::<Failures>::default();
        let wake = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).expect("an eventfd"));
        let setting =
            Setting { runtime: runtime.handle().clone(), wake: Arc::clone(&wake), failures: Arc::clone(&failures) };
        let source = follow(engine.socket.clone(), setting);
        Self { source, failures, wake, engine, runtime, _directory: directory }
    }

    /// The engine comes up.
    pub(super) fn listen(&self) {
        self.engine.listen(&self.runtime);
    }

    /// The engine answers so from now on.
    pub(super) fn says(&self, script: impl Fn(&str) -> Option<Reply> + Send + Sync + 'static) {
        self.engine.says(script);
    }

    /// Waits until the source is up, and so gets all events.
    pub(super) fn up(self) -> Self {
        wait::until("the source is up", || (self.source.is_up() == Some(true)).then_some(()));
        self
    }

    /// Something happens.
    pub(super) fn event(&self, id: &str, action: &str, attributes: &[(&str, &str)]) {
        let attributes: std::collections::BTreeMap<_, _> = attributes.iter().copied().collect();
        let event = serde_json::json!({
            "Type": "container", "Action": action, "Actor": { "ID": id, "Attributes": attributes },
        });
        self.line(&event.to_string());
    }

    /// A line comes.
    pub(super) fn line(&self, line: &str) {
        self.engine.events.send(line.to_owned()).expect("somebody listens");
    }

    /// What the source tells of a container of docker's.
    pub(super) fn tell(&self, id: &str) -> Result<Option<Facts>, Trouble> {
        let runtime = Some(crate::identity::Runtime::Docker);
        self.source.tell(&Wanted { runtime, id, cgroup: &format!("/docker/{id}"), since: std::time::Instant::now() })
    }

    /// Waits for the wake-up, and then returns whose news there is.
    pub(super) fn news(&mut self) -> Vec<String> {
        let mut fds = [PollFd::new(&*self.wake, PollFlags::IN)];
        let patience = Timespec { tv_sec: 30, tv_nsec: 0 };
        assert_eq!(poll(&mut fds, Some(&patience)), Ok(1), "no wake-up");
        rustix::io::read(&*self.wake, &mut [0u8; 8]).expect("a count");
        self.source.news()
    }

    /// Waits until the source tells this of a container.
    pub(super) fn until<T>(&self, id: &str, what: &str, find: impl Fn(Facts) -> Option<T>) -> T {
        wait::until(what, || self.tell(id).ok().flatten().and_then(&find))
    }

    pub(super) fn failed(&self, reason: Reason) -> u64 {
        self.failures.get(Name::DockerApi, reason)
    }

    /// Drops the source and waits until all of its connections have ended.
    pub(super) fn ends(self) {
        drop(self.source);
        let ended = || (self.engine.connections.load(Ordering::Relaxed) == 0).then_some(());
        wait::within(Duration::from_millis(500), "all connections end", ended);
    }
}

async fn serve(mut stream: UnixStream, script: &Mutex<Arc<Script>>, mut events: broadcast::Receiver<String>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_buf(&mut head).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
    }
    let head = String::from_utf8(head).expect("a request");
    let path = head.split(' ').nth(1).expect("a path");
    let script = Arc::clone(&script.lock().expect("a script"));
    let usual = match path {
        _ if path.starts_with("/events") => Reply::Events,
        "/version" => Reply::Json(r#"{"Components":[{"Name":"Engine"}]}"#.to_owned()),
        _ if path.starts_with("/containers/json") => Reply::Json("[]".to_owned()),
        _ => Reply::Status("404 Not Found"),
    };
    // The client may go at any time.
    let _ = reply(&mut stream, script(path).unwrap_or(usual), &mut events).await;
}

async fn reply(stream: &mut UnixStream, reply: Reply, events: &mut broadcast::Receiver<String>) -> std::io::Result<()> {
    let whole = |body: &str| format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    match reply {
        Reply::Json(body) => stream.write_all(whole(&body).as_bytes()).await,
        Reply::After(permits, body) => {
            permits.acquire().await.expect("a permit").forget();
            stream.write_all(whole(&body).as_bytes()).await
        }
        Reply::Status(status) => {
            stream.write_all(format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n").as_bytes()).await
        }
        Reply::Closes(bytes) => stream.write_all(&bytes).await,
        Reply::Hangs(bytes) => {
            stream.write_all(&bytes).await?;
            stream.read(&mut [0]).await.map(drop)
        }
        Reply::Events => {
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
            loop {
                let mut end = [0];
                tokio::select! {
                    line = events.recv() => match line {
                        Ok(line) if line != "END" => stream.write_all(format!("{line}\n").as_bytes()).await?,
                        _ => return Ok(()),
                    },
                    _ = stream.read(&mut end) => return Ok(()),
                }
            }
        }
    }
}
