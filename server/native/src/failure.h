#pragma once

#include <napi.h>

#include <optional>
#include <string>

namespace grape {

/** Where a failure came from in RocksDB: the numbers of `rocksdb::Status`. */
struct StatusNumbers {
  int code;
  int subcode;
  int severity;
};

/** An expected failure on its way to JavaScript: it becomes an `Error` with `code`, and `rocksdb` when it has numbers. */
struct Failure {
  std::string code;
  std::string message;
  std::optional<StatusNumbers> rocksdb = std::nullopt;

  Napi::Value ToError(Napi::Env env) const;
};

/** Throws a `TypeError` in JavaScript: a call that the TypeScript face should not have let through. */
Napi::Value ThrowType(Napi::Env env, const std::string& message);

}  // namespace grape
