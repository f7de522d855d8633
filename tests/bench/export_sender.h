// The sending side of the export rows: how each way takes one flow, as a struct or as the exporter's own, to the wire.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "tests/bench/flow_records.h"

namespace bench {

class ExportSender {
 public:
  virtual ~ExportSender() = default;
  // Flow `number` of the table.
  virtual void send(std::size_t number) = 0;
  // All of it is with the kernel (over TCP: with the other end's).
  virtual void flush() = 0;
};

// protocol: "tcp", "udp" or "tls", to a collector on 127.0.0.1; ca_file: tls, whose signature makes it trusted.
// Ours: the flow and its names through record::encode and the exporting process. way "ours-encoded": records made
// beforehand; "ours-datagrams": over UDP the kernel takes datagrams, not packets that it cuts into them.
std::unique_ptr<ExportSender> make_our_sender(const FlowTable& table, const std::string& protocol, std::uint16_t port,
                                              const std::string& ca_file, const std::string& way);
std::unique_ptr<ExportSender> make_fixbuf_sender(const FlowTable& table, const std::string& protocol,
                                                 const std::string& port);

std::unique_ptr<ExportSender> make_openssl_sender(const FlowTable& table, std::uint16_t port,
                                                  const std::string& ca_file);

}  // namespace bench
