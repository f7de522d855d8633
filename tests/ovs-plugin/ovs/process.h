// Child processes and a scratch folder for the tests of this folder. A child dies with the test, however that ends.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace ofe_test {

class ScratchFolder {
 public:
  ScratchFolder();
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }
  std::string file(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

struct SpawnOptions {
  std::vector<std::string> environment = {};  // "NAME=value", on top of ours
  std::string output = {};                    // file for standard output and error; empty: /dev/null
  bool new_network_namespace = false;         // an unnamed one, gone with its last process
};
pid_t spawn(const std::vector<std::string>& command, const SpawnOptions& options);
// Reaps it; the exit status, or -signal. Does not wait when the child is not ours.
int wait_for(pid_t pid);

struct Finished {
  int status = -1;
  std::string output;
};
// Starts the command and turns `turn` until it ends.
Finished run(const std::vector<std::string>& command, const std::vector<std::string>& environment,
             const std::function<void()>& turn = nullptr);

std::string read_file(const std::string& path);
// Calls `done` every few milliseconds until it is true; false after `seconds`.
bool wait_until(const std::function<bool()>& done, double seconds = 20);

}  // namespace ofe_test
