// A control plane in C++: the eight RPCs in the usual order, each of which has to succeed the first time.
//
// client TARGET ASSET ENDPOINT FORMAT_JSON; it says "on air" and stops the channel when its standard input ends.

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <limits>
#include <memory>
#include <string>

#include <grpcpp/grpcpp.h>

#include "playout.grpc.pb.h"

namespace {

using retrovue::playout::PlayoutControl;

constexpr int kChannel = 1;

// Ends the program, saying what failed, unless `holds`.
void Expect(bool holds, const std::string& what) {
  if (holds) return;
  std::cerr << what << std::endl;
  std::exit(1);
}

// A call over a connection of its own, with the deadline that is usual.
template <typename Request, typename Response>
Response Call(const std::string& target, const char* name, const Request& request,
              grpc::Status (PlayoutControl::Stub::*rpc)(grpc::ClientContext*, const Request&, Response*)) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  const auto channel = grpc::CreateCustomChannel(target, grpc::InsecureChannelCredentials(), arguments);
  PlayoutControl::Stub stub(channel);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(5));
  Response response;
  const grpc::Status status = (stub.*rpc)(&context, request, &response);
  Expect(status.ok(), std::string(name) + ": " + status.error_message());
  return response;
}

template <typename Response>
Response Succeeded(const char* name, Response response) {
  Expect(response.success(), std::string(name) + " was refused: " + response.message());
  return response;
}

}  // namespace

// One RPC by its name, and the same where success is told.
#define CALL(rpc, request) Call(target, #rpc, request, &PlayoutControl::Stub::rpc)
#define DO(rpc, request) Succeeded(#rpc, CALL(rpc, request))

int main(int argc, char** argv) {
  using namespace retrovue::playout;
  Expect(argc == 5, "usage: client TARGET ASSET ENDPOINT FORMAT_JSON");
  const std::string target = argv[1];

  Expect(CALL(GetVersion, ApiVersionRequest()).version() == "1.0.0", "version");

  StartChannelRequest start;
  start.set_channel_id(kChannel);
  start.set_plan_handle("/no/such/plan");
  start.set_program_format_json(argv[4]);
  DO(StartChannel, start);

  UpdatePlanRequest update;
  update.set_channel_id(kChannel);
  DO(UpdatePlan, update);

  LoadPreviewRequest load;
  load.set_channel_id(kChannel);
  load.set_asset_path(argv[2]);
  Expect(DO(LoadPreview, load).result_code() == RESULT_CODE_OK, "LoadPreview's code");

  AttachStreamRequest attach;
  attach.set_channel_id(kChannel);
  attach.set_transport(STREAM_TRANSPORT_UNIX_DOMAIN_SOCKET);
  attach.set_endpoint(argv[3]);
  Expect(DO(AttachStream, attach).negotiated_endpoint() == argv[3], "the endpoint");

  SwitchToLiveRequest take;
  take.set_channel_id(kChannel);
  const auto taken = DO(SwitchToLive, take);
  Expect(taken.pts_contiguous() && taken.result_code() == RESULT_CODE_OK, "SwitchToLive's code");

  std::cout << "on air" << std::endl;
  std::cin.ignore(std::numeric_limits<std::streamsize>::max());

  DetachStreamRequest detach;
  detach.set_channel_id(kChannel);
  DO(DetachStream, detach);

  StopChannelRequest stop;
  stop.set_channel_id(kChannel);
  DO(StopChannel, stop);
  return 0;
}
