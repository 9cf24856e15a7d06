// Pages to write on, over libharu: text in points from the top left corner, new pages as they fill.
//
// One thread. Any call after a failure does nothing; finish() says what failed.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/base/time.h"

namespace tenure {

enum class PdfFont : uint8_t { kPlain, kBold };
enum class PdfAlign : uint8_t { kLeft, kRight };

class PdfPages {
 public:
  static constexpr float kWidth = 595, kHeight = 842, kMargin = 56;

  // `made`: the time the document carries as that of its making.
  PdfPages(std::string_view title, Time made);
  ~PdfPages();
  PdfPages(const PdfPages&) = delete;
  PdfPages& operator=(const PdfPages&) = delete;

  void new_page();
  size_t pages() const;
  void select(size_t page);  // to add to one that was left

  void use(PdfFont font, float size, float grey = 0);  // grey: 0 black to 1 white
  // `x`: where the text begins, or ends (kRight). `y`: its base line.
  void text(float x, float y, std::string_view utf8, PdfAlign align = PdfAlign::kLeft);
  float width(std::string_view utf8);
  void line(float y, float from_x, float to_x, float thickness, float grey);
  void fill(float x, float y, float width, float height, float grey);  // y: the lower edge

  Result<std::string> finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tenure
