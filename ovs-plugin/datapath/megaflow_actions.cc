#include "ovs-plugin/datapath/megaflow_actions.h"

#include <algorithm>
#include <iterator>

namespace ofe::datapath {
namespace {

constexpr int max_nesting =
    8;  // OVS's own limit on clone() and sample() is 16 in the kernel; real flows have one or two

void read_list(DpctlText& in, Megaflow& out, int nesting);

// format_odp_conntrack_action; ct with no parentheses is zone 0.
void read_ct(DpctlText& in, Megaflow& out) {
  CtAction& action = out.ct.emplace_back();
  if (in.peek() != '(') return;
  in.accept('(');
  while (in.ok() && in.peek() != ')') {
    const std::string_view name = in.until("=,()");
    if (name == "commit" || name == "force_commit") action.commit = true;
    if (name == "nat") action.nat = true;
    if (name == "zone") {
      in.expect('=', "'=' after zone");
      action.zone = in.number<std::uint16_t>();
    } else if (in.peek() == '(') {
      in.nested();
    } else {
      in.until(",()");
    }
    if (!in.accept(',')) break;
  }
  in.expect(')', "',' or ')'");
}

void read_recirc(DpctlText& in, Megaflow& out) {
  in.expect('(', "'('");
  const auto recirc_id = in.number<std::uint32_t>();
  in.expect(')', "')'");
  if (!in.ok()) return;
  out.recircs.push_back(recirc_id);
}

// sample(sample=50.0%,actions(…)) and check_pkt_len(size=200,gt(…),le(…)): lists among other parameters.
void read_branches(DpctlText& in, Megaflow& out, int nesting) {
  in.expect('(', "'('");
  while (in.ok() && in.peek() != ')') {
    const std::string_view name = in.until("(,)");
    if (name == "actions" || name == "gt" || name == "le") {
      in.expect('(', "'('");
      read_list(in, out, nesting + 1);
      in.expect(')', "',' or ')'");
    } else if (in.peek() == '(') {
      in.nested();
    }
    if (!in.accept(',')) break;
  }
  in.expect(')', "',' or ')'");
}

// tnl_push(tnl_port(vxlan_sys_4789),header(…),out_port(br-phy)): the packet leaves by the tunnel. Where the
// encapsulated packet goes stands in the actions that follow.
void read_tunnel_push(DpctlText& in, Megaflow& out) {
  DpctlText inside(in.nested());
  if (inside.until("(") == "tnl_port" && inside.accept('(')) {
    const std::string_view port = inside.until(")");
    if (!port.empty()) out.outputs.push_back(port);
  }
}

bool is_output(std::string_view name) {
  constexpr std::string_view others[] = {"ct_clear", "pop_eth", "pop_vlan", "<empty>"};
  if (std::ranges::find(others, name) != std::end(others)) return false;
  // format_generic_odp_action: an action this OVS does not know, such as "action25".
  constexpr std::string_view unknown = "action";
  return !name.starts_with(unknown) || name.size() == unknown.size() ||
         name.find_first_not_of("0123456789", unknown.size()) != std::string_view::npos;
}

void read_action(DpctlText& in, std::string_view name, Megaflow& out, int nesting) {
  if (name == "ct") {
    read_ct(in, out);
  } else if (name == "recirc") {
    read_recirc(in, out);
  } else if (name == "sample" || name == "check_pkt_len") {
    read_branches(in, out, nesting);
  } else if (name == "clone") {
    in.expect('(', "'('");
    read_list(in, out, nesting + 1);
    in.expect(')', "',' or ')'");
  } else if (name == "tnl_push") {
    read_tunnel_push(in, out);
  } else if (in.peek() == '(') {
    in.nested();
  } else if (name == "drop") {
    if (nesting == 0) out.drop = out.outputs.empty();
  } else if (is_output(name)) {
    out.outputs.push_back(name);
  }
}

void read_list(DpctlText& in, Megaflow& out, int nesting) {
  if (nesting > max_nesting) return in.fail("at most 8 levels of nested actions");
  if (nesting > 0 && in.peek() == ')') return;  // clone() of nothing
  do {
    const std::size_t start = in.position();
    const std::string_view name = in.until("(,) ");
    if (name.empty()) return in.fail_at(start, "an action");
    read_action(in, name, out, nesting);
  } while (in.peek() == ',' && in.peek(1) != ' ' && in.accept(','));
}

}  // namespace

void read_actions(DpctlText& in, Megaflow& out) {
  read_list(in, out, 0);
}

}  // namespace ofe::datapath
