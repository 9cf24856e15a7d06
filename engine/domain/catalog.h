// The catalog of plans (schemas/catalog.fbs), kept as the buffer it was loaded from and read in
// place. Immutable after create(); shared freely between threads.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/time.h"
#include "schemas/catalog_generated.h"

namespace tenure {

class Catalog {
 public:
  // Takes a verified schema::Catalog buffer and checks it for sense. Error kInvalid: names the plan
  // and the field.
  static Result<Catalog> create(std::vector<uint8_t> buffer);

  const schema::Plan* find(std::string_view plan) const;  // null if there is none
  std::string_view currency() const;
  Duration grace() const;                       // from the end of a period to its invoice
  Duration due_after(bool consolidated) const;  // from an invoice to when it is due
  const schema::Dunning& dunning() const;
  uint32_t tax_hundredths_of_percent(std::string_view country) const;  // 0 if it has no rate
  const flatbuffers::Vector<flatbuffers::Offset<schema::Plan>>& plans() const;
  std::string plan_names() const;  // for messages
  // As it was loaded: of the same file the same, in every process.
  const std::vector<uint8_t>& buffer() const { return buffer_; }

 private:
  explicit Catalog(std::vector<uint8_t> buffer) : buffer_(std::move(buffer)) {}
  const schema::Catalog& root() const;

  std::vector<uint8_t> buffer_;
};

// Why whoever pays in `currency` cannot have the plan: a catalog may have changed its own since an
// organization was made. Nothing: it is sold to them.
std::optional<std::string> why_not_sold(const Catalog& catalog, const schema::Plan& plan,
                                        std::string_view currency);

}  // namespace tenure
