//! Calls that a provider makes by itself, at addresses that its clients gave it: webhooks.

use std::time::Duration;

use reqwest::header::HeaderMap;

/// How long whoever is called may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Waits before a call is made again.
const AGAIN: &[Duration] = &[
    Duration::from_millis(500),
    Duration::from_secs(2),
    Duration::from_secs(8),
];

/// Makes calls.
pub struct Calls {
    client: reqwest::Client,
}

/// What became of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Called {
    /// It was taken.
    Taken,
    /// Nobody wants such calls any more (410).
    Unwanted,
    /// It was not taken, however often it was tried.
    Lost,
}

impl Default for Calls {
    fn default() -> Self {
        // A second call finds the provider installed already, which is just as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .timeout(PATIENCE)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build();
        Self {
            client: client.unwrap_or_default(),
        }
    }
}

impl Calls {
    /// Whether an address answers to GET with 200.
    pub async fn answers(&self, url: &str) -> bool {
        let answer = self.client.get(url).send().await;
        answer.is_ok_and(|answer| answer.status() == reqwest::StatusCode::OK)
    }

    /// Posts, a few times if it has to be.
    pub async fn post(&self, url: &str, headers: &HeaderMap, body: &str) -> Called {
        for wait in AGAIN.iter().map(Some).chain([None]) {
            let call = self.client.post(url).headers(headers.clone());
            match call.body(body.to_owned()).send().await {
                Ok(answer) if answer.status().is_success() => return Called::Taken,
                Ok(answer) if answer.status() == reqwest::StatusCode::GONE => {
                    return Called::Unwanted;
                }
                _ => {}
            }
            if let Some(wait) = wait {
                tokio::time::sleep(*wait).await;
            }
        }
        Called::Lost
    }
}
