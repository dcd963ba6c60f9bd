#include "file-lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string>

#include "failure.h"
#include "handle.h"

namespace grape {

namespace {

/** An open file with an exclusive `flock`; the kernel takes it back when the process ends, however it ends. */
class FileLock {
 public:
  static constexpr napi_type_tag kTag{0x67726170656c6f63, 0x1b62c7f0de9a4835};

  explicit FileLock(int descriptor) : descriptor_(descriptor) {}
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;
  ~FileLock() { Release(); }

  void Collected(Napi::Env) {}
  void Release() {
    if (descriptor_ >= 0) close(descriptor_);
    descriptor_ = -1;
  }

 private:
  int descriptor_;
};

Napi::Value Thrown(Napi::Env env, const Failure& failure) {
  Napi::Error(env, failure.ToError(env)).ThrowAsJavaScriptException();
  return env.Undefined();
}

/** fileLock(path): handle. Throws with `LOCKED` or `IO_ERROR`. */
Napi::Value Lock(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!info[0].IsString()) return ThrowType(env, "a path expected");
  const std::string path = info[0].As<Napi::String>().Utf8Value();
  const int descriptor = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) return Thrown(env, {"IO_ERROR", path + ": " + std::strerror(errno)});
  auto lock = std::make_shared<FileLock>(descriptor);
  while (flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    const bool held = errno == EWOULDBLOCK;
    return Thrown(env, {held ? "LOCKED" : "IO_ERROR", path + ": " + std::strerror(errno)});
  }
  return MakeHandle(env, lock);
}

/** fileUnlock(handle): undefined */
Napi::Value Unlock(const Napi::CallbackInfo& info) {
  const auto lock = FromHandle<FileLock>(info[0]);
  if (lock == nullptr) return ThrowType(info.Env(), "not a lock handle");
  lock->Release();
  return info.Env().Undefined();
}

}  // namespace

void InitFileLock(Napi::Env env, Napi::Object exports) {
  exports.Set("fileLock", Napi::Function::New(env, Lock, "fileLock"));
  exports.Set("fileUnlock", Napi::Function::New(env, Unlock, "fileUnlock"));
}

}  // namespace grape
