#include <config.h>
// Behind it, as OVS's headers want it.

#include <stdlib.h>

#include "odp-util.h"
#include "openvswitch/ofpbuf.h"
#include "simap.h"

#include "tests/bench/odp_flow_peer.h"

// Names of the ports in the recorded dumps, as the tools that read such text have them from the datapath. The buffers'
// memory is used again for every line.
int odp_flow_peer_accepts(const char* keys) {
  static struct simap ports = SIMAP_INITIALIZER(&ports);
  static struct ofpbuf key, mask;
  char* problem = NULL;
  if (simap_is_empty(&ports)) {
    simap_put(&ports, "v1", 2);
    simap_put(&ports, "v2", 3);
    simap_put(&ports, "v3", 4);
    ofpbuf_init(&key, 4096);
    ofpbuf_init(&mask, 4096);
  }
  ofpbuf_clear(&key);
  ofpbuf_clear(&mask);
  int failed = odp_flow_from_string(keys, &ports, &key, &mask, &problem);
  free(problem);
  return !failed;
}
