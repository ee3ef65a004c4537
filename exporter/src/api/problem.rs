//! What went wrong with a request, as RFC 9457 has it.

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};

use crate::web::Refusal;

/// The media type.
const PROBLEM: &str = "application/problem+json";

/// What went wrong with a request. Every answer that is no success has this as its body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Problem {
    /// Always `about:blank`: the status says what kind of problem it is.
    r#type: String,
    /// The status in words.
    title: String,
    /// The status.
    status: u16,
    /// What was wrong, and what to do.
    pub detail: String,
    /// The field of the body or the part of the path that is at fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) field: Option<String>,
    /// What it is counted as.
    #[serde(skip)]
    refusal: Option<Refusal>,
}

impl Problem {
    /// A problem with this status; `detail` says what was wrong, and what to do.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            r#type: "about:blank".to_owned(),
            title: status.canonical_reason().unwrap_or_default().to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
            field: None,
            refusal: None,
        }
    }

    /// Has it counted.
    pub(super) fn counted(self, refusal: Refusal) -> Self {
        Self { refusal: Some(refusal), ..self }
    }

    /// Says which field is at fault.
    pub(super) fn of(self, field: impl Into<String>) -> Self {
        Self { field: Some(field.into()), ..self }
    }

    /// Says that none is.
    pub(super) fn of_none(self) -> Self {
        Self { field: None, ..self }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        // It was made of a status, and texts are always JSON.
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let text = serde_json::to_string(&self).unwrap_or_default();
        let mut answer = (status, [(header::CONTENT_TYPE, PROBLEM)], text).into_response();
        if let Some(refusal) = self.refusal {
            answer.extensions_mut().insert(refusal);
        }
        answer
    }
}
