#include "consumers/payments/payment_state.h"

#include <charconv>
#include <vector>

namespace tenure {
namespace {

constexpr std::string_view kFirstLine = "tenure-payments 1";

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  while (!line.empty()) {
    words.push_back(line.substr(0, line.find(' ')));
    line.remove_prefix(std::min(words.back().size() + 1, line.size()));
  }
  return words;
}

std::string path_in(const std::string& directory) { return directory + "/payments"; }

}  // namespace

Result<std::unique_ptr<PaymentState>> PaymentState::open(FileSystem& files, std::string directory) {
  TRY(files.create_directory(directory));
  auto lock = TRY(files.lock(directory + "/lock", "tenure payments"));
  std::unique_ptr<PaymentState> state(
      new PaymentState(files, std::move(directory), std::move(lock)));
  TRY(state->read());
  return state;
}

Result<void> PaymentState::read() {
  auto file = files_.open(path_in(directory_), OpenMode::kRead);
  if (!file && file.error().kind == ErrorKind::kNotFound) return {};
  if (!file) return std::unexpected(file.error());
  std::string text(TRY((*file)->size()), '\0');
  text.resize(TRY((*file)->read_at(0, std::as_writable_bytes(std::span(text)))));
  bool first = true;
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    if (first && line != kFirstLine) {
      return fail(ErrorKind::kCorrupt, path_in(directory_) + " does not begin with " +
                                           std::string(kFirstLine) +
                                           "; is it the right directory?");
    }
    if (!first) TRY(take_line(line));
    first = false;
  }
  return {};
}

Result<void> PaymentState::take_line(std::string_view line) {
  const std::vector<std::string_view> words = words_of(line);
  if (words.size() == 2 && words[0] == "next") {
    if (const auto position = parse_position(words[1])) {
      next_[position->partition.value] = position->number;
      return {};
    }
  }
  int64_t expires = 0;
  if (words.size() == 5 && words[0] == "page" &&
      std::from_chars(words[3].data(), words[3].data() + words[3].size(), expires).ec ==
          std::errc{}) {
    pages_[{std::string(words[1]), std::string(words[2])}] = {from_micros(expires),
                                                              std::string(words[4])};
    return {};
  }
  return fail(ErrorKind::kCorrupt,
              path_in(directory_) + " has a line that makes no sense: " + std::string(line));
}

Result<void> PaymentState::write() const {
  std::string text(kFirstLine);
  text += '\n';
  for (const auto& [partition, number] : next_) {
    text += "next " + format_position({PartitionId{partition}, number}) + "\n";
  }
  for (const auto& [key, page] : pages_) {
    text += "page " + key.first + " " + key.second + " " + std::to_string(to_micros(page.expires)) +
            " " + page.url + "\n";
  }
  const std::string path = path_in(directory_), made = path + ".new";
  if (auto removed = files_.remove(made);
      !removed && removed.error().kind != ErrorKind::kNotFound) {
    return removed;
  }
  auto file = TRY(files_.open(made, OpenMode::kCreateNew));
  TRY(file->write_at(0, {std::as_bytes(std::span(text))}));
  TRY(file->sync());
  TRY(files_.rename(made, path));
  return files_.sync_directory(directory_);
}

Number PaymentState::next(PartitionId partition) const {
  const std::scoped_lock lock(mutex_);
  const auto found = next_.find(partition.value);
  return found == next_.end() ? Number{0} : found->second;
}

Result<void> PaymentState::set_next(PartitionId partition, Number next) {
  const std::scoped_lock lock(mutex_);
  next_[partition.value] = next;
  return write();
}

void PaymentState::add_page(std::string_view org, std::string_view checkout, Time expires,
                            std::string url) {
  const std::scoped_lock lock(mutex_);
  pages_[{std::string(org), std::string(checkout)}] = {expires, std::move(url)};
}

std::string PaymentState::page(std::string_view org, std::string_view checkout) const {
  const std::scoped_lock lock(mutex_);
  const auto found = pages_.find(std::pair(std::string(org), std::string(checkout)));
  return found == pages_.end() ? std::string() : found->second.url;
}

void PaymentState::forget_pages(Time now) {
  const std::scoped_lock lock(mutex_);
  std::erase_if(pages_, [&](const auto& entry) { return entry.second.expires <= now; });
}

}  // namespace tenure
