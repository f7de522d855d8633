// Reads files into a collecting process.
#pragma once

#include <string>
#include <vector>

#include "ipfix/collecting_process.h"
#include "ipfix/dump/finding_log.h"
#include "ipfix/dump/record_output.h"

namespace ipfix::dump {

// Each file is a stream of messages and a session of its own; "-" is standard input. False: a file could not be read
// (the others were).
bool read_streams(const std::vector<std::string>& paths, CollectingProcess& process, FindingLog& log,
                  RecordOutput& output);

// Each file is the payload of one datagram, all of one session. False: as above.
bool read_datagrams(const std::vector<std::string>& paths, CollectingProcess& process, FindingLog& log,
                    RecordOutput& output);

}  // namespace ipfix::dump
