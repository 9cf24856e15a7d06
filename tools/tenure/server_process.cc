#include "tools/tenure/server_process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstring>
#include <string_view>
#include <utility>

extern char** environ;

namespace tenure {
namespace {

// Reads what the server prints up to its line with the address; the port in it, or 0 if it ended.
uint16_t read_port(int output) {
  std::string printed;
  std::array<char, 256> buffer;
  constexpr std::string_view kAddress = "http://127.0.0.1:";
  for (ssize_t got; (got = ::read(output, buffer.data(), buffer.size())) > 0;) {
    printed.append(buffer.data(), static_cast<size_t>(got));
    size_t at = printed.find(kAddress);
    if (at == std::string::npos || printed.find('\n', at) == std::string::npos) continue;
    uint16_t port = 0;
    std::from_chars(printed.data() + at + kAddress.size(), printed.data() + printed.size(), port);
    return port;
  }
  return 0;
}

// As the system takes them: not const.
std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> pointers;
  pointers.reserve(words.size() + 1);  // and the null that ends them
  for (std::string& word : words) pointers.push_back(word.data());
  return pointers;
}

}  // namespace

Result<std::unique_ptr<ServerProcess>> ServerProcess::start(ServerCommand command) {
  std::array<int, 2> ends;
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    return fail(ErrorKind::kIo, std::string("cannot make a pipe: ") + std::strerror(errno));
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);

  command.environment.push_back("TENURE_ADMIN_KEY=" + command.admin_key);
  std::vector<char*> environment = pointers(command.environment);
  for (char** entry = environ; *entry != nullptr; ++entry) environment.push_back(*entry);
  environment.push_back(nullptr);
  std::vector<std::string> words = {"tenure", "serve", "--data", std::move(command.data_directory),
                                    "--port", "0"};
  words.insert(words.end(), command.options.begin(), command.options.end());
  std::vector<char*> arguments = pointers(words);
  arguments.push_back(nullptr);

  pid_t pid = 0;
  int error = ::posix_spawn(&pid, command.program.c_str(), &actions, nullptr, arguments.data(),
                            environment.data());
  posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  uint16_t port = error == 0 ? read_port(ends[0]) : 0;
  auto server =
      std::unique_ptr<ServerProcess>(new ServerProcess(error == 0 ? pid : -1, ends[0], port));
  if (port == 0)
    return fail(ErrorKind::kUnavailable, "the server did not start; see its log above");
  return server;
}

ServerProcess::~ServerProcess() {
  end(SIGTERM);
  ::close(output_);
}

void ServerProcess::kill() { end(SIGKILL); }

void ServerProcess::end(int signal) {
  if (pid_ <= 0) return;
  ::kill(pid_, signal);
  ::waitpid(std::exchange(pid_, -1), nullptr, 0);
}

}  // namespace tenure
