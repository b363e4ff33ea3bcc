//! The HTTP listener: GET and HEAD of `/metrics` and `/healthz`, to a few callers at a time, each for a few seconds.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use super::Metrics;
use crate::health::Health;

const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Callers at a time; more wait to be accepted.
const MOST_CONNECTIONS: usize = 32;

/// How long one may stay, whatever it does or does not do: idle, slow to ask, slow to read.
const LONGEST: Duration = Duration::from_secs(5);

/// Between a failed accept, for want of descriptors, and the next.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves `metrics` and `health` until the runtime ends, on port `port` of the host of `address`, or on loopback without
/// one. Without a listener there are none: a port that is taken stops no playout (TM-1).
pub async fn start(address: Option<&str>, port: u16, metrics: Arc<Metrics>, health: Health) {
    let host = address.and_then(|address| address.rsplit_once(':')).map_or("127.0.0.1", |(host, _)| host);
    let at = format!("{host}:{port}");
    match TcpListener::bind(&at).await {
        Ok(listener) => {
            let at = listener.local_addr().map_or(at, |address| address.to_string());
            tracing::info!("metrics on http://{at}/metrics");
            tokio::spawn(serve(listener, router(metrics, health), LONGEST));
        }
        Err(error) => tracing::warn!("no metrics on {at}: {error}"),
    }
}

async fn serve(listener: TcpListener, router: Router, longest: Duration) {
    let connections = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    loop {
        let Ok(place) = Arc::clone(&connections).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let serving = timeout(longest, answer(stream, router.clone()));
                tokio::spawn(async move {
                    let _ = serving.await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::debug!(%error, "metrics: cannot accept");
                sleep(PAUSE).await;
            }
        }
    }
}

async fn answer(stream: TcpStream, router: Router) {
    let service = TowerToHyperService::new(router);
    // A caller that leaves or makes no sense is its own affair.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

fn router(metrics: Arc<Metrics>, health: Health) -> Router {
    let text =
        |State(metrics): State<Arc<Metrics>>| async move { ([(CONTENT_TYPE, TEXT)], metrics.text().await) };
    let healthz = move || async move {
        match health.is_serving() {
            true => (StatusCode::OK, "ok\n").into_response(),
            false => (StatusCode::SERVICE_UNAVAILABLE, "stopping\n").into_response(),
        }
    };
    Router::new().route("/metrics", get(text)).route("/healthz", get(healthz)).with_state(metrics)
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use air_core::EngineConfig;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;
    use crate::metrics::calls::Calls;
    use crate::sessions::Sessions;

    const PATIENCE: Duration = Duration::from_secs(10);

    async fn parts() -> (Arc<Metrics>, Health) {
        let sessions = Arc::new(Sessions::new(EngineConfig::default(), 1));
        (Arc::new(Metrics::new(sessions, Arc::<Calls>::default())), Health::serving(&[]).await)
    }

    /// A server that lets callers stay for `longest`, its address and its health.
    async fn served(longest: Duration) -> (std::net::SocketAddr, Health) {
        let (metrics, health) = parts().await;
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        tokio::spawn(serve(listener, router(metrics, health.clone()), longest));
        (address, health)
    }

    /// The whole answer to `request`, which is a method and a path.
    async fn ask(address: std::net::SocketAddr, request: &str) -> String {
        let mut stream = TcpStream::connect(address).await.expect("a connection");
        let request = format!("{request} HTTP/1.1\r\nHost: air\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("room for a request");
        let mut answer = String::new();
        let read = timeout(PATIENCE, stream.read_to_string(&mut answer)).await;
        read.expect("an answer in time").expect("text");
        answer
    }

    /// TM-1: the bound is the contract's.
    #[tokio::test]
    async fn a_scrape_is_prometheus_text_within_a_tenth_of_a_second() {
        let (address, _health) = served(LONGEST).await;
        let began = Instant::now();
        let answer = ask(address, "GET /metrics").await;
        assert!(began.elapsed() < Duration::from_millis(100), "{:?}", began.elapsed());
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(answer.contains("content-type: text/plain; version=0.0.4; charset=utf-8\r\n"), "{answer}");
        assert!(answer.contains("\nair_info{version="), "{answer}");
        let head = ask(address, "HEAD /metrics").await;
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && head.ends_with("\r\n\r\n"), "{head}");
    }

    #[tokio::test]
    async fn nothing_else_is_there() {
        let (address, _health) = served(LONGEST).await;
        for (request, status) in
            [("GET /", 404), ("GET /metrics/", 404), ("POST /metrics", 405), ("DELETE /healthz", 405)]
        {
            let answer = ask(address, request).await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{request}: {answer}");
        }
    }

    #[tokio::test]
    async fn health_is_good_until_the_process_is_about_to_end() {
        let (address, health) = served(LONGEST).await;
        assert!(ask(address, "GET /healthz").await.starts_with("HTTP/1.1 200 "));
        health.stop().await;
        assert!(ask(address, "GET /healthz").await.starts_with("HTTP/1.1 503 "));
        assert!(ask(address, "GET /metrics").await.starts_with("HTTP/1.1 200 "), "until the end");
    }

    /// Callers that say nothing, or read nothing, make room; a scrape that waits behind them is answered.
    #[tokio::test]
    async fn idle_callers_keep_nobody_out() {
        let (address, _health) = served(Duration::from_millis(200)).await;
        let mut idle = Vec::new();
        for _ in 0..2 * MOST_CONNECTIONS {
            idle.push(TcpStream::connect(address).await.expect("a connection"));
        }
        assert!(ask(address, "GET /metrics").await.starts_with("HTTP/1.1 200 "));
        let closed = timeout(PATIENCE, idle[0].read(&mut [0])).await.expect("closed in time");
        assert_eq!(closed.expect("an end"), 0);
    }

    /// TM-1
    #[tokio::test]
    async fn a_port_that_is_taken_stops_nothing() {
        let (address, _) = served(LONGEST).await;
        let (metrics, health) = parts().await;
        start(Some("127.0.0.1:50051"), address.port(), metrics, health).await;
        assert!(ask(address, "GET /healthz").await.starts_with("HTTP/1.1 200 "), "whose it is goes on");
    }
}
