#include "consumers/analytics/export_tables.h"

#include <fmt/format.h>

#include "engine/json/json_edge.h"
#include "engine/json/json_event.h"
#include "projections/key_layout.h"
#include "projections/queries/issued_invoice.h"
#include "schemas/rows_generated.h"

namespace tenure {
namespace {

constexpr auto kText = ColumnType::kText;
constexpr auto kInteger = ColumnType::kInteger;
constexpr auto kTime = ColumnType::kTime;
constexpr auto kJson = ColumnType::kJson;

ExportValue text(std::string_view value) { return std::string(value); }
ExportValue text(const flatbuffers::String* value) {
  return value != nullptr ? ExportValue(value->str()) : ExportValue();
}
ExportValue text_or_none(std::string_view value) {
  return value.empty() ? ExportValue() : ExportValue(std::string(value));
}
ExportValue integer(uint64_t value) { return static_cast<int64_t>(value); }
ExportValue integer(flatbuffers::Optional<uint64_t> value) {
  return value ? integer(*value) : ExportValue();
}
ExportValue time(int64_t micros) { return format_time(micros); }
ExportValue time_or_none(int64_t micros) { return micros == 0 ? ExportValue() : time(micros); }

template <class Strings>
ExportValue list(const Strings* strings) {
  std::string json = "[";
  for (const flatbuffers::String* each : *strings) {
    if (json.size() > 1) json += ',';
    append_json_string(each->string_view(), json);
  }
  return json + "]";
}

using Values = std::vector<ExportValue>;

// Each row of a prefix, with what its key says behind it.
template <class Table, class Make>
Result<void> each_row(const RowView& rows, Family family, std::string_view prefix, Make make) {
  auto cursor = rows.scan(family, prefix);
  Row row;
  for (; cursor->valid(); cursor->next()) {
    row.assign(cursor->bytes());
    TRY(make(after_prefix(cursor->key(), prefix), row.as<Table>()));
  }
  return cursor->status();
}

Result<std::vector<std::string>> spaces_of(const RowView& rows, std::string_view org) {
  Keys keys(org);
  std::vector<std::string> spaces;
  auto cursor = rows.scan(Family::kMembership, keys.organization());
  cursor->seek(keys.after_space(""));
  while (cursor->valid()) {
    spaces.emplace_back(space_of(cursor->key(), keys.organization()));
    cursor->seek(keys.after_space(spaces.back()));
  }
  TRY(cursor->status());
  return spaces;
}

Result<void> organizations(const RowView& rows, std::string_view org, const TakeRow& take) {
  Row row;
  if (!TRY(rows.get(Family::kMembership, Keys(org).organization(), row))) return {};
  const auto& found = row.as<schema::OrganizationRow>();
  const Values values = {text(org),
                         text(found.name()),
                         text(found.rulebook()),
                         text(found.status()),
                         text(found.billing_mode()),
                         text(found.currency()),
                         time(found.created()),
                         integer(found.version())};
  return take(values);
}

Result<void> members(const RowView& rows, std::string_view org, const TakeRow& take) {
  return each_row<schema::MemberRow>(rows, Family::kMembership, Keys(org).members(),
                                     [&](std::string_view user, const schema::MemberRow& row) {
                                       const Values values = {text(org), text(user),
                                                              text(row.role()), text(row.status()),
                                                              time(row.since())};
                                       return take(values);
                                     });
}

Result<void> group_members(const RowView& rows, std::string_view org, const TakeRow& take) {
  return each_row<schema::GroupMemberRow>(
      rows, Family::kMembership, Key(Keys(org).organization()).part("").part("j"),
      [&](std::string_view rest, const schema::GroupMemberRow&) {
        const size_t end = rest.find(Key::kSeparator);
        const Values values = {text(org), text(rest.substr(0, end)), text(rest.substr(end + 1))};
        return take(values);
      });
}

Result<void> spaces(const RowView& rows, std::string_view org, const TakeRow& take) {
  Keys keys(org);
  for (const std::string& space : TRY(spaces_of(rows, org))) {
    Row row;
    if (!TRY(rows.get(Family::kMembership, keys.space(space), row))) continue;
    const auto& found = row.as<schema::SpaceRow>();
    const Values values = {text(org), text(space), text(found.name()), text(found.status()),
                           time(found.created())};
    TRY(take(values));
  }
  return {};
}

Result<void> access(const RowView& rows, std::string_view org, const TakeRow& take) {
  Keys keys(org);
  for (const std::string& space : TRY(spaces_of(rows, org))) {
    TRY(each_row<schema::AccessRow>(rows, Family::kMembership, keys.accesses(space).str(),
                                    [&](std::string_view subject, const schema::AccessRow& row) {
                                      const Values values = {text(org), text(space), text(subject),
                                                             list(row.roles())};
                                      return take(values);
                                    }));
  }
  return {};
}

// Month 0 is of a gauge, which has none.
ExportValue month_text(uint32_t month) {
  if (month == 0) return {};
  return fmt::format("{:04}-{:02}", month / 12, month % 12 + 1);
}

Result<void> usage(const RowView& rows, std::string_view org, const TakeRow& take) {
  return each_row<schema::MeterRow>(
      rows, Family::kUsage, Keys(org).organization(),
      [&](std::string_view rest, const schema::MeterRow& row) {
        const size_t end = rest.find(Key::kSeparator);
        uint32_t month = 0;
        for (const char byte : rest.substr(end + 1, 4)) {
          month = month << 8 | static_cast<uint8_t>(byte);
        }
        const Values values = {text(org), text(rest.substr(0, end)), text(rest.substr(end + 5)),
                               month_text(month), integer(row.used())};
        return take(values);
      });
}

// Of each space of which the billing model has one; its key is the space and a separator.
template <class Make>
Result<void> each_subscription(const RowView& rows, std::string_view org, Make make) {
  Keys keys(org);
  for (const std::string& space : TRY(spaces_of(rows, org))) {
    Row row;
    if (!TRY(rows.get(Family::kBilling, keys.subscription(space), row))) continue;
    TRY(make(space, row.as<schema::SubscriptionRow>()));
  }
  return {};
}

Result<void> subscriptions(const RowView& rows, std::string_view org, const TakeRow& take) {
  return each_subscription(rows, org,
                           [&](const std::string& space, const schema::SubscriptionRow& row) {
                             const Values values = {text(org),
                                                    text(space),
                                                    text(row.plan()),
                                                    text(row.status()),
                                                    row.terms()->price_minor(),
                                                    integer(row.terms()->period_months()),
                                                    time(row.period_from()),
                                                    time_or_none(row.period_to()),
                                                    text(row.pending_plan()),
                                                    row.credits_minor()};
                             return take(values);
                           });
}

Result<void> limits(const RowView& rows, std::string_view org, const TakeRow& take) {
  return each_subscription(
      rows, org, [&](const std::string& space, const schema::SubscriptionRow& row) -> Result<void> {
        for (const schema::MeterTerms* terms : *row.terms()->meters()) {
          const Values values = {text(org), text(space), text(terms->meter()),
                                 text(schema::EnumNameMeterKind(terms->kind())),
                                 integer(terms->limit())};
          TRY(take(values));
        }
        return {};
      });
}

Result<void> invoices(const RowView& rows, std::string_view org, const TakeRow& take) {
  Keys keys(org);
  return each_row<schema::InvoiceRow>(
      rows, Family::kBilling, keys.invoices().str(),
      [&](std::string_view, const schema::InvoiceRow& row) -> Result<void> {
        Row state_row;
        const auto& state = *TRY(get_invoice_state(rows, keys, row.number(), state_row));
        const Values values = {text(org),
                               text(row.invoice()),
                               integer(row.number()),
                               text(row.space()),
                               time(row.issued()),
                               time(row.due()),
                               time(row.period_from()),
                               time(row.period_to()),
                               text(row.currency()),
                               row.net_minor(),
                               row.tax_minor(),
                               row.total_minor(),
                               state.paid_minor(),
                               state.credited_minor()};
        return take(values);
      });
}

Result<void> invoice_lines(const RowView& rows, std::string_view org, const TakeRow& take) {
  return each_row<schema::InvoiceRow>(
      rows, Family::kBilling, Keys(org).invoices(),
      [&](std::string_view, const schema::InvoiceRow& row) -> Result<void> {
        int64_t place = 0;
        for (const schema::InvoiceLine* line : *row.lines()) {
          const Values values = {text(org),
                                 text(row.invoice()),
                                 ++place,
                                 text(line->space()),
                                 text(line->description()),
                                 integer(line->quantity()),
                                 line->amount_minor(),
                                 time(line->from()),
                                 time(line->to())};
          TRY(take(values));
        }
        return {};
      });
}

}  // namespace

const ExportTable& events_table() {
  static const ExportTable table{"events",
                                 {{"log_partition", kInteger},
                                  {"number", kInteger},
                                  {"event_index", kInteger},
                                  {"org", kText},
                                  {"space", kText},
                                  {"type", kText},
                                  {"time", kTime},
                                  {"actor", kText},
                                  {"command_id", kText},
                                  {"command_type", kText},
                                  {"org_version", kInteger},
                                  {"event", kJson}},
                                 3};
  return table;
}

void append_event_rows(Position position, const schema::Decision& decision,
                       std::vector<std::vector<ExportValue>>& out) {
  if (decision.events() == nullptr) return;
  const schema::CommandEnvelope& command = *decision.command_nested_root();
  int64_t index = 0;
  for (const schema::EventBox* box : *decision.events()) {
    std::string json;
    const std::string_view type = schema::EnumNameEvent(box->event_type());
    write_json(decision_schema(), type, box->event(), json);
    out.push_back({integer(position.partition.value), integer(position.number.value), index++,
                   text(command.org()), text_or_none(event_text(*box, "space")), text(type),
                   time(decision.time()), text(command.actor()), text(command.id()),
                   text(schema::EnumNameCommand(command.command_type())),
                   integer(decision.version()), std::move(json)});
  }
}

std::span<const ModelTable> model_tables() {
  static const std::vector<ModelTable> tables = {
      {{"organizations",
        {{"org", kText},
         {"name", kText},
         {"rulebook", kText},
         {"status", kText},
         {"billing_mode", kText},
         {"currency", kText},
         {"created", kTime},
         {"version", kInteger}},
        1},
       organizations},
      {{"members",
        {{"org", kText}, {"user_id", kText}, {"role", kText}, {"status", kText}, {"since", kTime}},
        2},
       members},
      {{"group_members", {{"org", kText}, {"group_id", kText}, {"user_id", kText}}, 3},
       group_members},
      {{"spaces",
        {{"org", kText}, {"space", kText}, {"name", kText}, {"status", kText}, {"created", kTime}},
        2},
       spaces},
      {{"access", {{"org", kText}, {"space", kText}, {"subject", kText}, {"roles", kJson}}, 3},
       access},
      {{"usage",
        {{"org", kText}, {"space", kText}, {"meter", kText}, {"month", kText}, {"used", kInteger}},
        4},
       usage},
      {{"subscriptions",
        {{"org", kText},
         {"space", kText},
         {"plan", kText},
         {"status", kText},
         {"price_minor", kInteger},
         {"period_months", kInteger},
         {"period_from", kTime},
         {"period_to", kTime},
         {"pending_plan", kText},
         {"credits_minor", kInteger}},
        2},
       subscriptions},
      {{"limits",
        {{"org", kText},
         {"space", kText},
         {"meter", kText},
         {"kind", kText},
         {"limit_value", kInteger}},
        3},
       limits},
      {{"invoices",
        {{"org", kText},
         {"invoice", kText},
         {"number", kInteger},
         {"space", kText},
         {"issued", kTime},
         {"due", kTime},
         {"period_from", kTime},
         {"period_to", kTime},
         {"currency", kText},
         {"net_minor", kInteger},
         {"tax_minor", kInteger},
         {"total_minor", kInteger},
         {"paid_minor", kInteger},
         {"credited_minor", kInteger}},
        2},
       invoices},
      {{"invoice_lines",
        {{"org", kText},
         {"invoice", kText},
         {"line", kInteger},
         {"space", kText},
         {"description", kText},
         {"quantity", kInteger},
         {"amount_minor", kInteger},
         {"period_from", kTime},
         {"period_to", kTime}},
        3},
       invoice_lines},
  };
  return tables;
}

Result<void> give_model_rows(const RowView& rows, const ModelTable& model, const TakeRow& take) {
  auto cursor = rows.scan(Family::kMembership, "");
  // What begins with a separator lies outside of any organization.
  cursor->seek(std::string_view("\x20", 1));
  while (cursor->valid()) {
    const std::string_view key = cursor->key();
    const std::string org(key.substr(0, key.find(Key::kSeparator)));
    TRY(model.give(rows, org, take));
    cursor->seek(org + "\x20");
  }
  return cursor->status();
}

}  // namespace tenure
