#pragma once

#include <napi.h>
#include <rocksdb/slice.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "database.h"
#include "scan.h"

namespace grape {

/** Bytes of a buffer that the job holds. */
struct HeldBytes {
  const uint8_t* data = nullptr;
  size_t size = 0;
};

class OpenJob final : public Job {
 public:
  explicit OpenJob(OpenOptions options) : options_(std::move(options)) {}
  void Run() override;
  Napi::Value Result(Napi::Env env) override { return database_->Handle(env); }

 private:
  const OpenOptions options_;
  std::shared_ptr<Database> database_;
};

/** One atomic batch: `u8 op, key[, value or end of range]` for each operation, see `packed.h`. */
class WriteJob final : public Operation {
 public:
  WriteJob(std::shared_ptr<Database> database, HeldBytes batch, bool sync)
      : Operation(std::move(database)), batch_(batch), sync_(sync) {}
  void Run() override;
  void Settled() override {
    database().ReleaseWrite(batch_.size);
    Operation::Settled();
  }

 private:
  const HeldBytes batch_;
  const bool sync_;
};

class GetJob final : public Operation {
 public:
  GetJob(std::shared_ptr<Database> database, std::string key) : Operation(std::move(database)), key_(std::move(key)) {}
  void Run() override;
  Napi::Value Result(Napi::Env env) override;

 private:
  const std::string key_;
  rocksdb::PinnableSlice value_;
  bool found_ = false;
};

/** `keys`: each key with its length. The answer: each value with its length, `kMissing` where there is none. */
class MultiGetJob final : public Operation {
 public:
  MultiGetJob(std::shared_ptr<Database> database, HeldBytes keys) : Operation(std::move(database)), keys_(keys) {}
  void Run() override;
  Napi::Value Result(Napi::Env env) override;

 private:
  const HeldBytes keys_;
  std::string values_;
};

class OpenScanJob final : public ScanOperation {
 public:
  using ScanOperation::ScanOperation;
  void Run() override { scan().Pin(); }
  Napi::Value Result(Napi::Env env) override;
  void Settled() override {
    // Without a handle nobody would ever release it.
    if (failure()) database().RemoveScan(shared_scan());
    ScanOperation::Settled();
  }
};

class NextJob final : public ScanOperation {
 public:
  NextJob(std::shared_ptr<Scan> scan, ScanLimits limits) : ScanOperation(std::move(scan)), limits_(limits) {}
  void Run() override { Check(scan().Next(limits_, &chunk_, &done_)); }
  Napi::Value Result(Napi::Env env) override;

 private:
  const ScanLimits limits_;
  std::string chunk_;
  bool done_ = false;
};

class FlushJob final : public Operation {
 public:
  using Operation::Operation;
  void Run() override;
};

class CheckpointJob final : public Operation {
 public:
  CheckpointJob(std::shared_ptr<Database> database, std::string directory)
      : Operation(std::move(database)), directory_(std::move(directory)) {}
  void Run() override;

 private:
  const std::string directory_;
};

}  // namespace grape
