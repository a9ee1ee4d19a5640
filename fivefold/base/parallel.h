// The parallel loop: body(i) for each i below count, on as many threads as the machine has. Bodies
// write results by index, so that the answer does not depend on the number of threads. The first
// exception by index is thrown again in the caller.
#pragma once

#include <cstddef>
#include <functional>

namespace fivefold {

// threads == 0: one for each processor.
void parallel_for(std::size_t count, const std::function<void(std::size_t)>& body,
                  unsigned threads = 0);

}  // namespace fivefold
