#include "tests/bench/flow_records.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>

#include "ipfix/element.h"
#include "ipfix/record_writer.h"
#include "ovs-plugin/record/layout.h"

namespace bench {
namespace {

constexpr std::size_t pod_pairs = 1'000;
constexpr std::size_t names_of_a_pair = 7;
constexpr std::uint32_t now_s = 1'700'000'000;

std::vector<std::string> pair_names(std::size_t pair) {
  const std::string number = std::to_string(pair);
  return {"frontend-web-7d8f9c6b5-x7k" + number,
          "web-shop-" + std::to_string(pair % 40),
          "node-pool-a-" + std::to_string(pair % 100) + ".internal",
          "checkout-cart-backend-5f6d7c8b9-q2w" + number,
          "payments-" + std::to_string(pair % 30),
          "node-pool-b-" + std::to_string(pair % 100) + ".internal",
          "payments-" + std::to_string(pair % 30) + "/checkout-cart-backend:http-" + std::to_string(pair % 10)};
}

}  // namespace

FlowTable::FlowTable(std::size_t flows) {
  names_.reserve(pod_pairs * names_of_a_pair);
  for (std::size_t pair = 0; pair < pod_pairs; ++pair) {
    for (std::string& name : pair_names(pair)) names_.push_back(std::move(name));
  }
  std::mt19937_64 random(7);
  flows_.reserve(flows);
  for (std::size_t i = 0; i < flows; ++i) {
    const std::size_t pair = random() % pod_pairs;
    const std::string* const names = &names_[pair * names_of_a_pair];
    const auto text = [&](std::size_t which) {
      return Text{names[which].size(), reinterpret_cast<const std::uint8_t*>(names[which].data())};
    };
    const std::uint64_t packets = random() % 100'000;
    const auto address = [&] { return 0x0a000000u | static_cast<std::uint32_t>(random() & 0xffffff); };
    flows_.push_back({packets,
                      packets * 900,
                      packets / 12,
                      packets * 75,
                      packets / 2,
                      packets * 30,
                      packets / 24,
                      packets * 3,
                      text(0),
                      text(1),
                      text(2),
                      text(3),
                      text(4),
                      text(5),
                      text(6),
                      now_s - static_cast<std::uint32_t>(random() % 600),
                      now_s,
                      address(),
                      address(),
                      0x0a600000u + static_cast<std::uint32_t>(pair),  // the Service's, as its name is
                      static_cast<std::uint16_t>(random()),
                      static_cast<std::uint16_t>(random()),
                      6,
                      2,
                      {}});
  }
}

ipfix::Template flow_template() {
  for (const ipfix::Template& each : ofe::record::Layout().templates()) {
    if (each.id == ofe::record::template_ipv4) return each;
  }
  std::abort();
}

std::vector<const FlowField*> fields_in_order(const ipfix::Template& of) {
  std::vector<const FlowField*> order;
  for (const ipfix::FieldSpecifier& specifier : of.fields) {
    const ipfix::Element* const element = ipfix::Registry::builtin().find(specifier.enterprise, specifier.id);
    const FlowField* found = nullptr;
    for (const FlowField& field : flow_fields) {
      if (element->name == field.element) found = &field;
    }
    if (found == nullptr) {
      std::fprintf(stderr, "flow_values.h lacks %s\n", element->name.c_str());
      std::abort();
    }
    order.push_back(found);
  }
  return order;
}

Octets encoded(const FlowValues& flow, const std::vector<const FlowField*>& order) {
  std::uint8_t buffer[4096];
  ipfix::RecordWriter out(buffer);
  const auto* const base = reinterpret_cast<const std::uint8_t*>(&flow);
  const auto value = [&]<class T>(const FlowField& field, T into) {
    std::memcpy(&into, base + field.offset, sizeof into);
    return into;
  };
  for (const FlowField* field : order) {
    switch (field->octets) {
      case 8:
        out.u64(value(*field, std::uint64_t{}));
        break;
      case 4:
        out.u32(value(*field, std::uint32_t{}));
        break;
      case 2:
        out.u16(value(*field, std::uint16_t{}));
        break;
      case 1:
        out.u8(value(*field, std::uint8_t{}));
        break;
      default: {
        const Text text = value(*field, Text{});
        out.string({reinterpret_cast<const char*>(text.data), text.octets});
      }
    }
  }
  return {out.written().begin(), out.written().end()};
}

}  // namespace bench
