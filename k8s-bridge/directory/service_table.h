// Services by name, by (address, port, protocol) and by (node port, protocol). Part of the directory; pointers handed
// out stay valid until the Service they belong to is put again or removed.
#pragma once

#include <tuple>
#include <utility>

#include "k8s-bridge/directory/claims.h"
#include "k8s-bridge/directory/directory.h"
#include "k8s-bridge/directory/object_name.h"

namespace ofe::k8s {

class ServiceTable {
 public:
  // false: a new Service, and there are max_services already.
  bool put(Service service, std::uint64_t generation, std::size_t max_services);
  bool remove(const ObjectNameView& name);
  // Removes what was not put with this generation; how many.
  std::size_t remove_others(std::uint64_t generation);

  Directory::ServiceMatch find(const Address& address, std::uint16_t port, std::uint8_t protocol) const;
  Directory::ServiceMatch find_by_node_port(std::uint16_t node_port, std::uint8_t protocol) const;
  const Service* named(const ObjectNameView& name) const;
  void each(const std::function<bool(const Service&)>& visit) const;
  std::size_t size() const { return services_.size(); }
  std::size_t contested() const { return by_port_.contested(); }

 private:
  struct Entry {
    std::unique_ptr<Service> service;  // a pointer, so that the index survives a rehash
    std::uint64_t generation = 0;
  };
  using PortKey = std::tuple<Address, std::uint16_t, std::uint8_t>;
  using NodePortKey = std::pair<std::uint16_t, std::uint8_t>;
  struct Owner {
    const Service* service;
    std::size_t port;  // its place in service->ports
    bool operator==(const Owner& other) const { return service == other.service; }
  };

  void index(const Service& service);
  void unindex(const Service& service);

  ByObjectName<Entry> services_;
  Claims<PortKey, Owner> by_port_;
  Claims<NodePortKey, Owner> by_node_port_;
};

}  // namespace ofe::k8s
