#pragma once

#include <napi.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <unordered_set>

#include "job.h"
#include "lane.h"

namespace grape {

/** Something that must be closed before its JavaScript thread ends. */
class Closable {
 public:
  virtual ~Closable() = default;
  /** On the JavaScript thread, when no job of this thread runs any more. May block. */
  virtual void CloseNow() = 0;
};

/** A job and the promise that it settles; no promise when nobody waits. */
struct Call {
  std::unique_ptr<Job> job;
  std::optional<Napi::Promise::Deferred> deferred;
};

/**
 * The calls of one JavaScript thread (the main one or a worker): brings finished jobs back to it, many with one wake-up.
 * The event loop stays alive while a promise is pending and is let go when none is. All methods are for that thread.
 */
class Calls {
 public:
  /** The instance of this thread. */
  static Calls& Of(Napi::Env env) { return *env.GetInstanceData<Calls>(); }
  static void Init(Napi::Env env);

  explicit Calls(Napi::Env env);

  /** Runs the job on the lane; its promise, rejected with `POOL_FULL` when the lane is full. */
  Napi::Promise Submit(Napi::Env env, Lane& lane, std::unique_ptr<Job> job);

  /** The promise now, the run later, by one `Launch`. */
  Napi::Promise Prepare(Napi::Env env, std::unique_ptr<Job> job, std::unique_ptr<Call>* call);
  void Launch(Lane& lane, std::unique_ptr<Call> call);

  /** A job that nobody waits for (garbage collection); it does not keep the event loop alive. */
  void SubmitDetached(Lane& lane, std::unique_ptr<Job> job);

  /** Closed by `CloseNow` if it is still there when the thread ends. */
  void Watch(Closable* closable) { watched_.insert(closable); }
  void Unwatch(Closable* closable) { watched_.erase(closable); }

 private:
  class Mailbox;

  static void OnWake(napi_env env, napi_value, void* self, void*);
  void Finish(Napi::Env env, std::unique_ptr<Call> call);
  void TearDown();

  std::shared_ptr<Mailbox> mailbox_;
  napi_threadsafe_function wake_ = nullptr;
  /** Promises that are pending. */
  size_t awaited_ = 0;
  bool torn_down_ = false;
  std::unordered_set<Closable*> watched_;
};

}  // namespace grape
