#include "status.h"

namespace grape {

namespace {

using rocksdb::Status;

/** RocksDB reports a directory that another open database holds as an I/O error with one of these texts. */
bool IsLockHeld(const std::string& text) {
  return text.find("While lock file") != std::string::npos || text.find("lock hold by") != std::string::npos;
}

const char* CodeOf(const Status& status, const std::string& text) {
  if (status.IsNoSpace() || status.subcode() == Status::kSpaceLimit) return "KV_NO_SPACE";
  switch (status.code()) {
    case Status::kCorruption:
      return "KV_CORRUPTION";
    case Status::kIOError:
      return IsLockHeld(text) ? "KV_LOCKED" : "KV_IO_ERROR";
    case Status::kInvalidArgument:
    case Status::kNotSupported:
      return "KV_INVALID_ARGUMENT";
    case Status::kBusy:
    case Status::kTryAgain:
    case Status::kTimedOut:
      return "KV_BUSY";
    case Status::kShutdownInProgress:
      return "KV_CLOSED";
    default:
      return "KV_FAILED";
  }
}

}  // namespace

Failure ToFailure(const Status& status) {
  const std::string text = status.ToString();
  return {CodeOf(status, text), text, StatusNumbers{status.code(), status.subcode(), status.severity()}};
}

Failure Closed() { return {"KV_CLOSED", "the database is closed"}; }
Failure Busy(const std::string& why) { return {"KV_BUSY", why}; }
Failure InvalidArgument(const std::string& why) { return {"KV_INVALID_ARGUMENT", why}; }

}  // namespace grape
