#include "consumers/payments/stripe_client.h"

#include <curl/curl.h>
#include <simdjson.h>

#include <mutex>

namespace tenure {
namespace {

constexpr size_t kMostBytes = 4u << 20;
constexpr long kPatienceSeconds = 30;
// What these requests are written for.
constexpr const char* kApiVersion = "Stripe-Version: 2024-06-20";

struct CloseCurl {
  void operator()(CURL* curl) const { curl_easy_cleanup(curl); }
};
struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

size_t append(char* data, size_t size, size_t count, void* out) {
  auto& text = *static_cast<std::string*>(out);
  if (text.size() + size * count > kMostBytes) return 0;  // ends the transfer
  text.append(data, size * count);
  return size * count;
}

std::string text_at(const StripeAnswer& answer, std::string_view pointer) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  std::string_view text;
  if (parser.parse(answer.body).get(root) != simdjson::SUCCESS ||
      root.at_pointer(pointer).get(text) != simdjson::SUCCESS) {
    return {};
  }
  return std::string(text);
}

}  // namespace

struct StripeClient::Impl {
  std::string url, secret_key;
  std::unique_ptr<CURL, CloseCurl> curl;

  // `form` null: a GET.
  Result<StripeAnswer> exchange(const std::string& path, const std::string* form,
                                const std::string& idempotency_key) {
    CURL* handle = curl.get();
    curl_easy_reset(handle);
    std::unique_ptr<curl_slist, FreeList> headers(curl_slist_append(nullptr, kApiVersion));
    const std::string key = "Idempotency-Key: " + idempotency_key;
    if (!idempotency_key.empty()) curl_slist_append(headers.get(), key.c_str());
    StripeAnswer answer{0, {}};
    char why[CURL_ERROR_SIZE] = "";
    const std::string target = url + path;
    curl_easy_setopt(handle, CURLOPT_URL, target.c_str());
    curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "https,http");
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_TIMEOUT, kPatienceSeconds);
    curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers.get());
    curl_easy_setopt(handle, CURLOPT_XOAUTH2_BEARER, secret_key.c_str());
    curl_easy_setopt(handle, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, append);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, &answer.body);
    curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, why);
    if (form != nullptr) {
      curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(form->size()));
      curl_easy_setopt(handle, CURLOPT_POSTFIELDS, form->c_str());
    }
    if (const CURLcode code = curl_easy_perform(handle); code != CURLE_OK) {
      return fail(ErrorKind::kUnavailable, "cannot reach " + target + ": " +
                                               (why[0] != '\0' ? why : curl_easy_strerror(code)));
    }
    long status = 0;
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
    answer.status = static_cast<int>(status);
    return answer;
  }
};

StripeClient::StripeClient(std::string url, std::string secret_key)
    : impl_(std::make_unique<Impl>()) {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  impl_->url = std::move(url);
  impl_->secret_key = std::move(secret_key);
  impl_->curl.reset(curl_easy_init());
}

StripeClient::~StripeClient() = default;

Result<StripeAnswer> StripeClient::post(const StripeRequest& request) {
  return impl_->exchange(request.path, &request.form, request.idempotency_key);
}

Result<StripeAnswer> StripeClient::get(const std::string& path) {
  return impl_->exchange(path, nullptr, {});
}

std::string stripe_error(const StripeAnswer& answer) {
  return "Stripe answers " + std::to_string(answer.status) + ": " +
         text_at(answer, "/error/message");
}

std::string checkout_page(const StripeAnswer& answer) { return text_at(answer, "/url"); }

}  // namespace tenure
