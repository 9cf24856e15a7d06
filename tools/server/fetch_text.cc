#include "tools/server/fetch_text.h"

#include <curl/curl.h>

#include <fstream>
#include <memory>
#include <mutex>
#include <sstream>

namespace tenure {
namespace {

constexpr size_t kMostBytes = 1u << 20;
constexpr long kPatienceSeconds = 10;
constexpr std::string_view kHttp = "http://", kHttps = "https://";

struct CloseCurl {
  void operator()(CURL* curl) const { curl_easy_cleanup(curl); }
};

size_t append(char* data, size_t size, size_t count, void* out) {
  auto& text = *static_cast<std::string*>(out);
  if (text.size() + size * count > kMostBytes) return 0;  // ends the transfer
  text.append(data, size * count);
  return size * count;
}

Result<std::string> fetch_url(const std::string& url) {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  const std::unique_ptr<CURL, CloseCurl> curl(curl_easy_init());
  std::string text;
  char why[CURL_ERROR_SIZE] = "";
  curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_PROTOCOLS_STR, "https,http");
  curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_FAILONERROR, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT, kPatienceSeconds);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, append);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &text);
  curl_easy_setopt(curl.get(), CURLOPT_ERRORBUFFER, why);
  if (const CURLcode code = curl_easy_perform(curl.get()); code != CURLE_OK) {
    return fail(ErrorKind::kUnavailable,
                "cannot fetch " + url + ": " + (why[0] != '\0' ? why : curl_easy_strerror(code)));
  }
  return text;
}

}  // namespace

bool is_url(std::string_view where) {
  return where.starts_with(kHttp) || where.starts_with(kHttps);
}

Result<void> check_url(const std::string& url) {
  if (url.starts_with(kHttps)) return {};
  const std::string_view rest = std::string_view(url).substr(kHttp.size());
  const std::string_view host = rest.substr(0, rest.find_first_of("/?#"));
  const std::string_view name =
      host.starts_with('[') ? host.substr(0, host.find(']') + 1) : host.substr(0, host.find(':'));
  if (name == "localhost" || name == "127.0.0.1" || name == "[::1]") return {};
  return fail(ErrorKind::kInvalid,
              url + " is not https, so anybody on the way could change what it says; use https://");
}

Result<std::string> fetch_text(const std::string& where) {
  if (is_url(where)) return fetch_url(where);
  std::ifstream file(where, std::ios::binary);
  if (!file) return fail(ErrorKind::kNotFound, "cannot read " + where);
  std::ostringstream text;
  text << file.rdbuf();
  if (text.view().size() > kMostBytes) {
    return fail(ErrorKind::kIo, where + " is larger than 1 MiB");
  }
  return std::move(text).str();
}

}  // namespace tenure
