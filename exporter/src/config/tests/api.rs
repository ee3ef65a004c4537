use super::*;

fn api(section: &str) -> Result<Api, String> {
    from_file(&format!("api: {{{section}}}")).map(|config| config.api)
}

#[test]
fn the_places_of_the_api() {
    let tcp =
        Tcp { addresses: vec![ListenAddress { host: "::1".to_owned(), port: 1 }], token_file: "/etc/token".into() };
    for (section, expected) in [
        ("enabled: false", Api::default()),
        ("socket: ''", Api::default()),
        ("socket: /a", Api { socket: Some("/a".into()), tcp: None }),
        ("token_file: /etc/token", Api { socket: Some(SOCKET.into()), tcp: None }),
        ("socket: '', listen_address: ['[::1]:1'], token_file: /etc/token", Api { socket: None, tcp: Some(tcp) }),
        ("enabled: false, listen_address: [':1'], token_file: /etc/token", Api::default()),
    ] {
        assert_eq!(api(section), Ok(expected), "{section}");
    }
}

#[test]
fn places_that_are_refused() {
    for (section, expected) in [
        ("enabled: maybe", "invalid value `maybe` for `api.enabled`: expected `true` or `false`"),
        ("socket: api.sock", "invalid value `api.sock` for `api.socket`: expected an absolute path"),
        (
            "listen_address: [x]",
            "invalid value `x` for `api.listen_address`: expected an address such as `127.0.0.1:10435`, `[::1]:10435` or `:10435`",
        ),
        (
            "listen_address: [':1']",
            "invalid value `:1` for `api.listen_address`: expected a file with a token in `api.token_file` as well, because whoever \
             reaches the address sees what containers do; or no address, and only `api.socket`",
        ),
        ("listen_address: [':1'], token_file: t", "invalid value `t` for `api.token_file`: expected an absolute path"),
    ] {
        assert_eq!(api(section), Err(expected.to_owned()), "{section}");
    }
}
