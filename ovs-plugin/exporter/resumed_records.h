// Records that the process before this one had accepted for its collector and could not send.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ipfix/template.h"

namespace ofe {

class ResumedRecords {
 public:
  // ours: what records of this process are made by. Records of any other template say nothing here.
  explicit ResumedRecords(std::vector<ipfix::Template> ours) : ours_(std::move(ours)) {}

  // The templates of this process became others: records of those that changed are dropped, and counted.
  void set_ours(std::vector<ipfix::Template> ours);

  void add_template(const ipfix::Template& definition);
  // collector: by name whose it is; "": everybody's.
  void add(std::string_view collector, std::uint16_t template_id, std::span<const std::uint8_t> record);

  bool empty() const { return records_.empty(); }
  std::size_t size() const { return records_.size(); }
  std::uint64_t of_other_templates() const { return of_other_templates_; }

  // At most max, until one is not taken. Those that were are no longer here.
  using Take =
      std::function<bool(std::string_view collector, std::uint16_t template_id, std::span<const std::uint8_t> record)>;
  void hand_over(std::size_t max, const Take& take);
  using Visit =
      std::function<void(std::string_view collector, std::uint16_t template_id, std::span<const std::uint8_t> record)>;
  void for_each(const Visit& visit) const;

 private:
  struct Record {
    std::string collector;
    std::uint16_t template_id;
    std::vector<std::uint8_t> octets;
  };
  std::vector<ipfix::Template> ours_;
  bool usable(std::uint16_t template_id) const;

  std::vector<ipfix::Template> usable_;  // templates that are the same here and there
  std::deque<Record> records_;
  std::uint64_t of_other_templates_ = 0;
};

}  // namespace ofe
