# A record of the exporter becomes a document: what the codec decoded stays below "ipfix", what the dashboards draw is
# added below "flow". Plain Ruby: tests/elk runs it without Logstash.
require "digest"
require "time"

# The end of each flow's record before, so that it is known how long the next one's deltas took. Bounded in number and
# in age; a flow that is forgotten has one record without throughput.
class FlowEnds
  def initialize(most, seconds)
    @most, @seconds = most, seconds
    @ends = {} # oldest first
  end

  attr_reader :ends

  # When the record before this one ended; nil: none is remembered.
  def swap(key, ended)
    before = @ends.delete(key)
    @ends[key] = ended
    forget(ended)
    before
  end

  def delete(key)
    @ends.delete(key)
  end

  private

  def forget(now)
    until @ends.empty?
      key, ended = @ends.first
      break if @ends.size <= @most && ended >= now - @seconds
      @ends.delete(key)
    end
  end
end

PROTOCOLS = { 1 => "ICMP", 6 => "TCP", 17 => "UDP", 58 => "ICMPv6", 132 => "SCTP" }.freeze
END_REASONS = { 1 => "idle", 2 => "active", 3 => "ended", 4 => "forced", 5 => "lack of resources" }.freeze
FIREWALL_DENIED = 3
UNSET = ["0.0.0.0", "::", "", nil].freeze

def register(params)
  @ends = FlowEnds.new(params.fetch("flows_remembered", 200_000), params.fetch("remember_seconds", 1800))
end

def filter(event)
  record = event.get("ipfix")
  # Options: descriptions of elements and the exporter's own counts.
  return [] if record.nil? || record["protocolIdentifier"].nil?
  record = record.reject { |name, _| name == "version" || name == "flowset_id" }
  event.set("ipfix", record)
  event.set("[@metadata][id]", id_of(record, event.get("host")))
  event.set("exporter", { "ip" => event.get("host"), "exported" => event.get("@timestamp").to_s })
  event.remove("host")
  event.set("flow", flow_of(record))
  event.set("@timestamp", timestamp(record["flowEndSeconds"])) # one that came late belongs where it happened
  [event]
end

# Of everything the record says: two documents are the same only when their records were.
def id_of(record, exporter)
  Digest::SHA256.hexdigest(record.sort.map { |name, value| "#{name}=#{value}" }.push(exporter.to_s).join("\n"))
end

def flow_of(record)
  source = endpoint(record, "source")
  destination = endpoint(record, "destination")
  service = service_of(record)
  key = flow_key(record)
  interval = interval_of(record, key)
  flow = {
    "id" => Digest::SHA256.hexdigest(key)[0, 16], # of all records of one flow
    "source" => source, "destination" => destination,
    "protocol" => PROTOCOLS.fetch(record["protocolIdentifier"], record["protocolIdentifier"].to_s),
    "kind" => kind_of(source, destination, service),
    "keys" => keys_of(source, destination, service),
    "bytes" => record["octetDeltaCount"].to_i, "packets" => record["packetDeltaCount"].to_i,
    "reverse_bytes" => record["reverseOctetDeltaCount"].to_i,
    "reverse_packets" => record["reversePacketDeltaCount"].to_i,
    "end_reason" => END_REASONS.fetch(record["flowEndReason"], record["flowEndReason"].to_s),
    "denied" => record["firewallEvent"] == FIREWALL_DENIED
  }
  flow["service"] = service if service
  flow.merge!(throughput(flow, interval)) if interval
  flow
end

def endpoint(record, side)
  ip = record["#{side}IPv4Address"] || record["#{side}IPv6Address"]
  pod, namespace, node = ["PodName", "PodNamespace", "NodeName"].map { |what| record["#{side}#{what}"].to_s }
  known = { "pod" => pod, "namespace" => namespace, "node" => node }.reject { |_, name| name.empty? }
  # Namespaces are kept apart: two Pods may have one name.
  name = !pod.empty? ? "#{namespace}/#{pod}" : !node.empty? ? node : ip
  { "ip" => ip, "port" => record["#{side}TransportPort"], "name" => name }.merge(known)
end

# "namespace/name:port", no colon when the port has no name.
def service_of(record)
  port_name = record["destinationServicePortName"].to_s
  return nil if port_name.empty?
  ip = %w[destinationClusterIP destinationClusterIPv4 destinationClusterIPv6].map { |name| record[name] }
  known = ip.reject { |address| UNSET.include?(address) }.first
  { "port_name" => port_name, "name" => port_name.split(":").first }.merge(known ? { "ip" => known } : {})
end

def what_is(endpoint)
  return "Pod" if endpoint["pod"]
  endpoint["node"] ? "Node" : "other"
end

def kind_of(source, destination, service)
  "#{what_is(source)}-to-#{service ? "Service" : what_is(destination)}"
end

def keys_of(source, destination, service)
  keys = { "endpoints" => "#{source["name"]} -> #{destination["name"]}" }
  keys["pods"] = keys["endpoints"] if source["pod"] && destination["pod"]
  keys["service"] = "#{source["name"]} -> #{service["port_name"]}" if service
  nodes = [source["node"], destination["node"]]
  keys["nodes"] = nodes.join(" -> ") if nodes.all?
  keys
end

# How many seconds the deltas took, at least one, as times are whole seconds; nil: not known.
def interval_of(record, key)
  started, ended = %w[flowStartSeconds flowEndSeconds].map { |name| Time.iso8601(record[name]).to_i }
  before = @ends.swap(key, ended)
  @ends.delete(key) if record["flowEndReason"].to_i >= 3
  began = all_in_this_record?(record) ? started : before
  return nil if began.nil? || began > ended
  [ended - began, 1].max
end

def flow_key(record)
  %w[sourceIPv4Address sourceIPv6Address destinationIPv4Address destinationIPv6Address sourceTransportPort
     destinationTransportPort protocolIdentifier flowStartSeconds flowId].map { |name| record[name] }.join(" ")
end

def all_in_this_record?(record)
  %w[octet packet reverseOctet reversePacket].all? do |count|
    record["#{count}DeltaCount"] == record["#{count}TotalCount"]
  end
end

def throughput(flow, interval)
  { "interval" => interval, "throughput" => flow["bytes"] * 8.0 / interval,
    "reverse_throughput" => flow["reverse_bytes"] * 8.0 / interval }
end

def timestamp(text)
  defined?(LogStash::Timestamp) ? LogStash::Timestamp.new(text) : text
end
