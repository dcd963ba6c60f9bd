#include "checked-file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <set>

#include "crc32c.h"
#include "failure-code.h"

namespace grape::search {

namespace {

constexpr size_t kBufferBytes = 1u << 20;

IndexError IoError(const std::string& what, const std::string& path) {
  return {"INDEX_IO_ERROR", what + " " + path + ": " + std::strerror(errno)};
}

/** Paths that are being written. Their temporary files have one name, so that a crash leaves at most one to overwrite. */
class PathsInUse {
 public:
  static PathsInUse& Get() {
    static PathsInUse* const paths = new PathsInUse();
    return *paths;
  }

  /** Waits for whoever writes this path. */
  void Take(const std::string& path) {
    std::unique_lock<std::mutex> lock(mutex_);
    freed_.wait(lock, [&] { return paths_.count(path) == 0; });
    paths_.insert(path);
  }

  void GiveBack(const std::string& path) {
    const std::lock_guard<std::mutex> lock(mutex_);
    paths_.erase(path);
    freed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable freed_;
  std::set<std::string> paths_;
};

/** False when nothing could be written; `errno` tells why. */
bool WriteAll(int fd, const uint8_t* data, size_t size, uint64_t offset) {
  while (size > 0) {
    const ssize_t written = pwrite(fd, data, size, static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    data += written;
    size -= static_cast<size_t>(written);
    offset += static_cast<uint64_t>(written);
  }
  return true;
}

void SyncDirectoryOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  const std::string directory = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const int fd = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = fd >= 0 && fsync(fd) == 0;
  const int error = errno;
  if (fd >= 0) close(fd);
  errno = error;
  if (!synced) throw IoError("cannot sync", directory);
}

}  // namespace

FileWriter::FileWriter(const std::string& path)
    : path_(path), temporary_(path + ".tmp"), buffer_(std::make_unique<uint8_t[]>(kBufferBytes)) {
  PathsInUse::Get().Take(path_);
  fd_ = open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd_ >= 0) return;
  const IndexError error = IoError("cannot create", temporary_);
  PathsInUse::Get().GiveBack(path_);
  throw error;
}

FileWriter::~FileWriter() {
  if (fd_ >= 0) {
    close(fd_);
    unlink(temporary_.c_str());
  }
  PathsInUse::Get().GiveBack(path_);
}

void FileWriter::Write(const void* data, size_t size) {
  const auto* bytes = static_cast<const uint8_t*>(data);
  crc_ = Crc32c(crc_, bytes, size);
  while (size > 0) {
    const size_t taken = std::min(size, kBufferBytes - buffered_);
    std::memcpy(buffer_.get() + buffered_, bytes, taken);
    buffered_ += taken;
    size_ += taken;
    bytes += taken;
    size -= taken;
    if (buffered_ == kBufferBytes) Flush();
  }
}

void FileWriter::Pad(size_t alignment) {
  const std::string zeros((alignment - size_ % alignment) % alignment, '\0');
  Write(zeros.data(), zeros.size());
}

void FileWriter::Flush() {
  if (!WriteAll(fd_, buffer_.get(), buffered_, size_ - buffered_)) throw IoError("cannot write", temporary_);
  buffered_ = 0;
}

void FileWriter::Commit(const void* head, size_t head_size) {
  Flush();
  if (!WriteAll(fd_, static_cast<const uint8_t*>(head), head_size, 0) || fsync(fd_) != 0) {
    throw IoError("cannot write", temporary_);
  }
  if (rename(temporary_.c_str(), path_.c_str()) != 0) throw IoError("cannot rename to", path_);
  close(fd_);
  fd_ = -1;
  SyncDirectoryOf(path_);
}

FileReader::FileReader(const std::string& path) {
  fd_ = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd_ < 0 && errno == ENOENT) throw IndexError("INDEX_NOT_FOUND", "there is no " + path);
  if (fd_ < 0) throw IoError("cannot open", path);
  struct stat status;
  if (fstat(fd_, &status) != 0) {
    close(fd_);
    throw IoError("cannot open", path);
  }
  size_ = static_cast<uint64_t>(status.st_size);
}

FileReader::~FileReader() { close(fd_); }

void FileReader::Read(void* to, size_t size) {
  auto* bytes = static_cast<uint8_t*>(to);
  for (size_t left = size; left > 0;) {
    const ssize_t got = read(fd_, bytes + (size - left), left);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw IndexError("INDEX_IO_ERROR", std::string("cannot read: ") + std::strerror(errno));
    if (got == 0) throw Damaged("the file ends too early");
    left -= static_cast<size_t>(got);
  }
  crc_ = Crc32c(crc_, bytes, size);
  position_ += size;
}

void FileReader::Skip(size_t size) {
  uint8_t ignored[4096];
  while (size > 0) {
    const size_t taken = std::min(size, sizeof(ignored));
    Read(ignored, taken);
    size -= taken;
  }
}

}  // namespace grape::search
