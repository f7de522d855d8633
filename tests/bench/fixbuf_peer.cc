#include "tests/bench/fixbuf_peer.h"

#include <cstdio>
#include <cstdlib>
#include <vector>

#include "ipfix/element.h"

namespace bench {
namespace {

constexpr std::uint16_t internal_template = 1000;

// Spelled as its functions want it: without const.
char* text_of(const char* text) {
  return const_cast<char*>(text);
}

fbInfoModel_t* information_model(const ipfix::Template& definition) {
  fbInfoModel_t* const model = fbInfoModelAlloc();  // IANA's elements and their reverse ones
  for (const ipfix::FieldSpecifier& specifier : definition.fields) {
    const ipfix::Element* const element = ipfix::Registry::builtin().find(specifier.enterprise, specifier.id);
    if (specifier.enterprise == 0 || specifier.enterprise == ipfix::reverse_enterprise) continue;
    const auto type = static_cast<std::uint8_t>(element->type);
    const std::uint32_t flags = specifier.length == ipfix::variable_length ? 0 : FB_IE_F_ENDIAN;
    fbInfoElement_t added = FB_IE_INIT_FULL(element->name.c_str(), specifier.enterprise, specifier.id, specifier.length,
                                            flags, 0, 0, type, nullptr);
    fbInfoModelAddElement(model, &added);
  }
  return model;
}

fbTemplate_t* make_template(fbInfoModel_t* model, std::vector<fbInfoElementSpec_t> fields) {
  fields.push_back(FB_IESPEC_NULL);
  fbTemplate_t* const made = fbTemplateAlloc(model);
  GError* error = nullptr;
  fixbuf_check(fbTemplateAppendSpecArray(made, fields.data(), 0, &error), "make a template", error);
  return made;
}

}  // namespace

void fixbuf_check(bool succeeded, const char* what, GError* error) {
  if (succeeded) return;
  std::fprintf(stderr, "libfixbuf: %s: %s\n", what, error == nullptr ? "failed" : error->message);
  std::exit(1);
}

FixbufSession fixbuf_session(bool exporting) {
  const ipfix::Template definition = flow_template();
  fbInfoModel_t* const model = information_model(definition);
  fbSession_t* const session = fbSessionAlloc(model);
  GError* error = nullptr;

  std::vector<fbInfoElementSpec_t> in_struct;
  for (const FlowField& field : flow_fields) {
    const bool text = field.octets == 0;
    in_struct.push_back({text_of(field.element), static_cast<std::uint16_t>(text ? FB_IE_VARLEN : field.octets), 0});
  }
  in_struct.push_back({text_of("paddingOctets"), sizeof FlowValues::padding, 0});
  const std::uint16_t internal_id =
      fbSessionAddTemplate(session, TRUE, internal_template, make_template(model, in_struct), &error);
  fixbuf_check(internal_id != 0, "add the struct's template", error);
  if (!exporting) return {session, internal_id, 0};

  std::vector<fbInfoElementSpec_t> on_wire;
  const std::vector<const FlowField*> order = fields_in_order(definition);
  for (std::size_t i = 0; i < order.size(); ++i) {
    on_wire.push_back({text_of(order[i]->element), definition.fields[i].length, 0});
  }
  const std::uint16_t external_id =
      fbSessionAddTemplate(session, FALSE, definition.id, make_template(model, on_wire), &error);
  fixbuf_check(external_id != 0, "add the flow template", error);
  return {session, internal_id, external_id};
}

FixbufDecoder::FixbufDecoder(FlowSink& sink) : sink_(sink) {
  const FixbufSession with = fixbuf_session(false);
  buffer_ = fBufAllocForCollection(with.session, nullptr);
  GError* error = nullptr;
  fixbuf_check(fBufSetInternalTemplate(buffer_, with.internal_id, &error), "set the struct's template", error);
}

void FixbufDecoder::decode(Octets& message) {
  fBufSetBuffer(buffer_, message.data(), message.size());
  GError* error = nullptr;
  FlowValues values;
  for (;;) {
    std::size_t octets = sizeof values;
    if (!fBufNext(buffer_, reinterpret_cast<std::uint8_t*>(&values), &octets, &error)) break;
    sink_.take(values);
  }
  fixbuf_check(g_error_matches(error, FB_ERROR_DOMAIN, FB_ERROR_BUFSZ), "read a message", error);
  g_clear_error(&error);
}

}  // namespace bench
