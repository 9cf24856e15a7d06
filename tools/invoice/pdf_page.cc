#include "tools/invoice/pdf_page.h"

#include <hpdf.h>

#include <chrono>
#include <vector>

namespace tenure {
namespace {

constexpr const char* kPlainFile = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf";
constexpr const char* kBoldFile = "/usr/share/fonts/truetype/dejavu/DejaVuSans-Bold.ttf";

HPDF_Date date_of(Time time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time - day));
  return {static_cast<int>(date.year()),
          static_cast<int>(static_cast<unsigned>(date.month())),
          static_cast<int>(static_cast<unsigned>(date.day())),
          static_cast<int>(clock.hours().count()),
          static_cast<int>(clock.minutes().count()),
          static_cast<int>(clock.seconds().count()),
          'Z',
          0,
          0};
}

}  // namespace

struct PdfPages::Impl {
  Error failure{ErrorKind::kInvalid, ""};  // the first one, if it says something
  HPDF_Doc document = nullptr;
  HPDF_Font plain = nullptr, bold = nullptr;
  std::vector<HPDF_Page> pages;
  HPDF_Page page = nullptr;

  // libharu reports through this and goes on with what it can.
  static void on_error(HPDF_STATUS error, HPDF_STATUS detail, void* self) {
    auto& impl = *static_cast<Impl*>(self);
    if (!impl.failure.message.empty()) return;
    impl.failure.message = "the PDF cannot be made: libharu error " + std::to_string(error) + ", " +
                           std::to_string(detail);
  }
  bool failed() const { return !failure.message.empty(); }

  HPDF_Font load(const char* file) {
    const char* name = HPDF_LoadTTFontFromFile(document, file, HPDF_TRUE);
    HPDF_Font font = name == nullptr ? nullptr : HPDF_GetFont(document, name, "UTF-8");
    if (font == nullptr) {
      failure = {ErrorKind::kUnavailable,
                 "cannot read the font " + std::string(file) + "; install fonts-dejavu-core"};
    }
    return font;
  }
};

PdfPages::PdfPages(std::string_view title, Time made) : impl_(std::make_unique<Impl>()) {
  Impl& impl = *impl_;
  impl.document = HPDF_New(&Impl::on_error, &impl);
  if (impl.document == nullptr) {
    impl.failure.message = "the PDF cannot be made: no memory";
    return;
  }
  HPDF_UseUTFEncodings(impl.document);
  HPDF_SetCompressionMode(impl.document, HPDF_COMP_ALL);
  HPDF_SetInfoAttr(impl.document, HPDF_INFO_TITLE, std::string(title).c_str());
  HPDF_SetInfoAttr(impl.document, HPDF_INFO_CREATOR, "Tenure");
  HPDF_SetInfoDateAttr(impl.document, HPDF_INFO_CREATION_DATE, date_of(made));
  impl.plain = impl.load(kPlainFile);
  if (!impl.failed()) impl.bold = impl.load(kBoldFile);
}

PdfPages::~PdfPages() {
  if (impl_->document != nullptr) HPDF_Free(impl_->document);
}

void PdfPages::new_page() {
  if (impl_->failed()) return;
  impl_->page = HPDF_AddPage(impl_->document);
  if (impl_->page == nullptr) return;
  HPDF_Page_SetWidth(impl_->page, kWidth);
  HPDF_Page_SetHeight(impl_->page, kHeight);
  impl_->pages.push_back(impl_->page);
}

size_t PdfPages::pages() const { return impl_->pages.size(); }
void PdfPages::select(size_t page) {
  if (!impl_->failed()) impl_->page = impl_->pages.at(page);
}

void PdfPages::use(PdfFont font, float size, float grey) {
  if (impl_->failed()) return;
  HPDF_Page_SetFontAndSize(impl_->page, font == PdfFont::kBold ? impl_->bold : impl_->plain, size);
  HPDF_Page_SetGrayFill(impl_->page, grey);
}

void PdfPages::text(float x, float y, std::string_view utf8, PdfAlign align) {
  if (impl_->failed()) return;
  const std::string text(utf8);
  const float begin = align == PdfAlign::kRight ? x - width(text) : x;
  HPDF_Page_BeginText(impl_->page);
  HPDF_Page_TextOut(impl_->page, begin, kHeight - y, text.c_str());
  HPDF_Page_EndText(impl_->page);
}

float PdfPages::width(std::string_view utf8) {
  if (impl_->failed()) return 0;
  return HPDF_Page_TextWidth(impl_->page, std::string(utf8).c_str());
}

void PdfPages::line(float y, float from_x, float to_x, float thickness, float grey) {
  if (impl_->failed()) return;
  HPDF_Page_SetLineWidth(impl_->page, thickness);
  HPDF_Page_SetGrayStroke(impl_->page, grey);
  HPDF_Page_MoveTo(impl_->page, from_x, kHeight - y);
  HPDF_Page_LineTo(impl_->page, to_x, kHeight - y);
  HPDF_Page_Stroke(impl_->page);
}

void PdfPages::fill(float x, float y, float width, float height, float grey) {
  if (impl_->failed()) return;
  HPDF_Page_SetGrayFill(impl_->page, grey);
  HPDF_Page_Rectangle(impl_->page, x, kHeight - y, width, height);
  HPDF_Page_Fill(impl_->page);
}

Result<std::string> PdfPages::finish() {
  if (!impl_->failed()) HPDF_SaveToStream(impl_->document);
  if (impl_->failed()) return std::unexpected(impl_->failure);
  std::string bytes(HPDF_GetStreamSize(impl_->document), '\0');
  auto size = static_cast<HPDF_UINT32>(bytes.size());
  HPDF_ReadFromStream(impl_->document, reinterpret_cast<HPDF_BYTE*>(bytes.data()), &size);
  if (impl_->failed()) return std::unexpected(impl_->failure);
  bytes.resize(size);
  return bytes;
}

}  // namespace tenure
