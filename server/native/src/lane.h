#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

namespace grape {

/**
 * Threads that take tasks from one bounded queue, first in, first out. With one thread the tasks of a lane also
 * finish in the order in which they were pushed. Safe to use from any thread.
 */
class Lane {
 public:
  using Task = std::function<void()>;
  enum class Push { kAccepted, kFull, kNoThread };

  /** At most 15 characters of `name` show in `top -H`. Threads start when there is work for them. */
  Lane(const std::string& name, size_t threads, size_t tasks_max);
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  /** Waits for the running tasks; queued ones are run before, none is dropped. */
  ~Lane();

  /** `kFull` and `kNoThread` leave the task unrun, for ever. Tasks must not throw. */
  Push TryPush(Task task);

  /** Takes effect at once for waiting threads; a surplus busy one ends after its task. */
  void Resize(size_t threads);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace grape
