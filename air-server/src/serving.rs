//! From the beginning to the end, which a signal tells.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use air_proto::control::playout_control_server::PlayoutControlServer;
use air_proto::monitor::playout_monitor_server::PlayoutMonitorServer;
use tokio::runtime::Builder;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::server::Router;

use crate::connections::{self, Door, FIRST_WORD_WITHIN, MOST_CONNECTIONS, MOST_REQUEST_BYTES};
use crate::control::Control;
use crate::flags::Flags;
use crate::media_roots::MediaRoots;
use crate::monitor::Monitor;
use crate::sessions::Sessions;
use crate::sockets::{self, SocketPath};
use crate::supervisor::Supervisor;

/// How long the end waits for channels: more than their budget, and well within the second it may take.
const STOPPED_WITHIN: Duration = Duration::from_millis(700);

/// How long the calls in progress have then to be answered.
const ANSWERED_WITHIN: Duration = Duration::from_millis(100);

/// Threads that turn calls into work; what waits has threads of its own.
const WORKERS: usize = 2;

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// An address that cannot be listened on.
    #[error("cannot listen on {at}: {source}")]
    Listen {
        /// The address or the path.
        at: String,
        /// What the system says.
        source: io::Error,
    },
    /// A media root that is none.
    #[error("media root {}: {source}", root.display())]
    MediaRoot {
        /// As given.
        root: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The interface cannot describe itself.
    #[error("no reflection: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
    /// No threads, no signals.
    #[error("cannot start: {0}")]
    System(#[from] io::Error),
}

/// Serves until SIGTERM or SIGINT.
pub fn run(flags: Flags) -> Result<(), ServeError> {
    for ignored in &flags.ignored {
        tracing::warn!("unknown argument ignored: {ignored}");
    }
    let runtime =
        Builder::new_multi_thread().worker_threads(WORKERS).enable_all().thread_name("air-grpc").build()?;
    let ended = runtime.block_on(serve(flags));
    runtime.shutdown_background();
    ended
}

async fn serve(flags: Flags) -> Result<(), ServeError> {
    let mut signals = Signals::new()?;
    let media_roots = media_roots(&flags.media_roots)?;
    let sessions = Arc::new(Sessions::new(flags.engine(), flags.max_channels, media_roots));
    let supervisor = Arc::new(Supervisor::from_environment());
    let mut tasks = JoinSet::new(); // They end with it.
    let (door, connections) = Door::new(MOST_CONNECTIONS, FIRST_WORD_WITHIN);
    let _path = listen(&flags, &door, &mut tasks).await?;
    let (stop, stopped) = watch::channel(false);
    let incoming = ReceiverStream::new(connections);
    let router = router(&sessions).await?;
    let server = tokio::spawn(router.serve_with_incoming_shutdown(incoming, told(stopped)));
    supervisor.ready();
    let looked = Arc::clone(&sessions);
    tasks.spawn(Arc::clone(&supervisor).reassure(move || drop(looked.all())));
    tracing::info!("{}: stopping", signals.next().await);
    supervisor.stopping();
    let stopping = spawn_blocking(move || sessions.stop_all());
    if timeout(STOPPED_WITHIN, stopping).await.is_err() {
        tracing::warn!("a channel did not stop in time and was abandoned");
    }
    let _ = stop.send(true);
    let _ = timeout(ANSWERED_WITHIN, server).await; // A caller may keep its connection.
    Ok(())
}

/// Opens `door` to all that `flags` name. The socket's path is listened on until it is dropped.
async fn listen(
    flags: &Flags,
    door: &Door,
    tasks: &mut JoinSet<()>,
) -> Result<Option<SocketPath>, ServeError> {
    if let Some(address) = &flags.address {
        let refused = |source| ServeError::Listen { at: address.clone(), source };
        tasks.spawn(door.clone().open(sockets::tcp(address).await.map_err(refused)?));
    }
    let Some(path) = &flags.uds else { return Ok(None) };
    let refused = |source| ServeError::Listen { at: path.display().to_string(), source };
    let (listener, path) = SocketPath::listen(path).await.map_err(refused)?;
    tasks.spawn(door.clone().open(listener));
    Ok(Some(path))
}

/// Everything that is served.
async fn router(sessions: &Arc<Sessions>) -> Result<Router, ServeError> {
    let (health_reporter, health) = tonic_health::server::health_reporter();
    health_reporter.set_serving::<PlayoutControlServer<Control>>().await;
    health_reporter.set_serving::<PlayoutMonitorServer<Monitor>>().await;
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(air_proto::DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .build_v1()?;
    let control = PlayoutControlServer::new(Control::new(Arc::clone(sessions)));
    let monitor = PlayoutMonitorServer::new(Monitor::new(Arc::clone(sessions)));
    let server = connections::limited_server().add_service(health).add_service(reflection);
    Ok(server
        .add_service(control.max_decoding_message_size(MOST_REQUEST_BYTES))
        .add_service(monitor.max_decoding_message_size(MOST_REQUEST_BYTES)))
}

/// Ends once the stop is told, or can be told no more.
async fn told(mut stopped: watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

fn media_roots(folders: &[PathBuf]) -> Result<MediaRoots, ServeError> {
    let mut roots = MediaRoots::default();
    for root in folders {
        roots.add(root).map_err(|source| ServeError::MediaRoot { root: root.clone(), source })?;
    }
    Ok(roots)
}

/// The signals that end the process.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> io::Result<Signals> {
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// The name of the next one.
    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}
