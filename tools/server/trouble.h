// What is wrong for a while and may pass: logged once when it begins and once when it ends.
#pragma once

#include <mutex>
#include <string>
#include <string_view>

namespace tenure {

class Trouble {
 public:
  explicit Trouble(std::string_view event) : event_(event) {}  // a literal

  // How it is now; empty: there is nothing wrong. One thread.
  void see(const std::string& why);
  // As it was last seen. Any thread.
  std::string now() const;

 private:
  const std::string_view event_;
  mutable std::mutex mutex_;
  std::string why_;
};

}  // namespace tenure
