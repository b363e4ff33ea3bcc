//! Listening, and what is done when the end comes.

use std::io;
use std::os::unix::net;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use air_core::{EngineConfig, MediaRoots};
use air_proto::control::playout_control_server::{self, PlayoutControlServer};
use air_proto::monitor::playout_monitor_server::{self, PlayoutMonitorServer};
use axum::middleware::from_fn_with_state;
use tokio::net::UnixStream;
use tokio::runtime::Builder;
use tokio::sync::watch;
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::timeout;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use tonic::service::Routes;
use tonic::transport::Server;

use crate::connections::{self, Door, FIRST_WORD_WITHIN, MOST_CONNECTIONS, MOST_REQUEST_BYTES};
use crate::control::Control;
use crate::ending::{Cause, Ending};
use crate::flags::Flags;
use crate::health::Health;
use crate::inherited;
use crate::metrics::calls::{self, Calls};
use crate::metrics::{self, Metrics};
use crate::monitor::Monitor;
use crate::sessions::Sessions;
use crate::sockets::{self, SocketPath};
use crate::supervisor::Supervisor;

/// How long the end waits for channels: more than their budget, and well within the second it may take.
const STOPPED_WITHIN: Duration = Duration::from_millis(700);

/// How long the calls in progress have then to be answered.
const ANSWERED_WITHIN: Duration = Duration::from_millis(100);

/// Those whose health is told, beside that of the process.
const SERVICES: [&str; 2] = [playout_control_server::SERVICE_NAME, playout_monitor_server::SERVICE_NAME];

/// Threads that turn calls into work.
const WORKERS: usize = 2;

/// Threads for what waits: more than all channels together let wait, so that no call finds them taken.
const WAITING: usize = 1024;

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
    /// Standard input is no socket.
    #[error("standard input is no connected stream socket: {0}")]
    Stdin(#[source] io::Error),
    /// There is no parent to die with.
    #[error("cannot watch the parent process: {0}")]
    Parent(#[source] io::Error),
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
    /// Something that answers calls has ended before its time: better to be started anew than to be deaf.
    #[error("calls are not answered any more")]
    Deaf,
    /// No threads, no signals.
    #[error("cannot start: {0}")]
    System(#[from] io::Error),
}

/// Serves until its end comes. To be called by a thread that lives as long as the process.
pub fn run(flags: Flags) -> Result<(), ServeError> {
    for ignored in &flags.ignored {
        tracing::warn!("unknown argument ignored: {ignored}");
    }
    let stdin = flags.stdin.then(inherited::socket).transpose().map_err(ServeError::Stdin)?;
    let parent = flags.die_with_parent.then(inherited::parent).transpose().map_err(ServeError::Parent)?;
    let peer = stdin.as_ref().map(net::UnixStream::try_clone).transpose()?;
    let mut ending = Ending::watch(peer, parent)?;
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(WORKERS).max_blocking_threads(WAITING).thread_name("air-grpc").enable_all();
    let runtime = builder.build()?;
    let ended = runtime.block_on(serve(flags, stdin, &mut ending));
    runtime.shutdown_background();
    ended
}

async fn serve(flags: Flags, stdin: Option<net::UnixStream>, ending: &mut Ending) -> Result<(), ServeError> {
    let engine = EngineConfig { media_roots: media_roots(&flags.media_roots)?, ..flags.engine() };
    let sessions = Arc::new(Sessions::new(engine, flags.max_channels));
    let supervisor = Arc::new(Supervisor::from_environment());
    let (calls, health) = (Arc::<Calls>::default(), Health::serving(&SERVICES).await);
    let metrics = Arc::new(Metrics::new(Arc::clone(&sessions), Arc::clone(&calls)));
    if let Some(port) = flags.metrics_port {
        metrics::http::start(flags.address.as_deref(), port, metrics, health.clone()).await;
    }
    let control = Control::new(Arc::clone(&sessions));
    let routes = |control| routes(control, &sessions, &calls, &health);
    let (stop, stopped) = watch::channel(false);
    let (mut servers, mut tasks) = (JoinSet::new(), JoinSet::new());
    if let Some(stdin) = stdin {
        let incoming = tokio_stream::once(UnixStream::from_std(stdin)).chain(tokio_stream::pending());
        let router = Server::builder().add_routes(routes(control.clone().for_the_parent())?);
        servers.spawn(router.serve_with_incoming_shutdown(incoming, told(stopped.clone())));
    }
    let (door, connections) = Door::new(MOST_CONNECTIONS, FIRST_WORD_WITHIN);
    let _path = listen(&flags, &door, &mut tasks).await?;
    let router = connections::limited_server().add_routes(routes(control)?);
    servers.spawn(router.serve_with_incoming_shutdown(ReceiverStream::new(connections), told(stopped)));
    supervisor.ready();
    let looked = Arc::clone(&sessions);
    tasks.spawn(Arc::clone(&supervisor).reassure(move || drop(looked.all())));
    let ended = tokio::select! {
        cause = ending.comes() => {
            match cause {
                Cause::HungUp => tracing::debug!("{cause}: stopping"),
                _ => tracing::info!("{cause}: stopping"),
            }
            Ok(())
        }
        Some(_) = servers.join_next() => Err(ServeError::Deaf),
    };
    supervisor.stopping();
    health.stop().await;
    let stopping = spawn_blocking(move || sessions.stop_all());
    if timeout(STOPPED_WITHIN, stopping).await.is_err() {
        tracing::warn!("a channel did not stop in time and was abandoned");
    }
    let _ = stop.send(true);
    let answered = async { while servers.join_next().await.is_some() {} };
    let _ = timeout(ANSWERED_WITHIN, answered).await; // A caller may keep its connection.
    ended
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

/// Everything that is served on a connection.
fn routes(
    control: Control,
    sessions: &Arc<Sessions>,
    calls: &Arc<Calls>,
    health: &Health,
) -> Result<Routes, ServeError> {
    let reflection = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(air_proto::DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    // Python's own client of reflection knows the version before the first only.
    let (reflection, earlier) = (reflection().build_v1()?, reflection().build_v1alpha()?);
    let control = PlayoutControlServer::new(control).max_decoding_message_size(MOST_REQUEST_BYTES);
    let monitor = PlayoutMonitorServer::new(Monitor::new(Arc::clone(sessions)))
        .max_decoding_message_size(MOST_REQUEST_BYTES);
    let routes = Routes::new(health.service()).add_service(reflection).add_service(earlier);
    let routes = routes.add_service(control).add_service(monitor).into_axum_router();
    Ok(routes.layer(from_fn_with_state(Arc::clone(calls), calls::timed)).into())
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
