#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace grape::search {

/**
 * Writes a file beside its path and puts it there when everything is on disk. Without `Commit` nothing remains of it.
 * Failures of the system throw `INDEX_IO_ERROR`.
 */
class FileWriter {
 public:
  explicit FileWriter(const std::string& path);
  ~FileWriter();
  FileWriter(const FileWriter&) = delete;
  FileWriter& operator=(const FileWriter&) = delete;

  /** Appends; counted in `crc` until `StartSection`. */
  void Write(const void* data, size_t size);
  /** Zero bytes up to a multiple of `alignment`. */
  void Pad(size_t alignment);
  void StartSection() { crc_ = 0; }

  uint64_t size() const { return size_; }
  uint32_t crc() const { return crc_; }

  /** Overwrites the beginning with `data`, syncs, renames, and syncs the directory. */
  void Commit(const void* head, size_t head_size);

 private:
  void Flush();

  const std::string path_;
  const std::string temporary_;
  int fd_;
  uint64_t size_ = 0;
  uint32_t crc_ = 0;
  size_t buffered_ = 0;
  std::unique_ptr<uint8_t[]> buffer_;
};

/** Reads a file from its beginning. `INDEX_NOT_FOUND`, `INDEX_IO_ERROR`, `INDEX_DAMAGED` when it ends too early. */
class FileReader {
 public:
  explicit FileReader(const std::string& path);
  ~FileReader();
  FileReader(const FileReader&) = delete;
  FileReader& operator=(const FileReader&) = delete;

  /** Counted in `crc` until `StartSection`. */
  void Read(void* to, size_t size);
  void Skip(size_t size);
  void StartSection() { crc_ = 0; }

  uint64_t size() const { return size_; }
  uint64_t position() const { return position_; }
  uint32_t crc() const { return crc_; }

 private:
  int fd_;
  uint64_t size_ = 0;
  uint64_t position_ = 0;
  uint32_t crc_ = 0;
};

}  // namespace grape::search
