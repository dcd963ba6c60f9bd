#pragma once

#include <stdexcept>
#include <string>

namespace grape::search {

/** An expected failure of an index; `code` is one of `VectorIndexErrorCode` in `server/src/native/vector-index-error.ts`. */
class IndexError : public std::runtime_error {
 public:
  IndexError(const char* code, const std::string& message) : std::runtime_error(message), code_(code) {}
  const char* code() const { return code_; }

 private:
  const char* code_;
};

inline IndexError InvalidArgument(const std::string& message) { return {"INDEX_INVALID_ARGUMENT", message}; }
inline IndexError Damaged(const std::string& message) { return {"INDEX_DAMAGED", message}; }
inline IndexError Full(const std::string& message) { return {"INDEX_FULL", message}; }

}  // namespace grape::search
