//! What every request goes through before it is answered: who asks, from where, how often. And what every answer has.

use std::{net::IpAddr, sync::Arc, time::Instant};

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header},
    response::IntoResponse as _,
};
use tower::ServiceExt as _;

use super::{
    Hosts, Refusal,
    auth::{Passwords, Verdict},
    live::{Live, Loaded},
    rate::Bucket,
    refusal::Counters,
    seat::Seat,
    watched::Asked,
};

/// Headers of every answer, unless it has them already, or the file other ones.
const HEADERS: [(HeaderName, &str); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "deny"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// How somebody is asked for a password.
const CHALLENGE: &str = "Basic realm=\"doubleslit\", charset=\"UTF-8\"";

/// Who has asked. Every request by TCP has this as an extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Visitor {
    /// Whether a password or a certificate that an authority has signed says who it is.
    pub is_known: bool,
}

/// What is asked of requests before anything else is.
#[derive(Debug)]
pub(super) struct Front {
    pub(super) live: Arc<Live>,
    /// Compared where the file has users; nothing where something else says who may ask.
    pub(super) passwords: Option<Arc<Passwords>>,
    pub(super) hosts: Hosts,
    pub(super) bucket: Arc<Bucket>,
    pub(super) counters: Arc<Counters>,
}

/// What is known of a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Origin {
    pub(super) from: IpAddr,
    /// How TLS was configured when it was made, if it was.
    pub(super) tls: Option<[u8; 32]>,
    /// Whether the client has shown a certificate that an authority has signed.
    pub(super) is_verified: bool,
}

/// Why somebody is not let in, and what is answered.
type Refused = (Refusal, Response<Body>);

/// The connection is of no use any more.
#[derive(Debug, thiserror::Error)]
#[error("the connection was made before TLS was configured as it is now")]
pub(super) struct Outdated;

impl Front {
    /// Answers a request.
    pub(super) async fn answer(
        &self,
        router: &Router,
        origin: Origin,
        seat: &Arc<Seat>,
        request: Request<Asked>,
    ) -> Result<Response<Body>, Outdated> {
        let loaded = self.live.now();
        if loaded.tls.as_ref().map(|tls| tls.mark) != origin.tls {
            self.counters.add(Refusal::Outdated);
            return Err(Outdated);
        }
        let mut answer = match self.judge(&loaded, origin, &request).await {
            Ok(visitor) => {
                seat.is_let_in();
                let mut request = request.map(Body::new);
                request.extensions_mut().insert(visitor);
                routed(router, request, &self.counters).await
            }
            Err((refusal, answer)) => {
                self.counters.add(refusal);
                answer
            }
        };
        complete(answer.headers_mut(), &loaded.headers);
        Ok(answer)
    }

    /// Lets a request in, or says why not. Nothing is said of what there is.
    async fn judge(&self, loaded: &Loaded, origin: Origin, request: &Request<Asked>) -> Result<Visitor, Refused> {
        if loaded.rate.is_some_and(|rate| !self.bucket.take(rate, Instant::now())) {
            return Err(refuse(StatusCode::TOO_MANY_REQUESTS, Refusal::RateLimit, "too many requests\n"));
        }
        let mut is_known = origin.is_verified;
        if let Some(passwords) = self.passwords.as_ref().filter(|_| !loaded.users.is_empty()) {
            match passwords.judge(&loaded.users, request.headers(), origin.from).await {
                Verdict::Right => is_known = true,
                Verdict::Missing => return Err(ask(Refusal::NoPassword)),
                Verdict::Wrong => return Err(ask(Refusal::WrongPassword)),
                Verdict::Busy => {
                    let text = "too many passwords are being compared; come again\n";
                    return Err(refuse(StatusCode::SERVICE_UNAVAILABLE, Refusal::PasswordsBusy, text));
                }
            }
        }
        if !is_known && !self.hosts.are_fine(request.uri().authority(), request.headers()) {
            let text = "this is for those who ask by an address or as `localhost`, and for no page of another site; \
                        `web.allowed_hosts` names others who may\n";
            return Err(refuse(StatusCode::FORBIDDEN, Refusal::ForeignSite, text));
        }
        if matches!(*request.method(), Method::CONNECT | Method::TRACE) {
            return Err(refuse(StatusCode::METHOD_NOT_ALLOWED, Refusal::Method, "no path here takes this method\n"));
        }
        Ok(Visitor { is_known })
    }
}

/// The answer of the routes. One that says no is counted.
pub(super) async fn routed(router: &Router, request: Request<Body>, counters: &Counters) -> Response<Body> {
    // It never fails.
    let answer = router.clone().oneshot(request).await.into_response();
    match answer.extensions().get::<Refusal>() {
        Some(refusal) => counters.add(*refusal),
        None if answer.status() == StatusCode::PAYLOAD_TOO_LARGE => counters.add(Refusal::BodySize),
        None => {}
    }
    answer
}

/// Adds what an answer has not.
fn complete(headers: &mut HeaderMap, configured: &[(HeaderName, HeaderValue)]) {
    let configured = configured.iter().cloned();
    let own = HEADERS.into_iter().map(|(name, value)| (name, HeaderValue::from_static(value)));
    for (name, value) in configured.chain(own) {
        headers.entry(name).or_insert(value);
    }
}

fn ask(refusal: Refusal) -> Refused {
    let (refusal, mut answer) = refuse(StatusCode::UNAUTHORIZED, refusal, "a name and a password are needed\n");
    answer.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(CHALLENGE));
    (refusal, answer)
}

fn refuse(status: StatusCode, refusal: Refusal, text: &'static str) -> Refused {
    (refusal, (status, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response())
}

/// Whether a request has a body, or says so.
pub(super) fn may_have_body<T>(request: &Request<T>) -> bool {
    [header::CONTENT_LENGTH, header::TRANSFER_ENCODING].iter().any(|name| request.headers().contains_key(name))
}
