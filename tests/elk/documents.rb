# The pipeline's filter without Logstash: events as the codec hands them over come in, one JSON object a line, and what
# would be stored goes out, as {"id": …, "document": …}.
#   documents.rb FILTER.rb '{"flows_remembered": 1000}'
require "json"

# As much of Logstash's event as the filter uses.
class Event
  METADATA = /\A\[@metadata\]\[(\w+)\]\z/

  def initialize(fields)
    @fields, @metadata = fields, {}
  end

  attr_reader :fields, :metadata

  def get(name)
    found = METADATA.match(name)
    found ? @metadata[found[1]] : @fields[name]
  end

  def set(name, value)
    found = METADATA.match(name)
    found ? @metadata[found[1]] = value : @fields[name] = value
  end

  def remove(name)
    @fields.delete(name)
  end
end

load ARGV.fetch(0)
register(JSON.parse(ARGV.fetch(1, "{}")))
$stdin.each_line do |line|
  filter(Event.new(JSON.parse(line))).each do |event|
    puts JSON.generate("id" => event.metadata.fetch("id"), "document" => event.fields)
  end
end
