// The reads of organizations, spaces and users: every query of projections/queries.h and its path.
#include "tools/server/read_request.h"

namespace tenure {
namespace {

using Query = std::function<Result<std::string>(const QueryContext&, const ReadRequest&)>;
using Answer = std::function<Result<Response>(const QueryContext&, const ReadRequest&)>;

Time now() { return SystemClock().now(); }

Result<Response> run_query(Api& api, const ReadRequest& request, const Answer& query) {
  auto view = api.host.view();
  if (!request.as_of) {
    return query({.rows = *view,
                  .rulebooks = api.host.rulebooks(),
                  .viewer = request.viewer,
                  .now = now(),
                  .partition = api.host.partition_of(request.path.front()),
                  .compiled = &api.host.compiled_rulebooks()},
                 request);
  }
  PastOrganization past =
      TRY(api.host.as_of(*view, request.path.front(), *request.as_of, api.readers.stopping()));
  return query({.rows = *past.rows,
                .rulebooks = api.host.rulebooks(),
                .viewer = request.viewer,
                .now = past.time,
                .partition = api.host.partition_of(request.path.front()),
                .live_rows = &*view,
                .compiled = &api.host.compiled_rulebooks()},
               request);
}

class Reads {
 public:
  Reads(Router& router, Api& api) : router_(router), api_(api) {}

  void add(std::string_view pattern, std::string_view summary,
           std::vector<std::string_view> own_parameters, Query query) {
    add(pattern, summary, std::move(own_parameters), kJson,
        [query = std::move(query)](const QueryContext& context, const ReadRequest& request)
            -> Result<Response> { return Response{.body = TRY(query(context, request))}; });
  }

  void add(std::string_view pattern, std::string_view summary,
           std::vector<std::string_view> own_parameters, std::string_view response_type,
           Answer query) {
    std::vector<std::string_view> parameters = {"as", "at_least"};
    if (pattern.starts_with("/v1/orgs/")) parameters.push_back("as_of");
    parameters.insert(parameters.end(), own_parameters.begin(), own_parameters.end());
    router_.add({.method = Method::kGet,
                 .pattern = pattern,
                 .summary = summary,
                 .access = Access::kKey,
                 .parameters = std::move(parameters),
                 .request_types = {},
                 .response_types = {response_type},
                 .handler = [&api = api_, query = std::move(query), pattern](
                                const Request&, PathValues path, QueryParameters parameters,
                                Respond respond) {
                   answer(api, pattern, query, std::move(path), std::move(parameters),
                          std::move(respond));
                 }});
  }

 private:
  static void answer(Api& api, std::string_view pattern, const Answer& query, PathValues path,
                     QueryParameters parameters, Respond respond) {
    auto request = parse_read(pattern, std::move(path), std::move(parameters));
    if (!request) return respond(problem(request.error()));
    run_read(api, *request, false, std::move(respond), [&api, &query, request = *request] {
      Result<Response> response = run_query(api, request, query);
      return response ? *std::move(response) : problem(response.error());
    });
  }

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
  reads.add("/v1/orgs/{org}/assignable-roles", "The roles that an actor may give a target",
            {"actor", "target"}, [](const QueryContext& context, const ReadRequest& request) {
              return get_assignable_roles(context, request.path[0],
                                          bare_user(request.parameter("actor")),
                                          bare_user(request.parameter("target")));
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
            {"limit", "cursor"}, kNdjson, export_page);
  reads.add("/v1/orgs/{org}/spaces/{space}/usage", "Its meters in this period", {},
            [](const QueryContext& context, const ReadRequest& request) {
              return get_usage(context, request.path[0], request.path[1]);
            });
  reads.add("/v1/orgs/{org}/spaces/{space}/billing", "Its plan and subscription", {},
            [](const QueryContext& context, const ReadRequest& request) {
              return get_billing(context, request.path[0], request.path[1]);
            });
}

void add_billing_reads(Reads& reads) {
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
  reads.add("/v1/orgs/{org}/invoices/{invoice}", "One invoice", {},
            [](const QueryContext& context, const ReadRequest& request) {
              return get_invoice(context, request.path[0], request.path[1]);
            });
}

void add_user_reads(Reads& reads) {
  reads.add("/v1/users/{user}/spaces", "The spaces a user may be in", {"limit", "cursor"},
            [](const QueryContext& context, const ReadRequest& request) {
              return get_user_spaces(context, bare_user(request.path[0]), request.page);
            });
  reads.add("/v1/users/{user}/invitations", "The invitations that a user can answer",
            {"limit", "cursor"}, [](const QueryContext& context, const ReadRequest& request) {
              return get_user_invitations(context, bare_user(request.path[0]), request.page);
            });
  reads.add("/v1/users/{user}/organizations", "The organizations of a user", {"limit", "cursor"},
            [](const QueryContext& context, const ReadRequest& request) {
              return get_user_organizations(context, bare_user(request.path[0]), request.page);
            });
}

}  // namespace

void add_organization_routes(Router& router, Api& api) {
  Reads reads(router, api);
  add_organization_reads(reads);
  add_offer_reads(reads, api.host.catalog());
  add_space_reads(reads);
  add_billing_reads(reads);
  add_user_reads(reads);
}

}  // namespace tenure
