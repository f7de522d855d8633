// Where and when a state file was written.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace ofe::state_file {

struct Origin {
  std::string boot_id;
  std::uint64_t network_namespace = 0;
  std::int64_t written_wall_ms = 0;
  std::string program_version;
};

// Of this process; nullopt: it cannot be told, `problem` says why.
std::optional<Origin> origin_here(std::int64_t now_wall_ms, std::string& problem,
                                  const std::string& proc_root = "/proc");

// Why a file from there says nothing here; "": it does.
std::string foreignness(const Origin& there, const Origin& here);

}  // namespace ofe::state_file
