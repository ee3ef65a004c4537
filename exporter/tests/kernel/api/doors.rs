//! Who reaches the API.

use std::{
    fs,
    os::unix::fs::{FileTypeExt as _, PermissionsExt as _},
};

use doubleslit_testbed::{api, exporter::free_address, http::Connection};

use crate::harness::setup;

#[test]
#[ignore = "needs root and BTF"]
fn the_socket_is_roots_and_is_never_taken_from_a_process() {
    let directory = tempfile::tempdir().expect("a directory can be made");
    let socket = directory.path().join("run/api.sock");
    let listens_there = || setup().socket(&socket).start();
    let first = listens_there();
    let found = fs::symlink_metadata(&socket).expect("it is there");
    assert!(found.file_type().is_socket());
    assert_eq!(found.permissions().mode() & 0o777, 0o600);

    // It counts without.
    let mut second = listens_there();
    assert!(second.log().contains("belongs to another process that runs"), "{}", second.log());
    assert!(second.scrape().sum("doubleslit_probe_info", &[]) > 0.0);
    let (status, _, log) = second.stop();
    assert!(status.success(), "{status}\n{log}");
    assert_eq!(api::ask(&socket, "GET", "/api/v1/traces", "").0, 200);

    first.kill();
    assert!(socket.exists());
    let third = listens_there();
    assert_eq!(api::ask(&socket, "GET", "/api/v1/traces", "").0, 200);
    let (status, _, log) = third.stop();
    assert!(status.success() && !socket.exists(), "{status}\n{log}");
}

#[test]
#[ignore = "needs root and BTF"]
fn by_tcp_there_must_be_a_token() {
    let directory = tempfile::tempdir().expect("a directory can be made");
    let file = directory.path().join("token");
    fs::write(&file, "correct horse".replace(' ', "-").repeat(2)).expect("a file can be written");
    let address = free_address();
    let config = format!("api: {{listen_address: ['{address}'], token_file: {}}}", file.display());
    let exporter = setup().config(&config).start();
    let mut connection = Connection::open(address).expect("it listens");
    let mut ask = |headers: &[(&str, &str)]| connection.get("/api/v1/traces", headers).expect("an answer").status;
    assert_eq!(ask(&[]), 401);
    assert_eq!(ask(&[("Authorization", "Bearer correct-horse")]), 401);
    assert_eq!(ask(&[("Authorization", "Bearer correct-horsecorrect-horse")]), 200);
    // Nothing is asked for where only root connects.
    assert_eq!(api::ask(&exporter.socket, "GET", "/api/v1/traces", "").0, 200);
}
