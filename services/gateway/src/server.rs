//! The server: routes and what stands around them, on a listener that is open already.

use std::net::TcpListener;
use std::time::Duration;

use actix_web::middleware::from_fn;
use actix_web::{App, HttpResponse, HttpServer, web};
use syncline_platform::Shutdown;

use crate::admit::admit;
use crate::envelope::envelope;
use crate::extract::MAX_BODY;
use crate::health::Health;
use crate::problem::Problem;
use crate::routes;
use crate::state::{Metrics, State};

/// How long a client may take to send a request's head.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// How long an idle connection is kept.
const KEEP_ALIVE: Duration = Duration::from_mins(1);
/// How long requests may take to end when the process ends, in seconds.
const GRACE: u64 = 20;
/// Server threads; handlers wait for the database, they do not compute.
const THREADS: usize = 2;
/// Most connections of a thread at a time.
const CONNECTIONS: usize = 10_000;

/// The same of a process without an API.
const OPERATIONS_CONNECTIONS: usize = 256;

/// Adds the whole API to an app.
pub fn configure(state: web::Data<State>) -> impl FnOnce(&mut web::ServiceConfig) {
    move |app| {
        app.service(
            web::scope("")
                .app_data(web::Data::new(state.health.clone()))
                .app_data(web::Data::new(state.metrics.clone()))
                .app_data(state)
                .app_data(web::PayloadConfig::new(MAX_BODY))
                .wrap(from_fn(admit))
                .wrap(from_fn(envelope))
                .configure(routes::configure)
                .default_service(web::to(|| async {
                    Err::<HttpResponse, _>(Problem::not_found())
                })),
        );
    }
}

/// Serves until shutdown is triggered; requests under way are finished. Must be called inside a tokio runtime.
pub async fn serve(
    state: web::Data<State>,
    listener: TcpListener,
    shutdown: Shutdown,
) -> std::io::Result<()> {
    let server = HttpServer::new(move || App::new().configure(configure(state.clone())))
        .workers(THREADS)
        .max_connections(CONNECTIONS)
        .client_request_timeout(HEAD_TIME)
        .keep_alive(KEEP_ALIVE)
        .shutdown_timeout(GRACE)
        .disable_signals()
        .listen(listener)?
        .run();
    until(server, &shutdown).await
}

/// Serves only `/healthz`, `/readyz` and `/metrics`, for a process without an API, until `end` is triggered. Must be
/// called inside a tokio runtime.
pub async fn serve_operations(
    health: Health,
    metrics: Metrics,
    listener: TcpListener,
    end: Shutdown,
) -> std::io::Result<()> {
    let server = HttpServer::new(move || {
        App::new()
            .app_data(web::Data::new(health.clone()))
            .app_data(web::Data::new(metrics.clone()))
            .configure(routes::operations)
    })
    .workers(1)
    .max_connections(OPERATIONS_CONNECTIONS)
    .client_request_timeout(HEAD_TIME)
    .keep_alive(KEEP_ALIVE)
    .shutdown_timeout(1)
    .disable_signals()
    .listen(listener)?
    .run();
    until(server, &end).await
}

async fn until(server: actix_web::dev::Server, shutdown: &Shutdown) -> std::io::Result<()> {
    let handle = server.handle();
    let stop = async {
        shutdown.triggered().await;
        handle.stop(true).await;
        std::future::pending::<()>().await;
    };
    tokio::select! {
        ended = server => ended,
        () = stop => Ok(()),
    }
}
