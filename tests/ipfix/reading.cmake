# The receiving half: the collecting process, its JSON, and ipfix-dump.
ofe_unit_test(ipfix_reading_test
  SOURCES collecting_process_test.cc decoding_mutation_test.cc hostile_input_test.cc message_reader_test.cc
          record_json_test.cc rfc5471_test.cc sequence_tracker_test.cc session_elements_test.cc
  LIBS ofe_ipfix simdjson::simdjson)

# Messages by others, which stay outside the project.
ofe_unit_test(ipfix_decoding_external_test SOURCES decoding_external_test.cc LIBS ofe_ipfix simdjson::simdjson
  LABELS external)
target_compile_definitions(ipfix_decoding_external_test PRIVATE OFE_SHARED_DEFAULT="${CMAKE_SOURCE_DIR}/../shared")

# The program, on files and on loopback sockets.
add_test(NAME ipfix_dump_test
  COMMAND Python3::Interpreter ${CMAKE_CURRENT_LIST_DIR}/ipfix_dump_test.py $<TARGET_FILE:ipfix-dump>)
set_tests_properties(ipfix_dump_test PROPERTIES LABELS unit)
