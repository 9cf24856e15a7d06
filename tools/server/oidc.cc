#include "tools/server/oidc.h"

#include <simdjson.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include "engine/base/thread_name.h"
#include "engine/domain/names.h"
#include "tools/server/fetch_text.h"
#include "tools/server/jwk_set.h"

namespace tenure {
namespace {

using SteadyClock = std::chrono::steady_clock;
using JsonObject = simdjson::dom::object;
using JsonElement = simdjson::dom::element;

constexpr std::chrono::seconds kLeeway{60};      // between the issuer's clock and this one
constexpr std::chrono::minutes kReadEvery{5};    // so that a new key is known before it is used
constexpr std::chrono::minutes kAskedAtMost{1};  // because of keys that tokens name
constexpr size_t kLongestToken = 8u << 10;

std::optional<SignatureAlgorithm> algorithm_of(std::string_view name) {
  if (name == "RS256") return SignatureAlgorithm::kRs256;
  if (name == "ES256") return SignatureAlgorithm::kEs256;
  if (name == "EdDSA") return SignatureAlgorithm::kEdDsa;
  return std::nullopt;
}

std::unexpected<Error> wrong(const std::string& path, const std::string& what) {
  return fail(ErrorKind::kInvalid, path + ": " + what);
}

Result<std::vector<std::string>> read_algorithms(const std::string& path,
                                                 const JsonElement& value) {
  constexpr std::string_view kHint = "algorithms must be some of RS256, ES256 and EdDSA";
  simdjson::dom::array list;
  if (value.get(list) != simdjson::SUCCESS || list.size() == 0) {
    return wrong(path, std::string(kHint));
  }
  std::vector<std::string> algorithms;
  for (const JsonElement each : list) {
    std::string_view name;
    if (each.get(name) != simdjson::SUCCESS || !algorithm_of(name)) {
      return wrong(path, std::string(kHint));
    }
    algorithms.emplace_back(name);
  }
  return algorithms;
}

Result<OidcIssuer> read_issuer(const std::string& path, const JsonElement& element) {
  JsonObject object;
  if (element.get(object) != simdjson::SUCCESS) return wrong(path, "an issuer is an object");
  OidcIssuer issuer;
  for (const auto& [name, value] : object) {
    if (name == "algorithms") {
      issuer.algorithms = TRY(read_algorithms(path, value));
      continue;
    }
    std::string* field = name == "issuer"       ? &issuer.issuer
                         : name == "audience"   ? &issuer.audience
                         : name == "jwks"       ? &issuer.jwks
                         : name == "user_claim" ? &issuer.user_claim
                                                : nullptr;
    std::string_view text;
    if (field == nullptr || value.get(text) != simdjson::SUCCESS || text.empty()) {
      return wrong(path, "an issuer has issuer, audience, jwks, user_claim and algorithms, not " +
                             std::string(name) + " such as this");
    }
    *field = text;
  }
  if (issuer.issuer.empty() || issuer.audience.empty() || issuer.jwks.empty()) {
    return wrong(path, "each issuer must say issuer, audience and jwks");
  }
  if (is_url(issuer.jwks)) TRY(check_url(issuer.jwks));
  return issuer;
}

struct TokenParts {
  std::string_view header, payload, signature, signed_text;
};

std::optional<TokenParts> parts_of(std::string_view token) {
  const size_t first = token.find('.');
  if (first == std::string_view::npos) return std::nullopt;
  const size_t second = token.find('.', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  if (token.find('.', second + 1) != std::string_view::npos) return std::nullopt;
  return TokenParts{token.substr(0, first), token.substr(first + 1, second - first - 1),
                    token.substr(second + 1), token.substr(0, second)};
}

std::unexpected<TokenRefusal> refuse(std::string why) {
  return std::unexpected(TokenRefusal{"the token is refused: " + std::move(why)});
}

// A part of a token as JSON; lives as long as its parser.
class JsonPart {
 public:
  bool read(std::string_view base64url) {
    const auto json = decode_base64url(base64url);
    return json && parser_.parse(*json).get(object_) == simdjson::SUCCESS;
  }
  bool has(std::string_view name) const { return object_[name].error() == simdjson::SUCCESS; }
  std::string_view text(std::string_view name) const {
    std::string_view text;
    return object_[name].get(text) == simdjson::SUCCESS ? text : std::string_view{};
  }
  // Seconds since the epoch, perhaps with a fraction (RFC 7519, NumericDate).
  std::optional<double> number(std::string_view name) const {
    double number = 0;
    if (object_[name].get(number) != simdjson::SUCCESS) return std::nullopt;
    return number;
  }
  // A text that is `value`, or a list that has it.
  bool names(std::string_view name, std::string_view value) const {
    simdjson::dom::array list;
    if (object_[name].get(list) != simdjson::SUCCESS) return text(name) == value;
    for (const JsonElement each : list) {
      std::string_view text;
      if (each.get(text) == simdjson::SUCCESS && text == value) return true;
    }
    return false;
  }

 private:
  simdjson::dom::parser parser_;
  JsonObject object_;
};

}  // namespace

Result<std::vector<OidcIssuer>> read_oidc_issuers(const std::string& path) {
  const std::string text = TRY(fetch_text(path));
  simdjson::dom::parser parser;
  simdjson::dom::array list;
  if (parser.parse(text).get(list) != simdjson::SUCCESS || list.size() == 0) {
    return wrong(path, R"(it must be a list: [{"issuer":...,"audience":...,"jwks":...}])");
  }
  std::vector<OidcIssuer> issuers;
  for (const JsonElement each : list) {
    issuers.push_back(TRY(read_issuer(path, each)));
    const auto same = [&](const OidcIssuer& other) {
      return other.issuer == issuers.back().issuer;
    };
    if (std::ranges::count_if(issuers, same) > 1) {
      return wrong(path, "the issuer " + issuers.back().issuer + " stands twice");
    }
  }
  return issuers;
}

bool looks_like_token(std::string_view bearer) { return parts_of(bearer).has_value(); }

struct SignInVerifier::Impl {
  struct Known {
    OidcIssuer issuer;
    JwkSet keys;                      // under the mutex, as these
    SteadyClock::time_point asked{};  // when a token's key was last looked for
    bool wanted = false;              // is to be read again now
  };

  std::vector<Known> known;
  std::mutex mutex;
  std::condition_variable wakes;
  bool stops = false;
  std::thread reader;

  ~Impl() {
    {
      const std::scoped_lock lock(mutex);
      stops = true;
      wakes.notify_one();
    }
    if (reader.joinable()) reader.join();
  }

  Known* find(std::string_view issuer) {
    const auto found = std::ranges::find_if(
        known, [&](const Known& each) { return each.issuer.issuer == issuer; });
    return found == known.end() ? nullptr : &*found;
  }

  Result<void> read(Known& each) {
    const auto text = TRY(fetch_text(each.issuer.jwks));
    auto keys = JwkSet::parse(text);
    if (!keys) return wrong(each.issuer.jwks, keys.error().message);
    const std::scoped_lock lock(mutex);
    each.keys = *std::move(keys);
    return {};
  }

  void read_or_log(Known& each) {
    if (const auto done = read(each); !done) {
      spdlog::warn("event=oidc_keys_not_read issuer={} error=\"{}\"", each.issuer.issuer,
                   done.error().message);
    }
  }

  void run() {
    name_this_thread("tenure-oidc");
    auto next = SteadyClock::now() + kReadEvery;
    std::unique_lock lock(mutex);
    while (!stops) {
      const auto is_wanted = [](const Known& each) { return each.wanted; };
      wakes.wait_until(lock, next, [&] { return stops || std::ranges::any_of(known, is_wanted); });
      if (stops) return;
      const bool all = SteadyClock::now() >= next;
      if (all) next = SteadyClock::now() + kReadEvery;
      for (Known& each : known) {
        if (!all && !each.wanted) continue;
        lock.unlock();
        read_or_log(each);
        lock.lock();
        each.wanted = false;
      }
    }
  }

  // The keys, if this one is among them. Else whether they are being looked at for it.
  std::optional<JwkSet> keys_with(Known& each, std::string_view key_id, bool& try_again) {
    const std::scoped_lock lock(mutex);
    if (each.keys.has(key_id)) return each.keys;
    const auto now = SteadyClock::now();
    if (!each.wanted &&
        (each.asked == SteadyClock::time_point{} || now - each.asked >= kAskedAtMost)) {
      each.asked = now;
      each.wanted = true;
      wakes.notify_one();
    }
    try_again = each.wanted;
    return std::nullopt;
  }
};

SignInVerifier::SignInVerifier(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SignInVerifier::~SignInVerifier() = default;

Result<std::unique_ptr<SignInVerifier>> SignInVerifier::open(std::vector<OidcIssuer> issuers) {
  auto impl = std::make_unique<Impl>();
  for (OidcIssuer& issuer : issuers)
    impl->known.push_back({.issuer = std::move(issuer), .keys = {}});
  for (Impl::Known& each : impl->known) {
    if (is_url(each.issuer.jwks)) {
      impl->read_or_log(each);
    } else {
      TRY(impl->read(each));
    }
  }
  impl->reader = std::thread([impl = impl.get()] { impl->run(); });
  return std::unique_ptr<SignInVerifier>(new SignInVerifier(std::move(impl)));
}

// Whose token it says it is chooses the key; nothing else in it is looked at before the signature.
Expected<SignedInPerson, TokenRefusal> SignInVerifier::verify(std::string_view token, Time now) {
  const auto parts = parts_of(token);
  JsonPart header, payload;
  if (!parts || token.size() > kLongestToken || !header.read(parts->header) ||
      !payload.read(parts->payload)) {
    return refuse("it is no JSON Web Token");
  }
  Impl::Known* known = impl_->find(payload.text("iss"));
  if (known == nullptr) return refuse("its issuer is not known here");
  const OidcIssuer& issuer = known->issuer;
  const auto algorithm = algorithm_of(header.text("alg"));
  if (!algorithm ||
      std::ranges::find(issuer.algorithms, header.text("alg")) == issuer.algorithms.end()) {
    return refuse("its algorithm is not among those that are taken from its issuer");
  }
  if (header.has("crit")) return refuse("it has a critical extension, which is not known here");
  const std::string_view key_id = header.text("kid");
  bool try_again = false;
  const auto keys = impl_->keys_with(*known, key_id, try_again);
  if (!keys && try_again) {
    return std::unexpected(
        TokenRefusal{"the keys of the token's issuer are being read; try again in a moment", true});
  }
  if (!keys) return refuse("its key (kid) is not among those of its issuer");
  const std::string signature = decode_base64url(parts->signature).value_or("");
  if (!keys->verifies(key_id, *algorithm, parts->signed_text, signature)) {
    return refuse("its signature is not that of its issuer");
  }

  if (!payload.names("aud", issuer.audience)) return refuse("it is for another audience");
  const double at = static_cast<double>(to_micros(now)) / 1e6;
  const double leeway = static_cast<double>(kLeeway.count());
  const auto expires = payload.number("exp");
  if (!expires) return refuse("it does not say when it expires");
  if (at >= *expires + leeway) return refuse("it has expired; sign in again");
  if (payload.has("nbf") && at < payload.number("nbf").value_or(at + 2 * leeway) - leeway) {
    return refuse("it is not valid yet");
  }
  const std::string_view user = payload.text(issuer.user_claim);
  if (!is_valid_id(user)) {
    return refuse("its claim " + issuer.user_claim + " is not an id of a user, " +
                  "1-128 of A-Z a-z 0-9 . _ : -");
  }
  return SignedInPerson{std::string(user), issuer.issuer};
}

}  // namespace tenure
