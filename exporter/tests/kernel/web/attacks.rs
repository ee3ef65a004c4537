//! Attacks: the exporter's memory stays small, and who has a right to the metrics gets them at once.

use std::{
    cell::Cell,
    fs,
    io::{self, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use doubleslit_testbed::{
    exporter::Exporter,
    memory,
    password::{HASH, RIGHT, WRONG},
    scrape::Scrape,
    wait,
};
use rustix::{
    process::{Resource, Rlimit, getrlimit, setpriority_process, setrlimit},
    thread::gettid,
};
use rustls::ClientConfig;

use super::target::{Place, connect, get, raw, refused, scrape};
use crate::harness::docker;

/// What an attack may cost at its worst.
const BYTES_MAX: u64 = 64 << 20;
/// How long who is welcome may wait.
const ANSWER_MAX: Duration = Duration::from_millis(200);
/// How long an attack goes on at least.
const TIME: Duration = Duration::from_secs(3);

/// The peak of a process's resident memory since it was last forgotten.
fn peak(pid: i32) -> u64 {
    memory::bytes(pid, "VmHWM")
}

fn forget_peak(pid: i32) {
    fs::write(format!("/proc/{pid}/clear_refs"), "5").expect("it can be forgotten");
}

/// By how much the peak of a process's memory is above what it had before, when something has happened.
fn measured(pid: i32, act: impl FnOnce()) -> u64 {
    forget_peak(pid);
    let baseline = peak(pid);
    act();
    peak(pid).saturating_sub(baseline)
}

/// Scrapes again and again, with the connection that it has and with new ones, and tells how long the slowest took.
struct Welcome {
    stop: Arc<AtomicBool>,
    thread: thread::JoinHandle<(Duration, usize)>,
}

impl Welcome {
    fn start(address: SocketAddr, tls: Option<Arc<ClientConfig>>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            // It is elsewhere, as the attackers are: their CPU time is not the exporter's, and they must not take this one's.
            setpriority_process(Some(gettid()), -20).expect("root may");
            let (mut slowest, mut count, mut kept) = (Duration::ZERO, 0, None);
            while !told.load(Ordering::Relaxed) {
                for is_new in [false, true] {
                    let began = Instant::now();
                    // A connection that is idle may be closed for a newer one; clients then take another one.
                    let mut connection = match kept.take().filter(|_| !is_new) {
                        Some(connection) => connection,
                        None => connect(address, tls.as_ref()).expect("it listens"),
                    };
                    let answer = connection.get("/metrics", &[RIGHT]).or_else(|_| {
                        connection = connect(address, tls.as_ref())?;
                        connection.get("/metrics", &[RIGHT])
                    });
                    assert_eq!(answer.expect("an answer").status, 200);
                    slowest = slowest.max(began.elapsed());
                    count += 1;
                    kept = Some(connection);
                }
                thread::sleep(Duration::from_millis(20));
            }
            (slowest, count)
        });
        Self { stop, thread }
    }

    fn end(self) -> (Duration, usize) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("it got its answers")
    }
}

/// Has something happen to an exporter, and measures what that costs it and others. Returns what changed of its metrics.
fn attack(what: &str, exporter: &Exporter, tls: Option<&Arc<ClientConfig>>, act: impl FnOnce()) -> Scrape {
    let (pid, address) = (exporter.pid(), exporter.address);
    for _ in 0..5 {
        drop(scrape(address, tls, &[RIGHT]));
    }
    let before = scrape(address, tls, &[RIGHT]);
    forget_peak(pid);
    let baseline = peak(pid);
    let welcome = Welcome::start(address, tls.cloned());
    let began = Instant::now();
    act();
    while began.elapsed() < TIME {
        thread::sleep(Duration::from_millis(10));
    }
    let (slowest, count) = welcome.end();
    let more = peak(pid).saturating_sub(baseline);
    let after = scrape(address, tls, &[RIGHT]);
    println!(
        "{what}: peak {:.1} MiB above {:.1} MiB; {count} scrapes, the slowest {slowest:?}; {:?}",
        more as f64 / f64::from(1 << 20),
        baseline as f64 / f64::from(1 << 20),
        after.since(&before).rows(&[]).only(&["web_"])
    );
    assert!(more < BYTES_MAX, "{what}: {more} bytes");
    assert!(slowest < ANSWER_MAX, "{what}: {slowest:?}");
    after.since(&before)
}

/// Allows this process as many connections as an attack needs.
fn allow_connections() {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).expect("as many as there may be");
}

fn open(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    stream.set_nonblocking(true)?;
    Ok(stream)
}

/// An exporter that asks for a password.
fn guarded(place: &Place) -> Exporter {
    place.serve(&format!("basic_auth_users:\n  prometheus: {HASH}\n"), "")
}

/// The same with TLS.
fn encrypted(place: &Place) -> Exporter {
    place.serve(&(Place::tls("") + &format!("basic_auth_users:\n  prometheus: {HASH}\n")), "")
}

#[test]
#[ignore = "needs root and BTF"]
fn ten_thousand_connections_that_ask_for_nothing() {
    allow_connections();
    for is_encrypted in [false, true] {
        let place = Place::new();
        let client = place.client(None);
        let (what, exporter, tls) =
            if is_encrypted { ("TLS", encrypted(&place), Some(&client)) } else { ("clear", guarded(&place), None) };
        let change = attack(&format!("10,000 idle connections, {what}"), &exporter, tls, || {
            let streams: Vec<_> = (0..10_000).filter_map(|_| open(exporter.address).ok()).collect();
            assert_eq!(streams.len(), 10_000);
            thread::sleep(TIME);
        });
        assert!(refused(&change, "displaced") >= 9_000.0);
        let after = scrape(exporter.address, tls, &[RIGHT]);
        assert!(after.value("doubleslit_web_connections", &[]) <= Some(512.0));
    }
}

#[test]
#[ignore = "needs root and BTF"]
fn headers_that_come_byte_by_byte() {
    allow_connections();
    let place = Place::new();
    let exporter = place.serve(
        &format!("basic_auth_users:\n  prometheus: {HASH}\n"),
        "web: {limits: {header_time: 1s, body_time: 1s}}",
    );
    let change = attack("slow headers", &exporter, None, || {
        let text = format!("GET /metrics HTTP/1.1\r\nHost: x\r\nX: {}", "x".repeat(1000));
        let mut streams: Vec<_> = (0..400).map(|_| open(exporter.address).expect("it listens")).collect();
        let began = Instant::now();
        for byte in text.as_bytes().chunks(1) {
            for stream in &mut streams {
                drop(stream.write(byte));
            }
            if began.elapsed() > TIME {
                break;
            }
            thread::sleep(Duration::from_millis(20));
        }
    });
    assert_eq!(refused(&change, "header_time"), 400.0);
}

#[test]
#[ignore = "needs root and BTF"]
fn bodies_that_come_slowly_or_never_end() {
    allow_connections();
    let place = Place::new();
    fs::write(place.path("token"), "correct-horse-battery").expect("written");
    let api = doubleslit_testbed::exporter::free_address();
    let config = format!(
        "api: {{listen_address: ['{api}'], token_file: {}}}\nweb: {{limits: {{body_time: 1s}}}}",
        place.path("token").display()
    );
    let exporter = place.serve(&format!("basic_auth_users:\n  prometheus: {HASH}\n"), &config);
    let head = |token: &str, length: usize| {
        format!(
            "POST /api/v1/traces HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Length: {length}\r\n\r\n"
        )
    };
    let change = attack("slow bodies", &exporter, None, || {
        let mut streams: Vec<_> = (0..200).map(|_| TcpStream::connect(api).expect("it listens")).collect();
        for stream in &mut streams {
            stream.write_all(head("correct-horse-battery", 1000).as_bytes()).expect("sent");
            stream.set_nonblocking(true).expect("it can be set");
        }
        let began = Instant::now();
        while began.elapsed() < TIME {
            streams.iter_mut().for_each(|stream| drop(stream.write(b" ")));
            thread::sleep(Duration::from_millis(50));
        }
    });
    assert_eq!(refused(&change, "body_time"), 200.0);
    let change = attack("100 MB to the API", &exporter, None, || {
        for (token, status) in [("wrong-horse-battery", "401"), ("correct-horse-battery", "413")] {
            let mut stream = TcpStream::connect(api).expect("it listens");
            stream.set_read_timeout(Some(wait::PATIENCE)).expect("it can be set");
            let mut reader = stream.try_clone().expect("it can be shared");
            stream.write_all(head(token, 100 << 20).as_bytes()).expect("sent");
            let writer = thread::spawn(move || {
                let piece = vec![b' '; 1 << 20];
                (0..100).find(|_| stream.write_all(&piece).is_err())
            });
            let mut answer = [0; 12];
            reader.read_exact(&mut answer).expect("an answer");
            assert_eq!(String::from_utf8_lossy(&answer), format!("HTTP/1.1 {status}"));
            drop(reader);
            writer.join().expect("no panic").expect("it was not all taken");
        }
    });
    assert_eq!(refused(&change, "body_size"), 1.0);
}

#[test]
#[ignore = "needs root and BTF"]
fn a_megabyte_of_headers() {
    for is_encrypted in [false, true] {
        let place = Place::new();
        let client = place.client(None);
        let (what, exporter, tls) =
            if is_encrypted { ("TLS", encrypted(&place), Some(&client)) } else { ("clear", guarded(&place), None) };
        let change = attack(&format!("1 MB of headers, {what}"), &exporter, tls, || {
            let long = "x".repeat(1 << 20);
            let many: Vec<_> = (0..10_000).map(|number| format!("X-{number}")).collect();
            for _ in 0..20 {
                for headers in [vec![("X", long.as_str())], many.iter().map(|name| (name.as_str(), "x")).collect()] {
                    if let Ok(answer) = get(exporter.address, tls, "/metrics", &headers) {
                        assert_eq!(answer.status, 431);
                    }
                }
            }
            let many_connections: Vec<_> = (0..300)
                .map(|_| {
                    let mut stream = open(exporter.address).expect("it listens");
                    drop(stream.write(format!("GET / HTTP/1.1\r\nX: {}", "x".repeat(15_000)).as_bytes()));
                    stream
                })
                .collect();
            thread::sleep(TIME);
            drop(many_connections);
        });
        assert!(refused(&change, "malformed") + refused(&change, "handshake") > 0.0);
    }
}

#[test]
#[ignore = "needs root and BTF"]
fn handshakes_that_are_never_finished() {
    allow_connections();
    let place = Place::new();
    let exporter = place.serve(
        &(Place::tls("") + &format!("basic_auth_users:\n  prometheus: {HASH}\n")),
        "web: {limits: {handshake_time: 1s}}",
    );
    let client = place.client(None);
    let change = attack("half handshakes", &exporter, Some(&client), || {
        // A greeting of 60,000 bytes, of which most come.
        let mut hello = vec![1, 0, 0xea, 0x60];
        hello.resize(48_000, 0);
        let records: Vec<u8> = hello
            .chunks(16_000)
            .flat_map(|piece| {
                [&[22, 3, 1][..], &u16::try_from(piece.len()).expect("short").to_be_bytes(), piece].concat()
            })
            .collect();
        let streams: Vec<_> = (0..400)
            .map(|_| {
                let mut stream = open(exporter.address).expect("it listens");
                drop(stream.write(&records));
                stream
            })
            .collect();
        thread::sleep(TIME);
        drop(streams);
    });
    assert!(refused(&change, "handshake_time") + refused(&change, "handshake") >= 400.0);
}

#[test]
#[ignore = "needs root and BTF"]
fn passwords_that_are_guessed() {
    let place = Place::new();
    let exporter = guarded(&place);
    let address = exporter.address;
    let change = attack("guessed passwords", &exporter, None, || {
        let began = Instant::now();
        let guess = || {
            while began.elapsed() < TIME {
                let answer = get(address, None, "/metrics", &[WRONG]).expect("an answer");
                assert!([401, 503].contains(&answer.status), "{}", answer.status);
            }
        };
        thread::scope(|scope| (0..40).for_each(|_| drop(scope.spawn(guess))));
    });
    assert!(refused(&change, "wrong_password") > 0.0 && refused(&change, "passwords_busy") > 0.0);
    println!("{} guesses were compared", refused(&change, "wrong_password"));
}

#[test]
#[ignore = "needs root, BTF and docker"]
fn a_thousand_subscribers() {
    allow_connections();
    let place = Place::new();
    fs::write(place.path("token"), "correct-horse-battery").expect("written");
    let api = doubleslit_testbed::exporter::free_address();
    let config = format!("api: {{listen_address: ['{api}'], token_file: {}}}", place.path("token").display());
    let exporter = place.serve(&format!("basic_auth_users:\n  prometheus: {HASH}\n"), &config);
    let mut container = docker().load("crowd", &[]);
    let (name, value) = RIGHT;
    let token = "Authorization: Bearer correct-horse-battery";
    for (what, address, path, header, room) in [
        ("pages", exporter.address, "/-/page/events?event=exec", format!("{name}: {value}"), 8),
        ("of the API", api, "/api/v1/events/*/*/*/exec", token.to_owned(), 64),
    ] {
        let subscribe = || {
            let mut stream = TcpStream::connect(address).expect("it listens");
            stream.set_read_timeout(Some(wait::PATIENCE)).expect("it can be set");
            stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: x\r\n{header}\r\n\r\n").as_bytes()).expect("sent");
            stream
        };
        // The first one has programs loaded, which is what a single one costs; the last one has them removed.
        let first = Cell::new(None);
        let cost = measured(exporter.pid(), || {
            let mut stream = subscribe();
            stream.read_exact(&mut [0; 12]).expect("an answer");
            first.set(Some(stream));
        });
        println!("one subscriber, {what}: peak {:.1} MiB", cost as f64 / f64::from(1 << 20));
        let change = attack(&format!("999 more subscribers, {what}, who read nothing"), &exporter, None, || {
            let mut streams: Vec<_> = (0..999).map(|_| subscribe()).collect();
            let mut listening = 0;
            for stream in &mut streams {
                let mut answer = [0; 12];
                // Those who were turned away may have made room meanwhile.
                if stream.read_exact(&mut answer).is_ok() {
                    let is_in = answer.ends_with(b"200");
                    assert!(is_in || answer.ends_with(b"503"), "{}", String::from_utf8_lossy(&answer));
                    listening += usize::from(is_in);
                }
            }
            assert_eq!(listening, room - 1, "{what}");
            container.load.run("exec 500");
        });
        assert!(refused(&change, "streams") + refused(&change, "displaced") >= (1000 - room) as f64);
        drop(first);
    }
}

#[test]
#[ignore = "needs root and BTF"]
fn answers_that_nobody_takes() {
    allow_connections();
    let place = Place::new();
    let exporter = place.serve("", "web: {limits: {stall_time: 1s}}");
    let change = attack("answers that nobody takes", &exporter, None, || {
        // Few: they shall wait for their readers, not for a CPU.
        let streams: Vec<_> = (0..20)
            .map(|_| {
                let mut stream = open(exporter.address).expect("it listens");
                let request = "GET /-/page/style.css HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(2000);
                drop(stream.write(request.as_bytes()));
                stream
            })
            .collect();
        thread::sleep(TIME);
        drop(streams);
    });
    assert!(refused(&change, "stalled") > 0.0);
    assert!(
        raw(exporter.address, b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            .contains(" 200 ")
    );
}
