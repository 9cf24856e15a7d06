#include "tools/server/kafka_keys.h"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstring>
#include <list>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <unordered_set>

#include "engine/base/ids.h"
#include "engine/log/kafka_topics.h"
#include "tools/server/kafka_command_topics.h"
#include "tools/server/kafka_group.h"
#include "tools/server/kafka_publisher.h"

namespace tenure {
namespace {

constexpr std::chrono::milliseconds kRound(50);
constexpr size_t kRandomDigits = 16;
constexpr char kFormat = 1;

using Deadline = std::chrono::steady_clock::time_point;

template <size_t kSize>
Result<std::array<uint8_t, kSize>> random_bytes() {
  std::array<uint8_t, kSize> bytes;
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) == 1) return bytes;
  return fail(ErrorKind::kUnavailable, "the system gives no random bytes for a key; try again");
}

Result<std::string> new_name(std::string_view subject) {
  uint64_t number = 0;
  const auto bytes = TRY(random_bytes<sizeof number>());
  std::memcpy(&number, bytes.data(), sizeof number);
  return fmt::format("{}/{:016x}", subject, number);
}

// Whose record it is; empty if it is none of ours.
std::string_view subject_of(std::string_view name) {
  const size_t at = name.rfind('/');
  return at != name.npos && name.size() - at - 1 == kRandomDigits ? name.substr(0, at)
                                                                  : std::string_view();
}

constexpr std::string_view kMarks = "erasures/";
constexpr std::string_view kNobody = "_nobody";  // is no id

std::string name_of_mark(PartitionId partition) {
  return fmt::format("{}{}", kMarks, partition.value);
}

std::string value_of(std::span<const uint8_t> content) {
  std::string value(1, kFormat);
  value.append(content.begin(), content.end());
  return value;
}

std::string value_of(const ErasureMark& mark) {
  std::array<uint8_t, sizeof mark.log + sizeof mark.next> content;
  std::ranges::copy(mark.log, content.begin());
  std::memcpy(&content[mark.log.size()], &mark.next, sizeof mark.next);
  return value_of(std::span(content));
}

// Nothing if the value has another form.
std::optional<ErasureMark> mark_in(std::string_view value) {
  ErasureMark mark;
  if (value.size() != 1 + sizeof mark.log + sizeof mark.next) return std::nullopt;
  std::memcpy(mark.log.data(), &value[1], sizeof mark.log);
  std::memcpy(&mark.next, &value[1 + sizeof mark.log], sizeof mark.next);
  return mark;
}

}  // namespace

struct KafkaKeys::Impl {
  // One record that lives.
  struct Entry {
    std::string name;
    PersonKey key;
  };

  KafkaKeysOptions options;
  std::string topic;
  std::unique_ptr<KafkaTail> tail;
  std::unique_ptr<KafkaPublisher> publisher;  // null: to read alone
  std::atomic<bool> ending = false;
  std::thread thread;

  mutable std::mutex mutex;  // of these
  std::condition_variable changed;
  std::unordered_map<std::string, std::list<Entry>, TextHash, std::equal_to<>> people;
  std::unordered_map<std::string, ErasureMark, TextHash, std::equal_to<>> marks;  // by record key
  std::unordered_set<std::string> awaited;  // names of records that are on their way
  std::optional<Error> failure;

  static Result<std::unique_ptr<Impl>> read(KafkaKeysOptions options);
  Result<void> read_all();
  void loop();
  void take(const KafkaIncoming& record);
  void take_locked(const KafkaIncoming& record, std::string_view subject);
  const Entry* first_locked(std::string_view subject) const;
  Result<void> send(std::string name, std::string value);
  Result<void> wait(std::unique_lock<std::mutex>& lock, std::span<const std::string> names,
                    Deadline deadline);
  Result<void> write(std::unique_lock<std::mutex>& lock, std::span<const std::string> names,
                     std::span<const std::string> values);
  void fail_with(const Error& error);
};

// --- reading ---

Result<void> KafkaKeys::Impl::read_all() {
  while (!tail->at_end()) {
    (void)TRY(tail->poll(kRound, [this](KafkaIncoming& record) { take(record); }));
    const std::scoped_lock lock(mutex);
    if (failure) return std::unexpected(*failure);
  }
  return {};
}

void KafkaKeys::Impl::loop() {
  while (!ending) {
    const auto came = tail->poll(kRound, [this](KafkaIncoming& record) { take(record); });
    if (!came) options.on_error(came.error());
  }
}

void KafkaKeys::Impl::take(const KafkaIncoming& record) {
  const std::string_view subject = subject_of(record.key);
  const bool is_mark = subject.empty() && record.key.starts_with(kMarks);
  if (subject.empty() && !is_mark) return;
  if (!record.value.empty() && record.value[0] != kFormat) {
    return fail_with({ErrorKind::kUnsupported,
                      fmt::format("topic {} was written by a newer Tenure; upgrade", topic)});
  }
  const std::scoped_lock lock(mutex);
  if (!is_mark) {
    take_locked(record, subject);
  } else if (const auto mark = mark_in(record.value)) {
    marks.insert_or_assign(std::string(record.key), *mark);
  }
  if (awaited.erase(std::string(record.key)) > 0) changed.notify_all();
}

void KafkaKeys::Impl::take_locked(const KafkaIncoming& record, std::string_view subject) {
  auto at = people.find(subject);
  if (record.value.empty()) {
    if (at == people.end()) return;
    at->second.remove_if([&](Entry& each) {
      if (each.name != record.key) return false;
      OPENSSL_cleanse(each.key.data(), each.key.size());
      return true;
    });
    if (at->second.empty()) people.erase(at);
    return;
  }
  Entry entry{std::string(record.key), {}};
  if (record.value.size() != 1 + entry.key.size()) return;
  std::ranges::copy(record.value.substr(1), entry.key.begin());
  if (at == people.end()) at = people.emplace(subject, std::list<Entry>()).first;
  // What comes again (the library may go back) changes nothing.
  if (std::ranges::find(at->second, entry.name, &Entry::name) != at->second.end()) return;
  at->second.push_back(std::move(entry));
}

const KafkaKeys::Impl::Entry* KafkaKeys::Impl::first_locked(std::string_view subject) const {
  const auto at = people.find(subject);
  return at == people.end() ? nullptr : &at->second.front();
}

void KafkaKeys::Impl::fail_with(const Error& error) {
  {
    const std::scoped_lock lock(mutex);
    if (failure) return;
    failure = error;
    changed.notify_all();
  }
  options.on_failure(error);
}

// --- writing ---

// Empty: a record without value. What cannot be sent is found out by who waits for it.
Result<void> KafkaKeys::Impl::send(std::string name, std::string value) {
  KafkaOutgoing record{topic, 0, std::move(name), std::move(value), {}};
  record.tombstone = record.value.empty();
  return publisher->publish(std::move(record), [this](const Result<void>& how) {
    if (!how) options.on_error(how.error());
  });
}

Result<void> KafkaKeys::Impl::wait(std::unique_lock<std::mutex>& lock,
                                   std::span<const std::string> names, Deadline deadline) {
  const bool came = changed.wait_until(lock, deadline, [&] {
    return failure || std::ranges::none_of(
                          names, [&](const std::string& name) { return awaited.contains(name); });
  });
  for (const std::string& name : names) awaited.erase(name);
  if (failure) return std::unexpected(*failure);
  if (came) return {};
  return fail(ErrorKind::kUnavailable,
              "the keys of personal text cannot be written now; retry with the same id");
}

// Returns when they are durable, and so is read all that was written before them. Without `values`:
// records without value.
Result<void> KafkaKeys::Impl::write(std::unique_lock<std::mutex>& lock,
                                    std::span<const std::string> names,
                                    std::span<const std::string> values) {
  const Deadline deadline = std::chrono::steady_clock::now() + options.patience;
  awaited.insert(names.begin(), names.end());
  lock.unlock();
  Result<void> sent;
  for (size_t i = 0; i < names.size() && sent; ++i) {
    sent = send(names[i], values.empty() ? std::string() : values[i]);
  }
  lock.lock();
  if (sent) return wait(lock, names, deadline);
  for (const std::string& name : names) awaited.erase(name);
  return sent;
}

Result<std::vector<PersonKey>> KafkaKeys::keys_of(std::span<const std::string_view> subjects) {
  std::unique_lock lock(impl_->mutex);
  std::vector<std::string> names;
  std::vector<std::string> made;
  for (const std::string_view subject : subjects) {
    if (impl_->first_locked(subject) != nullptr) continue;
    if (std::ranges::find(names, subject, &subject_of) != names.end()) continue;
    names.push_back(TRY(new_name(subject)));
    const auto key = TRY(random_bytes<std::tuple_size_v<PersonKey>>());
    made.push_back(value_of(std::span(key)));
  }
  if (!names.empty()) TRY(impl_->write(lock, names, made));
  std::vector<PersonKey> keys;
  for (const std::string_view subject : subjects) {
    const Impl::Entry* first = impl_->first_locked(subject);
    if (first == nullptr) {
      return fail(ErrorKind::kUnavailable, "the key was destroyed meanwhile; retry");
    }
    keys.push_back(first->key);
  }
  std::erase_if(names, [&](const std::string& name) {
    return impl_->first_locked(subject_of(name))->name == name;
  });
  lock.unlock();
  // What came second.
  for (std::string& name : names) (void)impl_->send(std::move(name), {});
  return keys;
}

std::optional<PersonKey> KafkaKeys::find(std::string_view subject) const {
  const std::scoped_lock lock(impl_->mutex);
  const Impl::Entry* first = impl_->first_locked(subject);
  return first == nullptr ? std::nullopt : std::optional(first->key);
}

// By a record of nobody's, before which is read what others wrote.
Result<void> KafkaKeys::catch_up() {
  std::unique_lock lock(impl_->mutex);
  const std::string mark = TRY(new_name(kNobody));
  return impl_->write(lock, {&mark, 1}, {});
}

// A second record of the person, which its maker did not live to take back, sealed nothing while
// this one was the first: it stays, as their next key.
Result<void> KafkaKeys::destroy(std::string_view subject, const PersonKeyName& name) {
  TRY(catch_up());
  std::unique_lock lock(impl_->mutex);
  std::vector<std::string> named;
  if (const auto at = impl_->people.find(subject); at != impl_->people.end()) {
    for (const Impl::Entry& each : at->second) {
      if (name_of(each.key) == name) named.push_back(each.name);
    }
  }
  return named.empty() ? Result<void>() : impl_->write(lock, named, {});
}

ErasureMark KafkaKeys::erasure_mark(PartitionId partition) const {
  const std::scoped_lock lock(impl_->mutex);
  const auto at = impl_->marks.find(name_of_mark(partition));
  return at == impl_->marks.end() ? ErasureMark{} : at->second;
}

Result<void> KafkaKeys::mark_erasures(PartitionId partition, const ErasureMark& mark) {
  std::unique_lock lock(impl_->mutex);
  const std::string name = name_of_mark(partition), value = value_of(mark);
  return impl_->write(lock, {&name, 1}, {&value, 1});
}

// --- the store ---

KafkaKeys::KafkaKeys(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

// With all keys that there are.
Result<std::unique_ptr<KafkaKeys::Impl>> KafkaKeys::Impl::read(KafkaKeysOptions options) {
  auto impl = std::make_unique<Impl>();
  Impl& self = *impl;
  self.options = std::move(options);
  self.topic = kafka_topic_name(self.options.prefix, "keys");
  if (TRY(partitions_of_topic(self.options.connection, self.topic)) != 1) {
    return fail(ErrorKind::kInvalid, fmt::format("topic {} must have one partition", self.topic));
  }
  self.tail =
      TRY(KafkaTail::make(self.options.connection, self.topic, {0}, KafkaTail::From::kBeginning));
  TRY(self.read_all());
  return impl;
}

Result<std::unique_ptr<KafkaKeys>> KafkaKeys::open(KafkaKeysOptions options) {
  auto publisher =
      TRY(KafkaPublisher::make({.connection = options.connection, .patience = options.patience}));
  auto impl = TRY(Impl::read(std::move(options)));
  Impl& self = *impl;
  self.publisher = std::move(publisher);
  std::unique_ptr<KafkaKeys> keys(new KafkaKeys(std::move(impl)));
  self.thread = std::thread([&self] { self.loop(); });
  return keys;
}

Result<std::unique_ptr<const PersonKeys>> KafkaKeys::open_to_read(KafkaKeysOptions options) {
  return std::unique_ptr<const PersonKeys>(new KafkaKeys(TRY(Impl::read(std::move(options)))));
}

KafkaKeys::~KafkaKeys() {
  impl_->ending = true;
  if (impl_->thread.joinable()) impl_->thread.join();
  impl_->publisher.reset();
  for (auto& [_, entries] : impl_->people) {
    for (Impl::Entry& each : entries) OPENSSL_cleanse(each.key.data(), each.key.size());
  }
}

}  // namespace tenure
