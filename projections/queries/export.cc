// The export of a space: its resources as ImportSpace takes them.
#include "projections/queries/query_support.h"

namespace tenure {
namespace {

// A page may become one import, so it is cut well below the size that a command may have.
constexpr size_t kMostImportBytes = 768u << 10;

// About what a resource and its texts take in a command.
size_t import_bytes(std::string_view id, const schema::ResourceRow& resource) {
  constexpr size_t kTable = 48, kText = 12;
  auto bytes = [](const flatbuffers::String* text) { return text ? kText + text->size() : 0; };
  size_t sum = kTable + kText + id.size() + bytes(resource.type()) + bytes(resource.name()) +
               bytes(resource.digest());
  if (resource.links() == nullptr) return sum;
  for (const auto* link : *resource.links()) sum += bytes(link);
  return sum;
}

Result<bool> is_there(const RowView& rows, OrganizationRows& organization, std::string_view space,
                      std::string_view id) {
  Row row;
  if (!TRY(rows.get(Family::kMembership, organization.keys().resource(space, id), row))) {
    return false;
  }
  return !row.as<schema::ResourceRow>().deleted();
}

// Links to what was deleted are left out: no space would take them.
Result<std::string> line_of(const RowView& rows, OrganizationRows& organization,
                            std::string_view space, std::string_view id,
                            const schema::ResourceRow& resource) {
  AnswerWriter out;
  out.begin_object().text("type", resource.type()).text("resource", id);
  if (resource.name() != nullptr) out.text("name", resource.name());
  out.begin_array("links");
  if (resource.links() != nullptr) {
    for (const auto* link : *resource.links()) {
      const bool there = TRY(is_there(rows, organization, space, link->string_view()));
      if (there) out.text(link->string_view());
    }
  }
  out.end_array();
  if (resource.digest() != nullptr) out.text("digest", resource.digest());
  out.end_object();
  return out.take() + '\n';
}

}  // namespace

Result<ExportPage> export_space(const QueryContext& context, std::string_view org,
                                std::string_view space, const Page& page) {
  TRY(check_page(page));
  auto organization = TRY(VisibleOrganization::open(context, org));
  const ActionSet actions = TRY(organization.need_in(space, Action::kSpaceView));
  const std::string prefix = organization->keys().resources(space).str();
  ExportPage shown;
  std::string last;
  Row row;
  size_t left = page.limit, bytes = 0;
  auto cursor = context.rows.scan(Family::kMembership, prefix);
  for (cursor->seek(page_start(prefix, page)); cursor->valid(); cursor->next()) {
    row.assign(cursor->bytes());
    const auto& resource = row.as<schema::ResourceRow>();
    const auto type = organization->rulebook().resource_type(resource.type()->string_view());
    if (resource.deleted() || !type || !actions.has(ResourceVerb::kRead, *type)) continue;
    std::string id(after_prefix(cursor->key(), prefix));
    bytes += import_bytes(id, resource);
    if (left == 0 || (bytes > kMostImportBytes && !last.empty())) {
      shown.next = last;
      break;
    }
    shown.lines += TRY(line_of(context.rows, organization.rows(), space, id, resource));
    last = std::move(id);
    --left;
  }
  TRY(cursor->status());
  return shown;
}

}  // namespace tenure
