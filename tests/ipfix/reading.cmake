# The receiving half: the collecting process, its JSON, and ipfix-dump.
ofe_unit_test(ipfix_reading_test
  SOURCES collecting_process_test.cc decoding_mutation_test.cc hostile_input_test.cc message_reader_test.cc
          record_json_test.cc sequence_tracker_test.cc session_elements_test.cc
  LIBS ofe_ipfix simdjson::simdjson)
