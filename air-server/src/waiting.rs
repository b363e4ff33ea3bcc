//! Work that may wait, where it holds up no other call.

use tokio::task::spawn_blocking;
use tonic::Status;

/// Runs `work` on a thread of its own. It ends even if the caller has gone.
pub async fn waiting<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Status> {
    spawn_blocking(work).await.map_err(|error| {
        tracing::error!(%error, "a call failed inside");
        Status::internal("the engine failed inside; its log says more")
    })
}
