//! The token that is asked for where everybody can connect.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use subtle::ConstantTimeEq as _;

use super::problem::Problem;

/// Shorter ones can be guessed.
const BYTES_MIN: usize = 16;

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The file cannot be read.
    #[error("reading the token of the API in `{}` (`api.token_file` names the file)", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What is in it is no token.
    #[error(
        "`{}` holds no token for the API: expected {BYTES_MIN} letters, digits or other visible characters at least, such as \
         what `head -c 32 /dev/urandom | base64` prints", path.display()
    )]
    Unfit {
        /// The file.
        path: PathBuf,
    },
}

/// The token.
#[derive(Clone)]
pub struct Token(Arc<[u8]>);

impl Token {
    /// The token in a file, without the space around it.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn read(path: &Path) -> Result<Self, TokenError> {
        let bytes = fs::read(path).map_err(|source| TokenError::Read { path: path.to_owned(), source })?;
        let token = bytes.trim_ascii();
        if token.len() < BYTES_MIN || !token.iter().all(u8::is_ascii_graphic) {
            return Err(TokenError::Unfit { path: path.to_owned() });
        }
        Ok(Self(token.into()))
    }

    /// Whether a request shows it. The time that this takes tells nothing but the length.
    fn is_shown(&self, headers: &HeaderMap) -> bool {
        let shown = headers.get(header::AUTHORIZATION).map(HeaderValue::as_bytes).and_then(|value| {
            let (scheme, token) = value.split_at_checked(b"Bearer ".len())?;
            scheme.eq_ignore_ascii_case(b"Bearer ").then(|| token.trim_ascii())
        });
        shown.is_some_and(|shown| self.0.ct_eq(shown).into())
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Token(***)")
    }
}

/// Lets a request pass that shows the token.
pub(super) async fn required(State(token): State<Token>, request: Request, next: Next) -> Response {
    if token.is_shown(request.headers()) {
        return next.run(request).await;
    }
    let detail = "the request does not show the token: expected the header `Authorization: Bearer …` with what is in the \
                  exporter's `api.token_file`";
    let challenge = [(header::WWW_AUTHENTICATE, "Bearer")];
    (challenge, Problem::new(StatusCode::UNAUTHORIZED, detail)).into_response()
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::error::chain;

    fn token(text: &[u8]) -> Result<Token, String> {
        let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
        file.write_all(text).expect("written");
        Token::read(file.path()).map_err(|error| chain(&error).replace(&file.path().display().to_string(), "FILE"))
    }

    #[test]
    fn only_the_whole_token_passes() {
        let token = token(b" 0123456789abcdef\n").expect("a token");
        for (header, expected) in [
            ("Bearer 0123456789abcdef", true),
            ("bearer  0123456789abcdef", true),
            ("Bearer 0123456789abcdeF", false),
            ("Bearer 0123456789abcde", false),
            ("Bearer 0123456789abcdef0", false),
            ("Bearer ", false),
            ("Bearer", false),
            ("Basic 0123456789abcdef", false),
            ("0123456789abcdef", false),
        ] {
            let headers = [(header::AUTHORIZATION, HeaderValue::from_static(header))].into_iter().collect();
            assert_eq!(token.is_shown(&headers), expected, "{header}");
        }
        assert!(!token.is_shown(&HeaderMap::new()));
        assert_eq!(format!("{token:?}"), "Token(***)");
    }

    #[test]
    fn what_is_no_token_is_refused() {
        let refusal = "`FILE` holds no token for the API: expected 16 letters, digits or other visible characters at least, \
                       such as what `head -c 32 /dev/urandom | base64` prints";
        for text in [&b""[..], b"\n", b"0123456789abcde\n", b"01234567 89abcdef", b"0123456789abcd\xc3\xa4"] {
            assert_eq!(token(text).map(drop), Err(refusal.to_owned()), "{text:?}");
        }
        let absent = Token::read(Path::new("/nonexistent/token")).expect_err("there is none");
        assert_eq!(
            chain(&absent),
            "reading the token of the API in `/nonexistent/token` (`api.token_file` names the file): No such file or directory \
             (os error 2)"
        );
    }
}
