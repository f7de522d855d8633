// A fake k8s-bridge: a real unix stream socket, with whatever octets the test wants to send on it.
#pragma once

#include <optional>
#include <string>

#include "proto/frame.h"

namespace ofe::k8s::test {

class FakeBridge {
 public:
  FakeBridge();  // in a new directory of its own, not listening yet
  ~FakeBridge();
  FakeBridge(const FakeBridge&) = delete;
  FakeBridge& operator=(const FakeBridge&) = delete;

  const std::string& path() const { return path_; }
  void listen(int backlog = 8);
  void stop_listening();  // and removes the socket file

  // Takes the connection that is waiting; false: there is none.
  bool accept();
  void send(const std::string& octets);
  void send(const metadata::v1::Frame& frame);
  // The next frame the exporter sent, reading all that is there; nullopt: none yet.
  std::optional<metadata::v1::Frame> receive();
  void close();
  bool peer_closed();  // the exporter hung up

 private:
  std::string folder_, path_;
  int listener_ = -1, connection_ = -1;
  metadata::FrameReader reader_;
};

}  // namespace ofe::k8s::test
