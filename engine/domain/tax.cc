#include "engine/domain/tax.h"

namespace tenure {

Tax tax_for(const Organization& organization, const Space* space, const Catalog& catalog) {
  const bool own = space != nullptr && !space->account.country.empty();
  const std::string& country = own ? space->account.country : organization.account.country;
  return {country, catalog.tax_hundredths_of_percent(country)};
}

}  // namespace tenure
