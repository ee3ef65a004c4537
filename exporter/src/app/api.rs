//! Where the API is served.

use std::net::TcpListener;

use tracing::{info, warn};

use super::AppError;
use crate::{
    api::{self, Reloads, Socket, Token},
    config::Api,
    error::chain,
    traces::Traces,
    web::{self, Servers, Web},
};

/// What listens for those who ask the API.
#[derive(Debug)]
pub(super) struct Doors {
    socket: Option<Socket>,
    tcp: Option<(Vec<TcpListener>, Token)>,
}

impl Doors {
    /// Listens where the configuration says. Without its socket the exporter still counts.
    pub(super) fn open(config: &Api) -> Result<Self, AppError> {
        let tcp = match &config.tcp {
            Some(tcp) => {
                let token = Token::read(&tcp.token_file)?;
                Some((web::bind(&tcp.addresses, "api.listen_address")?, token))
            }
            None => None,
        };
        let mut socket = None;
        if let Some(path) = &config.socket {
            match Socket::bind(path) {
                Ok(bound) => socket = Some(bound),
                Err(error) => warn!(error = chain(&error), "the API has no socket; `api.socket: \"\"` asks for none"),
            }
        }
        Ok(Self { socket, tcp })
    }

    /// Serves there.
    pub(super) fn serve(
        self,
        servers: &mut Servers,
        traces: &Traces,
        reloads: Reloads,
        web: &Web,
        streams: usize,
    ) -> Result<(), web::Error> {
        let router = api::router(traces.clone(), reloads, servers.stopping(), streams);
        if let Some(socket) = self.socket {
            info!(socket = %socket.path().display(), "serving the API");
            let (listener, place) = socket.into_parts();
            servers.add_unix(listener, place, &web.for_root(router.clone()))?;
        }
        if let Some((listeners, token)) = self.tcp {
            for address in listeners.iter().filter_map(|listener| listener.local_addr().ok()) {
                info!(%address, "serving the API");
            }
            servers.add_tcp(listeners, &web.for_holders_of_a_token(api::guarded(router, token)))?;
        }
        Ok(())
    }
}
