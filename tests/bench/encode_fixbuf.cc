// libfixbuf, used as its documentation has it: records are structs laid out like the internal template, names are
// fbVarfield_t that point to where they are kept, both templates are set once.
#include <arpa/inet.h>
#include <fixbuf/public.h>

#include <cstring>
#include <stdexcept>
#include <string>

#include "flowstore/address.h"
#include "tests/bench/encode_way.h"

namespace bench {
namespace {

using ofe::record::Names;

constexpr std::uint32_t antrea = 55829;
constexpr std::uint16_t template_id = 256;
constexpr std::uint16_t longest_message = 65'535;

struct Record {
  std::uint32_t start_s, end_s, source, destination;
  std::uint16_t source_port, destination_port;
  std::uint8_t protocol, padding1[3];
  std::uint64_t packets, octets, delta_packets, delta_octets;
  std::uint64_t reverse_packets, reverse_octets, reverse_delta_packets, reverse_delta_octets;
  fbVarfield_t source_pod, source_namespace, source_node, destination_pod, destination_namespace, destination_node;
  std::uint32_t cluster_ip;
  std::uint8_t padding2[4];
  fbVarfield_t service;
  std::uint8_t end_reason, padding3[7];
};

constexpr std::uint32_t in_memory = 1;  // flag of what only the internal template has
char* name(const char* text) {
  return const_cast<char*>(text);  // libfixbuf's tables are not const, and it does not write to them
}

std::vector<fbInfoElementSpec_t> specification() {
  std::vector<fbInfoElementSpec_t> fields;
  const auto add = [&](const char* element, std::uint16_t octets, std::uint32_t flags = 0) {
    fields.push_back({name(element), octets, flags});
  };
  for (const char* element : {"flowStartSeconds", "flowEndSeconds", "sourceIPv4Address", "destinationIPv4Address"}) {
    add(element, 4);
  }
  add("sourceTransportPort", 2);
  add("destinationTransportPort", 2);
  add("protocolIdentifier", 1);
  add("paddingOctets", 3, in_memory);
  for (const char* element :
       {"packetTotalCount", "octetTotalCount", "packetDeltaCount", "octetDeltaCount", "reversePacketTotalCount",
        "reverseOctetTotalCount", "reversePacketDeltaCount", "reverseOctetDeltaCount"}) {
    add(element, 8);
  }
  for (const char* element : {"sourcePodName", "sourcePodNamespace", "sourceNodeName", "destinationPodName",
                              "destinationPodNamespace", "destinationNodeName"}) {
    add(element, FB_IE_VARLEN);
  }
  add("destinationClusterIP", 4);
  add("paddingOctets", 4, in_memory);
  add("destinationServicePortName", FB_IE_VARLEN);
  add("flowEndReason", 1);
  add("paddingOctets", 7, in_memory);
  fields.push_back(FB_IESPEC_NULL);
  return fields;
}

fbInfoModel_t* model_with_ours() {
  fbInfoModel_t* model = fbInfoModelAlloc();
  const auto add = [model](const char* element, std::uint16_t id, std::uint16_t octets, std::uint8_t type) {
    fbInfoElement_t made[] = {FB_IE_INIT_FULL(element, antrea, id, octets, FB_IE_F_ENDIAN, 0, 0, type, nullptr),
                              FB_IE_NULL};
    if (octets == FB_IE_VARLEN) made[0].flags = 0;
    fbInfoModelAddElementArray(model, made);
  };
  add("sourcePodNamespace", 100, FB_IE_VARLEN, FB_STRING);
  add("sourcePodName", 101, FB_IE_VARLEN, FB_STRING);
  add("destinationPodNamespace", 102, FB_IE_VARLEN, FB_STRING);
  add("destinationPodName", 103, FB_IE_VARLEN, FB_STRING);
  add("sourceNodeName", 104, FB_IE_VARLEN, FB_STRING);
  add("destinationNodeName", 105, FB_IE_VARLEN, FB_STRING);
  add("destinationClusterIP", 106, 4, FB_IP4_ADDR);
  add("destinationServicePortName", 108, FB_IE_VARLEN, FB_STRING);
  return model;
}

std::uint32_t host_order(const flowstore::Address& address) {
  if (!flowstore::is_ipv4(address)) return 0;
  std::uint32_t octets = 0;
  std::memcpy(&octets, flowstore::ipv4_octets(address).data(), sizeof octets);
  return ntohl(octets);
}

fbVarfield_t field(const std::string& text) {
  return {text.size(), reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()))};
}

Record record_of(const flowstore::Flow& flow, const Names& names) {
  Record r{};
  r.start_s = static_cast<std::uint32_t>(flow.start_wall_ms / 1000);
  r.end_s = static_cast<std::uint32_t>(flow.last_wall_ms / 1000);
  r.source = host_order(flow.original.source);
  r.destination = host_order(flow.reply.source);
  r.source_port = flow.original.source_port;
  r.destination_port = flow.reply.source_port;
  r.protocol = flow.original.protocol;
  const auto& [packets, octets, reverse_packets, reverse_octets] = flow.total;
  r.packets = packets, r.octets = octets, r.reverse_packets = reverse_packets, r.reverse_octets = reverse_octets;
  r.delta_packets = flow.pending.packets, r.delta_octets = flow.pending.octets;
  r.reverse_delta_packets = flow.pending.reverse_packets, r.reverse_delta_octets = flow.pending.reverse_octets;
  r.source_pod = field(names.source_pod), r.source_namespace = field(names.source_namespace);
  r.source_node = field(names.source_node), r.destination_pod = field(names.destination_pod);
  r.destination_namespace = field(names.destination_namespace), r.destination_node = field(names.destination_node);
  r.cluster_ip = host_order(names.service_address);
  r.service = field(names.service_port_name);
  r.end_reason = 2;
  return r;
}

class Fixbuf : public EncodeWay {
 public:
  explicit Fixbuf(const Flows& flows) : model_(model_with_ours()), session_(fbSessionAlloc(model_)) {
    records_.reserve(flows.flows.size());
    for (const flowstore::Flow& flow : flows.flows) records_.push_back(record_of(flow, flows.names.get(flow.names)));
    fbSessionSetDomain(session_, observation_domain);
    add_template(true, in_memory);
    add_template(false, 0);
    buffer_ = fBufAllocForExport(session_, exporter_ = fbExporterAllocBuffer(message_.data(), longest_message));
    fBufSetExportTime(buffer_, export_time_s);
  }
  ~Fixbuf() override {
    fBufFree(buffer_);  // session and exporter with it
    fbInfoModelFree(model_);
  }

  void describe(const Sink&) override {  // in front of the first records, in their message
    check(fbSessionExportTemplates(session_, &error_));
    fBufSetAutomaticMode(buffer_, FALSE);  // from now on a full message is told, so that it can be taken
    check(fBufSetInternalTemplate(buffer_, template_id, &error_));
    check(fBufSetExportTemplate(buffer_, template_id, &error_));
  }

  void encode(std::span<const std::uint32_t> order, const Sink& sink) override {
    for (const std::uint32_t number : order) {
      auto* record = reinterpret_cast<std::uint8_t*>(&records_[number]);
      if (fBufAppend(buffer_, record, sizeof(Record), &error_)) continue;
      if (!g_error_matches(error_, FB_ERROR_DOMAIN, FB_ERROR_EOM)) check(FALSE);
      g_clear_error(&error_);
      emit(sink);
      check(fBufAppend(buffer_, record, sizeof(Record), &error_));
    }
    emit(sink);
  }

 private:
  void add_template(gboolean internal, std::uint32_t flags) {
    static std::vector<fbInfoElementSpec_t> fields = specification();
    fbTemplate_t* made = fbTemplateAlloc(model_);
    check(fbTemplateAppendSpecArray(made, fields.data(), flags, &error_));
    check(fbSessionAddTemplate(session_, internal, template_id, made, &error_) != 0);
  }
  void emit(const Sink& sink) {
    check(fBufEmit(buffer_, &error_));
    sink({message_.data(), fbExporterGetMsgLen(exporter_)});
  }
  void check(gboolean good) const {
    if (!good) throw std::runtime_error(std::string("libfixbuf: ") + error_->message);
  }

  std::vector<Record> records_;
  std::vector<std::uint8_t> message_ = std::vector<std::uint8_t>(longest_message);
  GError* error_ = nullptr;
  fbInfoModel_t* model_;
  fbSession_t* session_;
  fbExporter_t* exporter_ = nullptr;
  fBuf_t* buffer_ = nullptr;
};

}  // namespace

std::unique_ptr<EncodeWay> encode_fixbuf(const Flows& flows) {
  return std::make_unique<Fixbuf>(flows);
}

}  // namespace bench
