// The reads of organizations, spaces and users: every query of projections/queries/queries.h and
// its path.
#include <algorithm>

#include "tools/server/invoice_document.h"
#include "tools/server/read_request.h"

namespace tenure {
namespace {

using Query = std::function<Result<std::string>(const QueryContext&, const ReadRequest&)>;
using Answer = std::function<Result<Response>(const QueryContext&, const ReadRequest&)>;

class Reads {
 public:
  Reads(Router& router, Api& api) : router_(router), api_(api) {}

  void add(std::string_view pattern, std::string_view summary,
           std::vector<std::string_view> own_parameters, Query query) {
    add(pattern, summary, std::move(own_parameters), {kJson},
        [query = std::move(query)](const QueryContext& context, const ReadRequest& request)
            -> Result<Response> { return Response{.body = TRY(query(context, request))}; });
  }

  void add(std::string_view pattern, std::string_view summary,
           std::vector<std::string_view> own_parameters,
           std::vector<std::string_view> response_types, Answer query) {
    std::vector<std::string_view> parameters = {"as", "at_least", "as_of"};
    parameters.insert(parameters.end(), own_parameters.begin(), own_parameters.end());
    add_read(router_, api_,
             {.pattern = pattern,
              .summary = summary,
              .parameters = std::move(parameters),
              .response_types = std::move(response_types),
              .read = [query = std::move(query)](Api& api, const ReadRequest& request) {
                return on_rows(api, request, [&](const QueryContext& context) {
                  return query(context, request);
                });
              }});
  }

 private:
  Router& router_;
  Api& api_;
};

// All that one import may be, unless a smaller page is asked for.
Result<Response> export_page(const QueryContext& context, const ReadRequest& request) {
  Page page = request.page;
  if (request.parameter("limit").empty()) page.limit = kMaxPage;
  ExportPage shown = TRY(export_space(context, request.path[0], request.path[1], page));
  Response response{.content_type = kNdjson, .body = std::move(shown.lines)};
  if (!shown.next.empty()) response.headers.emplace_back(kNextHeader, std::move(shown.next));
  return response;
}

void add_organization_reads(Reads& reads) {
  reads.add("/v1/orgs/{org}", "One organization", {},
            [](const QueryContext& context, const ReadRequest& request) {
              return get_organization(context, request.path[0]);
            });
  reads.add("/v1/orgs/{org}/members", "Its members", {"limit", "cursor"},
            [](const QueryContext& context, const ReadRequest& request) {
              return get_members(context, request.path[0], request.page);
            });
  reads.add("/v1/orgs/{org}/members/{user}", "One member, with groups and spaces", {},
            [](const QueryContext& context, const ReadRequest& request) {
              return get_member(context, request.path[0], bare_user(request.path[1]));
            });
  reads.add("/v1/orgs/{org}/groups", "Its groups and their users", {"limit", "cursor"},
            [](const QueryContext& context, const ReadRequest& request) {
              return get_groups(context, request.path[0], request.page);
            });
  reads.add("/v1/orgs/{org}/assignable-roles",
            "The roles that an actor may give a target, or those that they may give in a space",
            {"actor", "target", "space"},
            [](const QueryContext& context, const ReadRequest& request) -> Result<std::string> {
              const std::string_view actor = bare_user(request.parameter("actor"));
              const std::string_view target = bare_user(request.parameter("target"));
              const std::string_view space = request.parameter("space");
              if (space.empty()) {
                return get_assignable_roles(context, request.path[0], actor, target);
              }
              if (target.empty()) {
                return get_assignable_space_roles(context, request.path[0], space, actor);
              }
              return fail(ErrorKind::kInvalid,
                          "name a target or a space: what may be given in a space is the same "
                          "whoever gets it");
            });
}

void add_offer_reads(Reads& reads, const Catalog& catalog) {
  reads.add("/v1/orgs/{org}/invitations", "The invitations to it and to its spaces",
            {"limit", "cursor"}, [](const QueryContext& context, const ReadRequest& request) {
              return get_invitations(context, request.path[0], request.page);
            });
  reads.add("/v1/orgs/{org}/space-roles", "The roles that are given in its spaces", {},
            [](const QueryContext& context, const ReadRequest& request) {
              return get_space_roles(context, request.path[0]);
            });
  reads.add("/v1/orgs/{org}/plans", "The plans that its spaces may have", {},
            [&catalog](const QueryContext& context, const ReadRequest& request) {
              return get_plans(context, catalog, request.path[0]);
            });
}

void add_space_reads(Reads& reads) {
  reads.add("/v1/orgs/{org}/spaces", "Its spaces with plan and use", {"limit", "cursor"},
            [](const QueryContext& context, const ReadRequest& request) {
              return get_spaces(context, request.path[0], request.page);
            });
  reads.add("/v1/orgs/{org}/spaces/{space}", "One space", {},
            [](const QueryContext& context, const ReadRequest& request) {
              return get_space(context, request.path[0], request.path[1]);
            });
  reads.add("/v1/orgs/{org}/spaces/{space}/members", "Who may be in it, and why",
            {"limit", "cursor"}, [](const QueryContext& context, const ReadRequest& request) {
              return get_space_members(context, request.path[0], request.path[1], request.page);
            });
  reads.add("/v1/orgs/{org}/spaces/{space}/access", "Its direct grants, to users and groups",
            {"limit", "cursor"}, [](const QueryContext& context, const ReadRequest& request) {
              return get_access(context, request.path[0], request.path[1], request.page);
            });
  reads.add("/v1/orgs/{org}/spaces/{space}/resources", "Its resources", {"limit", "cursor"},
            [](const QueryContext& context, const ReadRequest& request) {
              return get_resources(context, request.path[0], request.path[1], request.page);
            });
  reads.add("/v1/orgs/{org}/spaces/{space}/export", "Its resources, as ImportSpace takes them",
            {"limit", "cursor"}, {kNdjson}, export_page);
  reads.add("/v1/orgs/{org}/spaces/{space}/usage", "Its meters in this period", {},
            [](const QueryContext& context, const ReadRequest& request) {
              return get_usage(context, request.path[0], request.path[1]);
            });
  reads.add("/v1/orgs/{org}/spaces/{space}/billing", "Its plan and subscription", {},
            [](const QueryContext& context, const ReadRequest& request) {
              return get_billing(context, request.path[0], request.path[1]);
            });
}

using UserList = Result<std::string> (*)(const QueryContext&, std::string_view user, const Page&,
                                         const UserPast&);

// A user's own list, of all organizations: as_of is a time, since each counts versions of its own.
Result<Response> answer_list(Api& api, const ReadRequest& request, UserList list) {
  auto view = api.host.view();
  const QueryContext context = live_context(api, *view, request);
  UserPast past;
  if (request.as_of && !std::holds_alternative<Time>(*request.as_of)) {
    return fail(
        ErrorKind::kInvalid,
        "as_of of a user's lists must be a time, such as 2026-11-23T14:21:00Z: a version is "
        "one organization's own");
  }
  if (request.as_of) {
    past = [&](std::string_view org) {
      return api.host.as_of(*view, org, *request.as_of, api.readers.stopping());
    };
  }
  return Response{.body = TRY(list(context, bare_user(request.path[0]), request.page, past))};
}

void add_user_read(Router& router, Api& api, std::string_view pattern, std::string_view summary,
                   UserList list) {
  add_read(router, api,
           {.pattern = pattern,
            .summary = summary,
            .parameters = {"as", "at_least", "as_of", "limit", "cursor"},
            .response_types = {kJson},
            .read = [list](Api& reading, const ReadRequest& request) {
              return answer_list(reading, request, list);
            }});
}

// What the parameter says; without it the first type of the header that an invoice comes in.
Result<bool> wants_pdf(const ReadRequest& request) {
  const std::string_view format = request.parameter("format");
  if (format == "pdf" || format == "json") return format == "pdf";
  if (!format.empty()) return fail(ErrorKind::kInvalid, "format must be json or pdf");
  std::string_view rest = request.accept;
  while (!rest.empty()) {
    std::string_view type = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(type.size() + 1, rest.size()));
    while (type.starts_with(' ')) type.remove_prefix(1);
    type = media_type(type);
    if (type == kPdf || type == kJson) return type == kPdf;
  }
  return false;
}

Result<Response> answer_invoice(const QueryContext& context, const ReadRequest& request) {
  if (!TRY(wants_pdf(request))) {
    return Response{.body = TRY(get_invoice(context, request.path[0], request.path[1]))};
  }
  const IssuedInvoice issued = TRY(get_issued_invoice(context, request.path[0], request.path[1]));
  return Response{.content_type = kPdf, .body = TRY(invoice_pdf(invoice_document(issued)))};
}

void add_billing_reads(Reads& reads, const Catalog& catalog) {
  reads.add("/v1/orgs/{org}/billing", "How it is billed, and whom invoices are made out to", {},
            [](const QueryContext& context, const ReadRequest& request) {
              return get_organization_billing(context, request.path[0]);
            });
  reads.add("/v1/orgs/{org}/spaces/{space}/plan-preview",
            "What its invoice will say if it goes to another plan now", {"plan"},
            [&catalog](const QueryContext& context, const ReadRequest& request) {
              return get_plan_preview(context, catalog, request.path[0], request.path[1],
                                      request.parameter("plan"));
            });
  reads.add("/v1/orgs/{org}/spaces/{space}/credits", "Its credits", {"limit", "cursor"},
            [](const QueryContext& context, const ReadRequest& request) {
              return get_credits(context, request.path[0], request.path[1], request.page);
            });
  reads.add("/v1/orgs/{org}/spaces/{space}/billing-log", "The movements of its credits",
            {"limit", "cursor"}, [](const QueryContext& context, const ReadRequest& request) {
              return get_billing_log(context, request.path[0], request.path[1], request.page);
            });
  reads.add("/v1/orgs/{org}/spaces/{space}/invoices", "Its own invoices", {"limit", "cursor"},
            [](const QueryContext& context, const ReadRequest& request) {
              return get_invoices(context, request.path[0], request.path[1], request.page);
            });
  reads.add("/v1/orgs/{org}/invoices", "Its invoices and those of its spaces", {"limit", "cursor"},
            [](const QueryContext& context, const ReadRequest& request) {
              return get_invoices(context, request.path[0], {}, request.page);
            });
  reads.add("/v1/orgs/{org}/invoices/{invoice}", "One invoice, as JSON or as PDF", {"format"},
            {kJson, kPdf}, answer_invoice);
}

}  // namespace

void add_organization_routes(Router& router, Api& api) {
  Reads reads(router, api);
  add_organization_reads(reads);
  add_offer_reads(reads, api.host.catalog());
  add_space_reads(reads);
  add_billing_reads(reads, api.host.catalog());
  add_user_read(router, api, "/v1/users/{user}/spaces", "The spaces a user may be in",
                get_user_spaces);
  add_user_read(router, api, "/v1/users/{user}/invitations",
                "The invitations that a user can answer", get_user_invitations);
  add_user_read(router, api, "/v1/users/{user}/organizations", "The organizations of a user",
                get_user_organizations);
}

}  // namespace tenure
