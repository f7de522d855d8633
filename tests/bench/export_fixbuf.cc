// libfixbuf as exporter: fBufAppend of the struct, messages as large as it makes them.
#include "tests/bench/export_sender.h"
#include "tests/bench/fixbuf_peer.h"

namespace bench {
namespace {

class FixbufSender : public ExportSender {
 public:
  FixbufSender(const FlowTable& table, const std::string& protocol, const std::string& port) : flows_(table.flows()) {
    const FixbufSession with = fixbuf_session(true);
    std::string host = "127.0.0.1", service = port;
    fbConnSpec_t collector = FB_CONNSPEC_INIT;
    collector.transport = protocol == "udp" ? FB_UDP : FB_TCP;
    collector.host = host.data();
    collector.svc = service.data();
    buffer_ = fBufAllocForExport(with.session, fbExporterAllocNet(&collector));
    GError* error = nullptr;
    fixbuf_check(fbSessionExportTemplates(with.session, &error), "send the templates", error);
    fixbuf_check(fBufSetInternalTemplate(buffer_, with.internal_id, &error), "set the struct's template", error);
    fixbuf_check(fBufSetExportTemplate(buffer_, with.external_id, &error), "set the flow template", error);
    flush();
  }

  void send(std::size_t number) override {
    GError* error = nullptr;
    auto* const record = const_cast<FlowValues*>(&flows_[number]);
    if (fBufAppend(buffer_, reinterpret_cast<std::uint8_t*>(record), sizeof *record, &error)) return;
    fixbuf_check(false, "send a record", error);
  }

  void flush() override {
    GError* error = nullptr;
    fixbuf_check(fBufEmit(buffer_, &error), "send a message", error);
  }

 private:
  const std::vector<FlowValues>& flows_;
  fBuf_t* buffer_;
};

}  // namespace

std::unique_ptr<ExportSender> make_fixbuf_sender(const FlowTable& table, const std::string& protocol,
                                                 const std::string& port) {
  return std::make_unique<FixbufSender>(table, protocol, port);
}

}  // namespace bench
