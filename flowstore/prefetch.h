// Asks the processor for memory that is soon to be read.
#pragma once

#include <cstddef>
#include <cstdint>

namespace flowstore {

// Every cache line that holds some of it.
inline void prefetch(const void* object, std::size_t octets) {
  constexpr std::uintptr_t line = 64;
  const auto first = reinterpret_cast<std::uintptr_t>(object);
  for (std::uintptr_t at = first & ~(line - 1); at < first + octets; at += line) {
    __builtin_prefetch(reinterpret_cast<const void*>(at));
  }
}

}  // namespace flowstore
