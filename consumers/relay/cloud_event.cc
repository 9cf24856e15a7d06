#include "consumers/relay/cloud_event.h"

#include "engine/json/json_edge.h"
#include "engine/json/json_event.h"

namespace tenure {
namespace {

void append_member(std::string_view name, std::string_view value, std::string& out) {
  out += name;
  append_json_string(value, out);
}

}  // namespace

void append_cloud_event(std::string_view source, Position position, uint32_t index,
                        const schema::Decision& decision, std::string& out) {
  const schema::EventBox& box = *decision.events()->Get(index);
  const schema::CommandEnvelope& command = *decision.command_nested_root();
  const std::string_view type = schema::EnumNameEvent(box.event_type());
  const std::string_view org = command.org()->string_view();
  const std::string_view space = event_text(box, "space");

  out += R"({"specversion":"1.0","id":")" + format_position(position) + '/' +
         std::to_string(index) + '"';
  append_member(R"(,"source":)", source, out);
  out += R"(,"type":"tenure.)";
  out += type;
  std::string subject(org);
  if (!space.empty()) subject.append("/").append(space);
  append_member(R"(","subject":)", subject, out);
  out += R"(,"time":")" + format_time(decision.time());
  out += R"(","datacontenttype":"application/json","dataschema":")" + event_schema_id(type) + '"';
  append_member(R"(,"partitionkey":)", org, out);
  append_member(R"(,"actor":)", command.actor()->string_view(), out);
  out += R"(,"orgversion":")" + std::to_string(decision.version()) + '"';
  append_member(R"(,"commandid":)", command.id()->string_view(), out);
  out += R"(,"data":)";
  write_json(decision_schema(), type, box.event(), out);
  out += '}';
}

}  // namespace tenure
