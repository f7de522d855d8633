# The receiving half: the collecting process, its JSON, and ipfix-dump.
target_sources(ofe_ipfix PRIVATE
  collected_template.cc
  collecting_process.cc
  collecting_session.cc
  collecting_session_records.cc
  data_record.cc
  finding.cc
  json_text.cc
  message_reader.cc
  record_json.cc
  session_elements.cc
  value.cc)

add_executable(ipfix-dump
  dump/finding_log.cc
  dump/input_files.cc
  dump/listener.cc
  dump/main.cc)
target_link_libraries(ipfix-dump PRIVATE ofe_ipfix CLI11::CLI11)
