// One transport session of a collecting process: templates, sequence numbers and learned elements per observation
// domain (RFC 7011 sections 8 to 10). Pure: takes whole messages and the time, hands out records and findings.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ipfix/collected_template.h"
#include "ipfix/data_record.h"
#include "ipfix/finding.h"
#include "ipfix/message_reader.h"
#include "ipfix/sequence_tracker.h"
#include "ipfix/session_elements.h"

namespace ipfix {

enum class SessionKind : std::uint8_t {
  datagram,  // UDP: templates are replaced, expire and are never withdrawn
  stream,    // TCP, TLS: a malformed message ends the session
  file,      // as a stream, but read on after a malformed message; a redefined template is reported, then used
};

struct CollectingLimits {
  std::size_t sessions = 1024;
  std::size_t domains_per_session = 256;
  std::size_t templates_per_domain = 2048;
  std::size_t fields_per_template = 16384;          // a message holds 16,377 at most
  std::size_t template_fields_per_session = 32768;  // about 40 octets of memory each
  std::size_t held_octets_per_session = 65536;      // data sets that wait for their template; 0: hold none
  std::size_t learned_elements_per_session = 1024;
  std::size_t list_nesting = 16;
  std::size_t values_per_message = 262144;            // four for every octet of the largest message
  std::int64_t min_template_lifetime_ms = 1'800'000;  // UDP: three default refresh intervals (RFC 7011 section 8.4)
};

struct DataRecord {
  std::string_view exporter;  // the session's peer
  const MessageHeader& header;
  const CollectedTemplate& definition;
  const Values& values;             // one per field of the definition
  const TemplateSource& templates;  // of the record's domain, for lists
};

struct FindingReport {
  Finding finding = Finding::none;
  std::string_view exporter;
  std::uint32_t observation_domain = 0;
  std::uint64_t message_offset = 0;  // of the message in its stream or file; 0 for a datagram
  std::size_t offset = 0;            // in the message
  std::uint64_t amount = 1;          // records_missing: how many
  std::uint16_t template_id = 0;     // of the held data set, or of the template refused; 0: not about one
};

// Called during receive(); what they are given lives only that long.
struct CollectingHandlers {
  std::function<void(const DataRecord&)> record;
  std::function<void(const FindingReport&)> finding;
};

struct CollectingStats {
  std::uint64_t messages = 0;  // well-formed
  std::uint64_t malformed_messages = 0;
  std::uint64_t octets = 0;
  std::uint64_t records = 0;
  std::uint64_t options_records = 0;    // of records
  std::uint64_t templates = 0;          // definitions taken, repetitions included
  std::uint64_t unknown_elements = 0;   // fields of new definitions
  std::uint64_t repeated_elements = 0;  // fields of new definitions whose name one before them has
  std::uint64_t padding_octets = 0;     // behind Data Records
  std::uint64_t records_missing = 0;    // by sequence numbers
  std::uint64_t records_late = 0;       // of these, arrived out of order after all
  FindingCounters findings{};
};

class CollectingSession {
 public:
  // What is referred to outlives the session; stats may be shared by several.
  CollectingSession(std::string peer, SessionKind kind, const Registry& registry, const CollectingLimits& limits,
                    const CollectingHandlers& handlers, CollectingStats& stats);
  CollectingSession(const CollectingSession&) = delete;
  CollectingSession& operator=(const CollectingSession&) = delete;

  // One whole message, and where in its stream it begins. none, or why it was discarded whole; then a stream session is
  // over.
  Finding receive(Octets message, std::int64_t now_ms, std::uint64_t message_offset = 0);
  // Reports and counts what the caller found where the next message should have begun.
  void report_broken_stream(Finding finding, std::uint64_t message_offset);
  // Reports what is still held as dropped. Called once, at the end.
  void finish();

  const std::string& peer() const { return peer_; }
  SessionKind kind() const { return kind_; }
  std::int64_t last_received_ms() const { return last_received_ms_; }

 private:
  struct Domain {
    explicit Domain(const ElementSource& elements) : templates(elements) {}
    TemplateTable templates;
    SequenceTracker sequence;
    std::int64_t next_expiry_check_ms = 0;
  };
  struct HeldSet {
    std::uint32_t domain = 0;
    std::uint16_t template_id = 0;
    MessageHeader header;
    std::vector<std::uint8_t> body;
  };
  // One well-formed message on its way.
  struct Delivery {
    MessageHeader header;
    Domain& domain;
    std::int64_t now_ms;
    std::uint32_t records = 0;
    bool countable = true;  // every data set's template is known
  };

  void report(Finding finding, std::size_t offset = 0, std::uint64_t amount = 1, std::uint16_t template_id = 0);
  // Everything that can be wrong with a message, without any effect.
  Finding check(Octets message, const TemplateTable& current, std::size_t& offset) const;
  Finding check_template_set(const Set& set, TemplateTable& staged) const;

  void deliver(Octets message, Delivery& delivery);
  void deliver_template_set(const Set& set, Delivery& delivery);
  void take_definition(const TemplateRecord& record, std::size_t offset, Delivery& delivery);
  void take_withdrawal(const TemplateRecord& record, std::size_t offset, Delivery& delivery);
  bool has_room(const Domain& domain, const CollectedTemplate* replaced, const Template& definition) const;

  void deliver_data_set(const Set& set, Delivery& delivery);
  std::uint32_t deliver_records(const MessageHeader& header, const CollectedTemplate& definition, const Set& set,
                                const Domain& domain);
  void check_flow_keys(const CollectedTemplate& definition, const Values& values, const Domain& domain,
                       std::size_t offset);
  void hold(const Set& set, Delivery& delivery);
  void release_held(const CollectedTemplate& definition, const Domain& domain, std::uint32_t domain_id);
  ValueBudget fresh_budget() const { return {limits_.values_per_message, limits_.list_nesting}; }
  void learn_taught();

  const std::string peer_;
  const SessionKind kind_;
  const CollectingLimits& limits_;
  const CollectingHandlers& handlers_;
  CollectingStats& stats_;
  SessionElements elements_;
  std::vector<Element> taught_;  // by the message being delivered; known from the next one on
  std::unordered_map<std::uint32_t, Domain> domains_;
  std::deque<HeldSet> held_;
  std::size_t held_octets_ = 0;
  std::uint32_t current_domain_ = 0;  // of the message at hand, for reports
  std::uint64_t current_message_offset_ = 0;
  std::int64_t last_received_ms_ = 0;
};

}  // namespace ipfix
