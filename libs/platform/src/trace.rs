//! Which trace a piece of work belongs to, from process to process: `traceparent` as W3C Trace Context has it, in and out.
//!
//! Traces exist whether or not they are sent anywhere: log lines carry their ids. Where they are sent is the binary's
//! business. Without `telemetry::init` there are none, and nothing here does anything.

use std::collections::HashMap;

use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::{TraceContextExt as _, TraceId};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// The header, and the key of a message.
const TRACEPARENT: &str = "traceparent";

/// Lets a new span go on with the trace that a `traceparent` names; without one, or with one that cannot be read, the
/// span begins a trace or stays in that of the span around it. The trace's id goes into the span's field `trace.id`. To
/// be called before the span is entered.
pub fn follow(span: &Span, traceparent: Option<&str>) {
    if let Some(text) = traceparent {
        let carrier = HashMap::from([(TRACEPARENT.to_owned(), text.to_owned())]);
        let parent = TraceContextPropagator::new().extract(&carrier);
        if parent.span().span_context().is_valid() {
            // Refused where nothing collects traces, or this span is not collected.
            let _ = span.set_parent(parent);
        }
    }
    let trace = span.context().span().span_context().trace_id();
    if trace != TraceId::INVALID {
        span.record("trace.id", tracing::field::display(trace));
    }
}

/// The current span as a `traceparent`, for whoever goes on with its work elsewhere.
pub fn current() -> Option<String> {
    let mut carrier = HashMap::new();
    TraceContextPropagator::new().inject_context(&Span::current().context(), &mut carrier);
    carrier.remove(TRACEPARENT)
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::TracerProvider as _;
    use opentelemetry_sdk::trace::SdkTracerProvider;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    #[test]
    fn a_trace_goes_on_and_what_cannot_be_read_begins_one() {
        let tracer = SdkTracerProvider::builder().build().tracer("test");
        let collector =
            tracing_subscriber::registry().with(tracing_opentelemetry::layer().with_tracer(tracer));
        tracing::subscriber::with_default(collector, || {
            let of = |traceparent: Option<&str>| {
                let span = tracing::info_span!("work", trace.id = tracing::field::Empty);
                follow(&span, traceparent);
                let _entered = span.enter();
                current().unwrap()
            };
            let theirs = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
            let ours = of(Some(theirs));
            assert_eq!(ours[..35], theirs[..35], "the same trace");
            assert_ne!(ours, theirs, "a span of its own");
            for unreadable in [None, Some(""), Some("00-x-y-01"), Some("\u{1f600}")] {
                let begun = of(unreadable);
                assert!(begun.len() == 55 && begun[..35] != theirs[..35], "{begun}");
            }
        });
    }

    #[test]
    fn without_a_collector_there_are_no_traces() {
        let span = tracing::info_span!("work", trace.id = tracing::field::Empty);
        follow(&span, None);
        assert_eq!(current(), None);
    }
}
