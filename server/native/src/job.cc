#include "job.h"

#include <exception>
#include <new>

namespace grape {

void Job::RunGuarded() noexcept {
  try {
    Run();
  } catch (const std::bad_alloc&) {
    Fail({"OUT_OF_MEMORY", "not enough memory for this call"});
  } catch (const std::exception& error) {
    Fail({"INTERNAL", error.what()});
  } catch (...) {
    Fail({"INTERNAL", "an unknown exception"});
  }
}

}  // namespace grape
