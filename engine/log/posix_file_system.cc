#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "engine/base/check.h"
#include "engine/log/file_system.h"

namespace tenure {
namespace {

namespace fs = std::filesystem;

std::unexpected<Error> failed(const char* what, const std::string& path, int error) {
  const auto kind = error == ENOSPC || error == EDQUOT ? ErrorKind::kUnavailable
                    : error == ENOENT                  ? ErrorKind::kNotFound
                                                       : ErrorKind::kIo;
  return fail(kind, fmt::format("{} {}: {}", what, path, std::strerror(error)));
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  operator int() const { return fd_; }

 private:
  int fd_;
};

Result<Descriptor> open_descriptor(const std::string& path, int flags) {
  const int fd = ::open(path.c_str(), flags | O_CLOEXEC, 0640);
  if (fd < 0) return failed("cannot open", path, errno);
  return Descriptor(fd);
}

class PosixFile final : public File {
 public:
  PosixFile(Descriptor fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

  // One pwritev; going on after it was cut short is not a retry of a failure.
  Result<void> write_at(uint64_t position, std::initializer_list<Bytes> parts) override {
    std::array<iovec, 4> vectors;
    CHECK(parts.size() <= vectors.size());
    size_t left = 0;
    auto* vector = vectors.data();
    for (const Bytes part : parts) {
      *vector++ = {const_cast<std::byte*>(part.data()), part.size()};
      left += part.size();
    }
    iovec* first = vectors.data();
    while (left > 0) {
      const ssize_t n =
          ::pwritev(fd_, first, static_cast<int>(vector - first), static_cast<off_t>(position));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return failed("cannot write to", path_, errno);
      if (n == 0) return failed("cannot write to", path_, EIO);
      position += static_cast<size_t>(n);
      left -= static_cast<size_t>(n);
      first = advance(first, static_cast<size_t>(n));
    }
    return {};
  }

  Result<size_t> read_at(uint64_t position, std::span<std::byte> bytes) const override {
    size_t done = 0;
    while (done < bytes.size()) {
      const ssize_t n = ::pread(fd_, bytes.data() + done, bytes.size() - done,
                                static_cast<off_t>(position + done));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return failed("cannot read", path_, errno);
      if (n == 0) break;
      done += static_cast<size_t>(n);
    }
    return done;
  }

  Result<void> sync() override {
    if (::fdatasync(fd_) != 0) return failed("cannot sync", path_, errno);
    return {};
  }

  int descriptor() const { return fd_; }

  Result<uint64_t> size() const override {
    struct stat info;
    if (::fstat(fd_, &info) != 0) return failed("cannot measure", path_, errno);
    return static_cast<uint64_t>(info.st_size);
  }

  Result<void> truncate(uint64_t size) override {
    if (::ftruncate(fd_, static_cast<off_t>(size)) != 0) return failed("cannot cut", path_, errno);
    return {};
  }

 private:
  static iovec* advance(iovec* vector, size_t written) {
    for (; written > 0 && written >= vector->iov_len; ++vector) written -= vector->iov_len;
    if (written > 0) {
      vector->iov_base = static_cast<std::byte*>(vector->iov_base) + written;
      vector->iov_len -= written;
    }
    return vector;
  }

  Descriptor fd_;
  std::string path_;
};

// Of the open file description: it conflicts with every other opening, also in this process, and
// goes with it, however the process ends.
class PosixLock final : public FileLock {
 public:
  explicit PosixLock(PosixFile file) : file_(std::move(file)) {}

 private:
  PosixFile file_;
};

class PosixFileSystem final : public FileSystem {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    const int flags = mode == OpenMode::kRead        ? O_RDONLY
                      : mode == OpenMode::kReadWrite ? O_RDWR
                                                     : O_RDWR | O_CREAT | O_EXCL;
    return std::make_unique<PosixFile>(TRY(open_descriptor(path, flags)), path);
  }

  Result<void> create_directory(const std::string& path) override {
    const fs::path directory = fs::path(path + "/").lexically_normal().parent_path();
    if (directory.empty() || fs::is_directory(directory)) return {};  // empty: the current one
    const fs::path parent = directory.has_parent_path() ? directory.parent_path() : ".";
    if (parent != directory) TRY(create_directory(parent.string()));
    if (::mkdir(directory.c_str(), 0750) != 0 && errno != EEXIST) {
      return failed("cannot make directory", path, errno);
    }
    if (!fs::is_directory(directory)) return failed("cannot make directory", path, ENOTDIR);
    return sync_directory(parent.string());
  }

  Result<std::unique_ptr<FileLock>> lock(const std::string& path,
                                         const std::string& holder) override {
    PosixFile file(TRY(open_descriptor(path, O_RDWR | O_CREAT)), path);
    struct flock whole{};
    whole.l_type = F_WRLCK;
    whole.l_whence = SEEK_SET;
    if (::fcntl(file.descriptor(), F_OFD_SETLK, &whole) != 0) {
      if (errno != EAGAIN && errno != EACCES) return failed("cannot lock", path, errno);
      std::string other(512, '\0');
      other.resize(TRY(file.read_at(0, std::as_writable_bytes(std::span(other)))));
      return fail(ErrorKind::kConflict,
                  fmt::format("{} is held by {}; stop it first", path, other));
    }
    TRY(file.truncate(0));
    TRY(file.write_at(0, {std::as_bytes(std::span(holder))}));
    return std::make_unique<PosixLock>(std::move(file));
  }

  Result<void> rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) return failed("cannot rename", from, errno);
    return {};
  }

  Result<void> remove(const std::string& path) override {
    if (::unlink(path.c_str()) != 0) return failed("cannot remove", path, errno);
    return {};
  }

  Result<void> sync_directory(const std::string& path) override {
    const Descriptor fd = TRY(open_descriptor(path, O_RDONLY | O_DIRECTORY));
    if (::fsync(fd) != 0) return failed("cannot sync", path, errno);
    return {};
  }

  Result<std::vector<std::string>> list(const std::string& path) override {
    std::error_code error;
    std::vector<std::string> names;
    auto entry = fs::directory_iterator(path, error);
    for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
      names.push_back(entry->path().filename().string());
    }
    if (error) return failed("cannot list", path, error.value());
    std::ranges::sort(names);
    return names;
  }

  Result<uint64_t> free_bytes(const std::string& path) override {
    struct statvfs info;
    if (::statvfs(path.c_str(), &info) != 0) return failed("cannot measure", path, errno);
    return uint64_t{info.f_bavail} * info.f_frsize;
  }
};

}  // namespace

FileSystem& posix_file_system() {
  static PosixFileSystem files;
  return files;
}

}  // namespace tenure
