// What an API server may answer, as far as an exporter's directory. The input is a script: its first octet chooses the
// kind of object and whether streams are asked for; then come answers with 0x1e between them, each its status in three
// digits and its body, which 0x1f at its end cuts off. Whatever is let in must be fit to be told to exporters.
#include <google/protobuf/stubs/logging.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "k8s-bridge/directory/directory.h"
#include "k8s-bridge/watcher/exporter_feed.h"
#include "k8s-bridge/watcher/kind_watch.h"
#include "proto/frame.h"

namespace ofe::watcher {
namespace {

constexpr char end_of_answer = 0x1e, cut_off = 0x1f;

void expect(bool condition) {
  if (!condition) std::abort();
}

// A pipeline of the two programs' parts, without their sockets.
class Chain {
 public:
  Chain(Kind kind, bool streams) : watch_(kind, http_, store_, options(streams), 1), feed_(hello(), store_) {}

  void answer(std::string_view text) {
    now_.monotonic_ms += 1'000'000;
    now_.wall_ms += 1'000'000;
    watch_.run(now_);
    long status = 0;
    while (status < 100 && !text.empty() && text.front() >= '0' && text.front() <= '9') {
      status = status * 10 + (text.front() - '0');
      text.remove_prefix(1);
    }
    HttpResult result{.status = status, .error = "", .retry_after_ms = {}};
    if (!text.empty() && text.back() == cut_off) {
      text.remove_suffix(1);
      result.error = "cut off";
    }
    watch_.responding(status, now_);
    // In pieces of different sizes, allocated one by one so that the address sanitizer sees a read past an end.
    for (std::size_t size = 1 + text.size() % 50; !text.empty(); size = size * 2 % 499) {
      const std::string piece(text.substr(0, size));
      text.remove_prefix(piece.size());
      if (!watch_.body(status, piece, now_)) {
        result.error = "ended by us";
        break;
      }
    }
    watch_.finished(result, now_);
    tell();
  }

 private:
  static KindWatchOptions options(bool streams) {
    KindWatchOptions made;
    made.ask_for_streams = streams;
    made.max_line_octets = 4'000;
    made.max_page_octets = 8'000;
    return made;
  }
  static metadata::v1::Hello hello() {
    metadata::v1::Hello made;
    made.set_protocol_version(metadata::protocol_version);
    made.set_scope(metadata::v1::SCOPE_CLUSTER);
    return made;
  }
  void tell() {
    SourceState state;
    state.synced = watch_.synced();
    state.pods_of_all_nodes = state.all_nodes_offered = true;
    state.detail = watch_.problem();
    std::string octets;
    for (bool more = true; more;) {
      octets.clear();
      more = feed_.fill(octets, 1 << 20, state, now_);
      frames_.feed({octets.data(), octets.size()});
      for (metadata::v1::Frame frame; frames_.next(frame);) take(frame);
      expect(frames_.error() == metadata::FrameError::none);
    }
    store_.forget_removals(feed_.needs_removals_after().value_or(0));
    expect(directory_.stats().invalid == 0);
  }
  void take(const metadata::v1::Frame& frame) {
    if (frame.has_snapshot_begin()) directory_.begin_snapshot();
    if (frame.has_update()) directory_.apply(frame.update(), now_.wall_ms);
    if (frame.has_snapshot_end()) directory_.end_snapshot(now_.wall_ms);
  }

  Now now_{1, 1};
  HttpClient http_{{.server = "http://127.0.0.1:9"}};  // never run: the answers are the input's
  ObjectStore store_{{.max_objects = 100}};
  KindWatch watch_;
  ExporterFeed feed_;
  metadata::FrameReader frames_;
  k8s::Directory directory_;
};

}  // namespace
}  // namespace ofe::watcher

extern "C" int LLVMFuzzerInitialize(int* /*argc*/, char*** /*argv*/) {
  spdlog::set_level(spdlog::level::off);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ofe::watcher;
  if (size == 0) return 0;
  const std::uint8_t choice = data[0];
  Chain chain(all_kinds[choice % all_kinds.size()], (choice & 0x40) != 0);
  std::string_view script(reinterpret_cast<const char*>(data) + 1, size - 1);
  for (int answers = 0; answers < 16 && !script.empty(); ++answers) {
    const std::size_t end = std::min(script.find(end_of_answer), script.size());
    chain.answer(script.substr(0, end));
    script.remove_prefix(std::min(end + 1, script.size()));
  }
  return 0;
}
