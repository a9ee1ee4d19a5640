// Random numbers that are the same on every machine: std:: distributions differ between libraries.
//
// PCG32 (O'Neill, "PCG: A Family of Simple Fast Space-Efficient Statistically Good Algorithms for
// Random Number Generation", HMC-CS-2014-0905): XSH-RR output of a 64-bit LCG. A stream is (seed,
// purpose, index), so that adding a use of randomness never shifts another.
#pragma once

#include <cstdint>
#include <string_view>

namespace fivefold {

class Random {
 public:
  Random(std::uint64_t seed, std::string_view purpose, std::uint64_t index = 0);
  // The generator of the reference implementation: pcg32_srandom(state, sequence).
  static Random reference(std::uint64_t state, std::uint64_t sequence);

  std::uint32_t next();
  double uniform();  // in (0, 1), never an end
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  std::uint32_t below(std::uint32_t bound);  // in [0, bound), unbiased; bound > 0
  double normal();                           // standard, by inverse transform
  double lognormal(double median, double sigma);
  double exponential(double mean);

 private:
  Random() = default;
  std::uint64_t state_ = 0;
  std::uint64_t increment_ = 1;
};

// The standard normal quantile for p in (0, 1): Acklam's rational approximation with one Halley
// step, to about 1e-15 relative.
double normal_quantile(double p);

}  // namespace fivefold
