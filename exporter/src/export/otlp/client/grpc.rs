//! OTLP over gRPC.

use std::{error::Error as _, time::Duration};

use bytes::{BufMut as _, Bytes};
use http::{header::CONTENT_TYPE, uri::PathAndQuery};
use hyper_util::rt::TokioIo;
use prost::Message as _;
use tonic::{
    Code, Request, Status,
    client::Grpc,
    codec::{BufferSettings, Codec, CompressionEncoding, EncodeBuf, Encoder},
    metadata::MetadataMap,
    transport::{Channel, Endpoint as Address},
};
use tonic_prost::{ProstCodec, ProstDecoder};
use tower::{ServiceExt as _, service_fn};

use super::{Signal, TlsError, dial::Dialer, greeting::Greeting, taken};
use crate::{
    config::otlp::Connection,
    export::otlp::{
        messages::{Failure, Response, RetryInfo},
        retry::Answer,
    },
};

/// The way to a collector.
#[derive(Debug)]
pub(super) struct Client {
    dialer: Dialer,
    address: Address,
    path: PathAndQuery,
    metadata: MetadataMap,
    gzip: bool,
    channel: Option<Channel>,
}

impl Client {
    pub(super) fn new(connection: &Connection, signal: Signal) -> Result<Self, TlsError> {
        let Connection { endpoint, headers, gzip, .. } = connection;
        let path = PathAndQuery::from_static(match signal {
            Signal::Logs => "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
            Signal::Metrics => "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
        });
        let scheme = if endpoint.is_secure { "https" } else { "http" };
        let address = format!("{scheme}://{}", endpoint.authority);
        let address = Address::from_shared(address).map_err(|_| TlsError::Name(endpoint.authority.to_string()))?;
        Ok(Self {
            dialer: Dialer::new(connection)?,
            address,
            path,
            metadata: MetadataMap::from_headers(headers.iter().cloned().collect()),
            gzip: *gzip,
            channel: None,
        })
    }

    pub(super) fn disconnect(&mut self) {
        self.channel = None;
    }

    pub(super) async fn send(&mut self, body: Bytes) -> Answer {
        let Self { dialer, address, path, metadata, gzip, channel } = self;
        let channel = channel.get_or_insert_with(|| {
            let dialer = dialer.clone();
            let dial = move |_| {
                let dialer = dialer.clone();
                async move { dialer.dial().await.map(TokioIo::new) }
            };
            address.connect_with_connector_lazy(service_fn(dial))
        });
        // A server answers in the encoding of the request.
        let greeting = &dialer.greeting;
        let service = channel.clone().map_response(|response| {
            greeting.set(!is_grpc(&response));
            response
        });
        let mut client = Grpc::new(service).accept_compressed(CompressionEncoding::Gzip);
        if *gzip {
            client = client.send_compressed(CompressionEncoding::Gzip);
        }
        if let Err(error) = client.ready().await {
            return Answer::later(dialer.explain(&error));
        }
        let mut request = Request::new(body);
        *request.metadata_mut() = metadata.clone();
        match client.unary(request, path.clone(), Encoded).await {
            Ok(response) => taken(response.into_inner()),
            // One with a cause comes from the connection, not from the collector.
            Err(status) => match status.source() {
                Some(cause) => Answer::later(dialer.explain(cause)),
                None => understood(&status, greeting),
            },
        }
    }
}

/// Whether an answer is one of gRPC, not of a server that speaks HTTP/2 for other ends.
fn is_grpc<T>(response: &http::Response<T>) -> bool {
    let value = response.headers().get(CONTENT_TYPE);
    value.is_some_and(|value| value.as_bytes().starts_with(b"application/grpc"))
}

/// What a collector's refusal means.
fn understood(status: &Status, greeting: &Greeting) -> Answer {
    let reason = greeting.explain(format!("the collector answers {:?}: {}", status.code(), status.message()));
    let pause = asked_pause(status);
    match status.code() {
        Code::Cancelled
        | Code::DeadlineExceeded
        | Code::Aborted
        | Code::OutOfRange
        | Code::Unavailable
        | Code::DataLoss => Answer::Later { pause, reason },
        Code::ResourceExhausted if pause.is_some() => Answer::Later { pause, reason },
        _ => Answer::Refused { reason },
    }
}

/// The pause that a collector asks for.
fn asked_pause(status: &Status) -> Option<Duration> {
    let Failure { details } = Failure::decode(status.details()).ok()?;
    let info = details.into_iter().find(|detail| detail.type_url.ends_with("/google.rpc.RetryInfo"))?;
    let delay = RetryInfo::decode(info.value).ok()?.delay?;
    Some(Duration::new(u64::try_from(delay.seconds).ok()?, u32::try_from(delay.nanos).ok()?))
}

/// Sends messages that are encoded already.
#[derive(Clone, Copy, Debug)]
struct Encoded;

impl Codec for Encoded {
    type Encode = Bytes;
    type Decode = Response;
    type Encoder = Self;
    type Decoder = ProstDecoder<Response>;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self::Decoder {
        ProstCodec::<(), Response>::raw_decoder(BufferSettings::default())
    }
}

impl Encoder for Encoded {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, message: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(message);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        config::otlp::Protocol,
        export::otlp::messages::{Delay, Detail},
    };

    fn status(code: Code, asked: Option<Delay>) -> Status {
        let details = asked.map(|delay| {
            let value = RetryInfo { delay: Some(delay) }.encode_to_vec().into();
            let detail = Detail { type_url: "type.googleapis.com/google.rpc.RetryInfo".to_owned(), value };
            Failure { details: vec![detail] }.encode_to_vec()
        });
        Status::with_details(code, "busy", details.unwrap_or_default().into())
    }

    fn is_later(status: &Status) -> Option<Option<Duration>> {
        match understood(status, &Greeting::new(Protocol::Grpc)) {
            Answer::Later { pause, .. } => Some(pause),
            Answer::Refused { .. } => None,
            Answer::Taken { .. } => panic!("a failure is no acknowledgement"),
        }
    }

    #[test]
    fn only_some_codes_ask_for_another_attempt() {
        use Code::*;
        for code in [Cancelled, DeadlineExceeded, Aborted, OutOfRange, Unavailable, DataLoss] {
            assert_eq!(is_later(&status(code, None)), Some(None), "{code:?}");
        }
        for code in [
            Unknown,
            InvalidArgument,
            NotFound,
            AlreadyExists,
            PermissionDenied,
            Unauthenticated,
            FailedPrecondition,
            Unimplemented,
            Internal,
            ResourceExhausted,
        ] {
            assert_eq!(is_later(&status(code, None)), None, "{code:?}");
        }
    }

    #[test]
    fn a_collector_may_say_when() {
        let asked = Some(Delay { seconds: 2, nanos: 500_000_000 });
        let pause = Some(Some(Duration::from_millis(2500)));
        assert_eq!(is_later(&status(Code::ResourceExhausted, asked.clone())), pause);
        assert_eq!(is_later(&status(Code::Unavailable, asked.clone())), pause);
        assert_eq!(is_later(&status(Code::InvalidArgument, asked)), None);
        assert_eq!(is_later(&status(Code::ResourceExhausted, Some(Delay { seconds: -1, nanos: 0 }))), None);
    }
}
