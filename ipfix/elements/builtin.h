// What elements/generate.py writes at build time: the rows of the CSV tables, table by table.
#pragma once

#include <cstdint>
#include <span>

#include "ipfix/element.h"

namespace ipfix {

struct BuiltinElement {
  std::uint32_t enterprise;
  std::uint16_t id;
  DataType type;
  Semantics semantics;
  Units units;
  const char* name;
};

std::span<const BuiltinElement> builtin_elements();

}  // namespace ipfix
