#include "tools/invoice/invoice_pdf.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <span>

#include "tools/invoice/money_text.h"
#include "tools/invoice/pdf_page.h"

namespace tenure {
namespace {

constexpr float kLeft = PdfPages::kMargin, kRight = PdfPages::kWidth - PdfPages::kMargin;
constexpr float kPeriodX = 262, kQuantityX = 450;  // quantity ends there
constexpr float kDescriptionWidth = kPeriodX - kLeft - 8;
constexpr float kLastRow = PdfPages::kHeight - 96;  // below it is the foot
constexpr float kRowHeight = 17, kBodySize = 8.5F, kSmallSize = 7.5F;
constexpr float kGrey = 0.42F, kRule = 0.8F;

// UTC, in the form that no country reads in another order.
std::string date_text(Time time) {
  const std::chrono::year_month_day day(std::chrono::floor<std::chrono::days>(time));
  char text[16];
  std::snprintf(text, sizeof text, "%04d-%02u-%02u", static_cast<int>(day.year()),
                static_cast<unsigned>(day.month()), static_cast<unsigned>(day.day()));
  return text;
}

// Cut at spaces into lines that fit; a word that does not is cut between characters.
std::vector<std::string> wrapped(PdfPages& pages, std::string_view text, float width) {
  std::vector<std::string> lines(1);
  const auto fits = [&](const std::string& line) { return pages.width(line) <= width; };
  const auto add_word = [&](std::string_view word) {
    const std::string longer =
        lines.back().empty() ? std::string(word) : lines.back() + " " + std::string(word);
    if (fits(longer)) {
      lines.back() = longer;
      return;
    }
    if (!lines.back().empty()) lines.emplace_back();
    while (!word.empty()) {
      size_t size = 1;
      while (size < word.size() && (word[size] & 0xc0) == 0x80) ++size;
      if (!lines.back().empty() && !fits(lines.back() + std::string(word.substr(0, size)))) {
        lines.emplace_back();
      }
      lines.back().append(word.substr(0, size));
      word.remove_prefix(size);
    }
  };
  while (!text.empty()) {
    const size_t end = std::min(text.find(' '), text.size());
    if (end > 0) add_word(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    if (end > 0) lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

class InvoiceWriter {
 public:
  explicit InvoiceWriter(const InvoiceDocument& invoice)
      : invoice_(invoice), pages_("Invoice " + std::to_string(invoice.number), invoice.issued) {}

  Result<std::string> write() {
    pages_.new_page();
    heading();
    addressee();
    table_head();
    sections();
    totals();
    feet();
    return pages_.finish();
  }

 private:
  std::string money(int64_t minor) const {
    return money_text(minor, invoice_.currency, invoice_.country);
  }

  void heading() {
    pages_.use(PdfFont::kBold, 22);
    pages_.text(kLeft, 78, "Invoice");
    pages_.use(PdfFont::kBold, 11);
    pages_.text(kRight, 72, "No. " + std::to_string(invoice_.number), PdfAlign::kRight);
    pages_.use(PdfFont::kPlain, kBodySize, kGrey);
    pages_.text(kRight, 86, invoice_.organization, PdfAlign::kRight);
    pages_.line(98, kLeft, kRight, 1.2F, 0);
  }

  // To whom on the left, what it is about on the right.
  void addressee() {
    float y = 124;
    pages_.use(PdfFont::kPlain, kSmallSize, kGrey);
    pages_.text(kLeft, y, "Billed to");
    pages_.use(PdfFont::kBold, 10);
    for (const std::string& line : wrapped(pages_, addressee_name(), 230)) {
      pages_.text(kLeft, y += 15, line);
    }
    pages_.use(PdfFont::kPlain, kBodySize);
    for (const std::string& line : address()) {
      for (const std::string& part : wrapped(pages_, line, 230)) {
        pages_.text(kLeft, y += 12.5F, part);
      }
    }
    float facts = 124;
    fact(facts, "Issued", date_text(invoice_.issued));
    fact(facts, "Due", date_text(invoice_.due));
    fact(facts, "Period", date_text(invoice_.from) + " to " + date_text(invoice_.to));
    fact(facts, "Space", invoice_.space.empty() ? "all of the organization" : invoice_.space);
    fact(facts, "Reference", invoice_.invoice);
    y_ = std::max(y, facts) + 34;
  }

  std::string_view addressee_name() const {
    return invoice_.name.empty() ? invoice_.organization : invoice_.name;
  }

  std::vector<std::string> address() const {
    std::vector<std::string> lines = lines_of(invoice_.address);
    if (!invoice_.country.empty()) lines.push_back(country_name(invoice_.country));
    if (!invoice_.tax_id.empty()) lines.push_back("Tax id " + invoice_.tax_id);
    if (!invoice_.email.empty()) lines.push_back(invoice_.email);
    return lines;
  }

  void fact(float& y, std::string_view name, std::string_view value) {
    constexpr float kNameX = 320, kValueX = 384;
    pages_.use(PdfFont::kPlain, kBodySize, kGrey);
    pages_.text(kNameX, y, name);
    pages_.use(PdfFont::kPlain, kBodySize);
    for (const std::string& part : wrapped(pages_, value, kRight - kValueX)) {
      pages_.text(kValueX, y, part);
      y += 14;
    }
  }

  void table_head() {
    pages_.fill(kLeft, y_ + 6, kRight - kLeft, 20, 0.94F);
    pages_.use(PdfFont::kBold, kSmallSize);
    pages_.text(kLeft + 6, y_, "Description");
    pages_.text(kPeriodX, y_, "Period");
    pages_.text(kQuantityX, y_, "Quantity", PdfAlign::kRight);
    pages_.text(kRight - 6, y_, "Amount", PdfAlign::kRight);
    y_ += kRowHeight + 5;
  }

  // Goes to a new page if less than `height` is left on this one.
  void make_room(float height) {
    if (y_ + height <= kLastRow) return;
    pages_.new_page();
    y_ = 76;
    table_head();
  }

  void sections() {
    const std::span<const InvoiceLine> lines(invoice_.lines);
    for (size_t begin = 0; begin < lines.size();) {
      size_t end = begin;
      while (end < lines.size() && lines[end].space == lines[begin].space) ++end;
      section(lines.subspan(begin, end - begin));
      begin = end;
    }
  }

  // The lines of one space; with its name and its sum if the invoice is about several.
  void section(std::span<const InvoiceLine> lines) {
    if (invoice_.space.empty()) {
      int64_t sum = 0;
      for (const InvoiceLine& line : lines) sum += line.amount_minor;
      make_room(3 * kRowHeight);
      pages_.use(PdfFont::kBold, kBodySize);
      pages_.text(kLeft + 6, y_, lines.front().space);
      pages_.text(kRight - 6, y_, money(sum), PdfAlign::kRight);
      y_ += kRowHeight;
    }
    for (const InvoiceLine& line : lines) row(line);
  }

  void row(const InvoiceLine& line) {
    const float indent = invoice_.space.empty() ? 16 : 6;
    pages_.use(PdfFont::kPlain, kBodySize);
    const auto description = wrapped(pages_, line.description, kDescriptionWidth - indent);
    make_room(kRowHeight * static_cast<float>(description.size()));
    pages_.use(PdfFont::kPlain, kBodySize);
    pages_.text(kPeriodX, y_, date_text(line.from) + " to " + date_text(line.to));
    if (line.quantity != 1) {
      const std::string quantity = quantity_text(line.quantity, invoice_.country);
      pages_.text(kQuantityX, y_, quantity, PdfAlign::kRight);
    }
    pages_.text(kRight - 6, y_, money(line.amount_minor), PdfAlign::kRight);
    for (const std::string& part : description) {
      pages_.text(kLeft + indent, y_, part);
      y_ += 12;
    }
    y_ += kRowHeight - 12;
    pages_.line(y_ - 11.5F, kLeft, kRight, 0.4F, kRule);
  }

  void totals() {
    make_room(8 * kRowHeight);
    y_ += 12;
    sum("Net", invoice_.net_minor);
    if (invoice_.tax_hundredths_of_percent > 0) {
      sum("Tax, " + rate_text(invoice_.tax_hundredths_of_percent, invoice_.country),
          invoice_.tax_minor);
    }
    pages_.line(y_ - 11, kPeriodX, kRight, 0.8F, 0);
    y_ += 2;
    sum("Total", invoice_.total_minor, PdfFont::kBold);
    if (invoice_.paid_minor != 0) sum("Paid", -invoice_.paid_minor);
    const int64_t left = invoice_.total_minor - invoice_.paid_minor;
    if (left != invoice_.total_minor) sum("Left to pay", left, PdfFont::kBold);
    if (left > 0) {
      y_ += 8;
      pages_.use(PdfFont::kPlain, kBodySize, kGrey);
      pages_.text(kRight - 6, y_, "Payable by " + date_text(invoice_.due), PdfAlign::kRight);
    }
  }

  void sum(std::string_view name, int64_t amount_minor, PdfFont font = PdfFont::kPlain) {
    pages_.use(font, font == PdfFont::kBold ? 10 : kBodySize);
    pages_.text(kPeriodX, y_, name);
    pages_.text(kRight - 6, y_, money(amount_minor), PdfAlign::kRight);
    y_ += kRowHeight;
  }

  void feet() {
    for (size_t page = 0; page < pages_.pages(); ++page) {
      pages_.select(page);
      pages_.line(PdfPages::kHeight - 62, kLeft, kRight, 0.4F, kRule);
      pages_.use(PdfFont::kPlain, kSmallSize, kGrey);
      pages_.text(kLeft, PdfPages::kHeight - 46,
                  "Times are UTC. Amounts in " + invoice_.currency + ".");
      pages_.text(kRight, PdfPages::kHeight - 46,
                  "Invoice " + std::to_string(invoice_.number) + ", page " +
                      std::to_string(page + 1) + " of " + std::to_string(pages_.pages()),
                  PdfAlign::kRight);
    }
  }

  const InvoiceDocument& invoice_;
  PdfPages pages_;
  float y_ = 0;  // the next row's base line
};

}  // namespace

Result<std::string> invoice_pdf(const InvoiceDocument& invoice) {
  return InvoiceWriter(invoice).write();
}

}  // namespace tenure
