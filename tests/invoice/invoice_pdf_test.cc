#include "tools/invoice/invoice_pdf.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "tests/support/temporary_directory.h"

namespace tenure {
namespace {

using namespace std::chrono;
using ::testing::HasSubstr;
using ::testing::Not;

Time at(int year, unsigned month, unsigned day) {
  return sys_days(std::chrono::year(year) / month / day);
}

InvoiceDocument example() {
  InvoiceDocument invoice;
  invoice.invoice = "inv-12";
  invoice.number = 12;
  invoice.organization = "halden";
  invoice.space = "atlas-prod";
  invoice.issued = at(2026, 11, 1) + hours(1);
  invoice.due = at(2026, 11, 15);
  invoice.from = at(2026, 10, 1);
  invoice.to = at(2026, 11, 1);
  invoice.name = "Halden Verkehrssysteme GmbH";
  invoice.address = "Große Bleichen 12\n20354 Hamburg";
  invoice.country = "DE";
  invoice.tax_id = "DE123456789";
  invoice.lines = {{.description = "Plan basic",
                    .space = "atlas-prod",
                    .amount_minor = 645,
                    .from = at(2026, 10, 1),
                    .to = at(2026, 10, 11)},
                   {.description = "Plan pro",
                    .space = "atlas-prod",
                    .amount_minor = 2710,
                    .from = at(2026, 10, 11),
                    .to = at(2026, 11, 1)},
                   {.description = "api_requests beyond 1,000,000",
                    .space = "atlas-prod",
                    .quantity = 12345,
                    .amount_minor = 520,
                    .from = at(2026, 10, 1),
                    .to = at(2026, 11, 1)}};
  invoice.currency = "EUR";
  invoice.tax_hundredths_of_percent = 1900;
  invoice.net_minor = 3875;
  invoice.tax_minor = 736;
  invoice.total_minor = 4611;
  return invoice;
}

// What a reader of the PDF sees, line by line; every space a plain one.
std::string text_of(const std::string& pdf) {
  const test::TemporaryDirectory directory;
  const std::string file = directory.path() + "/invoice.pdf";
  std::ofstream(file, std::ios::binary) << pdf;
  const std::string command = "pdftotext -q -layout " + file + " " + file + ".txt";
  EXPECT_EQ(std::system(command.c_str()), 0) << "needs poppler-utils";
  std::stringstream text;
  text << std::ifstream(file + ".txt").rdbuf();
  return text.str();
}

TEST(InvoicePdf, SaysWhatIsBilledToWhomAndUntilWhen) {
  const auto pdf = invoice_pdf(example());
  ASSERT_TRUE(pdf.has_value()) << pdf.error().message;
  EXPECT_THAT(*pdf, ::testing::StartsWith("%PDF-"));
  const std::string text = text_of(*pdf);
  for (const char* said : {"No. 12", "Halden Verkehrssysteme GmbH", "Große Bleichen 12", "Germany",
                           "Tax id DE123456789", "Plan basic", "2026-10-01 to 2026-10-11", "6,45 €",
                           "27,10 €", "12.345", "38,75 €", "Tax, 19 %", "7,36 €", "46,11 €",
                           "Payable by 2026-11-15", "page 1 of 1"}) {
    EXPECT_THAT(text, HasSubstr(said));
  }
}

TEST(InvoicePdf, HasTheSameBytesWheneverItIsMade) {
  EXPECT_EQ(*invoice_pdf(example()), *invoice_pdf(example()));
  InvoiceDocument other = example();
  other.total_minor += 1;
  EXPECT_NE(*invoice_pdf(example()), *invoice_pdf(other));
}

TEST(InvoicePdf, AnOrganizationsInvoiceHasASectionASpaceOverAsManyPagesAsItTakes) {
  InvoiceDocument invoice = example();
  invoice.space.clear();
  const InvoiceLine line = invoice.lines.front();
  invoice.lines.clear();
  for (int space = 0; space < 40; ++space) {
    for (int month = 0; month < 3; ++month) {
      invoice.lines.push_back(line);
      invoice.lines.back().space = "space-" + std::to_string(space);
    }
  }
  const std::string text = text_of(*invoice_pdf(invoice));
  EXPECT_THAT(text, HasSubstr("all of the organization"));
  EXPECT_THAT(text, HasSubstr("space-39"));
  EXPECT_THAT(text, HasSubstr("19,35 €")) << "each section has its sum";
  EXPECT_THAT(text, HasSubstr("page 1 of 5"));
  EXPECT_THAT(text, HasSubstr("page 5 of 5"));
}

TEST(InvoicePdf, SaysWhatIsLeftToPay) {
  InvoiceDocument invoice = example();
  EXPECT_THAT(text_of(*invoice_pdf(invoice)), Not(HasSubstr("Left to pay")));
  invoice.paid_minor = invoice.total_minor;
  const std::string text = text_of(*invoice_pdf(invoice));
  EXPECT_THAT(text, HasSubstr("-46,11 €"));
  EXPECT_THAT(text, HasSubstr(" 0,00 €"));
  EXPECT_THAT(text, Not(HasSubstr("Payable by")));
}

TEST(InvoicePdf, CutsWhatIsTooLongForALine) {
  InvoiceDocument invoice = example();
  invoice.name = std::string(200, 'W');
  invoice.lines[0].description =
      "a description of so many words that no line of the table holds it";
  const std::string text = text_of(*invoice_pdf(invoice));
  EXPECT_THAT(text, Not(HasSubstr(invoice.lines[0].description)));
  EXPECT_THAT(text, HasSubstr("holds it"));
}

TEST(InvoicePdf, KeepsNamesInOtherScripts) {
  InvoiceDocument invoice = example();
  invoice.name = "Иван Петров, Αθήνα";
  EXPECT_THAT(text_of(*invoice_pdf(invoice)), HasSubstr("Иван Петров, Αθήνα"));
}

}  // namespace
}  // namespace tenure
