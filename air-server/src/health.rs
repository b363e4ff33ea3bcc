//! Whether the process serves, for whoever asks over gRPC (`grpc.health.v1`) or HTTP (`/healthz`).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tonic_health::ServingStatus;
use tonic_health::pb::health_server::HealthServer;
use tonic_health::server::{HealthReporter, HealthService};

/// One answer for all listeners; clones share it.
#[derive(Clone, Debug)]
pub struct Health {
    reporter: HealthReporter,
    names: &'static [&'static str],
    serving: Arc<AtomicBool>,
}

impl Health {
    /// Of a process that serves the gRPC services `names`, and does so until [`Health::stop`].
    pub async fn serving(names: &'static [&'static str]) -> Health {
        let reporter = HealthReporter::new();
        let health = Health { reporter, names, serving: Arc::new(AtomicBool::new(true)) };
        health.set(ServingStatus::Serving).await;
        health
    }

    /// It is about to end: nobody should begin anything.
    pub async fn stop(&self) {
        self.serving.store(false, Ordering::Release);
        self.set(ServingStatus::NotServing).await;
    }

    /// Whether it is not.
    pub fn is_serving(&self) -> bool {
        self.serving.load(Ordering::Acquire)
    }

    /// The service of the same news.
    pub fn service(&self) -> HealthServer<HealthService> {
        HealthServer::new(HealthService::from_health_reporter(self.reporter.clone()))
    }

    /// Of each service, and of the process as a whole, whose name is empty.
    async fn set(&self, status: ServingStatus) {
        for name in self.names.iter().chain(&[""]) {
            self.reporter.set_service_status(name, status).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use tonic::{Code, Request};
    use tonic_health::pb::HealthCheckRequest;
    use tonic_health::pb::health_server::Health as _;

    use super::*;

    #[tokio::test]
    async fn every_service_is_told_of_by_name_and_stops_with_the_process() {
        let health = Health::serving(&["a.A", "b.B"]).await;
        let service = HealthService::from_health_reporter(health.reporter.clone());
        let status = async |service_name: &str| {
            let request = Request::new(HealthCheckRequest { service: service_name.to_owned() });
            service.check(request).await.map(|answer| answer.into_inner().status())
        };
        for serving in [true, false] {
            for name in ["a.A", "b.B", ""] {
                let expected = if serving { "SERVING" } else { "NOT_SERVING" };
                assert_eq!(status(name).await.expect("an answer").as_str_name(), expected, "{name}");
            }
            assert_eq!(health.is_serving(), serving);
            health.stop().await;
        }
        assert_eq!(status("c.C").await.expect_err("unknown").code(), Code::NotFound);
    }
}
