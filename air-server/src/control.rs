//! `retrovue.playout.PlayoutControl`: convert, call, convert back.

use std::sync::Arc;

use air_core::{Engine, Reply, ResultCode, StreamTransport};
use air_proto::control as proto;
use air_proto::control::playout_control_server::PlayoutControl;
use tokio::sync::Semaphore;
use tonic::metadata::MetadataValue;
use tonic::{Request, Response, Status};

use crate::session::Session;
use crate::sessions::Sessions;
use crate::waiting::waiting;

/// Metadata of those responses whose message has no field for the result code: its number.
pub const RESULT_CODE: &str = "air-result-code";

/// The engine's number for files, which the interface does not name.
const FILE: i32 = StreamTransport::File as i32;

/// The service.
#[derive(Clone)]
pub struct Control {
    sessions: Arc<Sessions>,
    /// Answers what needs no channel.
    version: &'static str,
    /// Whether a stream may go to a file.
    allows_files: bool,
}

impl Control {
    /// The service over `sessions`.
    pub fn new(sessions: Arc<Sessions>) -> Control {
        let version = sessions.of(0).engine.get_version();
        Control { sessions, version, allows_files: false }
    }

    /// The same for the process that started this one: it may have it write files, as it could itself.
    pub fn for_the_parent(self) -> Control {
        Control { allows_files: true, ..self }
    }

    /// Does `operation` on the engine of channel `id`, on a thread that may wait.
    async fn on<T: Send + 'static>(
        &self,
        id: i32,
        operation: impl FnOnce(&Engine) -> T + Send + 'static,
    ) -> Result<T, Status> {
        let session = self.sessions.of(id);
        waiting(move || operation(&session.engine)).await
    }

    /// The same, once `queue` of the session lets it through. It keeps its turn also if the caller goes.
    async fn in_turn<T: Send + 'static>(
        &self,
        id: i32,
        queue: fn(&Session) -> &Arc<Semaphore>,
        operation: impl FnOnce(&Session) -> T + Send + 'static,
    ) -> Result<T, Status> {
        let session = self.sessions.of(id);
        let turn = Arc::clone(queue(&session)).acquire_owned().await;
        waiting(move || {
            let _turn = turn;
            operation(&session)
        })
        .await
    }
}

/// A response to a caller who may want to know the code, too.
fn with_code<T>(code: ResultCode, message: T) -> Response<T> {
    let mut response = Response::new(message);
    response.metadata_mut().insert(RESULT_CODE, MetadataValue::from(code as i32));
    response
}

#[tonic::async_trait]
impl PlayoutControl for Control {
    async fn start_channel(
        &self,
        request: Request<proto::StartChannelRequest>,
    ) -> Result<Response<proto::StartChannelResponse>, Status> {
        let proto::StartChannelRequest { channel_id, plan_handle, port, program_format_json } =
            request.into_inner();
        let sessions = Arc::clone(&self.sessions);
        let start = move || sessions.start(channel_id, &plan_handle, port, &program_format_json);
        let Reply { success, message, result_code } = waiting(start).await?;
        Ok(with_code(result_code, proto::StartChannelResponse { success, message }))
    }

    async fn update_plan(
        &self,
        request: Request<proto::UpdatePlanRequest>,
    ) -> Result<Response<proto::UpdatePlanResponse>, Status> {
        let proto::UpdatePlanRequest { channel_id: id, plan_handle } = request.into_inner();
        let reply = self.on(id, move |engine| engine.update_plan(id, &plan_handle)).await?;
        self.sessions.tally.answered(id, "UpdatePlan", &reply);
        let Reply { success, message, result_code } = reply;
        Ok(with_code(result_code, proto::UpdatePlanResponse { success, message }))
    }

    async fn stop_channel(
        &self,
        request: Request<proto::StopChannelRequest>,
    ) -> Result<Response<proto::StopChannelResponse>, Status> {
        let id = request.into_inner().channel_id;
        let session = self.sessions.of(id);
        let Reply { success, message, result_code } = waiting(move || session.stop()).await?;
        Ok(with_code(result_code, proto::StopChannelResponse { success, message }))
    }

    async fn get_version(
        &self,
        _request: Request<proto::ApiVersionRequest>,
    ) -> Result<Response<proto::ApiVersion>, Status> {
        Ok(Response::new(proto::ApiVersion { version: self.version.to_owned() }))
    }

    async fn load_preview(
        &self,
        request: Request<proto::LoadPreviewRequest>,
    ) -> Result<Response<proto::LoadPreviewResponse>, Status> {
        let proto::LoadPreviewRequest { channel_id: id, asset_path, start_offset_ms, hard_stop_time_ms } =
            request.into_inner();
        let load = move |session: &Session| {
            session.engine.load_preview(id, &asset_path, start_offset_ms, hard_stop_time_ms)
        };
        let loaded = self.in_turn(id, |session| &session.loading, load).await?;
        self.sessions.tally.answered(id, "LoadPreview", &loaded.reply);
        Ok(Response::new(proto::LoadPreviewResponse {
            success: loaded.reply.success,
            message: loaded.reply.message,
            shadow_decode_started: loaded.shadow_decode_started,
            result_code: loaded.reply.result_code as i32,
        }))
    }

    async fn switch_to_live(
        &self,
        request: Request<proto::SwitchToLiveRequest>,
    ) -> Result<Response<proto::SwitchToLiveResponse>, Status> {
        let proto::SwitchToLiveRequest { channel_id: id, target_boundary_time_ms, issued_at_time_ms } =
            request.into_inner();
        let switch = move |session: &Session| {
            session.engine.switch_to_live(id, target_boundary_time_ms, issued_at_time_ms)
        };
        let switched = self.in_turn(id, |session| &session.switching, switch).await?;
        self.sessions.tally.answered(id, "SwitchToLive", &switched.reply);
        Ok(Response::new(proto::SwitchToLiveResponse {
            success: switched.reply.success,
            message: switched.reply.message,
            pts_contiguous: switched.pts_contiguous,
            live_start_pts: switched.live_start_pts,
            result_code: switched.reply.result_code as i32,
            switch_completion_time_ms: switched.switch_completion_time_ms,
            violation_reason: switched.violation_reason,
        }))
    }

    async fn attach_stream(
        &self,
        request: Request<proto::AttachStreamRequest>,
    ) -> Result<Response<proto::AttachStreamResponse>, Status> {
        let request = request.into_inner();
        let (id, replace_existing) = (request.channel_id, request.replace_existing);
        // The engine has transports that this interface has not: whatever it does not name is none.
        let transport = match request.transport() {
            proto::StreamTransport::UnixDomainSocket => StreamTransport::UnixDomainSocket,
            proto::StreamTransport::TcpLoopback => StreamTransport::TcpLoopback,
            proto::StreamTransport::Unspecified if self.allows_files && request.transport == FILE => {
                StreamTransport::File
            }
            proto::StreamTransport::Unspecified => StreamTransport::Unspecified,
        };
        let attach = move |session: &Session| {
            session.look(); // What was found in the stream before is not told any more once another begins.
            session.engine.attach_stream(id, transport, &request.endpoint, replace_existing)
        };
        let attached = self.in_turn(id, |session| &session.attaching, attach).await?;
        self.sessions.tally.answered(id, "AttachStream", &attached.reply);
        let response = proto::AttachStreamResponse {
            success: attached.reply.success,
            message: attached.reply.message,
            negotiated_transport: attached.negotiated_transport as i32,
            negotiated_endpoint: attached.negotiated_endpoint,
        };
        Ok(with_code(attached.reply.result_code, response))
    }

    async fn detach_stream(
        &self,
        request: Request<proto::DetachStreamRequest>,
    ) -> Result<Response<proto::DetachStreamResponse>, Status> {
        let proto::DetachStreamRequest { channel_id: id, force } = request.into_inner();
        let Reply { success, message, result_code } =
            self.on(id, move |engine| engine.detach_stream(id, force)).await?;
        Ok(with_code(result_code, proto::DetachStreamResponse { success, message }))
    }
}
