#pragma once

#include <napi.h>

#include <optional>
#include <utility>
#include <vector>

#include "failure.h"

namespace grape {

/**
 * One call into the addon: made on the JavaScript thread, run on a thread of ours, finished on the JavaScript thread
 * again. Made by `Calls::Submit`, which returns the promise that it settles.
 */
class Job {
 public:
  Job() = default;
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;
  virtual ~Job() = default;

  /** The work. On a thread of ours: no N-API. Reports failure with `Fail`; anything thrown becomes a failure too. */
  virtual void Run() = 0;

  /** What the promise resolves to, after a `Run` without failure. On the JavaScript thread. */
  virtual Napi::Value Result(Napi::Env env) = 0;

  /** Last call on the JavaScript thread, whatever happened, also when the job was never run. */
  virtual void Settled() {}

  /** Keeps a JavaScript object (a buffer, a handle) alive until the job is gone. On the JavaScript thread. */
  void Hold(Napi::Object object) { held_.push_back(Napi::Persistent(object)); }

  void Fail(Failure failure) { failure_ = std::move(failure); }
  const std::optional<Failure>& failure() const { return failure_; }

  /** `Run`, with exceptions turned into failures. */
  void RunGuarded() noexcept;

 private:
  std::optional<Failure> failure_;
  std::vector<Napi::ObjectReference> held_;
};

}  // namespace grape
