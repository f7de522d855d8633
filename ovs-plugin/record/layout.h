// What the records of this exporter hold, as configured: a profile's fields, and in records of connections the
// elements asked for behind them.
#pragma once

#include <string>
#include <vector>

#include "ipfix/template.h"
#include "ovs-plugin/record/denied_fields.h"
#include "ovs-plugin/record/field_table.h"
#include "ovs-plugin/record/profile.h"

namespace ofe::record {

class Layout {
 public:
  // Extra elements that cannot be had (extra_elements.h) are left out.
  explicit Layout(Profile profile = Profile::antrea_55829, const std::vector<std::string>& extra_elements = {});

  // Every template, those of dropped traffic last, from the tables and the built-in registry.
  std::vector<ipfix::Template> templates() const;

  // One Data Record of the template that template_of() or denied_template_of() says. Check out.overflow() afterwards;
  // max_record_octets is always enough.
  void encode(const Source& from, ipfix::RecordWriter& out) const;
  void encode(const DeniedSource& from, ipfix::RecordWriter& out) const;

  friend bool operator==(const Layout&, const Layout&) = default;

 private:
  Profile profile_;
  std::vector<const Field*> extra_;
};

}  // namespace ofe::record
