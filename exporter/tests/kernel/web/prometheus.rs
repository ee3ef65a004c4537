//! The real Prometheus gets in, and its tool likes the file.

use std::process::Command;

use doubleslit_testbed::{password::HASH, shell};

use super::target::Place;
use crate::prometheus::Prometheus;

#[test]
#[ignore = "needs root, BTF and Prometheus"]
fn it_scrapes_with_a_certificate_and_a_password() {
    let place = Place::new();
    let (certificate, key) = place.authority.certify("client");
    let web = Place::tls("  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: authority.pem\n")
        + &format!("basic_auth_users:\n  prometheus: {HASH}\n");
    let exporter = place.serve(&web, "");
    let check = shell::output(Command::new("promtool").args(["check", "web-config"]).arg(place.file()));
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stderr));
    let settings = |password: &str| {
        format!(
            "scheme: https, basic_auth: {{username: prometheus, password: {password}}}, \
             tls_config: {{ca_file: {}, cert_file: {}, key_file: {}}}",
            place.authority.certificate().display(),
            certificate.display(),
            key.display()
        )
    };
    let prometheus = Prometheus::scraping_with(exporter.address, &settings("abc"));
    assert_eq!(prometheus.query("doubleslit_web_config_last_reload_successful"), Some(1.0));
    drop(prometheus);
    let prometheus = Prometheus::trying(exporter.address, &settings("wrong"));
    let up = doubleslit_testbed::wait::until("Prometheus has tried", || prometheus.query("up"));
    assert_eq!(up, 0.0);
}
