//! TLS, and certificates of clients.

use std::fs;

use doubleslit_testbed::{
    collector::Authority,
    password::{HASH, RIGHT, WRONG},
    wait,
};

use super::target::{Place, connect, curl, get, raw, refused, scrape};

#[test]
#[ignore = "needs root and BTF"]
fn nothing_is_told_in_clear_text_and_old_versions_are_not_spoken() {
    let place = Place::new();
    let exporter = place.serve(&(Place::tls("") + &format!("basic_auth_users:\n  prometheus: {HASH}\n")), "");
    let client = place.client(None);
    assert_eq!(get(exporter.address, Some(&client), "/metrics", &[RIGHT]).expect("an answer").status, 200);
    assert_eq!(get(exporter.address, Some(&client), "/metrics", &[WRONG]).expect("an answer").status, 401);
    let answer = raw(exporter.address, b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(!answer.contains("HTTP") && !answer.contains("doubleslit"), "{answer}");
    let url = format!("https://{}/metrics", exporter.address);
    let authority = place.authority.certificate();
    let trusting = ["--cacert", authority.to_str().expect("text"), "--user", "prometheus:abc", &url];
    for (options, expected) in [
        (&["--tlsv1.3"][..], Some(0)),
        (&["--tlsv1.2", "--tls-max", "1.2"], Some(0)),
        (&["--tls-max", "1.1", "--ciphers", "DEFAULT@SECLEVEL=0"], Some(35)),
    ] {
        let (code, text) = curl(&[options, &trusting[..]].concat());
        assert_eq!(code, expected, "{options:?}");
        assert_eq!(text.contains("doubleslit_build_info"), code == Some(0));
    }
    assert!(refused(&scrape(exporter.address, Some(&client), &[RIGHT]), "handshake") >= 2.0);
}

#[test]
#[ignore = "needs root and BTF"]
fn clients_show_certificates_as_the_file_asks() {
    let place = Place::new();
    let own = place.authority.certify("client");
    let elsewhere = tempfile::tempdir().expect("a directory can be made");
    let strangers = Authority::new(elsewhere.path()).certify("stranger");
    let by = |own| place.client(own);
    let clients = [by(None), by(Some(&own)), by(Some(&strangers))];
    let ca = "  client_ca_file: authority.pem\n";
    for (kind, more, expected) in [
        ("NoClientCert", "", [true, true, true]),
        ("RequestClientCert", "", [true, true, true]),
        ("RequireAnyClientCert", "", [false, true, true]),
        ("VerifyClientCertIfGiven", ca, [true, true, false]),
        ("RequireAndVerifyClientCert", ca, [false, true, false]),
        (
            "RequireAndVerifyClientCert",
            &format!("{ca}  client_allowed_sans: [prometheus.example, 127.0.0.1]\n"),
            [false, true, false],
        ),
        (
            "RequireAndVerifyClientCert",
            &format!("{ca}  client_allowed_sans: [prometheus.example]\n"),
            [false, false, false],
        ),
        ("RequireAnyClientCert", "  client_allowed_sans: [127.0.0.1]\n", [false, true, true]),
    ] {
        let exporter = place.serve(&Place::tls(&format!("  client_auth_type: {kind}\n{more}")), "");
        let found = clients.each_ref().map(|client| {
            get(exporter.address, Some(client), "/metrics", &[]).is_ok_and(|answer| answer.status == 200)
        });
        assert_eq!(found, expected, "{kind} {more}");
    }
}

#[test]
#[ignore = "needs root and BTF"]
fn certificates_are_replaced_without_a_restart_and_never_dropped() {
    let place = Place::new();
    let own = place.authority.certify("client");
    let strict = Place::tls("  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: authority.pem\n");
    let exporter = place.serve(&strict, "");
    let client = place.client(Some(&own));
    let mut kept = connect(exporter.address, Some(&client)).expect("it listens");
    assert_eq!(kept.get("/metrics", &[]).expect("an answer").status, 200);

    // Another authority: who had an old certificate is out, also on a connection that is open.
    let elsewhere = tempfile::tempdir().expect("a directory can be made");
    let other = Authority::new(elsewhere.path());
    let others = other.certify("client");
    fs::copy(other.certificate(), place.path("authority2.pem")).expect("copied");
    place.write(&strict.replace("authority.pem", "authority2.pem"));
    kept.get("/metrics", &[]).expect_err("nobody is let in any more by the old authority");
    assert!(get(exporter.address, Some(&client), "/metrics", &[]).is_err());
    let client = place.client(Some(&others));
    assert_eq!(get(exporter.address, Some(&client), "/metrics", &[]).expect("an answer").status, 200);

    // A new certificate of the server, which is taken with the next connection.
    let before = fs::read(place.path("server.pem")).expect("it is there");
    let renewed = place.authority.certify("renewed");
    fs::copy(&renewed.1, place.path("server.key")).expect("copied");
    fs::copy(&renewed.0, place.path("server.pem")).expect("copied");
    assert_eq!(get(exporter.address, Some(&client), "/metrics", &[]).expect("an answer").status, 200);
    assert_ne!(fs::read(place.path("server.pem")).expect("it is there"), before);

    for text in ["", "tls_server_config:\n", &Place::tls(""), "tls_server_config: {cert_file: none, key_file: none}\n"]
    {
        place.write(text);
        let answer = raw(exporter.address, b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
        assert!(!answer.contains("doubleslit"), "{text}: {answer}");
        assert!(get(exporter.address, Some(&place.client(None)), "/metrics", &[]).is_err(), "{text}");
        let told = scrape(exporter.address, Some(&client), &[]);
        assert_eq!(told.value("doubleslit_web_config_last_reload_successful", &[]), Some(0.0), "{text}");
    }
    // Half a pair, as while somebody copies.
    place.write(&strict.replace("authority.pem", "authority2.pem"));
    fs::copy(&own.1, place.path("server.key")).expect("copied");
    wait::until("the old pair is in use", || {
        let told = scrape(exporter.address, Some(&client), &[]);
        (told.value("doubleslit_web_config_last_reload_successful", &[]) == Some(0.0)).then_some(())
    });
}

#[test]
#[ignore = "needs root and BTF"]
fn the_api_by_tcp_is_encrypted_too_and_has_its_own_token() {
    let place = Place::new();
    fs::write(place.path("token"), "correct-horse-battery").expect("written");
    let address = doubleslit_testbed::exporter::free_address();
    let config = format!("api: {{listen_address: ['{address}'], token_file: {}}}", place.path("token").display());
    let web = Place::tls("") + &format!("basic_auth_users:\n  prometheus: {HASH}\n");
    let exporter = place.serve(&web, &config);
    let client = place.client(None);
    let ask = |header| get(address, Some(&client), "/api/v1/traces", &[header]).expect("an answer").status;
    assert_eq!(ask(("Authorization", "Bearer correct-horse-battery")), 200);
    assert_eq!(ask(RIGHT), 401);
    assert!(!raw(address, b"GET /api/v1/traces HTTP/1.1\r\nHost: x\r\n\r\n").contains("HTTP"));
    assert_eq!(doubleslit_testbed::api::ask(&exporter.socket, "GET", "/api/v1/traces", "").0, 200);
}
