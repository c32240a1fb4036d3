//! Where traces go: by OTLP over HTTP to the address that the configuration names, or nowhere.
//!
//! What is in a trace is each crate's own business (ids, routes, counts and durations, as in log lines); here it is only
//! sent, in the background. A receiver that is away costs its traces and nothing else.

use std::time::Duration;

use async_trait::async_trait;
use opentelemetry::KeyValue;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use syncline_platform::{Config, telemetry};
use tokio::runtime::Handle;

/// What one sending may take, and the last one at the end of the process.
const SENDING: Duration = Duration::from_secs(5);

/// The traces of this process.
pub struct Traces(SdkTracerProvider);

impl Traces {
    /// Sets up logging and traces as the configuration says. Must be called inside the runtime that sends.
    pub fn open(config: &Config, role: &'static str) -> anyhow::Result<Self> {
        let provider = match &config.telemetry.otlp_endpoint {
            None => SdkTracerProvider::default(),
            Some(endpoint) => sending_to(endpoint, role)?,
        };
        telemetry::init(config.log.format, &config.log.level, &provider)?;
        Ok(Self(provider))
    }

    /// Sends what is left.
    pub async fn close(self) {
        let provider = self.0;
        let closed =
            tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(SENDING)).await;
        if let Ok(Err(error)) = closed {
            tracing::debug!(%error, "the last traces were not sent");
        }
    }
}

fn sending_to(endpoint: &str, role: &'static str) -> anyhow::Result<SdkTracerProvider> {
    // A second call finds it installed already, which is just as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder()
        .timeout(SENDING)
        .redirect(reqwest::redirect::Policy::none())
        .build()?;
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(Carrier {
            client,
            runtime: Handle::current(),
        })
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{endpoint}/v1/traces"))
        .with_timeout(SENDING)
        .build()?;
    let resource = Resource::builder()
        .with_service_name("syncline")
        .with_attribute(KeyValue::new("syncline.role", role))
        .build();
    Ok(SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(resource)
        .build())
}

/// Sends requests in our runtime: the exporter works in a thread of its own that has none.
#[derive(Debug)]
struct Carrier {
    client: reqwest::Client,
    runtime: Handle,
}

#[async_trait]
impl HttpClient for Carrier {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        let request = reqwest::Request::try_from(request)?;
        let sent = self.runtime.spawn(async move {
            let answer = client.execute(request).await?;
            let status = answer.status();
            Ok::<_, reqwest::Error>((status, answer.bytes().await?))
        });
        let (status, body) = sent.await??;
        let mut response = Response::new(body);
        *response.status_mut() = status;
        Ok(response)
    }
}
