//! Where the API is served.

use std::path::PathBuf;

use super::{
    address::ListenAddress,
    error::Error,
    understood::{absolute, listen_addresses, switch},
    written,
};

/// The socket of the documented configuration.
pub const SOCKET: &str = "/run/doubleslit/api.sock";

/// Where the API is served. The default is nowhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Api {
    /// The unix socket.
    pub socket: Option<PathBuf>,
    /// TCP.
    pub tcp: Option<Tcp>,
}

/// Where the API is served by TCP, to those who know a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tcp {
    /// The addresses to listen on; at least one.
    pub addresses: Vec<ListenAddress>,
    /// The file with the token.
    pub token_file: PathBuf,
}

impl TryFrom<written::Api> for Api {
    type Error = Error;

    fn try_from(written: written::Api) -> Result<Self, Error> {
        const ADDRESS: &str = "api.listen_address";
        const TOKEN: &str = "api.token_file";
        let written::Api { enabled, socket, listen_address, token_file } = written;
        let is_enabled = switch("api.enabled", &enabled)?;
        let socket = (!socket.is_empty()).then(|| absolute("api.socket", &socket)).transpose()?;
        let addresses = listen_addresses(ADDRESS, &listen_address)?;
        let token_file = (!token_file.is_empty()).then(|| absolute(TOKEN, &token_file)).transpose()?;
        let tcp = match (addresses.first(), token_file) {
            (None, _) => None,
            (Some(_), Some(token_file)) => Some(Tcp { addresses, token_file }),
            (Some(address), None) => {
                let expected = format!(
                    "a file with a token in `{TOKEN}` as well, because whoever reaches the address sees what containers do; or no \
                     address, and only `api.socket`"
                );
                return Err(Error::value(ADDRESS, address, expected));
            }
        };
        Ok(if is_enabled { Self { socket, tcp } } else { Self::default() })
    }
}
