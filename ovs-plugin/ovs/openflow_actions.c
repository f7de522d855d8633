#include <config.h>

/* Which ct() actions a list of OpenFlow actions has, and what it writes into fields that a zone can be taken from. */

#include <stdlib.h>
#include <string.h>

#include "byte-order.h"
#include "openflow_actions.h"
#include "openvswitch/meta-flow.h"
#include "util.h"

struct place {
  uint16_t space, word;
};

static struct place place_of(const struct mf_field* field) {
  unsigned id = field->id;
  if (id >= MFF_REG0 && id < MFF_REG0 + FLOW_N_REGS) {
    return (struct place){OFE_OVS_SPACE_REGISTERS, 15 - (id - MFF_REG0)};
  }
  if (id >= MFF_XREG0 && id < MFF_XREG0 + FLOW_N_XREGS) { /* xreg0: reg0 above reg1 */
    return (struct place){OFE_OVS_SPACE_REGISTERS, 14 - 2 * (id - MFF_XREG0)};
  }
  if (id >= MFF_XXREG0 && id < MFF_XXREG0 + FLOW_N_XXREGS) { /* xxreg0: reg0 to reg3 */
    return (struct place){OFE_OVS_SPACE_REGISTERS, 12 - 4 * (id - MFF_XXREG0)};
  }
  return (struct place){1 + id, 0};
}

/* Fields that belong to the pipeline, not to the packet, and can hold a zone. */
static bool is_kept(const struct mf_field* field) {
  return place_of(field).space == OFE_OVS_SPACE_REGISTERS || field->id == MFF_METADATA || field->id == MFF_TUN_ID;
}

static void add_word(struct zone_actions* actions, struct place place, uint32_t mask, uint32_t value,
                     const char* from) {
  if (!mask) {
    return;
  }
  if (actions->n_writes == actions->allocated_writes) {
    actions->writes = x2nrealloc(actions->writes, &actions->allocated_writes, sizeof *actions->writes);
  }
  actions->writes[actions->n_writes++] = (struct ofe_ovs_rule_write){
      .space = place.space, .word = place.word, .mask = mask, .value = from ? 0 : value & mask, .from = from};
}

/* value and mask: of the field's size, in network order. */
static void add_constant(struct zone_actions* actions, const struct mf_field* field, const uint8_t* value,
                         const uint8_t* mask) {
  if (!is_kept(field)) {
    return;
  }
  struct place place = place_of(field);
  for (int end = field->n_bytes; end > 0; end -= 4, place.word++) {
    uint32_t value_word = 0, mask_word = 0;
    for (int i = MAX(end - 4, 0); i < end; i++) {
      value_word = value_word << 8 | value[i];
      mask_word = mask_word << 8 | mask[i];
    }
    add_word(actions, place, mask_word, value_word, NULL);
  }
}

static void add_unknown(struct zone_actions* actions, const struct mf_subfield* dst, const char* from) {
  if (!dst->field || !is_kept(dst->field)) {
    return;
  }
  struct place place = place_of(dst->field);
  for (unsigned first = 0; first < dst->field->n_bits; first += 32, place.word++) {
    unsigned begin = MAX(dst->ofs, first), end = MIN(dst->ofs + dst->n_bits, first + 32);
    if (begin < end) {
      uint64_t ones = (UINT64_C(1) << (end - begin)) - 1;
      add_word(actions, place, ones << (begin - first), 0, from);
    }
  }
}

static void add_be64(struct zone_actions* actions, enum mf_field_id id, ovs_be64 value, ovs_be64 mask) {
  add_constant(actions, mf_from_id(id), (const uint8_t*)&value, (const uint8_t*)&mask);
}

static void add_ct(struct zone_actions* actions, const struct ofpact_conntrack* ct) {
  if (actions->n_cts == actions->allocated_cts) {
    actions->cts = x2nrealloc(actions->cts, &actions->allocated_cts, sizeof *actions->cts);
  }
  struct ofe_ovs_rule_ct* out = &actions->cts[actions->n_cts++];
  *out = (struct ofe_ovs_rule_ct){.commit = ct->flags & NX_CT_F_COMMIT, .zone = ct->zone_imm, .field = ""};
  if (ct->zone_src.field) {
    struct place place = place_of(ct->zone_src.field);
    out->zone = -1;
    out->space = place.space;
    out->position = place.word * 32 + ct->zone_src.ofs;
    out->field = ct->zone_src.field->name;
    out->writable = is_kept(ct->zone_src.field);
  }
}

static void take_one(struct zone_actions* actions, const struct ofpact* a) {
  static const uint8_t all_ones[sizeof(union mf_value)] = {[0 ... sizeof(union mf_value) - 1] = 0xff};
  switch (a->type) {
    case OFPACT_CT:
      add_ct(actions, ofpact_get_CT(a));
      break;
    case OFPACT_SET_FIELD: { /* also what was written as load: the library makes one of the other */
      const struct ofpact_set_field* set = ofpact_get_SET_FIELD(a);
      add_constant(actions, set->field, (const uint8_t*)set->value,
                   set->field->n_bytes ? (const uint8_t*)ofpact_set_field_mask(set) : all_ones);
      break;
    }
    case OFPACT_REG_MOVE:
      add_unknown(actions, &ofpact_get_REG_MOVE(a)->dst, ofpact_get_REG_MOVE(a)->src.field->name);
      break;
    case OFPACT_STACK_POP:
      add_unknown(actions, &ofpact_get_STACK_POP(a)->subfield, "pop");
      break;
    case OFPACT_MULTIPATH:
      add_unknown(actions, &ofpact_get_MULTIPATH(a)->dst, "multipath");
      break;
    case OFPACT_BUNDLE:
      add_unknown(actions, &ofpact_get_BUNDLE(a)->dst, "bundle_load");
      break;
    case OFPACT_CHECK_PKT_LARGER:
      add_unknown(actions, &ofpact_get_CHECK_PKT_LARGER(a)->dst, "check_pkt_larger");
      break;
    case OFPACT_WRITE_METADATA:
      add_be64(actions, MFF_METADATA, ofpact_get_WRITE_METADATA(a)->metadata, ofpact_get_WRITE_METADATA(a)->mask);
      break;
    case OFPACT_SET_TUNNEL:
      add_be64(actions, MFF_TUN_ID, htonll(ofpact_get_SET_TUNNEL(a)->tun_id), OVS_BE64_MAX);
      break;
    default:
      break;
  }
}

void zone_actions_take(struct zone_actions* actions, const struct ofpact* ofpacts, size_t ofpacts_len) {
  actions->n_cts = actions->n_writes = 0;
  const struct ofpact* a;
  OFPACT_FOR_EACH_FLATTENED(a, ofpacts, ofpacts_len) {
    take_one(actions, a);
  }
}

void zone_actions_destroy(struct zone_actions* actions) {
  free(actions->cts);
  free(actions->writes);
}
