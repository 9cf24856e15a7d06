#include "tools/server/api.h"

namespace tenure {

std::string_view media_type(std::string_view content_type) {
  content_type = content_type.substr(0, content_type.find(';'));
  while (content_type.ends_with(' ')) content_type.remove_suffix(1);
  return content_type;
}

void add_all_routes(Router& router, Api& api) {
  add_service_routes(router, api);
  add_command_routes(router, api);
  add_check_routes(router, api);
  add_explain_routes(router, api);
  add_organization_routes(router, api);
  add_history_routes(router, api);
  add_decision_routes(router, api);
  add_key_routes(router, api);
  add_notary_routes(router, api);
}

}  // namespace tenure
