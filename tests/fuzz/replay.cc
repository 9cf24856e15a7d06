// Runs a fuzz target without libFuzzer: each file that is named or lies in a folder that is, and
// mutations of them up to a number of runs, the same ones every time.
//   TARGET [-runs=N] FILE|FOLDER...
// An input that ends the program is left in `crash-input`, in the working directory.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "tests/fuzz/input.h"

namespace {

using Bytes = std::vector<uint8_t>;

constexpr size_t kLongest = 4096;  // of a mutation
constexpr const char* kKeptAs = "crash-input";

Bytes running;
size_t done = 0;  // runs that ended

void keep_input(int signal) {
  const int file = ::open(kKeptAs, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (file >= 0 && ::write(file, running.data(), running.size()) >= 0) ::close(file);
  ::dprintf(STDERR_FILENO, "found by run %zu: its input is in %s\n", done + 1, kKeptAs);
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

void run(Bytes input) {
  running = std::move(input);
  LLVMFuzzerTestOneInput(running.data(), running.size());
  ++done;
}

std::vector<std::string> files_of(const std::string& path) {
  if (!std::filesystem::is_directory(path)) return {path};
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(path)) {
    files.push_back(entry.path().string());
  }
  std::ranges::sort(files);
  return files;
}

Bytes read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// One to four changes: a bit, a byte, a piece of it or of another left out, doubled or put in.
Bytes mutated(Bytes bytes, const Bytes& other, std::mt19937_64& random) {
  const auto below = [&](size_t end) { return end == 0 ? 0 : random() % end; };
  for (size_t left = 1 + below(4); left > 0; --left) {
    const auto at = bytes.begin() + static_cast<ptrdiff_t>(below(bytes.size()));
    const auto length = static_cast<ptrdiff_t>(
        std::min<size_t>(1 + below(16), static_cast<size_t>(bytes.end() - at)));
    switch (below(5)) {
      case 0:
        if (!bytes.empty()) *at ^= static_cast<uint8_t>(1u << below(8));
        break;
      case 1:
        if (!bytes.empty()) *at = static_cast<uint8_t>(random());
        break;
      case 2:
        bytes.erase(at, at + length);
        break;
      case 3: {
        const Bytes piece(at, at + length);
        bytes.insert(at, piece.begin(), piece.end());
        break;
      }
      default: {
        const auto from = other.begin() + static_cast<ptrdiff_t>(below(other.size()));
        const auto size = static_cast<ptrdiff_t>(below(1 + (other.end() - from)));
        bytes.insert(at, from, from + size);
      }
    }
  }
  bytes.resize(std::min(bytes.size(), kLongest));
  return bytes;
}

}  // namespace

int main(int argc, char** argv) {
  constexpr std::string_view kRuns = "-runs=";
  size_t runs = 0;
  std::vector<Bytes> corpus;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument.starts_with(kRuns)) {
      std::from_chars(argument.data() + kRuns.size(), argument.data() + argument.size(), runs);
      continue;
    }
    for (const std::string& path : files_of(argv[i])) corpus.push_back(read_file(path));
  }
  if (corpus.empty()) {
    std::fprintf(stderr, "usage: %s [-runs=N] FILE|FOLDER...\n", argv[0]);
    return 2;
  }
  for (const int signal : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL}) {
    std::signal(signal, keep_input);
  }
  for (const Bytes& input : corpus) run(input);
  std::mt19937_64 random(1);
  while (done < runs) {
    run(mutated(corpus[done % corpus.size()], corpus[random() % corpus.size()], random));
  }
  std::printf("%zu runs over %zu files, nothing found\n", done, corpus.size());
}
