// OVS's own reader of datapath flows as text, for comparison: odp_flow_from_string of libopenvswitch.
#pragma once

#ifdef __cplusplus
extern "C" {
#endif

// The keys and masks of a flow, "recirc_id(0),in_port(v1),…" up to its statistics. Non-zero: accepted. Not reentrant.
int odp_flow_peer_accepts(const char* keys);

#ifdef __cplusplus
}
#endif
