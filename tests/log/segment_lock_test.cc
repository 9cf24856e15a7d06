// TRUST.md row 12: two processes, one directory.
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/log/log_directory.h"
#include "tests/log/log_fixture.h"
#include "tests/support/temporary_directory.h"

namespace tenure::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class SegmentLock : public testing::Test {
 protected:
  Result<std::unique_ptr<SegmentLog>> open() {
    auto options = small_segments(posix_file_system(), directory_.path() + "/log");
    options.command = "tenure serve";
    options.address = "127.0.0.1:8080";
    return SegmentLog::open(std::move(options));
  }
  void expect_refused_naming(pid_t holder) {
    const auto second = open();
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().kind, ErrorKind::kConflict);
    EXPECT_THAT(second.error().message,
                AllOf(HasSubstr(directory_.path() + "/log/LOCK"),
                      HasSubstr(fmt::format("process {} ", holder)), HasSubstr("tenure serve"),
                      HasSubstr("127.0.0.1:8080"), HasSubstr("stop it first")));
  }

  TemporaryDirectory directory_;
};

TEST_F(SegmentLock, SecondOpenerInTheSameProcessIsRefused) {
  const auto first = must(open());
  expect_refused_naming(::getpid());
}

TEST_F(SegmentLock, SecondProcessIsRefusedAndToldWhoTheFirstIs) {
  int opened[2];
  int ending[2];
  ASSERT_EQ(::pipe(opened), 0);
  ASSERT_EQ(::pipe(ending), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const auto log = open();
    char byte = log ? 'y' : 'n';
    ::close(ending[1]);
    if (::write(opened[1], &byte, 1) != 1) ::_exit(1);
    (void)!::read(ending[0], &byte, 1);  // until the parent closes its end
    ::_exit(0);                          // as a killed process: nothing is released by hand
  }
  char byte = 0;
  ASSERT_EQ(::read(opened[0], &byte, 1), 1);
  ASSERT_EQ(byte, 'y');
  expect_refused_naming(child);
  for (const int fd : {opened[0], opened[1], ending[0], ending[1]}) ::close(fd);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(open()) << "the lock went with its process";
}

TEST_F(SegmentLock, ClosedLogCanBeOpenedAgain) {
  const auto first = must(open());
  must(first->close());
  EXPECT_TRUE(open());
}

TEST_F(SegmentLock, WhateverElseWritesThereIsHeldToTheSameLock) {
  const auto first = must(open());
  const auto tool = lock_log_directory(posix_file_system(), directory_.path() + "/log",
                                       lock_holder("tenure backup", ""));
  EXPECT_EQ(tool.error().kind, ErrorKind::kConflict);
}

TEST_F(SegmentLock, ReadersNeedNoLock) {
  const auto first = must(open());
  EXPECT_TRUE(SegmentReader::open(posix_file_system(), directory_.path() + "/log"));
}

TEST_F(SegmentLock, FileInPlaceOfTheDirectoryIsRefused) {
  auto file = posix_file_system().open(directory_.path() + "/log", OpenMode::kCreateNew);
  ASSERT_TRUE(file);
  const auto log = open();
  ASSERT_FALSE(log);
  EXPECT_THAT(log.error().message, HasSubstr("cannot make directory " + directory_.path()));
}

}  // namespace
}  // namespace tenure::test
