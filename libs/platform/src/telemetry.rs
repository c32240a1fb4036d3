//! Logs: text for a person or JSON lines for a machine, on standard error; and traces, given to whoever sends them.
//!
//! What is logged is each crate's own business; none logs a contact's values, a token or a body.

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::SdkTracerProvider;
use serde::{Deserialize, Serialize};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, fmt};

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For a person.
    Text,
    /// One JSON object a line.
    Json,
}

/// Logging that cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The level is not one.
    #[error("log.level `{level}` is not a level or list of `module=level`")]
    Level {
        /// What was given.
        level: String,
        /// Why not.
        #[source]
        source: tracing_subscriber::filter::ParseError,
    },
    /// Something in this process set up logging before.
    #[error("logging is set up already")]
    Twice(#[source] tracing_subscriber::util::TryInitError),
}

/// Sets up logging and traces for the process. The level is one of `error`, `warn`, `info`, `debug` and `trace`,
/// optionally followed by `,module=level` for parts of the program; it does not limit traces, which hold our own spans of
/// level `info`.
pub fn init(
    format: LogFormat,
    level: &str,
    traces: &SdkTracerProvider,
) -> Result<(), TelemetryError> {
    let lines = fmt::layer().with_writer(std::io::stderr);
    let lines = match format {
        LogFormat::Text => lines
            .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
            .boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    let traces = tracing_opentelemetry::layer()
        .with_tracer(traces.tracer("syncline"))
        .with_location(false)
        .with_threads(false)
        .with_tracked_inactivity(false)
        .with_filter(Targets::new().with_target("syncline", LevelFilter::INFO));
    tracing_subscriber::registry()
        .with(lines.with_filter(filter(level)?))
        .with(traces)
        .try_init()
        .map_err(TelemetryError::Twice)
}

pub(crate) fn filter(level: &str) -> Result<EnvFilter, TelemetryError> {
    EnvFilter::builder()
        .parse(level)
        .map_err(|source| TelemetryError::Level {
            level: level.to_owned(),
            source,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_checked() {
        let check = |level: &str, good: bool| assert_eq!(filter(level).is_ok(), good, "{level}");
        check("info", true);
        check("info,syncline_worker=debug", true);
        check("syncline_worker=loud", false);
        check("=", false);
    }
}
