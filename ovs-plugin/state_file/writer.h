// Writes the contents of a state file, a block at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>

#include "flowstore/store.h"
#include "ipfix/template.h"
#include "ovs-plugin/record/names.h"
#include "ovs-plugin/state_file/origin.h"

namespace ofe::state_file {

class Writer {
 public:
  // output takes the file's octets in order; after it returned false nothing more is given to it.
  using Output = std::function<bool(std::string_view octets)>;
  Writer(const Origin& origin, Output output);
  ~Writer();

  // In this order: templates of the records, records, flows, births.
  void add_template(const ipfix::Template& definition);
  // collector: whose it is; "": everybody's.
  void add_record(std::string_view collector, std::uint16_t template_id, std::span<const std::uint8_t> record);
  // Flows with the same name handle have the same names.
  void add_flow(const flowstore::Baseline& baseline, const record::Names& names);
  void add_births(const flowstore::Births& births);
  // False: the output has failed.
  bool finish();

  std::uint64_t flows() const;
  std::uint64_t records() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ofe::state_file
